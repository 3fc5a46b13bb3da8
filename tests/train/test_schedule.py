"""fimsmith.train.data: the order of the sequences and the labels."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from fimsmith import config
from fimsmith.manifest import Manifest
from fimsmith.packed import PackedReader
from fimsmith.train import data

Make = Callable[..., config.Train]


@pytest.fixture(scope="module")
def reader(packed: Manifest) -> PackedReader:
    return PackedReader(packed.folder, "train")


def test_every_epoch_takes_every_sequence_once_and_in_another_order(reader: PackedReader, section: Make):
    schedule = data.Schedule(reader, section(max_steps=None, epochs=2))
    first, second = schedule.order[: len(reader)].tolist(), schedule.order[len(reader) :].tolist()
    assert sorted(first) == sorted(second) == list(range(len(reader)))
    assert first != second


def test_the_order_depends_on_the_seed_alone(reader: PackedReader, section: Make):
    order = data.Schedule(reader, section(seed=1)).order.tolist()
    assert data.Schedule(reader, section(seed=1, micro_batch=2)).order.tolist() == order
    assert data.Schedule(reader, section(seed=2)).order.tolist() != order


def test_longer_trainings_begin_like_shorter_ones(reader: PackedReader, section: Make):
    short, long = (data.Schedule(reader, section(max_steps=steps)).order.tolist() for steps in (5, 50))
    assert long[: len(short)] == short


LEVELS = (16, 20, 12)  # sequences


def test_the_first_epoch_goes_through_the_levels_and_later_ones_do_not(reader: PackedReader, section: Make):
    plain = data.Schedule(reader, section(max_steps=None, epochs=2)).order
    order = data.Schedule(reader, section(max_steps=None, epochs=2), LEVELS).order
    first = [*np.split(order[: len(reader)], np.cumsum(LEVELS)[:-1])]
    assert [sorted(level) for level in first] == [list(range(16)), list(range(16, 36)), list(range(36, 48))]
    assert first[0].tolist() == [index for index in plain[: len(reader)] if index < 16]  # as they were drawn
    assert order[len(reader) :].tolist() == plain[len(reader) :].tolist()


def test_a_training_that_ends_within_the_first_epoch_has_sequences_of_every_level(reader: PackedReader, section: Make):
    plain, order = (data.Schedule(reader, section(max_steps=6), levels).order for levels in ((), LEVELS))
    assert sorted(order) == sorted(plain)
    level = np.searchsorted(np.cumsum(LEVELS), order, side="right")
    assert set(level) == {0, 1, 2}
    assert (np.diff(level) >= 0).all()


def test_one_level_changes_nothing(reader: PackedReader, section: Make):
    plain, order = (data.Schedule(reader, section(), levels).order.tolist() for levels in ((), (len(reader),)))
    assert order == plain


@pytest.mark.parametrize(("epochs", "steps"), [(1, 12), (0.5, 6), (1.01, 13), (0.001, 1)])
def test_the_steps_cover_the_wanted_epochs(reader: PackedReader, section: Make, epochs: float, steps: int):
    schedule = data.Schedule(reader, section(max_steps=None, epochs=epochs))
    assert (schedule.steps, len(schedule)) == (steps, steps * 4)


def test_tokens_are_counted_without_the_padding(reader: PackedReader, section: Make):
    schedule = data.Schedule(reader, section(max_steps=12))
    assert schedule.tokens(0) == 0
    assert schedule.tokens(12) == int(reader.lengths.sum())
    assert schedule.tokens(5) == sum(int(reader.samples(int(index)).sum()) for index in schedule.order[:20])


def test_a_label_is_its_token_where_it_is_learned_and_not_the_first_of_a_sample(reader: PackedReader):
    for index in range(len(reader)):
        ids, learned, positions = reader[index]
        labels = data.sequence(reader, index)["labels"]
        for token, learn, position, label in zip(ids, learned, positions, labels.tolist(), strict=True):
            assert label == (token if learn and position else data.IGNORED)


def test_there_is_no_attention_mask(reader: PackedReader):
    assert set(data.sequence(reader, 0)) == {"input_ids", "position_ids", "labels"}


@pytest.mark.parametrize(("micro_batch", "world"), [(1, 1), (2, 2), (3, 2), (1, 8), (64, 1)])
def test_validation_takes_every_sequence_once_in_as_many_batches_on_each_rank(
    reader: PackedReader, micro_batch: int, world: int
):
    shares = [list(data.validation(reader, micro_batch, rank, world)) for rank in range(world)]
    assert len({len(share) for share in shares}) == 1
    assert all(len(batch["labels"]) == micro_batch for share in shares for batch in share)
    labels = torch.cat([batch["labels"] for share in shares for batch in share])
    everything = torch.stack([data.sequence(reader, index)["labels"] for index in range(len(reader))])
    assert labels[(labels != data.IGNORED).any(1)].tolist() == everything.tolist()
