"""Find files that hold parts of benchmarks: a model that was trained on them would seem better than it is.

A part is a run of 13 words, in any case, as in GPT-3's decontamination (Brown et al. 2020,
arXiv:2005.14165, appendix C). Runs that prove nothing are left out: tables of numbers and letters,
and boilerplate that stands in many of a benchmark's records, such as imports.
"""

import functools
import gzip
import json
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fimsmith import storage
from fimsmith.corpus import minhash
from fimsmith.errors import DataError

_WORDS = 13
_LEAST_DISTINCT, _LEAST_BYTES = 7, 3  # of the 13: so many different words of so many bytes
_MOST_RECORDS, _MOST_SHARE = 10, 0.02  # a run in more than both is boilerplate
_ENDINGS = (".jsonl", ".json", ".txt", ".parquet")


def signatures(paths: list[str]) -> list[str]:
    """Return what identifies the benchmarks' contents; raises DataError for one that is missing."""
    return [storage.sha256(existing(path)) for path in paths]


def contaminated(paths: tuple[str, ...], texts: list[str]) -> list[bool]:
    """Say for each text whether it shares a run of words with a benchmark."""
    known = _runs(paths)
    return [_shares_a_run(text, known) for text in texts]


def _shares_a_run(text: str, known: np.ndarray) -> bool:
    runs = minhash.ngrams(minhash.words(text.lower()), _WORDS)
    places = np.searchsorted(known, runs)  # known is ascending
    inside = places < len(known)
    return bool((known[places[inside]] == runs[inside]).any())


@functools.cache
def _runs(paths: tuple[str, ...]) -> np.ndarray:
    """The hashes of all runs of the benchmarks; read once per process."""
    return np.unique(np.concatenate([np.zeros(0, np.uint64), *(_benchmark(existing(path)) for path in paths)]))


def _benchmark(path: Path) -> np.ndarray:
    """The hashes of one benchmark's runs without its boilerplate."""
    try:
        found = [_record(record) for record in _records(path)]
    except (ValueError, OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise DataError(
            f"curate.decontaminate: {path} cannot be read: {error}; fetch it again or take it out"
        ) from error
    runs, counts = np.unique(np.concatenate([np.zeros(0, np.uint64), *found]), return_counts=True)
    return runs[counts <= max(_MOST_RECORDS, _MOST_SHARE * len(found))]


def _record(record: Any) -> np.ndarray:
    """The distinct hashes of the runs in all strings of one record."""
    found = [np.zeros(0, np.uint64)]
    for text in _strings(record):
        data = text.lower().encode()
        starts, ends = minhash.places(data)
        words = minhash.hashed(data, starts, ends)
        if len(words) >= _WORDS:
            telling = np.where(ends - starts >= _LEAST_BYTES, words, 0)
            windows = np.sort(np.lib.stride_tricks.sliding_window_view(telling, _WORDS), axis=1)
            distinct = np.count_nonzero(np.diff(windows, axis=1), axis=1) + 1
            found.append(minhash.ngrams(words, _WORDS)[distinct >= _LEAST_DISTINCT])
    return np.unique(np.concatenate(found))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value.encode("utf-8", "replace").decode()
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)


def _records(path: Path) -> Iterator[Any]:
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    if ending == ".parquet":
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(1_000):
                yield from batch.to_pylist()
        return
    with gzip.open(path) if path.suffix.lower() == ".gz" else open(path, "rb") as file:
        if ending == ".jsonl":
            yield from (json.loads(line) for line in file if line.strip())
        elif ending == ".json":
            whole = json.load(file)
            yield from whole if isinstance(whole, list) else [whole]
        else:
            yield file.read().decode("utf-8", "replace")


def existing(path: str) -> Path:
    """Return a benchmark's file; raises DataError when it is missing, not readable or of no kind that is known."""
    file = storage.local(path).absolute()
    try:
        there = file.is_file() and os.access(file, os.R_OK)
    except OSError:  # a folder above it may not be entered
        there = False
    if not there:
        raise DataError(
            f"curate.decontaminate: there is no file at {file} that may be read; mend the path or take it out"
        )
    if not file.name.lower().removesuffix(".gz").endswith(_ENDINGS):
        raise DataError(f"curate.decontaminate: {file} is none of {' '.join(_ENDINGS)} (or .gz of them)")
    return file
