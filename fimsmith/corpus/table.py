"""Read rows of text from parquet and JSONL files, such as published code data sets."""

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fimsmith import config
from fimsmith.corpus import licences, tree
from fimsmith.corpus.tree import Entry
from fimsmith.errors import DataError

PARQUET = (".parquet",)
JSONL = (".jsonl", ".jsonl.gz")
_PATHS = ("path", "max_stars_repo_path", "file_path")
_REPOSITORIES = ("repository", "max_stars_repo_name", "repo_name", "repo")
_LICENCES = ("licence", "license", "max_stars_repo_licenses", "licenses")
_ODD = 1_000  # lines that may lack a column which others have
_MOST_NAMES = 100  # of columns that a line adds to a message
_TEXTS = (pa.string(), pa.large_string())


class DamagedError(DataError):
    """A file that is not, or not to its end, what its name says."""


def entries(path: Path, source: config.Source, limit: int) -> Iterator[Entry]:
    """Yield every row as a file; a row without text carries its reason."""
    longest = 6 * limit + 1_000_000  # JSON can write one byte as \u0000; the rest of the row is short
    read = _parquet if path.name.lower().endswith(PARQUET) else _jsonl
    rows = read(path, source, longest)
    unpacked = 0
    for number, row in enumerate(rows):
        entry = _entry(row, f"{path.name}/{number:09}", source)
        unpacked += entry.size
        tree.refuse_bomb(path, unpacked)
        yield entry


def _entry(row: dict[str, Any] | str, fallback: str, source: config.Source) -> Entry:
    if isinstance(row, str):
        return Entry(fallback, source.name, fallback, reason=row)
    path, unsafe = tree.safe((_string(row, _PATHS) or fallback).lstrip("/"))
    path = fallback if unsafe else path
    if source.kind == "java" and PurePosixPath(path).suffix.lower() not in ("", *tree.SUFFIXES["java"]):
        return Entry(path, source.name, path, reason="other_kind")  # of a table of many languages
    name = _string(row, _REPOSITORIES) or source.name
    repository = name if source.repository == "auto" else source.repository
    texts = [text for column in source.columns if isinstance(text := row.get(column), str)]
    if not texts:
        return Entry(path, repository, path, reason="no_text")
    text = "\n\n".join(filter(None, texts))
    try:
        data = text.encode()
    except UnicodeEncodeError:  # JSON can spell half of a surrogate pair
        return Entry(path, repository, path, reason="undecodable")
    return Entry(path, repository, path, data, len(data), licence=_licence(row))


def _string(row: dict[str, Any], columns: Sequence[str]) -> str | None:
    """The first of the columns that holds a string."""
    values = (value for value in map(row.get, columns) if isinstance(value, str) and value)
    value = next(values, None)
    return value and value.encode("utf-8", "replace").decode()


def _licence(row: dict[str, Any]) -> str | None:
    """What the first of the columns with a licence says; all that it lists have to be allowed."""
    for stated in map(row.get, _LICENCES):
        names = [name for name in (stated if isinstance(stated, list) else [stated]) if isinstance(name, str) and name]
        if names:
            return licences.every(names).encode("utf-8", "replace").decode()
    return None


def _row_of(batch: pa.RecordBatch, longest: int) -> dict[str, Any] | str:
    """Return the only row as a dictionary, or the reason where Python should not hold it or cannot."""
    if sum(map(_bytes, batch.columns)) > longest:
        return "too_large"
    try:
        return batch.to_pylist()[0]
    except (ValueError, OverflowError):  # invalid UTF-8, a time outside the calendar
        return "undecodable"


def _bytes(column: pa.Array) -> int:
    """The bytes of a column of texts, or of lists of texts; 0 for any other."""
    texts = column.flatten() if pa.types.is_list(column.type) else column
    return pc.sum(pc.binary_length(texts)).as_py() or 0 if texts.type in _TEXTS else 0  # pyright: ignore[reportAttributeAccessIssue]


def _parquet(path: Path, source: config.Source, longest: int) -> Iterator[dict[str, Any] | str]:
    """Yield one dictionary per row, or the reason why a row is none."""
    try:
        with pq.ParquetFile(path) as file:
            names = file.schema_arrow.names
            _check_column(path, source, names)
            known = {*source.columns, *_PATHS, *_REPOSITORIES, *_LICENCES} & set(names)
            for group in range(file.num_row_groups):
                # Arrow unpacks a page whole, which may be as large as its group; what the metadata says of a column may
                # not be asked for: of a damaged one that ends the process
                if tree.is_bomb(path.stat().st_size, file.metadata.row_group(group).total_byte_size):
                    yield "too_large"
                    continue
                # row by row: 90 KB of a file can be 1 GB of text
                for batch in file.iter_batches(1, [group], sorted(known)):
                    yield _row_of(batch, longest)
    except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: a column's name is no UTF-8
        raise _broken(path, error) from error


def _jsonl(path: Path, source: config.Source, longest: int) -> Iterator[dict[str, Any] | str]:
    """Yield one dictionary per line, or the reason why a line is none."""
    lacking, names = set(source.columns), set[str]()
    try:
        with gzip.open(path) if path.suffix.lower() == ".gz" else open(path, "rb") as file:
            for number, line in enumerate(_lines(file, longest)):
                row = _parsed(line, longest)
                if lacking and isinstance(row, dict):
                    lacking.difference_update(row)
                    names.update(islice(row, _MOST_NAMES))
                    if number >= _ODD and lacking:
                        _check_column(path, source, names)
                yield row
        if lacking and names:
            _check_column(path, source, names)
    except (EOFError, OSError, zlib.error) as error:
        raise _broken(path, error) from error


def _lines(file: BinaryIO | gzip.GzipFile, longest: int) -> Iterator[bytes]:
    """Yield lines that are not blank; of one that is too long only the beginning."""
    while line := file.readline(longest + 1):
        rest = line
        while len(rest) > longest and not rest.endswith(b"\n"):
            rest = file.readline(longest + 1)
        if line.strip():
            yield line


def _parsed(line: bytes, longest: int) -> dict[str, Any] | str:
    if len(line) > longest:
        return "too_large"
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return "broken"
    return row if isinstance(row, dict) else "broken"


def _check_column(path: Path, source: config.Source, names: Iterable[str]) -> None:
    there = set(names)
    if lacking := [column for column in source.columns if column not in there]:
        raise DataError(
            f"source {source.name!r}: {path} has no column {lacking[0]!r}; "
            f"set its text_column to one of {', '.join(sorted(there))}"
        )


def _broken(path: Path, error: Exception) -> DamagedError:
    return DamagedError(f"{path} cannot be read: {error}; fetch it again, or take it out of the sources")
