"""Signatures that estimate how much two files have in common.

One-permutation MinHash (Li, Owen, Zhang, "One Permutation Hashing", NIPS 2012) over shingles of
five words, with optimal densification (Shrivastava, ICML 2017) so that small files compare well.
Words are hashed by value: signatures made in different processes and runs can be compared.
"""

import re
import zlib

import numpy as np

BINS = 256  # the standard error of an estimate of 0.7 is 0.029
SHINGLE = 5  # words

# one CJK character is a word; the bytes of UTF-8 are matched because that is twice as fast
_WORD = re.compile(rb"\w+|[\xc2-\xf4][\x80-\xbf]+")
# the licence header is the same everywhere: with it, small files would look like copies of each other
_HEADER = re.compile(r"\s*(?:/\*.*?\*/|(?://[^\n]*(?:\n\s*|$))+)", re.DOTALL)
_EMPTY = np.uint64(2**64 - 1)
_NO_WORDS = np.zeros(1, dtype=np.uint64)


def split(text: str) -> list[bytes]:
    """Return the words of a text in UTF-8."""
    return _WORD.findall(text.encode())


def hashed(words: list[bytes]) -> np.ndarray:
    """Return the hashes of words as uint64."""
    return np.fromiter(map(zlib.crc32, words), dtype=np.uint64, count=len(words))


def ngrams(words: np.ndarray, size: int) -> np.ndarray:
    """Return the 64-bit hashes of all runs of `size` hashed words, in order; none when there are fewer words."""
    runs = max(len(words) - size + 1, 0)
    hashes = np.full(runs, size, dtype=np.uint64)
    for offset in range(size):
        hashes = hashes * np.uint64(0x9E3779B97F4A7C15) + words[offset : offset + runs]
    return _mixed(hashes)


def shingles(text: str) -> np.ndarray:
    """Return the shingle hashes of a text without its head comment, ascending, at least one."""
    header = _HEADER.match(text)
    words = hashed(split(text[header.end() :] if header and header.end() < len(text) else text))
    return np.sort(ngrams(words, min(SHINGLE, len(words)))) if len(words) else _NO_WORDS


def signature(text: str) -> np.ndarray:
    """Return the signature: `BINS` uint32."""
    hashes = shingles(text)
    bins = hashes >> np.uint64(56)
    first = np.flatnonzero(np.diff(bins, prepend=_EMPTY))  # ascending hashes: a bin's first is its minimum
    result = np.zeros(BINS, dtype=np.uint32)
    filled = np.zeros(BINS, dtype=bool)
    taken = bins[first].astype(np.intp)
    result[taken] = (hashes[first] >> np.uint64(24)).astype(np.uint32)
    filled[taken] = True
    return _densified(result, filled)


def estimate(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the estimated Jaccard similarity of signatures, row by row."""
    return np.count_nonzero(left == right, axis=-1) / BINS


def jaccard(left: str, right: str) -> float:
    """Return the exact Jaccard similarity of two texts' shingles."""
    first, second = np.unique(shingles(left)), np.unique(shingles(right))
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / (len(first) + len(second) - shared)


def _densified(result: np.ndarray, filled: np.ndarray) -> np.ndarray:
    """Fill each empty bin from a filled one that is drawn by the bin's own sequence of draws."""
    empty, attempt = np.flatnonzero(~filled), 0
    while len(empty):
        attempt += 1
        draws = _mixed(empty.astype(np.uint64) << np.uint64(32) | np.uint64(attempt)) >> np.uint64(56)
        donors = draws.astype(np.intp)
        hit = filled[donors]
        result[empty[hit]] = result[donors[hit]]
        empty = empty[~hit]
    return result


def _mixed(values: np.ndarray) -> np.ndarray:
    """Spread 64-bit values evenly (the finaliser of SplitMix64, Steele et al., OOPSLA 2014)."""
    values = (values ^ values >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ values >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return values ^ values >> np.uint64(31)
