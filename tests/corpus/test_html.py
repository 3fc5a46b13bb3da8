"""Pages of documentation become Markdown; hostile ones cost only themselves."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from java_texts import files, ingest

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


@given(st.text() | st.text(alphabet="<>/abdivp &#;\"'=!-x0"))
def test_whatever_a_page_holds_it_becomes_text_or_nothing(markup: str):
    told = html.text(markup)
    assert told is None or told.endswith("\n")
