"""Find the code most like what stands before a hole, in the files that its file uses.

An editor's plug-in looks for it in the same way (GitHub Copilot's neighbouring tabs; RepoCoder, Zhang et al. 2023,
arXiv:2303.12570): windows of lines are compared with the last lines before the cursor by the Jaccard similarity of
their identifiers. What stands in the hole is not looked at: an editor does not know it.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pyarrow import dataset

from fimsmith import java

_LINES = 20  # of a window, and before the hole
_STEP = 10  # lines from one window to the next
_MOST = 2_000  # lines of a file that are looked at
_LEAST = 0.15  # similarity; below it windows share little but names like `result`
FILES = 20  # compared with a hole
_KEPT = 64  # files whose windows are remembered
_WORD = re.compile(r"\b(?!\d)[\w$]+")
_HEAD = re.compile(r"\s*(?:package|import)\s")


class Window(NamedTuple):
    """Lines of a file and the identifiers in them."""

    path: str
    lines: list[str]
    names: frozenset[str]


class Snippets:
    """The windows of training files, from `records.SNIPPETS`, of which one row group is read at a time."""

    def __init__(self, path: Path):
        self._table = dataset.dataset(path)
        self.windows = lru_cache(_KEPT)(self._read)

    def _read(self, source: str, repository: str, path: str) -> list[Window]:
        wanted = {"source": source, "repository": repository, "path": path}
        chosen = [dataset.field(name) == value for name, value in wanted.items()]
        table = self._table.to_table(["text"], filter=chosen[0] & chosen[1] & chosen[2], use_threads=False)
        return list(windows(path, table["text"][0].as_py())) if len(table) else []


def windows(path: str, text: str) -> Iterator[Window]:
    """Yield the windows of a file: lines that are neither blank nor imports."""
    lines = [line for line in re.split(r"[\r\n]+", text) if line.strip() and not _HEAD.match(line)][:_MOST]
    for first in range(0, max(len(lines) - _STEP, 1), _STEP):
        shown = lines[first : first + _LINES]
        yield Window(path, shown, names("\n".join(shown)))


def best(found: Iterable[Window], code: str) -> Window | None:
    """Return the window most like the last lines of some code, the first of equals; None where none is alike."""
    wanted = names("\n".join(code.rsplit("\n", _LINES)[-_LINES:]))
    rated = ((_jaccard(wanted, window.names), window) for window in found)
    score, window = max(rated, key=lambda pair: pair[0], default=(0.0, None))
    return window if score >= _LEAST else None


def names(code: str) -> frozenset[str]:
    """Return the identifiers in some code, with the words of its comments and strings."""
    return frozenset(_WORD.findall(code)) - java.KEYWORDS


def _jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    common = len(left & right)
    return common / (len(left) + len(right) - common) if common else 0.0
