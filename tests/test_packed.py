"""What is written comes back, and a damaged file is noticed before training starts."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fimsmith.errors import StorageError
from fimsmith.packed import PackedReader, PackedWriter

SEQUENCE, PAD = 16, 3
ROWS = [[4, 9, 2], [16], [1]]


def write(folder: Path, rows=ROWS, vocabulary: int = 1000) -> dict[tuple[int, int], np.ndarray]:
    """Write rows of random samples, last sample first; return the ids by (row, offset)."""
    random = np.random.default_rng(0)
    samples = {
        (row, sum(lengths[:index])): random.integers(0, vocabulary, lengths[index])
        for row, lengths in enumerate(rows)
        for index in range(len(lengths))
    }
    with PackedWriter(folder, "train", rows, (SEQUENCE, vocabulary, PAD)) as writer:
        for (row, offset), ids in reversed(samples.items()):
            writer.put(row, offset, ids, min(1, len(ids)))
    return samples


rows = st.lists(
    st.lists(st.integers(1, 8), min_size=1, max_size=9).filter(lambda row: sum(row) <= SEQUENCE),
    min_size=1,
    max_size=8,
)


@given(rows, st.sampled_from([1000, 2**16, 2**16 + 1, 200_000]))
def test_every_sample_comes_back_where_it_was_put(tmp_path_factory, rows, vocabulary):
    folder = tmp_path_factory.mktemp("packed")
    samples = write(folder, rows, vocabulary)
    reader = PackedReader(folder, "train")
    assert (len(reader), reader.sequence) == (len(rows), SEQUENCE)
    for (row, offset), ids in samples.items():
        found, loss, positions = reader[row]
        here = slice(offset, offset + len(ids))
        assert (found[here] == ids).all()
        assert (positions[here] == np.arange(len(ids))).all()
        assert loss[here].tolist() == [False, *[True] * (len(ids) - 1)]


@given(rows)
def test_the_rest_of_a_sequence_is_padding_that_is_not_learned(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("packed")
    write(folder, rows)
    for lengths, (ids, loss, positions) in zip(rows, PackedReader(folder, "train"), strict=True):
        rest = slice(sum(lengths), None)
        assert (ids[rest] == PAD).all()
        assert not loss[rest].any()
        assert (positions[rest] == np.arange(SEQUENCE - sum(lengths))).all()


def test_arrays_have_the_types_that_training_expects(tmp_path):
    write(tmp_path)
    ids, loss, positions = PackedReader(tmp_path, "train")[0]
    assert (ids.dtype, loss.dtype, positions.dtype) == (np.int64, bool, np.int64)
    assert ids.shape == loss.shape == positions.shape == (SEQUENCE,)


@pytest.mark.parametrize(("vocabulary", "width"), [(2**16, 2), (2**16 + 1, 4)])
def test_ids_take_two_bytes_while_the_vocabulary_allows(tmp_path, vocabulary, width):
    write(tmp_path, vocabulary=vocabulary)
    assert (tmp_path / "train.tokens").stat().st_size == width * SEQUENCE * len(ROWS)


def test_samples_of_a_sequence_are_listed_by_length(tmp_path):
    write(tmp_path)
    reader = PackedReader(tmp_path, "train")
    assert [reader.samples(index).tolist() for index in range(len(reader))] == ROWS
    assert reader.samples(-1).tolist() == ROWS[-1]


@pytest.mark.parametrize("index", [3, -4])
def test_a_sequence_beyond_the_end_is_an_index_error(tmp_path, index):
    write(tmp_path)
    with pytest.raises(IndexError):
        PackedReader(tmp_path, "train")[index]


@pytest.mark.parametrize("name", ["tokens", "loss", "lengths.npy", "rows.npy"])
@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "one sequence less", "garbage"])
def test_a_damaged_file_is_refused(tmp_path, name, damage):
    write(tmp_path)
    path = tmp_path / f"train.{name}"
    data = path.read_bytes()
    step = {"tokens": 2 * SEQUENCE, "loss": SEQUENCE, "lengths.npy": 4, "rows.npy": 8}[name]
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(
            {"empty": b"", "cut": data[:-1], "one sequence less": data[:-step], "garbage": b"\x80abc"}[damage]
        )
    with pytest.raises(StorageError, match="run mix again"):
        PackedReader(tmp_path, "train")


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("lengths", np.array([4, 9, 4, 16, 1], np.int32)),  # first sequence too long
        ("lengths", np.array([4, 0, 2, 16, 1], np.int32)),
        ("lengths", np.array([4, 9, 2, 16, 1], np.int64)),
        ("rows", np.array([0, 3, 3, 5], np.int64)),
        ("rows", np.array([1, 3, 4, 5], np.int64)),
        ("rows", np.array([0, 3, 4, 6], np.int64)),
        ("rows", np.array([[0, 3, 4, 5]], np.int64)),
    ],
)
def test_lengths_that_contradict_the_sequences_are_refused(tmp_path, name, array):
    write(tmp_path)
    np.save(tmp_path / f"train.{name}.npy", array)
    with pytest.raises(StorageError, match="run mix again"):
        PackedReader(tmp_path, "train")
