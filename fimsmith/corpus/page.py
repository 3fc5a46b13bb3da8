"""A page of HTML as a tree, and as Markdown."""

import re
from collections import Counter
from textwrap import indent
from typing import Any

from bs4 import BeautifulSoup, Tag
from bs4.builder._htmlparser import BeautifulSoupHTMLParser, HTMLParserTreeBuilder
from markdownify import MarkdownConverter

_DEEPEST = 250  # elements in one another; converting takes three of Python's 1,000 frames for each
_PARAGRAPH_ENDS = (
    "address", "article", "aside", "blockquote", "center", "details", "dir", "div", "dl", "fieldset", "figure", "footer",
    "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "main", "menu", "nav", "ol", "p", "pre", "section",
    "table", "ul",
)  # fmt: skip
_PARTS = ("thead", "tbody", "tfoot")
_TABLE = ("table",)
# an element's start ends those of the first group that are open, but none outside the second: HTML, optional tags
_ENDS = {
    **dict.fromkeys(_PARAGRAPH_ENDS, (("p",), ("table", "caption", "td", "th", "button", "object"))),
    "li": (("li",), ("ul", "ol", "menu", "dir", "table")),
    **dict.fromkeys(("dt", "dd"), (("dt", "dd"), ("dl", "table"))),
    **dict.fromkeys(("td", "th"), (("td", "th"), ("tr", "table"))),
    "tr": (("tr", "colgroup", "caption"), _TABLE),
    **dict.fromkeys(_PARTS, (("tr", "colgroup", "caption", *_PARTS), _TABLE)),
    "option": (("option",), ("select", "datalist")),
    "optgroup": (("option", "optgroup"), ("select",)),
}
_EMPTY = HTMLParserTreeBuilder.DEFAULT_EMPTY_ELEMENT_TAGS or set()
_NUMBER = re.compile("[0-9]{1,9}")
_LANGUAGE = re.compile(r"lang(?:uage)?-([\w+#-]+)")


class _Parser(BeautifulSoupHTMLParser):
    """The library's, which would look through all <br> and <img> before an end tag for one that the tag may be of.

    It would also give up a page for a <![ that it does not know; HTML takes all of them for comments.
    """

    def parse_marked_section(self, i: int, report: int = 1) -> int:
        """Pass over what begins with <![ at a character."""
        return self.parse_bogus_comment(i)

    def handle_endtag(self, tag: str, check_already_closed: bool = True) -> None:
        """Take the end of an element; an end tag of those that have none means nothing."""
        if not (check_already_closed and tag in _EMPTY):
            self.soup.handle_endtag(tag)


class _Builder(HTMLParserTreeBuilder):
    def feed(self, markup: Any, _parser_class: Any = _Parser) -> None:
        super().feed(markup, _parser_class)


class Page(BeautifulSoup):
    """A page whose elements end where HTML lets their end tags be left out; the library would nest them.

    RecursionError is raised where elements are nested too deeply to be converted.
    """

    def __init__(self, markup: str):
        super().__init__(markup, builder=_Builder())

    def handle_starttag(self, name: str, *details: Any, **more: Any) -> Tag | None:
        """Take the start of an element."""
        while ended := self._ended_by(name):
            self.handle_endtag(ended)
        if len(self.tagStack) > _DEEPEST:
            raise RecursionError
        return super().handle_starttag(name, *details, **more)

    def _ended_by(self, name: str) -> str | None:
        if name in _ENDS:
            ended, bounds = _ENDS[name]
            for tag in reversed(self.tagStack):
                if tag.name in ended:
                    return tag.name
                if tag.name in bounds:
                    return None
        return None


class Converter(MarkdownConverter):
    """Write Markdown whose tables keep their columns.

    For each row and each item of a numbered list the library would look through the whole table or list.
    """

    def __init__(self, **options: Any):
        super().__init__(**options)
        self._begun: Counter[int] = Counter()  # items or rows so far, by the id of their list or table

    def convert_td(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Write a cell."""
        text = text.replace("|", r"\|")
        return super().convert_td(el, text, parent_tags)  # pyright: ignore[reportAttributeAccessIssue]

    convert_th = convert_td

    def convert_tr(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Write a row; the first one of a table with a rule below it, or below an empty row if it is no header."""
        line = f"|{text}\n"
        if self._place(el.find_parent("table")) > 1:
            return line
        columns = text.count(" |")
        rule = "|" + " --- |" * columns + "\n"
        if (el.parent and el.parent.name == "thead") or not el.find("td"):
            return line + rule
        return "|" + "  |" * columns + "\n" + rule + line

    def convert_li(self, el: Tag, text: str, parent_tags: set[str]) -> str:
        """Write an item of a list."""
        if el.parent is None or el.parent.name != "ol":
            return super().convert_li(el, text, parent_tags)  # pyright: ignore[reportAttributeAccessIssue]
        start = str(el.parent.get("start", ""))
        bullet = f"{self._place(el.parent) - 1 + int(start if _NUMBER.fullmatch(start) else 1)}. "
        text = indent(text.strip(), " " * len(bullet)).lstrip()
        return (bullet + text if text else "") + "\n"

    def _place(self, whole: Tag | None) -> int:
        self._begun[id(whole)] += 1
        return self._begun[id(whole)]


def language(block: Tag) -> str | None:
    """Return the language that a block of code or the element in it names by its class."""
    for element in (block, block.find("code")):
        for name in element.get_attribute_list("class") if element else ():
            if found := _LANGUAGE.fullmatch(name or ""):
                return found[1]
    return None
