"""Intervals that respect that samples from one file are alike, and a test for paired yes/no outcomes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fimsmith import randomness

FEWEST = 5  # clusters; the chance that so many all fall on one side by luck is 1 in 32
_LEVEL = 95  # percent
_BLOCK = 4_000_000  # drawn clusters held at a time: about 100 MB
_DIGITS = 6  # kept, so that the order in which a machine adds does not show


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and its 95 % percentile interval; low and high are None for too few clusters."""

    mean: float
    low: float | None
    high: float | None

    def plain(self) -> dict[str, float | None]:
        """Return it for JSON."""
        return {"mean": self.mean, "low": self.low, "high": self.high}


def bootstrap_mean(
    values: np.ndarray, clusters: Sequence[str], resamples: int = 10_000, seed: int = 0
) -> list[Interval]:
    """Return one interval per column of `values` (samples, metrics), drawing whole clusters.

    All columns see the same draws. A cluster is a file: its samples share names and habits, so drawing
    single samples would give intervals that are too narrow (Field and Welsh 2007, cluster bootstrap).
    For a paired comparison, pass the differences.
    With fewer than `FEWEST` clusters there is no interval.
    """
    names, member = np.unique(np.asarray(clusters), return_inverse=True)
    values = np.asarray(values, dtype=np.float64)
    means = [round(float(mean), _DIGITS) for mean in values.mean(axis=0)]
    if len(names) < FEWEST:
        return [Interval(mean, None, None) for mean in means]
    sums = np.zeros((len(names), values.shape[1]))
    np.add.at(sums, member, values)
    sizes = np.bincount(member, minlength=len(names)).astype(np.float64)
    drawn = _resampled(sums, sizes, resamples, seed)
    edge = (100 - _LEVEL) / 2
    low, high = np.percentile(drawn, [edge, 100 - edge], axis=0).round(_DIGITS).tolist()
    return [Interval(*each) for each in zip(means, low, high, strict=True)]


def _resampled(sums: np.ndarray, sizes: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """The means of `resamples` draws of as many clusters as there are: (resamples, metrics)."""
    count = len(sizes)
    generator = randomness.generator("bootstrap", seed)
    rows = max(1, _BLOCK // count)
    means = []
    for start in range(0, resamples, rows):
        block = min(rows, resamples - start)
        draws = generator.integers(0, count, size=(block, count)) + np.arange(block)[:, None] * count
        times = np.bincount(draws.ravel(), minlength=block * count).reshape(block, count).astype(np.float64)
        means.append((times @ sums) / (times @ sizes)[:, None])
    return np.concatenate(means)


def mcnemar(base: Sequence[bool], tuned: Sequence[bool]) -> float:
    """Return the exact two-sided p-value that as many samples turned right as turned wrong (McNemar 1947)."""
    better = sum(new and not old for old, new in zip(base, tuned, strict=True))
    worse = sum(old and not new for old, new in zip(base, tuned, strict=True))
    changed = better + worse
    tail = sum(math.comb(changed, count) for count in range(min(better, worse) + 1))
    return min(1.0, 2 * tail / 2**changed)
