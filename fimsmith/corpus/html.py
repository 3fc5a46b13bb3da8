"""Turn pages of HTML documentation into Markdown."""

import re

SUFFIXES = (".html", ".htm")
# not form: intranets put whole pages into one
_FURNITURE = (
    "script", "style", "nav", "footer", "aside", "select", "datalist", "noscript", "template", "svg", "iframe",
)  # fmt: skip
_CONTENT = ("main", "article")
# what opens markup and what closes it; the parser looks for the end of each one anew
_MARKUP = (("<", ">"), ("<!--", "-->"), ("<![", "]>"))
_MOST_UNCLOSED = 1_000
_BLANK = re.compile(r"\n[ \t\n]*\n")


def is_unclosed(markup: str) -> bool:
    """Whether so much markup begins and never ends that parsing takes a time that grows with its square."""
    return any(markup.count(start, markup.rfind(end) + 1) > _MOST_UNCLOSED for start, end in _MARKUP)


def text(markup: str) -> str | None:
    """Return what a page says, without menus and scripts; None when its elements are nested too deeply."""
    from fimsmith.corpus.page import Converter, Page, language  # a quarter of a second, which code need not wait for

    try:
        page = Page(markup)
        for header in page.find_all("header"):
            if not header.find_parent(_CONTENT):  # there it holds the title
                header.decompose()
        for element in page.find_all(_FURNITURE):
            element.decompose()
        content = page.find_all("main", limit=2) or page.find_all("article", limit=2)
        told = content[0] if len(content) == 1 else page.body or page
        plain = Converter(heading_style="ATX", strip=["img"], code_language_callback=language).convert_soup(told)
    except RecursionError:
        return None
    return _BLANK.sub("\n\n", plain).strip() + "\n"
