"""Measure how similar the test files are to the training files: every pair, by signature."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from fimsmith import pool
from fimsmith.corpus import minhash
from fimsmith.progress import Progress

_COLUMNS = 16_384  # training files compared at once; the block stays in a core's cache
_HALF = 128  # bins whose matches fit in a byte when they are added up
_ROWS = 64  # test files that one thread works on


@dataclass(slots=True)
class Closest:
    """The most similar pair of a test and a training file, and all pairs above a threshold."""

    similarity: float = 0.0  # estimated by the signatures
    pair: tuple[int, int] | None = None  # (test row, training row)
    above: list[tuple[int, int]] = field(default_factory=list)

    def merge(self, other: "Closest") -> None:
        """Take over what the other found."""
        self.above += other.above
        if other.similarity > self.similarity:
            self.similarity, self.pair = other.similarity, other.pair


def measure(signatures: np.ndarray, test: np.ndarray, train: np.ndarray, threshold: float) -> Closest:
    """Compare every test row with every training row.

    Only the lowest byte of each bin is compared at first: its matches are an upper bound, and
    the few pairs that could matter are compared in full. Bounded memory, time in pairs.
    """
    found, progress = Closest(), Progress("curate", "test files", len(test))
    low = np.ascontiguousarray(signatures[train].astype(np.uint8).T)  # (bins, training files)
    blocks = [test[start : start + _ROWS] for start in range(0, len(test), _ROWS)]
    with ThreadPoolExecutor(pool.workers()) as threads:
        for block, part in zip(
            blocks, threads.map(lambda rows: _block(signatures, rows, train, low, threshold), blocks), strict=True
        ):
            found.merge(part)
            progress.add(len(block))
    return found


def _block(signatures: np.ndarray, rows: np.ndarray, train: np.ndarray, low: np.ndarray, threshold: float) -> Closest:
    found = Closest()
    for row in rows:
        for start, bound in _bounds(signatures[row].astype(np.uint8), low):
            best = start + int(bound.argmax())
            least = max(found.similarity, float(minhash.estimate(signatures[row], signatures[train[best]])))
            columns = start + np.flatnonzero(bound >= min(least, threshold) * minhash.BINS)
            _consider(
                found,
                int(row),
                train[columns],
                minhash.estimate(signatures[train[columns]], signatures[row]),
                threshold,
            )
    return found


def _bounds(probe: np.ndarray, low: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield for blocks of training files how many of their bins may match, and where the block starts."""
    for start in range(0, low.shape[1], _COLUMNS):
        block = low[:, start : start + _COLUMNS]
        bound = np.zeros(block.shape[1], dtype=np.uint16)
        for half in (slice(0, _HALF), slice(_HALF, None)):
            bound += np.add.reduce((block[half] == probe[half, None]).view(np.uint8), axis=0, dtype=np.uint8)
        yield start, bound


def _consider(found: Closest, row: int, train: np.ndarray, scores: np.ndarray, threshold: float) -> None:
    found.above += [(row, int(train[index])) for index in np.flatnonzero(scores >= threshold)]
    if len(scores) and scores.max() > found.similarity:
        found.similarity, found.pair = float(scores.max()), (row, int(train[scores.argmax()]))
