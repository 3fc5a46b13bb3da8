"""Signatures that estimate how much two files have in common.

One-permutation MinHash (Li, Owen, Zhang, "One Permutation Hashing", NIPS 2012) over shingles of
five words, with optimal densification (Shrivastava, ICML 2017) so that small files compare well.
Words are hashed by value: signatures made in different processes and runs can be compared. Everything
is done for many texts at once, because numpy is fast on large arrays only.
"""

import string
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from fimsmith.corpus import comments

SCHEME = 2  # higher whenever a text gets another signature than before: those of two schemes say nothing together
BINS = 256  # the standard error of an estimate of 0.7 is 0.029
SHINGLE = 5  # words

_WORD_CHARACTERS = f"{string.ascii_letters}{string.digits}_".encode()
_WORD_TABLE = bytes(byte in _WORD_CHARACTERS for byte in range(256))
_LEAD_TABLE = bytes(byte >= 0xC0 for byte in range(256))  # first byte of a character of UTF-8 beyond ASCII
_CONTINUATION_TABLE = bytes(0x80 <= byte < 0xC0 for byte in range(256))
_MOST_BYTES = 256  # of a word that count; longer ones are told apart by their length as well
_MASKS = np.array([256**size - 1 for size in range(9)], dtype=np.uint64)  # the first bytes of eight
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_EMPTY = np.uint64(2**64 - 1)
_NO_WORDS = np.zeros(1, dtype=np.uint64)


def places(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return where the words of a text in UTF-8 start and end, in bytes.

    A word is a run of ASCII letters, digits and underscores, or one character beyond ASCII.
    """
    data = b"\0" + data + b"\0"
    inside = _flags(data, _WORD_TABLE)
    starts, ends = inside[1:] > inside[:-1], inside[1:] < inside[:-1]
    if not data.isascii():
        continued = _flags(data, _CONTINUATION_TABLE)
        starts |= _flags(data, _LEAD_TABLE)[1:]
        ends |= continued[1:] < continued[:-1]
    return np.flatnonzero(starts), np.flatnonzero(ends)


def hashed(data: bytes, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the 64-bit hashes of words, eight bytes at a time."""
    eights = np.ndarray(len(data) + 1, "<u8", data + bytes(8), strides=(1,))
    sizes = np.minimum(ends - starts, _MOST_BYTES)
    hashes = _folded((ends - starts).astype(np.uint64), eights, starts, sizes)
    left, done = np.flatnonzero(sizes > 8), 8
    while len(left):
        hashes[left] = _folded(hashes[left], eights, starts[left] + done, sizes[left] - done)
        done += 8
        left = left[sizes[left] > done]
    return hashes


def words(text: str) -> np.ndarray:
    """Return the hashes of a text's words."""
    data = text.encode()
    return hashed(data, *places(data))


def ngrams(words: np.ndarray, size: int) -> np.ndarray:
    """Return the 64-bit hashes of all runs of `size` hashed words, in order; none when there are fewer words."""
    runs = max(len(words) - size + 1, 0)
    hashes = np.full(runs, size, dtype=np.uint64)
    for offset in range(size):
        hashes = hashes * _FACTOR + words[offset : offset + runs]
    return _mixed(hashes)


def shingles(text: str) -> np.ndarray:
    """Return the shingle hashes of a text without its head comment, at least one."""
    return _of_words(words(text[_body(text) :]))


def signatures(texts: Sequence[str]) -> np.ndarray:
    """Return the signatures of texts: (texts, `BINS`) uint32."""
    bodies = [text[_body(text) :].encode() for text in texts]
    data = b"\0".join(bodies)
    starts, ends = places(data)
    bounds = np.searchsorted(starts, np.cumsum([0, *(len(body) + 1 for body in bodies)]))
    hashes = hashed(data, starts, ends)
    runs = ngrams(hashes, SHINGLE)
    found = [
        runs[first : last - SHINGLE + 1] if last - first >= SHINGLE else _of_words(hashes[first:last])
        for first, last in pairwise(bounds)
    ]
    rows = np.repeat(np.arange(len(texts)) * BINS, [len(each) for each in found])
    together = np.concatenate([np.zeros(0, np.uint64), *found])
    least = np.full(len(texts) * BINS, _EMPTY)
    np.minimum.at(least, rows + (together >> np.uint64(56)).astype(np.int64), together)
    filled = least != _EMPTY
    return _densified((least >> np.uint64(24)).astype(np.uint32), filled).reshape(len(texts), BINS)


def signature(text: str) -> np.ndarray:
    """Return the signature of one text: `BINS` uint32."""
    return signatures([text])[0]


def estimate(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Return the estimated Jaccard similarity of signatures, row by row."""
    return np.count_nonzero(left == right, axis=-1) / BINS


def jaccard(left: str, right: str) -> float:
    """Return the exact Jaccard similarity of two texts' shingles."""
    first, second = np.unique(shingles(left)), np.unique(shingles(right))
    shared = len(np.intersect1d(first, second, assume_unique=True))
    return shared / (len(first) + len(second) - shared)


def _body(text: str) -> int:
    """Where the head comment ends, unless there is nothing else.

    The licence header is the same everywhere: with it, small files would look like copies of each other.
    """
    header = comments.HEAD.match(text)
    return header.end() if header and header.end() < len(text) else 0


def _of_words(words: np.ndarray) -> np.ndarray:
    return ngrams(words, min(SHINGLE, len(words))) if len(words) else _NO_WORDS


def _flags(data: bytes, table: bytes) -> np.ndarray:
    return np.frombuffer(data.translate(table), dtype=np.bool_)


def _folded(hashes: np.ndarray, eights: np.ndarray, starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Add the first up to eight bytes of words to their hashes."""
    hashes = (hashes * _FACTOR + (eights[starts] & _MASKS[np.minimum(sizes, 8)])) * _FACTOR
    return hashes ^ hashes >> np.uint64(29)


def _densified(result: np.ndarray, filled: np.ndarray) -> np.ndarray:
    """Fill each empty bin from a filled one of its signature, drawn by the bin's own sequence of draws."""
    empty, attempt = np.flatnonzero(~filled), 0
    while len(empty):
        attempt += 1
        bins = empty % BINS
        donors = empty - bins + _draws(attempt)[bins]
        hit = filled[donors]
        result[empty[hit]] = result[donors[hit]]
        empty = empty[~hit]
    return result


@lru_cache(2_000)
def _draws(attempt: int) -> np.ndarray:
    """The bin that each bin draws."""
    keys = np.arange(BINS, dtype=np.uint64) << np.uint64(32) | np.uint64(attempt)
    return (_mixed(keys) >> np.uint64(56)).astype(np.int64)


def _mixed(values: np.ndarray) -> np.ndarray:
    """Spread 64-bit values evenly (the finaliser of SplitMix64, Steele et al., OOPSLA 2014)."""
    values = (values ^ values >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ values >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return values ^ values >> np.uint64(31)
