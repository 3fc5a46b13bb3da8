"""Turn one file into rows of token ids: FIM samples, completion samples, test candidates.

Every draw is keyed by (seed, file, epoch, index), so a file gives the same rows in any shard.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from fimsmith import config, java, randomness, records
from fimsmith.documents import Document, encoded
from fimsmith.fim.context import Block, Signatures
from fimsmith.fim.examples import Example, example, merge
from fimsmith.fim.spans import Candidates, Hole, Holes, pick
from fimsmith.fim.surroundings import Shown, Surroundings
from fimsmith.fim.syntax import Syntax
from fimsmith.tokenizer import SourceTokenizer

FIM = ("node", "aligned", "line", "char", "commit")

_COPIED = ("file", "source", "group", "repository", "path", "split")

Row = dict[str, Any]


class Sample(NamedTuple):
    """What a row of records.SAMPLES holds besides what is copied from its file."""

    file: int  # place among the files
    epoch: int
    index: int
    policy: str
    kind: str
    cut: str
    spm: bool
    start: int
    end: int
    context: int
    tokens: int
    ids: bytes
    target: int


@dataclass
class Made:
    """What files gave: rows and counts; `skipped` counts by reason what could not be drawn.

    `examples` holds the first hole of each kind in the training file of the smallest id, with the code around it.
    """

    samples: pa.Table = field(default_factory=records.SAMPLES.empty_table)
    candidates: list[Row] = field(default_factory=list)
    examples: dict[str, Example] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    files: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a file as plain text: its characters, half open, and its ids."""

    start: int
    end: int
    ids: bytes


def make(
    section: config.Fim, tokenizer: SourceTokenizer, rows: list[Row], signatures: Signatures | None = None
) -> Made:
    """Build the rows of some files (records.CURATED), in order; without signatures there is no context of other files."""
    made = Made(files=len(rows), bytes=sum(row["bytes"] for row in rows))
    drawn: list[Sample] = []
    full = [number for number, row in enumerate(rows) if row["text"].strip()]
    for number, document in zip(full, encoded(tokenizer, [rows[number]["text"] for number in full]), strict=True):
        _File(section, document, rows[number], number, signatures).make(made, drawn)
    if len(full) < len(rows):
        made.skipped["empty file"] += len(rows) - len(full)
    if drawn:
        made.samples = _table(rows, drawn)
    return made


class _File:
    """One file on its way to samples."""

    def __init__(self, section: config.Fim, document: Document, row: Row, number: int, signatures: Signatures | None):
        self.section, self.document, self.row, self.number = section, document, row, number
        self.tokenizer, self.format, self.signatures = document.tokenizer, document.tokenizer.format, signatures
        self.text, self.width = document.text, document.width
        self._cuts = dict(section.cuts)
        self._given: set[int] = set()  # windows used, in this epoch or since all of them were
        self._first: dict[str, Hole] = {}  # by kind

    def make(self, made: Made, drawn: list[Sample]) -> None:
        """Add this file's rows and counts."""
        code, split = self.row["kind"] == "java", self.row["split"]
        if split == "test" and code:
            made.candidates += self._candidates(made.skipped)
        elif split == "test":
            made.skipped["text file in the test split"] += 1
        elif not code:
            drawn += self._text()
        else:
            for epoch in range(self.section.epochs if split == "train" else 1):
                drawn += self._java(epoch, made.skipped)
            if split == "train":
                merge(made.examples, {kind: example(self.row, hole) for kind, hole in self._first.items()})

    @cached_property
    def offsets(self) -> java.Offsets:
        """Characters of the text as bytes."""
        return self.candidates.syntax.offsets if self.row["kind"] == "java" else java.Offsets(self.text)

    @cached_property
    def candidates(self) -> Candidates:
        """The spans to draw from."""
        return Candidates(self.section, Syntax(self.text), self.document, self.row.get("hunks") or ())

    @cached_property
    def around(self) -> Surroundings:
        """Prefixes and suffixes."""
        head = self.candidates.syntax.head
        block = Block(self.signatures, self.tokenizer, self.row, head) if self.signatures else None
        return Surroundings(self.section, self.document, block)

    @cached_property
    def windows(self) -> list[Window]:
        """The whole file in samples of plain text, cut at line ends."""
        found, start = [], 0
        first, eos = self._pack(*self.format.start), self._pack(self.format.eos)
        room = self.section.sequence - len(self.format.start) - 1  # one for the end token
        while start < len(self.text):
            ids, end = self.document.after(start, room)
            found.append(Window(start, end, first + ids + eos * (end == len(self.text))))
            start = end
        return found

    def _pack(self, *ids: int) -> bytes:
        return self.tokenizer.pack(ids)

    def _text(self) -> Iterator[Sample]:
        """The whole text once: another epoch could only say it again."""
        for index, window in enumerate(self.windows):
            yield self._whole((0, index), window)

    def _java(self, epoch: int, skipped: Counter[str]) -> Iterator[Sample]:
        shares = {name: share for name, share in self.section.shares if share}
        holes = Holes(self.section, self.candidates)
        if len(self._given) == len(self.windows):
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

    def _candidates(self, skipped: Counter[str]) -> Iterator[Row]:
        shares = {name: share for name, share in self.section.shares if share and name in FIM}
        holes = Holes(self.section, self.candidates)
        for index, policy in enumerate(self._plan(shares, 0) if shares else []):
            rng = self._rng(0, index)
            for attempt in _in_turn(policy, shares, rng):
                hole = holes.draw(attempt, rng)
                if hole:
                    yield self._test_row(index, attempt, hole)
                    break
            else:
                skipped["test candidate given up"] += 1

    def _rng(self, epoch: int, index: int) -> Iterator[float]:
        return randomness.fractions(self.section.seed, self.row["id"], epoch, index)

    def _plan(self, shares: dict[str, float], epoch: int) -> list[str]:
        """The policy of each sample: evenly spaced points from a random start, so that shares hold up to rounding."""
        count = max(1, self.offsets.bytes(len(self.text)) // self.section.bytes_per_hole)
        start = randomness.fraction(self.section.seed, self.row["id"], epoch, "policies")
        return [pick(shares, (start + index / count) % 1) for index in range(count)]

    def _sample(self, place: tuple[int, int], policy: str, holes: Holes, rng: Iterator[float]) -> Sample | None:
        if policy == "document":
            return self._window(place, rng)
        cut = pick(self._cuts, next(rng))
        hole = holes.draw(policy, rng, cut)
        if hole is None:
            return None
        self._first.setdefault(hole.kind, hole)
        spm = policy in FIM and next(rng) < self.section.spm
        shown = self._shown(place)
        if policy == "prefix":
            prefix = self.around.before(hole, shown)
            context, last = self._pack(*self.format.start) + prefix.ids, self.format.eos
        else:
            prefix, suffix = self.around.both(hole, shown)
            context, last = self._prompt(prefix.ids, suffix[0], spm), self.format.stop
        ids = context + hole.middle + self._pack(last)
        name = (policy, hole.kind, cut, spm)
        content = (ids, len(context) // self.width, prefix.context)
        return self._row(place, name, (hole.start, hole.end), content)

    def _shown(self, place: tuple[int, int]) -> Shown:
        """What a sample gets; draws of their own, so that the holes are the same with and without."""
        context = self.section.context
        return Shown(self._chosen(context.share, place, "context"), self._chosen(context.snippets, place, "snippets"))

    def _chosen(self, share: float, place: tuple[int, int], what: str) -> bool:
        return share > 0 and randomness.fraction(self.section.seed, self.row["id"], *place, what) < share

    def _window(self, place: tuple[int, int], rng: Iterator[float]) -> Sample | None:
        """A window that was not given yet; None when all were, so that other policies take the rest of the epoch.

        Where a file has fewer windows than the share asks for, documents stay below their share.
        """
        left = [at for at in range(len(self.windows)) if at not in self._given]
        if not left:
            return None
        at = left[int(next(rng) * len(left))]
        self._given.add(at)
        return self._whole(place, self.windows[at])

    def _ids(self, packed: bytes) -> np.ndarray:
        return np.frombuffer(packed, self.tokenizer.dtype)

    def _prompt(self, prefix: bytes, suffix: bytes, spm: bool = False) -> bytes:
        """What Format.prompt gives, packed; or the suffix first, as StarCoder2 and Code Llama were trained on."""
        begin, hole, end = self.tokenizer.marks
        if spm:
            return b"".join((begin, hole, suffix, end, prefix))
        return b"".join((begin, prefix, hole, suffix, end))

    def _row(
        self,
        place: tuple[int, int],
        name: tuple[str, str, str, bool],
        span: tuple[int, int],
        content: tuple[bytes, int, int],
    ) -> Sample:
        byte, (ids, target, context) = self.offsets.bytes, content
        tokens = len(ids) // self.width
        return Sample(self.number, *place, *name, byte(span[0]), byte(span[1]), context, tokens, ids, target)

    def _whole(self, place: tuple[int, int], window: Window) -> Sample:
        span, content = (window.start, window.end), (window.ids, len(self.format.start), 0)
        return self._row(place, ("document", "document", "document", False), span, content)

    def _test_row(self, index: int, policy: str, hole: Hole) -> Row:
        context = self.section.context
        prefix, suffix = self.around.both(hole, Shown(context.test, context.snippets > 0))
        return {
            "priority": f"{randomness.key(self.section.seed, self.row['id'], index):032x}",
            "file": self.row["id"],
            **{column: self.row[column] for column in ("group", "repository", "path")},
            "policy": policy,
            "kind": hole.kind,
            "start": self.offsets.bytes(hole.start),
            "end": self.offsets.bytes(hole.end),
            "prefix": prefix.block + self.text[prefix.start : hole.start],
            "middle": self.text[hole.start : hole.end],
            "suffix": self.text[hole.end : suffix[1]],
            "prompt": self._ids(self._prompt(prefix.ids, suffix[0])),
            "target": self._ids(hole.middle + self._pack(self.format.stop)),
        }


def _in_turn(policy: str, shares: dict[str, float], rng: Iterator[float]) -> Iterator[str]:
    """Yield the drawn policy, then the others in an order drawn by their shares."""
    left = dict(shares)
    while True:
        yield policy
        del left[policy]
        if not left:
            return
        policy = pick(left, next(rng))


def _table(rows: list[Row], samples: list[Sample]) -> pa.Table:
    """The samples as records.SAMPLES."""
    columns = dict(zip(Sample._fields, zip(*samples, strict=True), strict=True))
    place = columns.pop("file")
    copied = {name: [rows[at]["id" if name == "file" else name] for at in place] for name in _COPIED}
    return pa.table(copied | columns, schema=records.SAMPLES)
