"""Counter-based randomness: every draw is keyed by what it is for, never by when it happens.

The same key gives the same numbers in every process, shard and retry (Philox, Salmon et al.,
"Parallel random numbers: as easy as 1, 2, 3", SC 2011).
"""

import hashlib
from typing import Any

import numpy as np


def key(*parts: Any) -> int:
    """Hash values of any kind to a 128-bit key."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")


def generator(*parts: Any) -> np.random.Generator:
    """Return a generator whose whole sequence depends on the parts alone."""
    return np.random.Generator(np.random.Philox(key=key(*parts)))


def fraction(*parts: Any) -> float:
    """Return one number in [0, 1) that depends on the parts alone."""
    return (key(*parts) >> 75) / 2**53
