"""Pages of documentation become Markdown; hostile ones cost only themselves."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from java_texts import files, ingest, rejected

from fimsmith.corpus import html

PAGE = """<!doctype html>
<html><head><title>Orders</title><style>p { color: red }</style><script>alert("tracked")</script></head>
<body><nav><a href="/">Home</a></nav>
<main><h1>Orders</h1><p>An order holds <b>lines</b> &amp; a <code>Customer</code>.</p>
<ul><li>placed</li><li>paid</li></ul>
<pre>Order order = orders.place(cart);
order.pay();</pre>
<table><tr><th>State</th><th>Next</th></tr><tr><td>placed</td><td>paid</td></tr></table>
<p>订单可以取消。</p></main>
<footer>Imprint</footer></body></html>
"""


def test_a_page_says_what_it_says_and_nothing_of_its_furniture():
    told = html.text(PAGE)
    assert told is not None
    for part in (
        "# Orders",
        "**lines** & a `Customer`",
        "* placed",
        "order.pay();",
        "| placed | paid |",
        "订单可以取消。",
    ):
        assert part in told
    for part in ("tracked", "color", "Home", "Imprint", "<"):
        assert part not in told


def test_pages_are_a_source_of_text(tmp_path: Path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "orders.html").write_text(PAGE, encoding="utf-8")
    (tmp_path / "docs" / "deep.htm").write_text("<div>" * 50_000 + "text", encoding="utf-8")
    made = ingest(tmp_path / "docs", tmp_path / "out", kind="text")
    assert files(made)["orders.html"]["text"] == html.text(PAGE)
    assert made.details["rejected"] == {"too_deep": 1}


def test_all_articles_of_a_page_are_taken():
    assert html.text("<article><p>teaser</article><article><p>words</article>") == "teaser\n\nwords\n"
    assert html.text("<div>menu</div><article><p>words</article>") == "words\n"


def test_a_page_inside_a_form_is_taken_without_its_menus():
    page = "<form><h1>Orders</h1><p>An order holds lines.</p><select><option>a<option>b</select></form>"
    assert html.text(page) == "# Orders\n\nAn order holds lines.\n"


@pytest.mark.parametrize("part", ["main", "article"])
def test_the_header_of_the_content_holds_its_title(part: str):
    page = f"<header><h1>Site</h1></header><{part}><header><h1>Orders</h1></header><p>words</{part}>"
    assert html.text(page) == "# Orders\n\nwords\n"


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("<p>a <b>b</b>" * 400, "a **b**\n\n" * 400),
        ("<ul>" + "<li>a" * 400 + "</ul>", "* a\n" * 400),
        (
            "<ol start=3><li>a<li><li>b<ul><li>c<li>d</ul><li><p>e<p>f</ol>",
            "3. a\n5. b\n   * c\n   * d\n6. e\n\n   f",
        ),
        ("<DL>" + "<DT>a<DD>b" * 400 + "</DL>", "a\n:   b\n\n" * 400),
        (
            "<table>" + "<tr><th>a<th>b<tr><td>c<td>d" * 400,
            "| a | b |\n| --- | --- |\n" + ("| c | d |\n| a | b |\n" * 400)[:-10],
        ),
        ("<table><thead><tr><th>a<tbody><tr><td>b<tbody><tr><td>c</table>", "| a |\n| --- |\n| b |\n| c |"),
        ("<table><tr><td>a<td colspan=2><p>b<p>c</table>d", "|  |  |  |\n| --- | --- | --- |\n| a | b  c | |\n\nd"),
        ("<p>a<div>b</div><p>c<h2>d</h2>", "a\n\nb\n\nc\n\n## d"),
    ],
)
def test_end_tags_may_be_left_out(page: str, told: str):
    assert html.text(page) == told.strip() + "\n"


def test_a_cell_may_hold_the_sign_between_cells():
    assert html.text("<table><tr><th>a|b<tr><td>c | d</table>") == "| a\\|b |\n| --- |\n| c \\| d |\n"


@pytest.mark.parametrize(
    "code",
    [
        '<pre class="language-java">int i;</pre>',
        '<pre><code class="hljs language-java">int i;</code></pre>',
        '<pre><code class="lang-java">int i;</code></pre>',
    ],
)
def test_code_keeps_the_name_of_its_language(code: str):
    assert html.text(code) == "```java\nint i;\n```\n"


def test_the_text_of_a_page_is_what_is_too_small_or_too_large(tmp_path: Path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "menu.html").write_text("<p>MENU ITEM</p>" + f"<script>{'run(); ' * 40}</script>")
    (tmp_path / "docs" / "indented.html").write_text("<ul><li>" * 60 + "<li>item" * 10_000)
    (tmp_path / "docs" / "words.html").write_text(PAGE)
    made = ingest(tmp_path / "docs", tmp_path / "out", kind="text")
    assert rejected(made) == {"menu.html": "too_small", "indented.html": "too_large"}


@given(st.text() | st.text(alphabet="<>/abdivpltrhuo &#;\"'=!-x0"))
def test_whatever_a_page_holds_it_becomes_text_or_nothing(markup: str):
    told = html.text(markup)
    assert told is None or told.endswith("\n")


def test_end_tags_of_elements_that_have_none_mean_nothing():
    assert html.text("<p>one<br>two</br>three</img></p><p>four") == html.text("<p>one<br>twothree</p><p>four</p>")


@pytest.mark.parametrize("marked", ["<![ody>", "<![if !IE]>", "<![CDATA[x]]>", "<![", "<![[[]"])
def test_marked_sections_are_comments_whatever_they_say(marked: str):
    assert html.text(f"<p>one</p>{marked}<p>two</p>").startswith("one")
