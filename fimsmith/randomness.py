"""Counter-based randomness: every draw is keyed by what it is for, never by when it happens.

The same key gives the same numbers in every process, shard and retry (Philox, Salmon et al.,
"Parallel random numbers: as easy as 1, 2, 3", SC 2011).
"""

import hashlib
import struct
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np


def key(*parts: Any) -> int:
    """Hash values of any kind to a 128-bit key."""
    return int.from_bytes(hashlib.blake2b(_text(parts), digest_size=16).digest(), "little")


def generator(*parts: Any) -> np.random.Generator:
    """Return a generator whose whole sequence depends on the parts alone."""
    return np.random.Generator(np.random.Philox(key=key(*parts)))


def fractions(*parts: Any) -> Iterator[float]:
    """Yield numbers in [0, 1) that depend on the parts alone; starts many times faster than a generator."""
    state = hashlib.blake2b(_text(parts))
    for block in count():
        keyed = state.copy()
        keyed.update(b"\x1f%d" % block)
        for number in struct.unpack("<8Q", keyed.digest()):
            yield (number >> 11) / 2**53


def fraction(*parts: Any) -> float:
    """Return one number in [0, 1) that depends on the parts alone."""
    return (key(*parts) >> 75) / 2**53


def _text(parts: tuple[Any, ...]) -> bytes:
    return "\x1f".join(map(str, parts)).encode()
