"""All samples of all shards: first their lengths, later their token ids, never everything at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fimsmith import randomness
from fimsmith.errors import DataError, StorageError
from fimsmith.manifest import Manifest
from fimsmith.progress import Progress

FILE = "samples.parquet"
_LABELS = ("group", "split", "policy")
_COLUMNS = ["file", "epoch", "index", *_LABELS, "tokens", "target"]


@dataclass(frozen=True, slots=True)
class _RowGroup:
    """A piece of a shard that is read at once."""

    path: Path
    file: pq.ParquetFile
    number: int
    start: int  # place of its first row

    @property
    def rows(self) -> int:
        return self.file.metadata.row_group(self.number).num_rows

    def read(self, columns: list[str]) -> pa.Table:
        """Read some columns; raises StorageError for damaged data."""
        try:
            return self.file.read_row_group(self.number, columns)
        except (OSError, pa.ArrowInvalid) as error:
            raise _unreadable(self.path, error) from error


@dataclass(frozen=True, slots=True)
class Samples:
    """What is known of every sample besides its ids: epoch by epoch, within each in a keyed order.

    The order depends on the samples alone, not on the shards that hold them.
    """

    lengths: np.ndarray  # tokens
    targets: np.ndarray  # index of the target's first token
    places: np.ndarray  # row number, counted through the shards as they were given
    groups: np.ndarray
    splits: np.ndarray
    policies: np.ndarray

    @property
    def middles(self) -> np.ndarray:
        """Tokens of the target without the end token; 0 for documents, which have none."""
        return np.where(self.policies == "document", 0, self.lengths - self.targets - 1)

    def of(self, split: str, group: str | None = None) -> np.ndarray:
        """Return the indices of a split's (and group's) samples in their order."""
        mask = self.splits == split
        return np.flatnonzero(mask if group is None else mask & (self.groups == group))


def read(shards: list[Manifest], seed: int) -> Samples:
    """Read what is known of all samples; raises DataError when a sample is there twice."""
    progress = Progress("mix", "samples")
    parts = []
    for group in _row_groups(shards):
        parts.append(_part(group.read(_COLUMNS), group.start, seed))
        progress.add(group.rows)
    if not parts:
        raise DataError("the shards hold no samples; every file was dropped, see the lines of ingest and curate")
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.lexsort((columns["low"], columns["high"], columns["epoch"]))
    same = np.ones(len(order) - 1, bool)
    for name in ("low", "high", "epoch"):
        same &= np.diff(columns[name][order]) == 0
    if same.any():
        raise DataError("the shards hold the same sample twice; pass every shard of one curation once")
    names = ("length", "target", "place", *_LABELS)
    return Samples(*(columns[name][order] for name in names))


def ids(shards: list[Manifest], places: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the token ids of the samples at these places, which must be sorted and may repeat."""
    for group in _row_groups(shards):
        first, last = np.searchsorted(places, (group.start, group.start + group.rows))
        if first == last:
            continue
        table = group.read(["tokens", "ids"])
        lengths, packed = table.column("tokens").to_pylist(), table.column("ids").to_pylist()
        for row in (places[first:last] - group.start).tolist():
            yield np.frombuffer(packed[row], f"<u{len(packed[row]) // lengths[row]}")


def _part(table: pa.Table, start: int, seed: int) -> dict[str, np.ndarray]:
    """The columns of one row group; `high` and `low` are the sample's key in the keyed order."""
    identity = zip(*(table.column(name).to_pylist() for name in ("file", "epoch", "index")), strict=True)
    keys = [randomness.key("mix", seed, *each) for each in identity]
    return {
        "high": np.fromiter((key >> 64 for key in keys), np.uint64, len(keys)),
        "low": np.fromiter((key & (1 << 64) - 1 for key in keys), np.uint64, len(keys)),
        "epoch": table.column("epoch").to_numpy(),
        "length": table.column("tokens").to_numpy().astype(np.int64),
        "target": table.column("target").to_numpy().astype(np.int64),
        "place": np.arange(start, start + table.num_rows),
        **{name: _labels(table.column(name)) for name in _LABELS},
    }


def _labels(column: pa.ChunkedArray) -> np.ndarray:
    """The strings as Python objects, one object per distinct string."""
    encoded = column.combine_chunks().dictionary_encode()
    return np.array(encoded.dictionary.to_pylist(), object)[encoded.indices.to_numpy()]


def _row_groups(shards: list[Manifest]) -> Iterator[_RowGroup]:
    start = 0
    for shard in shards:
        path = shard.file(FILE)
        try:
            file = pq.ParquetFile(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise _unreadable(path, error) from error
        with file:
            for number in range(file.num_row_groups):
                group = _RowGroup(path, file, number, start)
                yield group
                start += group.rows


def _unreadable(path: Path, error: Exception) -> StorageError:
    return StorageError(
        f"cannot read the samples in {path}: {' '.join(str(error).split())}; delete that folder and run fim again"
    )
