"""Show pieces of code on a page: what cannot be seen made visible, long pieces cut, differences marked."""

import difflib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

MIDDLE = (16, 1_000)  # most lines and characters shown
_PREFIX, _SUFFIX = (9, 700), (5, 350)
_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_LINE_ENDS = re.compile(r"\r\n?")


@dataclass(frozen=True, slots=True)
class Cut:
    """A piece of a text, and how many characters of it are not shown."""

    text: str
    hidden: int


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring characters of a completion that are all as expected, or all not."""

    text: str
    same: bool


def visible(text: str) -> str:
    """Replace what a page must not or cannot show: control characters, bidirectional overrides, lone surrogates.

    Overrides could make the page show other code than the file holds (CVE-2021-42574).
    """
    return "".join(_symbol(character) for character in _LINE_ENDS.sub("\n", text))


def _symbol(character: str) -> str:
    if character in "\n\t" or character.isprintable():
        return character
    if unicodedata.category(character) in ("Zs", "Zl", "Zp", "Cn", "Co"):
        return character
    return f"‹U+{ord(character):04X}›"


def head(text: str, lines: int, characters: int) -> Cut:
    """Keep the beginning: at most so many lines and characters."""
    kept = "".join(text.splitlines(keepends=True)[:lines])[:characters]
    if len(kept) < len(text):
        kept = kept.rstrip()
    return Cut(kept, len(text) - len(kept))


def tail(text: str, lines: int, characters: int) -> Cut:
    """Keep the end: at most so many lines and characters."""
    kept = "".join(text.splitlines(keepends=True)[-lines:])[-characters:]
    return Cut(kept, len(text) - len(kept))


def around(sample: Mapping[str, str]) -> dict[str, Cut]:
    """Cut prefix, middle and suffix of a sample to what a page shows."""
    return {
        "prefix": tail(sample["prefix"], *_PREFIX),
        "middle": head(sample["middle"], *MIDDLE),
        "suffix": head(sample["suffix"], *_SUFFIX),
    }


def compare(expected: str, completion: str) -> list[Run]:
    """Split a completion into runs that agree with the expected text and runs that do not, word by word."""
    wanted, got = _TOKEN.findall(expected), _TOKEN.findall(completion)
    matcher = difflib.SequenceMatcher(None, wanted, got, autojunk=False)
    return [
        Run("".join(got[start:end]), operation == "equal")
        for operation, _, _, start, end in matcher.get_opcodes()
        if end > start
    ]
