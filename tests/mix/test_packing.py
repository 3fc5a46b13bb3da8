"""Packing keeps every sample whole and wastes little."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fimsmith.mix.packing import pack

lengths = st.lists(st.integers(1, 64), max_size=200).map(np.array)


@given(lengths)
def test_every_sample_is_in_exactly_one_sequence(lengths):
    assert sorted(index for row in pack(lengths, 64) for index in row) == list(range(len(lengths)))


@given(lengths)
def test_no_sequence_holds_more_than_it_can(lengths):
    assert all(0 < lengths[row].sum() <= 64 for row in pack(lengths, 64))


@given(lengths)
def test_no_two_sequences_would_fit_into_one(lengths):
    fills = sorted(int(lengths[row].sum()) for row in pack(lengths, 64))
    assert len(fills) < 2 or fills[0] + fills[1] > 64


def test_the_tightest_room_is_taken():
    # 60 leaves 40, 55 leaves 45: 38 belongs to the 60, so that 45 is left for the 45
    assert pack(np.array([60, 55, 38, 45]), 100) == [[0, 2], [1, 3]]


@pytest.mark.parametrize("sequence", [1024, 4096])
def test_lengths_like_those_of_code_fill_99_5_percent(sequence):
    drawn = np.random.default_rng(0).lognormal(6.0, 1.0, 3_000).astype(int) + 10
    lengths = np.minimum(drawn, sequence)
    assert lengths.sum() / (len(pack(lengths, sequence)) * sequence) >= 0.995
