"""Choose which spans of a Java file become holes.

A policy says how a span is chosen; `Holes` draws by policy until a span is usable.
"""

import math
import re
from bisect import bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

from fimsmith import config
from fimsmith.documents import Document
from fimsmith.fim.syntax import Range, Syntax

TRIES = 20  # draws of one policy before another one has to do
_LINES = 16  # longest run of whole lines
_LINE = re.compile(r"[^\n]*+\n")


@dataclass(frozen=True, slots=True)
class Hole:
    """A span in characters, half open, with what it covers and its packed ids."""

    start: int
    end: int
    kind: str
    middle: bytes


class Candidates:
    """The spans that a file offers, by policy; computed once for all epochs."""

    def __init__(self, section: config.Fim, syntax: Syntax, document: Document, hunks: Sequence[int] = ()):
        """Look at a file; `hunks` is records.FILES's column."""
        self.syntax, self.text, self.document = syntax, syntax.text, document
        self.shortest = section.min_middle
        # characters that are about max_middle tokens in this file, so that few draws are too long
        self.longest = max(self.shortest + 1, section.max_middle * len(self.text) // max(1, len(document)))
        self._sizes: dict[str, list[list[Range]]] = {}
        self._kinds = {kind: weight for kind, weight in section.kinds if weight}
        self._hunks, self._commits = hunks, 0  # how many hunks were drawn: each draw takes the next one
        self.used: set[Range] = set()  # spans drawn and holes made of them, in this epoch and before

    def draw(self, policy: str, rng: Iterator[float]) -> tuple[Range, str] | None:
        """Draw one span of a policy and its kind; None if the file has none."""
        if policy in ("node", "prefix"):
            return self._node(rng)
        if policy == "commit":
            return (self._commit(), policy) if self._added else None
        draws: Mapping[str, Callable[[Iterator[float]], Range]] = {
            "aligned": self._aligned,
            "line": self._line,
            "char": self._char,
        }
        return draws[policy](rng), policy

    def _node(self, rng: Iterator[float]) -> tuple[Range, str] | None:
        left = self._kinds
        while left:
            kind = pick(left, next(rng))
            if kind == "statements":
                if self.syntax.blocks:
                    return self._run(rng), kind
            else:
                if kind not in self._sizes:
                    self._sizes[kind] = self._by_size(self.syntax.nodes(kind))
                if sizes := self._sizes[kind]:
                    return choose(choose(sizes, next(rng)), next(rng)), kind
            left = {other: weight for other, weight in left.items() if other != kind}
        return None

    def _run(self, rng: Iterator[float]) -> Range:
        """A run of statements of one block whose length is spread over its logarithm; empty where there are none."""
        block = bisect_right(self._children, next(rng) * self._children[-1])
        run, fraction = self.syntax.statements(self.syntax.blocks[block]), next(rng)
        if not run:
            return 0, 0
        at = int(fraction * len(run))
        start, end = run[at]
        size = log_uniform(max(1, end - start), min(self.longest, run[-1][1] - start), next(rng))
        last = bisect_right(run, start + size, at, key=lambda statement: statement[1])
        return start, run[max(last - 1, at)][1]

    def _aligned(self, rng: Iterator[float]) -> Range:
        return self.syntax.aligned(*self._char(rng))

    def _line(self, rng: Iterator[float]) -> Range:
        """The rest of a line, or one to several whole lines; without the last line end."""
        row = int(next(rng) * (len(self._lines) - 1))
        start, rows = self._lines[row], 1
        if next(rng) < 0.5:
            line = self.text[start : self._lines[row + 1] - 1]
            indent = len(line) - len(line.lstrip())
            start += indent + int(next(rng) * (len(line.rstrip()) - indent))
        else:
            rows = log_uniform(1, _LINES, next(rng))
        end = self._lines[min(row + rows, len(self._lines) - 1)] - 1
        if end > start and self.text[end - 1] == "\r":
            end -= 1
        return start, end

    def _char(self, rng: Iterator[float]) -> Range:
        """A span whose length is spread over its logarithm."""
        size = min(log_uniform(self.shortest, self.longest, next(rng)), len(self.text))
        start = int(next(rng) * (len(self.text) - size + 1))
        return start, start + size

    def _commit(self) -> Range:
        """What the newest commit added that was not drawn yet, in this epoch or one before; then again from the start."""
        self._commits += 1
        return self._added[(self._commits - 1) % len(self._added)]

    @cached_property
    def _added(self) -> list[Range]:
        """What is visible of the hunks, the newest first, without those that would be refused anyway."""
        starts, ends = self._hunks[::2], self._hunks[1::2]
        ranges = self.syntax.offsets.ranges(list(zip(starts, ends, strict=True)))
        visible = [_stripped(self.text, span) for span in ranges]
        return [(start, end) for start, end in visible if self.shortest <= end - start <= 2 * self.longest]

    @cached_property
    def _lines(self) -> list[int]:
        """Where each line starts, and one past the end."""
        return [0, *accumulate(map(len, _LINE.findall(self.text + "\n")))]

    @cached_property
    def _children(self) -> list[int]:
        """The children of each block and of those before it; statements are drawn alike wherever they stand."""
        return list(accumulate(block.named_child_count for block in self.syntax.blocks))

    def _by_size(self, ranges: Sequence[Range]) -> list[list[Range]]:
        """Group by the logarithm of the size: drawing a group first spreads the sizes.

        Drawing nodes uniformly gives almost only 6-30 byte expressions, drawing by size almost only whole methods.
        """
        groups: defaultdict[int, list[Range]] = defaultdict(list)
        least, most = self.shortest, 2 * self.longest
        for span in ranges:
            size = span[1] - span[0]
            if least <= size <= most:
                groups[size.bit_length()].append(span)
        return [groups[size] for size in sorted(groups)]


class Holes:
    """The holes of one file and epoch: disjoint, parsable, neither trivial nor too long.

    `refused` counts the draws that were not usable, by reason.
    """

    def __init__(self, section: config.Fim, candidates: Candidates):
        self._candidates = candidates
        self._visible = re.compile(rf"\s*+(?:\S\s*+){{{section.min_middle}}}").match
        self._most = min(section.max_middle, section.sequence // 2)  # tokens; leaves room for context
        self._taken: list[Range] = []
        self.refused: Counter[str] = Counter()

    def draw(self, policy: str, rng: Iterator[float], cut: str = "exact") -> Hole | None:
        """Draw until a span, cut as config.Cuts says, is usable and new; None after TRIES draws.

        Where all that was usable had been a hole in an earlier epoch, the first of it is one again.
        """
        again = None
        for _ in range(TRIES):
            drawn = self._candidates.draw(policy, rng)
            if drawn is None:
                self.refused["no commit" if policy == "commit" else "no syntax node"] += 1
                return None
            span, kind = drawn
            hole = self._hole(span, kind, cut)
            if hole and self._candidates.used.isdisjoint(found := {span, (hole.start, hole.end)}):
                self._candidates.used |= found
                return self._take(hole)
            again = again or hole
        return self._take(again) if again else None

    def _hole(self, span: Range, kind: str, cut: str) -> Hole | None:
        """A drawn span as a hole, where it is usable."""
        document, (start, end) = self._candidates.document, self._moved(span, cut)
        reason = self._objection(start, end)
        middle = b"" if reason else document.cut(start, end)
        if not reason and len(middle) <= self._most * document.width:
            return Hole(start, end, kind, middle)
        self.refused[reason or "too long"] += 1
        return None

    def _take(self, hole: Hole) -> Hole:
        insort(self._taken, (hole.start, hole.end))
        return hole

    def _moved(self, span: Range, cut: str) -> Range:
        """Move a span's ends outwards."""
        (start, end), text = span, self._candidates.text
        if cut == "snap":
            while start and text[start - 1] in " \t":
                start -= 1
        elif cut == "line":
            start, newline = text.rfind("\n", 0, start) + 1, text.find("\n", end)
            end = len(text) if newline < 0 else newline - (text[newline - 1] == "\r")
        return start, end

    def _objection(self, start: int, end: int) -> str | None:
        syntax, visible = self._candidates.syntax, self._visible
        if end - start > 4 * self._candidates.longest:  # spares encoding it
            return "too long"
        if not visible(syntax.text, start, end):
            return "too short"
        if start < syntax.head and not visible(syntax.text, max(start, syntax.head), end):
            return "only imports or licence"
        if syntax.touches_error(start, end):
            return "parse error"
        at = bisect_right(self._taken, (start, end))
        if (at and self._taken[at - 1][1] > start) or (at < len(self._taken) and self._taken[at][0] < end):
            return "overlaps another hole"
        return None


def _stripped(text: str, span: Range) -> Range:
    """A range without the blanks at its ends; empty where there is nothing else."""
    middle = text[span[0] : span[1]]
    start = span[1] - len(middle.lstrip())
    return start, max(start, span[0] + len(middle.rstrip()))


def pick(weights: Mapping[str, float], fraction: float) -> str:
    """Return the name whose share of the total a fraction in [0, 1) falls into."""
    rest = fraction * sum(weights.values())
    for name, weight in weights.items():
        rest -= weight
        if rest < 0:
            return name
    return [name for name, weight in weights.items() if weight][-1]  # the sum was rounded


def choose(items: Sequence, fraction: float):
    """Return the item at a fraction in [0, 1) of a sequence."""
    return items[int(fraction * len(items))]


def log_uniform(low: int, high: int, fraction: float) -> int:
    """Return a whole number in [low, high] whose logarithm is uniform; low where high is below it."""
    if high <= low:
        return low
    return min(high, int(low * math.exp(fraction * math.log((high + 1) / low))))  # exp may round up
