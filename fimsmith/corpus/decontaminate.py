"""Find files that hold parts of benchmarks: a model that was trained on them would seem better than it is.

A part is a run of 13 words, in any case, as in GPT-3's decontamination (Brown et al. 2020,
arXiv:2005.14165, appendix C). Runs that prove nothing are left out: tables of numbers and letters,
and boilerplate that stands in many of a benchmark's records, such as imports.
"""

import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fimsmith import storage
from fimsmith.corpus import bucket, hub, minhash, table
from fimsmith.errors import DataError

_WORDS = 13
_LEAST_DISTINCT, _LEAST_BYTES = 7, 3  # of the 13: so many different words of so many bytes
_MOST_RECORDS, _MOST_SHARE = 10, 0.02  # a run in more than both is boilerplate
_TASKS, _SOLUTIONS = {"prompt", "text"}, {"canonical_solution", "code"}  # columns of HumanEval, MBPP and MBXP
_ENDINGS = (".jsonl", ".json", ".txt", ".parquet")


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark that is known to be there."""

    signature: str  # changes when the content does, not when the benchmark moves
    files: Callable[[], Iterator[Path]]  # each is there until the next is asked for


def check(location: str) -> None:
    """Raise DataError for a file that is missing, not readable or of no kind that is known; looks at this machine only."""
    if location.startswith("hf:"):
        return
    if storage.is_remote(location):
        _check_ending(location)
    else:
        _existing(location)


def find(location: str) -> Benchmark:
    """Look up a file on this machine or in S3, or the tables of a data set on the Hugging Face Hub.

    Raises DataError for a location that is missing, not readable, or of no kind that is known.
    """
    check(location)
    if location.startswith("hf:"):
        found = hub.find(location, table.PARQUET + table.JSONL)
        return Benchmark(f"{found.name}@{found.commit}", found.fetch)
    if not storage.is_remote(location):
        path = _existing(location)
        return Benchmark(storage.sha256(path), lambda: iter([path]))
    stat = storage.stat(location)
    if stat is None:
        raise DataError(f"curate.decontaminate: there is no {location}; mend the address or take it out")
    return Benchmark("-".join(map(str, stat)), lambda: _brought(location, stat[0]))


def _brought(uri: str, size: int) -> Iterator[Path]:
    with bucket.scratch() as folder:
        yield bucket.bring(uri, size, folder)


def runs(benchmarks: list[Benchmark]) -> list[np.ndarray]:
    """Return the hashes of each benchmark's runs, ascending; raises DataError for a file that cannot be read."""
    none = np.zeros(0, np.uint64)
    return [
        np.unique(np.concatenate([none, *(_benchmark(path) for path in benchmark.files())])) for benchmark in benchmarks
    ]


def contaminated(known: list[np.ndarray], texts: list[str]) -> list[list[int]]:
    """Return for each text which benchmarks share a run of words with it, by their places in what runs() gave."""
    return [_sharing(minhash.ngrams(minhash.words(text.lower()), _WORDS), known) for text in texts]


def _sharing(runs: np.ndarray, known: list[np.ndarray]) -> list[int]:
    return [number for number, benchmark in enumerate(known) if _share(runs, benchmark)]


def _share(runs: np.ndarray, known: np.ndarray) -> bool:
    places = np.searchsorted(known, runs)  # known is ascending
    inside = places < len(known)
    return bool((known[places[inside]] == runs[inside]).any())


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
    """All strings of a record, joined where a copy would hold them in one piece: tests in a list, a task and its solution."""
    if isinstance(value, str):
        yield value.encode("utf-8", "replace").decode()
    elif isinstance(value, list) and all(isinstance(each, str) for each in value):
        yield from _strings("\n".join(value))
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)
    elif isinstance(value, dict):
        tasks, solutions = ([value[name] for name in names & value.keys()] for names in (_TASKS, _SOLUTIONS))
        wholes = [[task, solution] for task in tasks for solution in solutions]
        for each in (*value.values(), *wholes):
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


def _existing(path: str) -> Path:
    file = storage.local(path).absolute()
    try:
        there = file.is_file() and os.access(file, os.R_OK)
    except OSError:  # a folder above it may not be entered
        there = False
    if not there:
        raise DataError(
            f"curate.decontaminate: there is no file at {file} that may be read; mend the path or take it out"
        )
    _check_ending(str(file))
    return file


def _check_ending(location: str) -> None:
    if not location.lower().removesuffix(".gz").endswith(_ENDINGS):
        raise DataError(
            f"curate.decontaminate: {location} is none of {' '.join(_ENDINGS)} (or .gz of them); "
            "mend the address or take it out"
        )
