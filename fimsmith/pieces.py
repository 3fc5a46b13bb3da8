"""Token ids of much ASCII text at once: numpy finds the pieces and looks them up; each distinct one is encoded once.

A hash table with linear probing (Knuth, TAOCP 3, 6.4) whose keys are the bytes of the pieces themselves, so what is
found is exact. It forgets everything when it is half full.
"""

from collections.abc import Callable, Iterable
from itertools import accumulate

import numpy as np

from fimsmith.pretokens import Borders

_SLOTS = 1 << 18  # 6 MB
_PROBES = 16  # slots that a piece may have, its own and those behind; what collides on purpose gets no more of them
_SHORT = 15  # bytes of the pieces that the table holds: 2 of 100 are longer
_LONG = 250  # bytes from which a piece is encoded each time
_IDS = 4_000_000  # about as many are kept
_AT_ONCE = 10_000  # unknown pieces that are looked at one by one before the others are looked up again
_MASKS = np.array([256**size - 1 for size in range(9)], dtype=np.uint64)  # the first bytes of eight
_FACTORS = np.array([0xBF58476D1CE4E5B9, 0x9E3779B97F4A7C15], dtype=np.uint64)
_SHIFT = np.uint64(64 - _SLOTS.bit_length() + 1)
_LENGTH = np.uint64(8 * _SHORT - 64)  # bits of the second word before the length


class PieceTable:
    """The ids of the pieces that were asked for."""

    def __init__(self, encode: Callable[[str], bytes], dtype: np.dtype, borders: Borders):
        """`encode` gives the packed ids of one piece."""
        self._encode, self._dtype, self._borders = encode, dtype, borders
        self._forget()

    def ids(self, data: bytes) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the bytes at which the pieces of an ASCII text start, the number of ids before each and in all, and the ids."""
        if self._filled + len(self._others) > _SLOTS // 2 or len(self._known) > _IDS:
            self._forget()
        starts = self._borders.starts(data)
        sizes = np.diff(starts, append=len(data))
        low, high = _keys(data, starts, sizes)
        slots = self._find(low, high)
        where, counts = self._where[slots], self._counts[slots]
        left = np.flatnonzero(slots < 0)
        while len(left):
            rows, left = left[:_AT_ONCE], left[_AT_ONCE:]
            ends = starts[rows] + sizes[rows]
            pieces = [data[start:end] for start, end in zip(starts[rows].tolist(), ends.tolist(), strict=True)]
            self._learn(pieces)
            where[rows], counts[rows] = zip(*map(self._others.__getitem__, pieces), strict=True)
            self._move(dict(zip(pieces, rows.tolist(), strict=True)), low, high)
            slots = self._find(low[left], high[left])
            where[left], counts[left] = self._where[slots], self._counts[slots]
            left = left[slots < 0]
        bounds = np.concatenate([[0], np.cumsum(counts)])
        # the ids of a piece lie one after the other
        return starts, bounds, self._known[np.arange(bounds[-1]) + np.repeat(where - bounds[:-1], counts)]

    def _forget(self) -> None:
        size = _SLOTS + _PROBES
        self._low, self._high = np.zeros(size, np.uint64), np.zeros(size, np.uint64)  # high is 0 where a slot is free
        self._where, self._counts = np.zeros(size, np.int32), np.zeros(size, np.int32)
        self._taken, self._filled = bytearray(size), 0
        self._known = np.zeros(0, self._dtype)
        self._others: dict[bytes, tuple[int, int]] = {}  # pieces without a slot: where their ids lie, and how many

    def _find(self, low: np.ndarray, high: np.ndarray) -> np.ndarray:
        """The slot of each key, or -1."""
        slots = _homes(low, high)
        left = np.flatnonzero((self._low[slots] != low) | (self._high[slots] != high))
        at = slots[left]
        slots[left] = -1
        for _ in range(_PROBES - 1):
            at += 1
            same = (self._low[at] == low[left]) & (self._high[at] == high[left])
            slots[left[same]] = at[same]
            on = ~same & (self._high[at] > 0)
            left, at = left[on], at[on]
            if not len(left):
                break
        return slots

    def _learn(self, pieces: Iterable[bytes]) -> None:
        """Encode the pieces that are not known."""
        new = [piece for piece in dict.fromkeys(pieces) if piece not in self._others]
        encoded = [self._encode(piece.decode()) for piece in new]
        counts = [len(ids) // self._dtype.itemsize for ids in encoded]
        where = accumulate(counts, initial=len(self._known))
        self._known = np.concatenate([self._known, np.frombuffer(b"".join(encoded), self._dtype)])
        self._others.update(zip(new, zip(where, counts, strict=False), strict=True))

    def _move(self, rows: dict[bytes, int], low: np.ndarray, high: np.ndarray) -> None:
        """Give pieces a slot where there is a free one, and forget the very long ones."""
        short = {piece: row for piece, row in rows.items() if len(piece) <= _SHORT}
        at = np.fromiter(short.values(), np.int64, len(short))
        placed: list[tuple[int, int, int, int]] = []
        for piece, row, home in zip(short, short.values(), _homes(low[at], high[at]).tolist(), strict=True):
            free = self._taken.find(0, home, home + _PROBES)
            if free >= 0:
                self._taken[free] = 1
                placed.append((row, free, *self._others.pop(piece)))
        if placed:
            moved, slots, where, counts = np.array(placed).T
            self._low[slots], self._high[slots] = low[moved], high[moved]
            self._where[slots], self._counts[slots] = where, counts
            self._filled += len(placed)
        for piece in rows:
            if len(piece) >= _LONG:
                del self._others[piece]


def _keys(data: bytes, starts: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The bytes of short pieces as two words, with the length in the upper byte of the second."""
    words = np.ndarray(len(data) + 9, "<u8", data + bytes(16), strides=(1,))
    low, high = words[starts] & _MASKS[np.minimum(sizes, 8)], np.minimum(sizes, 255).astype(np.uint64) << _LENGTH
    more = np.flatnonzero(sizes > 8)
    high[more] |= words[starts[more] + 8] & _MASKS[np.minimum(sizes[more], _SHORT) - 8]
    return low, high


def _homes(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    return ((low ^ high * _FACTORS[0]) * _FACTORS[1] >> _SHIFT).astype(np.int64)
