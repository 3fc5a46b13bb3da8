"""Turn pages of HTML documentation into Markdown."""

import re

SUFFIXES = (".html", ".htm")
_FURNITURE = ("script", "style", "nav", "header", "footer", "aside", "form", "noscript", "template", "svg", "iframe")
# what opens markup and what closes it; the parser looks for the end of each one anew
_MARKUP = (("<", ">"), ("<!--", "-->"), ("<![", "]>"))
_MOST_UNCLOSED = 1_000
_BLANK = re.compile(r"\n[ \t\n]*\n")


def is_unclosed(markup: str) -> bool:
    """Whether so much markup begins and never ends that parsing takes a time that grows with its square."""
    return any(markup.count(start, markup.rfind(end) + 1) > _MOST_UNCLOSED for start, end in _MARKUP)


def text(markup: str) -> str | None:
    """Return what a page says, without menus and scripts; None when its elements are nested too deeply."""
    from bs4 import BeautifulSoup  # a quarter of a second, which sources of code need not wait for
    from markdownify import MarkdownConverter

    try:
        page = BeautifulSoup(markup, "html.parser")
        for element in page.find_all(_FURNITURE):
            element.decompose()
        content = page.find("main") or page.find("article") or page.body or page
        plain = MarkdownConverter(heading_style="ATX", strip=["img"]).convert_soup(content)
    except RecursionError:
        return None
    return _BLANK.sub("\n\n", plain).strip() + "\n"
