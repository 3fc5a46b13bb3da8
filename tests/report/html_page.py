"""A reader of the page."""

from html.parser import HTMLParser

VOID = {"meta", "wbr"}


class Page(HTMLParser):
    """The elements of a page with their attributes and texts; an element left open fails the test."""

    def __init__(self, html: str):
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []  # (innermost element, text)
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str):
        assert self.open.pop() == tag

    def handle_data(self, data: str):
        self.texts.append((self.open[-1] if self.open else "", data))

    @property
    def text(self) -> str:
        """What a reader sees, without the style sheet."""
        return "".join(text for tag, text in self.texts if tag != "style")
