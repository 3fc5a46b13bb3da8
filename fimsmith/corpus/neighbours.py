"""Find near-duplicate files by their signatures, without comparing every pair.

Locality-sensitive hashing (Leskovec, Rajaraman, Ullman, "Mining of Massive Datasets", section 3.4): a
signature is cut into bands, and only files that agree in a whole band are compared. The bands
are so narrow that two signatures above the threshold must agree in one: nothing is missed.
"""

from collections.abc import Iterator

import numpy as np

from fimsmith.corpus import minhash
from fimsmith.progress import Progress

_WINDOW = 512  # members of a bucket compared with each one; a larger bucket is boilerplate or one big cluster
_BLOCK = 50_000  # pairs compared at once, 100 MB


class Clusters:
    """Groups of row numbers that grow by joining; a group is named by its smallest member."""

    def __init__(self, size: int):
        self._parent = np.arange(size)

    def join(self, left: int, right: int) -> None:
        """Make one group of the groups of two rows."""
        first, second = sorted((self._root(left), self._root(right)))
        self._parent[second] = first

    def labels(self) -> np.ndarray:
        """Return the smallest member of each row's group."""
        while not np.array_equal(above := self._parent[self._parent], self._parent):
            self._parent = above
        return self._parent.copy()

    def _root(self, row: int) -> int:
        while (above := int(self._parent[row])) != row:
            self._parent[row] = self._parent[above]
            row = above
        return row


def join_similar(signatures: np.ndarray, rows: np.ndarray, thresholds: list[tuple[float, Clusters]]) -> None:
    """Join those of the rows whose signatures are similar, in each of the clusters whose threshold they reach.

    The clusters come with the highest threshold first. No pair above that one is missed; of pairs
    just above a lower one, one in millions is.
    """
    width = band_width(thresholds[0][0])
    progress = Progress("curate", "bands", minhash.BINS // width)
    for start in range(0, minhash.BINS - width + 1, width):
        known = thresholds[0][1].labels()
        for left, right in _pairs(_keys(signatures, rows, start, width), rows):
            new = known[left] != known[right]
            _join(signatures, left[new], right[new], thresholds)
        progress.add()


def _join(
    signatures: np.ndarray, left: np.ndarray, right: np.ndarray, thresholds: list[tuple[float, Clusters]]
) -> None:
    scores = minhash.estimate(signatures[left], signatures[right])
    for threshold, clusters in thresholds:
        for index in np.flatnonzero(scores >= threshold):
            clusters.join(left[index], right[index])


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


def _pairs(keys: np.ndarray, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield blocks of row pairs with equal keys: each row with up to `_WINDOW` that follow it in its bucket."""
    order = np.argsort(keys, kind="stable")
    keys, rows = keys[order], rows[order]
    here = np.arange(len(keys))
    for distance in range(1, _WINDOW + 1):
        here = here[: np.searchsorted(here, len(keys) - distance)]
        here = here[keys[here] == keys[here + distance]]
        if not len(here):
            return
        for start in range(0, len(here), _BLOCK):
            block = here[start : start + _BLOCK]
            yield rows[block], rows[block + distance]
