"""Choose which spans of a Java file become holes.

A policy says how a span is chosen; `Holes` draws by policy until a span is usable.
"""

import math
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from fimsmith import config
from fimsmith.fim.syntax import Range, Syntax
from fimsmith.tokenizer import Document

TRIES = 20  # draws of one policy before another one has to do
_LINES = 16  # longest run of whole lines


@dataclass(frozen=True, slots=True)
class Hole:
    """A span in characters, half open, with what it covers and its tokens."""

    start: int
    end: int
    kind: str
    middle: list[int]


class Candidates:
    """The spans that a file offers, by policy; computed once for all epochs."""

    def __init__(self, section: config.Fim, syntax: Syntax, document: Document):
        self.syntax, self.text, self.document = syntax, syntax.text, document
        self.shortest = section.min_middle
        # characters that are about max_middle tokens in this file, so that few draws are too long
        self.longest = max(self.shortest + 1, section.max_middle * len(self.text) // max(1, len(document)))
        self._lines = [0, *accumulate(len(line) + 1 for line in self.text.split("\n"))]
        self._statements = [(run, at) for run in syntax.siblings for at in range(len(run))]
        self._sizes = {kind: found for kind, ranges in syntax.nodes.items() if (found := self._by_size(ranges))}
        weights = section.kinds.model_dump()
        self._kinds = {kind: weights[kind] for kind in self._sizes if weights[kind]}
        if self._statements and section.kinds.statements:
            self._kinds["statements"] = section.kinds.statements

    def draw(self, policy: str, rng: np.random.Generator) -> tuple[Range, str] | None:
        """Draw one span of a policy and its kind; None if the file has none."""
        if policy in ("node", "prefix"):
            return self._node(rng)
        draws: Mapping[str, Callable[[np.random.Generator], Range]] = {
            "aligned": self._aligned,
            "line": self._line,
            "char": self._char,
        }
        return draws[policy](rng), policy

    def _node(self, rng: np.random.Generator) -> tuple[Range, str] | None:
        if not self._kinds:
            return None
        kind = pick(self._kinds, rng.random())
        if kind == "statements":
            return self._run(rng), kind
        return choose(choose(self._sizes[kind], rng.random()), rng.random()), kind

    def _run(self, rng: np.random.Generator) -> Range:
        """A run of statements whose length is spread over its logarithm."""
        run, at = choose(self._statements, rng.random())
        start, end = run[at]
        size = log_uniform(max(1, end - start), min(self.longest, run[-1][1] - start), rng.random())
        last = bisect_right(run, start + size, at, key=lambda statement: statement[1])
        return start, run[max(last - 1, at)][1]

    def _aligned(self, rng: np.random.Generator) -> Range:
        return self.syntax.aligned(*self._char(rng))

    def _line(self, rng: np.random.Generator) -> Range:
        """The rest of a line, or one to several whole lines; without the last line end."""
        row = int(rng.random() * (len(self._lines) - 1))
        start, rows = self._lines[row], 1
        if rng.random() < 0.5:
            line = self.text[start : self._lines[row + 1] - 1]
            indent = len(line) - len(line.lstrip())
            start += indent + int(rng.random() * (len(line.rstrip()) - indent))
        else:
            rows = log_uniform(1, _LINES, rng.random())
        end = self._lines[min(row + rows, len(self._lines) - 1)] - 1
        if end > start and self.text[end - 1] == "\r":
            end -= 1
        return start, end

    def _char(self, rng: np.random.Generator) -> Range:
        """A span whose length is spread over its logarithm."""
        size = min(log_uniform(self.shortest, self.longest, rng.random()), len(self.text))
        start = int(rng.random() * (len(self.text) - size + 1))
        return start, start + size

    def _by_size(self, ranges: Sequence[Range]) -> list[list[Range]]:
        """Group by the logarithm of the size: drawing a group first spreads the sizes.

        Drawing nodes uniformly gives almost only 6-30 byte expressions, drawing by size almost only whole methods.
        """
        groups: dict[int, list[Range]] = {}
        for start, end in ranges:
            if self.shortest <= end - start <= 2 * self.longest:
                groups.setdefault((end - start).bit_length(), []).append((start, end))
        return [groups[size] for size in sorted(groups)]


class Holes:
    """The holes of one file and epoch: disjoint, parsable, neither trivial nor too long.

    `refused` counts the draws that were not usable, by reason.
    """

    def __init__(self, section: config.Fim, candidates: Candidates):
        self._least, self._candidates = section.min_middle, candidates
        self._most = min(section.max_middle, section.sequence // 2)  # leaves room for context
        self._taken: list[Range] = []
        self.refused: Counter[str] = Counter()

    def draw(self, policy: str, rng: np.random.Generator) -> Hole | None:
        """Draw until a span is usable; None after TRIES draws."""
        for _ in range(TRIES):
            drawn = self._candidates.draw(policy, rng)
            if drawn is None:
                self.refused["no syntax node"] += 1
                return None
            (start, end), kind = drawn
            reason = self._objection(start, end)
            middle = [] if reason else self._candidates.document.cut(start, end)
            if not reason and len(middle) <= self._most:
                insort(self._taken, (start, end))
                return Hole(start, end, kind, middle)
            self.refused[reason or "too long"] += 1
        return None

    def _objection(self, start: int, end: int) -> str | None:
        least, syntax = self._least, self._candidates.syntax
        if end - start > 4 * self._candidates.longest:  # spares encoding it
            return "too long"
        if end - start < least or _visible(syntax.text, start, end) < least:
            return "too short"
        if start < syntax.head and _visible(syntax.text, max(start, syntax.head), end) < least:
            return "only imports or licence"
        if syntax.touches_error(start, end):
            return "parse error"
        at = bisect_right(self._taken, (start, end))
        if (at and self._taken[at - 1][1] > start) or (at < len(self._taken) and self._taken[at][0] < end):
            return "overlaps another hole"
        return None


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


def _visible(text: str, start: int, end: int) -> int:
    """Count the characters that are not white space."""
    return sum(map(len, text[start:end].split()))
