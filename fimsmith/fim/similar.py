"""Find the code most like what stands before a hole, in the files that its file uses.

An editor's plug-in looks for it in the same way (GitHub Copilot's neighbouring tabs; RepoCoder, Zhang et al. 2023,
arXiv:2303.12570): windows of lines are compared with the last lines before the cursor by the Jaccard similarity of
their identifiers. What stands in the hole is not looked at: an editor does not know it.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain
from pathlib import Path

import pyarrow as pa

from fimsmith import java
from fimsmith.fim.groups import Groups

FILES = 20  # compared with a hole

_STEP = 10  # lines from one window to the next
_LINES = 2 * _STEP  # of a window, and before the hole
_MOST = 1_000  # lines of a file that are looked at
_LEAST = 0.15  # similarity; below it windows share little but names like `result`
_PLACE = ["source", "repository", "path"]
_WORD = re.compile(r"\b(?!\d)[\w$]+")
_HEAD = re.compile(r"\s*(?:package|import)\s")


class Windows:
    """The windows of a file: its lines that are neither blank nor imports, each in two windows but for the first and last."""

    def __init__(self, path: str, text: str):
        self.path = path
        lines = [line for line in re.split(r"[\r\n]+", text) if line.strip() and not _HEAD.match(line)]
        self._lines = lines[:_MOST]
        steps = [names("\n".join(self._lines[at : at + _STEP])) for at in range(0, len(self._lines), _STEP)]
        self._having: defaultdict[str, list[int]] = defaultdict(list)  # the windows that have a name
        self._sizes = [0] * max(len(steps) - 1, 1)
        for window in range(len(self._sizes)):
            found = frozenset[str]().union(*steps[window : window + 2])
            self._sizes[window] = len(found)
            for name in found:
                self._having[name].append(window)

    def closest(self, wanted: frozenset[str]) -> tuple[float, list[str]]:
        """Return the largest similarity of a window's names to others, and the lines of the first such window."""
        common = Counter(chain.from_iterable(self._having[name] for name in wanted & self._having.keys()))
        rated = ((count / (len(wanted) + self._sizes[at] - count), -at) for at, count in common.items())
        score, at = max(rated, default=(0.0, 0))
        return score, self._lines[-at * _STEP : -at * _STEP + _LINES]


class Snippets:
    """The windows of training files, from `records.SNIPPETS`; what is held are the places of one repository's files."""

    def __init__(self, path: Path):
        self._groups = Groups(path)
        self._repository: str | None = None
        self._places: dict[tuple[str, str], tuple[int, int]] = {}  # source, path: row group, row
        self._texts = lru_cache(4)(self._group)
        self._files = lru_cache(64)(self._windows)

    def windows(self, source: str, repository: str, path: str) -> Windows | None:
        """Return the windows of a file, where there is such a file."""
        return self._files(source, repository, path)

    def _windows(self, source: str, repository: str, path: str) -> Windows | None:
        self._open(repository)
        if (source, path) not in self._places:
            return None
        group, row = self._places[source, path]
        return Windows(path, self._texts(group)[row].as_py())

    def _group(self, group: int) -> pa.ChunkedArray:
        return self._groups.file.read_row_group(group, ["text"], use_threads=False)["text"]

    def _open(self, repository: str) -> None:
        if repository == self._repository:
            return
        self._repository = repository
        self._places.clear()
        for group in self._groups.of(repository):
            for number, row in enumerate(
                self._groups.file.read_row_group(group, _PLACE, use_threads=False).to_pylist()
            ):
                if row["repository"] == repository:
                    self._places.setdefault((row["source"], row["path"]), (group, number))


def best(files: Iterable[Windows], code: str) -> list[str]:
    """Return path and lines of the window most like the last lines of some code, the first of equals; none if none is alike."""
    wanted = names("\n".join(code.rsplit("\n", _LINES)[-_LINES:]))
    rated = ((*file.closest(wanted), file.path) for file in files)
    score, lines, path = max(rated, key=lambda found: found[0], default=(0.0, [], ""))
    return [path, *lines] if score >= _LEAST else []


def names(code: str) -> frozenset[str]:
    """Return the identifiers in some code, with the words of its comments and strings."""
    return frozenset(_WORD.findall(code)) - java.KEYWORDS
