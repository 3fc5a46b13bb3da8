"""Which lines of the files of a commit were added by which of the commits before it.

Read from what `git log -U0 --patch` prints, newest first. Only the numbers of lines are looked at: each commit's lines
are traced through all newer ones to lines of today's text, as `git blame` does. What a newer commit changed is lost.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from fimsmith.corpus import times

LOG = (
    *("log", "--patch", "--unified=0", "--inter-hunk-context=0", "--format=time %ct", "--first-parent", "-m", "--root"),
    *("--diff-algorithm=histogram", "--no-renames", "--no-prefix", "--no-color", "--no-ext-diff", "--no-textconv"),
    *("--no-show-signature", "--ignore-submodules=all"),
)
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_ESCAPE = re.compile(rb'\\([0-3][0-7]{2}|[abtnvfr"\\])')
_ESCAPED = dict(zip(b'abtnvfr"\\', b'\a\b\t\n\v\f\r"\\', strict=True))
_END = 1 << 62  # a line behind every file

Lines = tuple[int, int]  # numbers of lines from 0, half open


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that one commit put in the place of others."""

    old: Lines
    new: Lines


@dataclass(slots=True)
class Past:
    """What is known of a file; as older commits are read, `_alive` follows it back in time."""

    time: int | None  # of the newest commit that changed it, seconds since the epoch
    hunks: list[Lines] = field(default_factory=list)  # lines of today's text, the newest commit's first
    # (first line, one past the last, what to add for the line of today's text) of each run of lines that is still there
    _alive: list[tuple[int, int, int]] = field(default_factory=lambda: [(0, _END, 0)])

    def undo(self, hunks: list[Hunk]) -> None:
        """Note which lines of a commit are still there, one after the other, and go back to before it."""
        for hunk in hunks:
            at = bisect_right(self._alive, hunk.new[0], key=lambda run: run[0]) - 1
            if hunk.new[0] < hunk.new[1] and at >= 0 and hunk.new[1] <= self._alive[at][1]:
                shift = self._alive[at][2]
                self.hunks.append((hunk.new[0] + shift, hunk.new[1] + shift))
        self._alive = _merged(_kept(self._alive, hunks))

    def close(self) -> None:
        """Nothing older is known: the file was added, or is no text before."""
        self._alive = []


def read(log: Iterable[bytes], names: set[bytes]) -> dict[bytes, Past]:
    """Trace the named files through the lines of a log; files that no commit changed are missing."""
    found: dict[bytes, Past] = {}
    time, name, hunks = None, b"", list[Hunk]()
    for line in log:
        if line.startswith((b"diff --git ", b"time ")):  # what a file holds begins with + or -
            if name in found:
                found[name].undo(hunks)
            name, hunks = b"", []
            if line.startswith(b"time "):
                time = times.stated(partial(int, line[5:]))
            elif (name := _name(line)) in names:
                found.setdefault(name, Past(time))
        elif name in found:
            if match := _HUNK.match(line):
                hunks.append(Hunk(_lines(match[1], match[2]), _lines(match[3], match[4])))
            elif line.startswith((b"new file", b"deleted file", b"Binary files")):
                found[name].close()
    if name in found:
        found[name].undo(hunks)
    return found


def spans(text: str, hunks: Iterable[Lines]) -> list[int]:
    """Lines of a text as bytes of its UTF-8: start, end, start, end …, without the last line feed.

    Hunks without anything visible are left out.
    """
    source = text.encode()
    starts = [0, *(match.end() for match in re.finditer(rb"\n", source)), len(source) + 1]
    found = []
    for first, last in hunks:
        if last < len(starts):
            start, end = starts[first], starts[last] - 1
            if source[start:end].strip():
                found += [start, end]
    return found


def _name(line: bytes) -> bytes:
    """The path in `diff --git PATH PATH`, which both are the same."""
    names = line.removeprefix(b"diff --git ").removesuffix(b"\n")
    return unquoted(names[: len(names) // 2])


def unquoted(name: bytes) -> bytes:
    """A path as git writes it in its lines: in quotes, with escapes, where it holds more than letters."""
    if not name.startswith(b'"'):
        return name
    return _ESCAPE.sub(lambda match: bytes([_ESCAPED.get(match[1][0]) or int(match[1], 8)]), name[1:-1])


def _lines(start: bytes, count: bytes | None) -> Lines:
    """Lines of a hunk's header; where there are none it names the line before."""
    size = 1 if count is None else int(count)
    first = int(start) - 1 if size else int(start)
    return first, first + size


def _kept(alive: list[tuple[int, int, int]], hunks: list[Hunk]) -> Iterator[tuple[int, int, int]]:
    """The runs between the hunks, counted as before the commit."""
    at, first, moved = 0, 0, 0
    for old, new in [*((hunk.old, hunk.new) for hunk in hunks), ((_END, _END), (_END, _END))]:
        while at < len(alive) and alive[at][0] < new[0]:
            start, end = max(alive[at][0], first), min(alive[at][1], new[0])
            if start < end:
                yield start + moved, end + moved, alive[at][2] - moved
            if alive[at][1] > new[0]:
                break
            at += 1
        first, moved = new[1], old[1] - new[1]


def _merged(runs: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Join runs that follow one another before the commit and today."""
    joined: list[tuple[int, int, int]] = []
    for start, end, shift in runs:
        if joined and joined[-1][1] == start and joined[-1][2] == shift:
            joined[-1] = joined[-1][0], end, shift
        else:
            joined.append((start, end, shift))
    return joined
