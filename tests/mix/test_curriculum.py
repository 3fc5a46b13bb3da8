"""Levels are even parts of the sequences of each group, the shortest middles first."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fimsmith.mix.curriculum import LEVELS, levels

# sequences of (middle, group, tokens); a document has no middle
sample = st.tuples(st.just(0) | st.integers(1, 9), st.sampled_from(["code", "text"]), st.integers(10, 40))
packed = st.lists(st.lists(sample, min_size=1, max_size=3), min_size=1, max_size=60)


def columns(sequences: list) -> tuple[list[np.ndarray], np.ndarray, np.ndarray, np.ndarray]:
    """The samples as columns, and which of them each sequence holds."""
    middles, groups, kept = zip(*(each for row in sequences for each in row), strict=True)
    rows = np.split(np.arange(len(kept)), np.cumsum(list(map(len, sequences)))[:-1])
    return rows, np.array(middles), np.array(groups, object), np.array(kept)


def parts(sequences: list) -> dict[tuple[str, bool], list[int]]:
    """The sequences by the group of most of their tokens and by whether they have a middle at all."""
    found: dict[tuple[str, bool], list[int]] = {}
    for index, row in enumerate(sequences):
        code, text = (sum(tokens for _, group, tokens in row if group == name) for name in ("code", "text"))
        found.setdefault(("text" if text > code else "code", any(middle for middle, *_ in row)), []).append(index)
    return found


@given(packed)
def test_no_mean_middle_is_longer_than_one_of_the_same_group_in_a_higher_level(sequences):
    level = levels(*columns(sequences))
    for (_, coded), members in parts(sequences).items():
        if coded:
            means = [np.mean([middle for middle, *_ in sequences[index] if middle]) for index in members]
            assert (np.diff(level[members][np.argsort(means, kind="stable")]) >= 0).all()


@given(packed)
def test_every_level_has_an_equal_part_of_each_groups_tokens(sequences):
    level = levels(*columns(sequences))
    for members in parts(sequences).values():
        sizes = [sum(tokens for *_, tokens in sequences[index]) for index in members]
        tokens = np.bincount(level[members], sizes, LEVELS)
        assert len(tokens) == LEVELS
        assert np.abs(tokens - sum(sizes) / LEVELS).max() <= max(sizes)


def test_documents_are_divided_in_their_order():
    assert levels(*columns([[(0, "text", 100)]] * 9)).tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_documents_do_not_make_a_sequence_easier():
    sequences = [[(5, "code", 10), (0, "code", 10)], [(3, "code", 10), (3, "code", 10)], [(9, "code", 20)]]
    assert levels(*columns(sequences)).tolist() == [1, 0, 2]
