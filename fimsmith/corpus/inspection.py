"""Look at the texts of the files that are kept, in several processes: parts of benchmarks, signatures."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import tee
from typing import Any

from fimsmith import config, pool
from fimsmith.corpus import decontaminate
from fimsmith.corpus.signatures import signatures
from fimsmith.corpus.split import Plan
from fimsmith.progress import Progress, say

BATCH = 200  # rows whose text is looked at together

Numbered = tuple[int, dict[str, Any]]  # number of the row in the plan, row
_Job = tuple[list[str], list[str]]  # texts to compare with benchmarks, texts to take signatures of; empty: not


@dataclass(slots=True)
class Seen:
    """What was found in one file."""

    contaminated: bool = False
    signatures: list[dict[str, str]] = field(default_factory=list)


def inspected(
    section: config.Curate, decided: Plan, rows: Iterable[Numbered]
) -> Iterator[tuple[int, dict[str, Any], Seen]]:
    """Yield each row with what its text holds; only files that would be learned from are looked at.

    Signatures are of training files alone: nothing of a held-out file may reach a training sample.
    """
    if not (section.decontaminate or section.signatures):
        yield from ((number, row, Seen()) for number, row in rows)
        return
    wanted = [("parts of benchmarks", section.decontaminate), ("signatures", section.signatures)]
    say("curate", "looking for " + " and ".join(name for name, yes in wanted if yes))
    progress = Progress("curate", "files", len(decided.splits))
    batches, again = tee(_batches(rows))
    look = _Look(tuple(section.decontaminate))
    for batch, found in zip(batches, pool.ordered(look, (_job(section, decided, each) for each in again)), strict=True):
        yield from ((number, row, seen) for (number, row), seen in zip(batch, found, strict=True))
        progress.add(len(batch))


@dataclass(frozen=True)
class _Look:
    """What the processes do with a batch."""

    benchmarks: tuple[str, ...]

    def __call__(self, job: _Job) -> list[Seen]:
        compared, code = job
        flags = decontaminate.contaminated(self.benchmarks, compared) if self.benchmarks else [False] * len(code)
        return [
            Seen(flag, [] if flag or not text else signatures(text)) for flag, text in zip(flags, code, strict=True)
        ]


def _job(section: config.Curate, decided: Plan, batch: list[Numbered]) -> _Job:
    compared, code = [], []
    for number, row in batch:
        split = None if decided.reasons[number] else decided.splits[number]
        compared.append(row["text"] if section.decontaminate and split in ("train", "valid") else "")
        code.append(row["text"] if section.signatures and split == "train" and row["kind"] == "java" else "")
    return compared, code


def _batches(rows: Iterable[Numbered]) -> Iterator[list[Numbered]]:
    batch: list[Numbered] = []
    for numbered in rows:
        batch.append(numbered)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
