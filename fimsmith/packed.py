"""The training file: whole samples packed side by side into sequences of one length.

mix writes and train reads, per split:

    {split}.tokens       little-endian uint16, or uint32 above 65,536 ids; (sequences, sequence), padded
    {split}.loss         uint8 of the same shape, 1 where the token is a learned target
    {split}.lengths.npy  int32 lengths in tokens of the samples, sequence by sequence
    {split}.rows.npy     int64, where each sequence's samples begin in lengths, and their number last

The sequence length and the number format follow from the file sizes, so nothing can contradict them.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from fimsmith.errors import StorageError


def dtype(vocabulary: int) -> np.dtype:
    """Return the number format of the tokens file for a vocabulary of this size."""
    return np.dtype("<u2" if vocabulary <= 2**16 else "<u4")


class PackedWriter:
    """Write one split; samples may come in any order, each to its place.

    `rows` holds the sample lengths of every sequence in tokens. Nothing but these is held in
    memory. The files are complete when the context ends.
    """

    def __init__(self, folder: Path, split: str, rows: Sequence[Sequence[int]], shape: tuple[int, int, int]):
        """Create the files; `shape` is (sequence length, vocabulary, pad id)."""
        self._sequence, vocabulary, pad = shape
        self._stem, self._rows, self._dtype = folder / split, rows, dtype(vocabulary)
        # written, not mapped: a mapping counts as this process's memory, and a full disk would kill it
        how = os.O_RDWR | os.O_CREAT | os.O_TRUNC
        self._tokens, self._loss = (os.open(f"{self._stem}.{name}", how, 0o666) for name in ("tokens", "loss"))
        os.truncate(self._loss, len(rows) * self._sequence)  # reads as zeros
        padding = np.full(self._sequence, pad, self._dtype)
        for row, lengths in enumerate(rows):
            self._write(self._tokens, row, sum(lengths), padding[sum(lengths) :])

    def __enter__(self) -> "PackedWriter":
        return self

    def put(self, row: int, offset: int, ids: np.ndarray, learn_from: int) -> None:
        """Write a sample's ids at an offset of a sequence; tokens from index `learn_from` on are learned."""
        self._write(self._tokens, row, offset, ids.astype(self._dtype))
        self._write(self._loss, row, offset + learn_from, np.ones(len(ids) - learn_from, np.uint8))

    def _write(self, file: int, row: int, offset: int, values: np.ndarray) -> None:
        data, place = memoryview(values.tobytes()), (row * self._sequence + offset) * values.itemsize
        while data:  # a disk that is nearly full takes a part
            written = os.pwrite(file, data, place)
            data, place = data[written:], place + written

    def __exit__(self, kind: type | None, *_: object) -> None:
        os.close(self._tokens)
        os.close(self._loss)
        if kind is None:
            counts = np.fromiter(map(len, self._rows), np.int64, len(self._rows))
            lengths = np.fromiter((length for row in self._rows for length in row), np.int32, int(counts.sum()))
            np.save(f"{self._stem}.lengths.npy", lengths)
            np.save(f"{self._stem}.rows.npy", np.concatenate(([0], np.cumsum(counts))).astype(np.int64))


class PackedReader:
    """Read one split without loading it: `reader[i]` is one sequence.

    Raises StorageError when a file is missing, cut short or does not fit the others.
    """

    def __init__(self, folder: str | Path, split: str):
        stem = Path(folder) / split
        self._name = f"{stem}.*"
        self.lengths = self._load(Path(f"{stem}.lengths.npy"), np.int32)  # tokens of each sample
        self.rows = self._load(Path(f"{stem}.rows.npy"), np.int64)
        tokens, loss = Path(f"{stem}.tokens"), Path(f"{stem}.loss")
        count = len(self.rows) - 1
        size, bytes_ = self._size(loss), self._size(tokens)
        if count < 1 or not size or size % count or bytes_ not in (2 * size, 4 * size):
            raise self._broken(f"{bytes_:,} bytes of tokens and {size:,} of loss for {count:,} sequences")
        self.sequence = size // count  # tokens
        self._check()
        shape = (count, self.sequence)
        self._tokens = np.memmap(tokens, "<u2" if bytes_ == 2 * size else "<u4", "r", shape=shape)
        self._loss = np.memmap(loss, np.uint8, "r", shape=shape)

    def __len__(self) -> int:
        """Number of sequences."""
        return len(self.rows) - 1

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (ids int64, loss bool, positions int64), each `(sequence,)`.

        Positions begin at 0 for every sample and for the padding.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"sequence {index} of {len(self)}")
        return self._tokens[index].astype(np.int64), self._loss[index].astype(bool), self._positions(index)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        return (self[index] for index in range(len(self)))

    def samples(self, index: int) -> np.ndarray:
        """Return the lengths in tokens of a sequence's samples."""
        index %= len(self)
        return self.lengths[self.rows[index] : self.rows[index + 1]]

    def _positions(self, index: int) -> np.ndarray:
        lengths = self.samples(index).astype(np.int64)
        lengths = np.append(lengths, self.sequence - lengths.sum())
        starts = np.cumsum(lengths) - lengths
        return np.arange(self.sequence) - np.repeat(starts, lengths)

    def _load(self, path: Path, kind: type) -> np.ndarray:
        try:
            array = np.load(path, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise self._broken(f"{path.name} cannot be read ({type(error).__name__})") from error
        if array.dtype != kind or array.ndim != 1:
            raise self._broken(f"{path.name} holds {array.ndim} dimensions of {array.dtype}")
        return array

    def _size(self, path: Path) -> int:
        try:
            return path.stat().st_size
        except OSError as error:
            raise self._broken(f"{path.name} cannot be read ({type(error).__name__})") from error

    def _check(self) -> None:
        """The samples of each sequence must lie within the lengths and fit the sequence."""
        if self.rows[0] != 0 or self.rows[-1] != len(self.lengths) or (np.diff(self.rows) < 1).any():
            raise self._broken("the sequences do not account for every sample")
        if (self.lengths < 1).any() or (np.add.reduceat(self.lengths, self.rows[:-1]) > self.sequence).any():
            raise self._broken("sample lengths do not fit the sequences")

    def _broken(self, what: str) -> StorageError:
        return StorageError(f"{self._name} is no complete training file: {what}; delete its folder and run mix again")
