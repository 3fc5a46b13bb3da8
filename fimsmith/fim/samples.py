"""Turn one file into rows of token ids: FIM samples, completion samples, test candidates.

Every draw is keyed by (seed, file, epoch, index), so a file gives the same rows in any shard.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from fimsmith import config, java, randomness
from fimsmith.fim.spans import Candidates, Hole, Holes, pick
from fimsmith.fim.syntax import Syntax
from fimsmith.tokenizer import Document, SourceTokenizer

FIM = ("node", "aligned", "line", "char")
_COPIED = ("source", "group", "repository", "path", "split")

Row = dict[str, Any]


@dataclass
class Made:
    """What files gave: rows and counts; `skipped` counts by reason what could not be drawn."""

    samples: list[Row] = field(default_factory=list)
    candidates: list[Row] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    files: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a file as plain text: its characters, half open, and its ids."""

    start: int
    end: int
    ids: list[int]


def make(section: config.Fim, tokenizer: SourceTokenizer, rows: list[Row]) -> Made:
    """Build the rows of some files (records.CURATED), in order."""
    made = Made(files=len(rows))
    tokenizer.encode_lines([line for row in rows for line in row["text"].split("\n")] if tokenizer.by_line else [])
    for row in rows:
        made.bytes += row["bytes"]
        if not row["text"].strip():
            made.skipped["empty file"] += 1
            continue
        _File(section, tokenizer, row).make(made)
    return made


class _File:
    """One file on its way to samples."""

    def __init__(self, section: config.Fim, tokenizer: SourceTokenizer, row: Row):
        self.section, self.format, self.row = section, tokenizer.format, row
        self.text: str = row["text"]
        self.document = tokenizer.document(self.text)
        self._given: set[int] = set()  # windows used in this epoch

    def make(self, made: Made) -> None:
        """Add this file's rows and counts."""
        test = self.row["split"] == "test"
        if self.row["kind"] != "java":
            if test:
                made.skipped["text file in the test split"] += 1
                return
            draw = self._text
        else:
            draw = self._candidates if test else self._java
        for epoch in range(self.section.epochs if self.row["split"] == "train" else 1):
            (made.candidates if test else made.samples).extend(draw(epoch, made.skipped))

    @cached_property
    def offsets(self) -> java.Offsets:
        """Characters of the text as bytes."""
        return self.candidates.syntax.offsets if self.row["kind"] == "java" else java.Offsets(self.text)

    @cached_property
    def candidates(self) -> Candidates:
        """The spans to draw from."""
        return Candidates(self.section, Syntax(self.text), self.document)

    @cached_property
    def windows(self) -> list[Window]:
        """The whole file in samples of plain text, cut at line ends."""
        found, start, first = [], 0, self.format.start
        room = self.section.sequence - len(first) - 1  # one for the end token
        while start < len(self.text):
            ids, end = self.document.after(start, room)
            found.append(Window(start, end, first + ids + [self.format.eos] * (end == len(self.text))))
            start = end
        return found

    def _text(self, epoch: int, _: Counter[str]) -> Iterator[Row]:
        for index, window in enumerate(self.windows):
            yield self._window_row((epoch, index), window)

    def _java(self, epoch: int, skipped: Counter[str]) -> Iterator[Row]:
        shares = {name: share for name, share in self.section.shares.model_dump().items() if share}
        holes = Holes(self.section, self.candidates)
        self._given.clear()
        for index, policy in enumerate(self._plan(shares, epoch)):
            rng = self._rng(epoch, index)
            for attempt in _in_turn(policy, shares, rng):
                row = self._sample((epoch, index), attempt, holes, rng)
                if row:
                    yield row
                    break
            else:
                skipped["sample given up"] += 1
        skipped.update({f"draw refused: {reason}": count for reason, count in holes.refused.items()})

    def _candidates(self, epoch: int, skipped: Counter[str]) -> Iterator[Row]:
        shares = {name: share for name, share in self.section.shares.model_dump().items() if share and name in FIM}
        holes = Holes(self.section, self.candidates)
        for index, policy in enumerate(self._plan(shares, epoch) if shares else []):
            rng = self._rng(epoch, index)
            for attempt in _in_turn(policy, shares, rng):
                hole = holes.draw(attempt, rng)
                if hole:
                    yield self._test_row(index, attempt, hole)
                    break
            else:
                skipped["test candidate given up"] += 1

    def _rng(self, epoch: int, index: int) -> np.random.Generator:
        return randomness.generator(self.section.seed, self.row["id"], epoch, index)

    def _plan(self, shares: dict[str, float], epoch: int) -> list[str]:
        """The policy of each sample: evenly spaced points from a random start, so that shares hold up to rounding."""
        count = max(1, len(self.text.encode()) // self.section.bytes_per_hole)
        start = randomness.fraction(self.section.seed, self.row["id"], epoch, "policies")
        return [pick(shares, (start + index / count) % 1) for index in range(count)]

    def _sample(self, place: tuple[int, int], policy: str, holes: Holes, rng: np.random.Generator) -> Row | None:
        if policy == "document":
            return self._window(place, rng)
        hole = holes.draw(policy, rng)
        if hole is None:
            return None
        if policy == "prefix":
            room = self.section.sequence - len(self.format.start) - 1 - len(hole.middle)
            context = self.format.start + self.document.before(hole.start, room)[0]
            ids = [*context, *hole.middle, self.format.eos]
        else:
            prefix, suffix = self._context(hole)
            context = self.format.prompt(prefix[0], suffix[0])
            ids = [*context, *hole.middle, self.format.stop]
        return self._row(place, (policy, hole.kind), (hole.start, hole.end), ids) | {"target": len(context)}

    def _window(self, place: tuple[int, int], rng: np.random.Generator) -> Row | None:
        """A window that this epoch has not given yet; None when all were, so that other policies take the rest.

        Where a file has fewer windows than the share asks for, documents stay below their share.
        """
        left = [at for at in range(len(self.windows)) if at not in self._given]
        if not left:
            return None
        at = left[int(rng.random() * len(left))]
        self._given.add(at)
        return self._window_row(place, self.windows[at])

    def _context(self, hole: Hole) -> tuple[tuple[list[int], int], tuple[list[int], int]]:
        """The prefix's ids and start, the suffix's ids and end; what one side does not use goes to the other."""
        room = self.section.sequence - self.format.overhead - len(hole.middle)
        document: Document = self.document
        prefix = document.before(hole.start, int(room * self.section.prefix_context))
        suffix = document.after(hole.end, room - len(prefix[0]))
        if prefix[1] > 0 and suffix[1] == len(self.text):
            prefix = document.before(hole.start, room - len(suffix[0]))
        return prefix, suffix

    def _row(self, place: tuple[int, int], name: tuple[str, str], span: tuple[int, int], ids: list[int]) -> Row:
        return {
            "file": self.row["id"],
            "epoch": place[0],
            "index": place[1],
            **{column: self.row[column] for column in _COPIED},
            "policy": name[0],
            "kind": name[1],
            "start": self.offsets.bytes(span[0]),
            "end": self.offsets.bytes(span[1]),
            "ids": _array(ids),
        }

    def _window_row(self, place: tuple[int, int], window: Window) -> Row:
        row = self._row(place, ("document", "document"), (window.start, window.end), window.ids)
        return row | {"target": len(self.format.start)}

    def _test_row(self, index: int, policy: str, hole: Hole) -> Row:
        prefix, suffix = self._context(hole)
        return {
            "priority": f"{randomness.key(self.section.seed, self.row['id'], index):032x}",
            "file": self.row["id"],
            **{column: self.row[column] for column in ("group", "repository", "path")},
            "policy": policy,
            "kind": hole.kind,
            "start": self.offsets.bytes(hole.start),
            "end": self.offsets.bytes(hole.end),
            "prefix": self.text[prefix[1] : hole.start],
            "middle": self.text[hole.start : hole.end],
            "suffix": self.text[hole.end : suffix[1]],
            "prompt": _array(self.format.prompt(prefix[0], suffix[0])),
            "target": _array([*hole.middle, self.format.stop]),
        }


def _in_turn(policy: str, shares: dict[str, float], rng: np.random.Generator) -> Iterator[str]:
    """Yield the drawn policy, then the others in an order drawn by their shares."""
    left = dict(shares)
    while True:
        yield policy
        del left[policy]
        if not left:
            return
        policy = pick(left, rng.random())


def _array(ids: list[int]) -> np.ndarray:
    return np.fromiter(ids, np.int32, len(ids))
