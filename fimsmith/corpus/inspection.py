"""Look at the texts of the files that are kept, in several processes: parts of benchmarks, signatures."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import tee
from typing import Any

import numpy as np

from fimsmith import pool
from fimsmith.corpus import decontaminate
from fimsmith.corpus.signatures import signatures
from fimsmith.corpus.split import Plan
from fimsmith.progress import Progress, say

BATCH = 200  # rows whose text is looked at together

Numbered = tuple[int, dict[str, Any]]  # number of the row in the plan, row
_Task = tuple[str, bool, bool]  # a text, whether it is compared with benchmarks, whether its signatures are wanted


@dataclass(slots=True)
class Seen:
    """What was found in one file."""

    contaminated: list[int] = field(default_factory=list)  # by which benchmarks
    signatures: list[dict[str, str]] = field(default_factory=list)


def inspected(
    known: list[np.ndarray], decided: Plan, rows: Iterable[Numbered], *, types: bool
) -> Iterator[tuple[int, dict[str, Any], Seen]]:
    """Yield each row with what its text holds; only files that would be learned from are looked at.

    `known` are the benchmarks' runs, from decontaminate.runs(); `types` asks for signatures, which are of training files
    alone: nothing of a held-out file may reach a training sample.
    """
    compares = len(known) > 0
    if not (compares or types):
        yield from ((number, row, Seen()) for number, row in rows)
        return
    wanted = [("parts of benchmarks", compares), ("signatures", types)]
    say("curate", "looking for " + " and ".join(name for name, yes in wanted if yes))
    progress = Progress("curate", "files", len(decided.splits))
    batches, again = tee(_batches(rows))
    jobs = ([_task(decided, number, row, compares, types) for number, row in batch] for batch in again)
    for batch, found in zip(batches, pool.ordered(partial(_look, known), jobs), strict=True):
        yield from ((number, row, seen) for (number, row), seen in zip(batch, found, strict=True))
        progress.add(len(batch))


def _task(decided: Plan, number: int, row: dict[str, Any], compares: bool, types: bool) -> _Task:
    split = None if decided.reasons[number] else decided.splits[number]
    compared = compares and split in ("train", "valid")
    typed = types and split == "train" and row["kind"] == "java"
    return row["text"] if compared or typed else "", compared, typed


def _look(known: list[np.ndarray], tasks: list[_Task]) -> list[Seen]:
    flags = decontaminate.contaminated(known, [text if compared else "" for text, compared, _ in tasks])
    return [
        Seen(flag, signatures(text) if typed and not flag else [])
        for flag, (text, _, typed) in zip(flags, tasks, strict=True)
    ]


def _batches(rows: Iterable[Numbered]) -> Iterator[list[Numbered]]:
    batch: list[Numbered] = []
    for numbered in rows:
        batch.append(numbered)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
