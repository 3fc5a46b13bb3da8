"""Find pairs of similar files by their signatures, without comparing every pair.

Locality-sensitive hashing (Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", section 3.4): a
signature is cut into bands, and only files that agree in a whole band are compared. The bands
are so narrow that two signatures above the threshold must agree in one: nothing is missed, unless
they agree only in bands that many files share. Time grows with the number of files.
"""

from collections.abc import Callable, Iterator

import numpy as np

from fimsmith import randomness
from fimsmith.corpus import minhash
from fimsmith.progress import Progress

_WINDOW = 64  # members of a bucket compared with each one; a larger bucket is boilerplate or one big cluster
_BLOCK = 8_192  # pairs compared at once: their bytes stay in a core's cache

Pairs = tuple[np.ndarray, np.ndarray]  # rows, rows


class Clusters:
    """Groups of row numbers that grow by joining; a group is named by its smallest member."""

    def __init__(self, size: int):
        self._parent = np.arange(size)

    def join(self, left: int, right: int) -> None:
        """Make one group of the groups of two rows."""
        first, second = sorted((self._root(left), self._root(right)))
        self._parent[second] = first

    def join_all(self, left: np.ndarray, right: np.ndarray) -> None:
        """Join each of the rows on the left with the one on the right."""
        left, right = self.roots(left), self.roots(right)
        apart = left != right
        for pair in zip(left[apart].tolist(), right[apart].tolist(), strict=True):
            self.join(*pair)

    def roots(self, rows: np.ndarray) -> np.ndarray:
        """Return the smallest member of the group of each of the rows."""
        rows = self._parent[rows]
        while not np.array_equal(above := self._parent[rows], rows):
            rows = above
        return rows

    def labels(self) -> np.ndarray:
        """Return the smallest member of each row's group."""
        self._parent = self.roots(np.arange(len(self._parent)))
        return self._parent.copy()

    def _root(self, row: int) -> int:
        while (above := int(self._parent[row])) != row:
            self._parent[row] = self._parent[above]
            row = above
        return row


class Similar:
    """All pairs of rows that agree in a band of `width` bins, some of them more than once."""

    def __init__(self, signatures: np.ndarray, rows: np.ndarray, width: int):
        self._signatures, self._rows, self._width = signatures, rows, width
        self._low = signatures.astype(np.uint8)

    def pairs(self, what: str, wanted: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Iterator[Pairs]:
        """Yield the pairs that `wanted` says yes to, in blocks; `what` is named by the progress."""
        progress = Progress("curate", f"bands of {what}", minhash.BINS // self._width)
        for start in range(0, minhash.BINS - self._width + 1, self._width):
            for left, right in _blocks(self._band(start)):
                yes = wanted(left, right)
                yield left[yes], right[yes]
            progress.add()

    def estimates(self, pairs: Pairs, least: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return those of the pairs whose similarity is at least `least`, and their similarities.

        The lowest bytes of the bins are compared first: those that match are an upper bound.
        """
        left, right = pairs
        # eight bins at a time: no byte of the sums overflows
        sums = (self._low[left] == self._low[right]).view(np.uint64).sum(axis=1)
        near = sums.view(np.uint8).reshape(-1, 8).sum(axis=1) >= least * minhash.BINS
        left, right = left[near], right[near]
        scores = minhash.estimate(self._signatures[left], self._signatures[right])
        reached = scores >= least
        return left[reached], right[reached], scores[reached]

    def _band(self, start: int) -> Iterator[Pairs]:
        """Yield pairs with the same band: each row with up to `_WINDOW` others of its bucket."""
        # in another order for each band, so that pairs of large buckets meet in one of them
        shuffled = randomness.generator("band", start).permutation(len(self._rows))
        keys = _keys(self._signatures, self._rows, start, self._width)[shuffled]
        order = np.argsort(keys, kind="stable")
        keys, rows = keys[order], self._rows[shuffled[order]]
        here = np.arange(len(keys))
        for distance in range(1, _WINDOW + 1):
            here = here[: np.searchsorted(here, len(keys) - distance)]
            here = here[keys[here] == keys[here + distance]]
            if not len(here):
                return
            yield rows[here], rows[here + distance]


def join_similar(signatures: np.ndarray, rows: np.ndarray, thresholds: list[tuple[float, Clusters]]) -> None:
    """Join those of the rows whose signatures are similar, in each of the clusters whose threshold they reach.

    The clusters come with the highest threshold first. Above that one a pair is missed only if it agrees in
    no band that fewer than `_WINDOW` rows share; of pairs just above a lower one, one in millions is.
    """
    similar = Similar(signatures, rows, band_width(thresholds[0][0]))
    highest, least = thresholds[0][1], thresholds[-1][0]
    for pairs in similar.pairs("copies", lambda left, right: highest.roots(left) != highest.roots(right)):
        left, right, scores = similar.estimates(pairs, least)
        for threshold, clusters in thresholds:
            clusters.join_all(left[scores >= threshold], right[scores >= threshold])


def band_width(similarity: float) -> int:
    """The widest band for which signatures of at least this similarity agree in a whole band.

    They differ in at most (1 - similarity) of the bins, which is fewer bins than there are bands.
    """
    different = int(minhash.BINS * (1 - similarity) + 1e-9)
    return max(width for width in range(1, minhash.BINS + 1) if width == 1 or minhash.BINS // width > different)


def _keys(signatures: np.ndarray, rows: np.ndarray, start: int, width: int) -> np.ndarray:
    """Hash one band of the rows to 64 bits."""
    keys = np.zeros(len(rows), dtype=np.uint64)
    for column in range(start, start + width):
        keys = keys * np.uint64(0x9E3779B97F4A7C15) + signatures[rows, column]
        keys ^= keys >> np.uint64(29)
    return keys


def _blocks(pairs: Iterator[Pairs]) -> Iterator[Pairs]:
    """Put small arrays of pairs together and cut large ones."""
    waiting: list[Pairs] = []
    count = 0
    for left, right in pairs:
        for start in range(0, len(left), _BLOCK):
            waiting.append((left[start : start + _BLOCK], right[start : start + _BLOCK]))
            count += len(waiting[-1][0])
            if count >= _BLOCK:
                yield _joined(waiting)
                waiting, count = [], 0
    if waiting:
        yield _joined(waiting)


def _joined(pairs: list[Pairs]) -> Pairs:
    return np.concatenate([left for left, _ in pairs]), np.concatenate([right for _, right in pairs])
