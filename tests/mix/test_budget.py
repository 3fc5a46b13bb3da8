"""A group's budget is met by whole samples, exactly where that is possible and never exceeded."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fimsmith import config
from fimsmith.errors import DataError
from fimsmith.mix import budget

lengths = st.lists(st.integers(1, 200), min_size=1, max_size=80).map(lambda values: np.array(values, np.int64))
weights = st.lists(st.floats(0.01, 1), min_size=1, max_size=5).map(
    lambda values: {f"g{number}": value / sum(values) for number, value in enumerate(values)}
)


def fim_only(lengths: np.ndarray) -> np.ndarray:
    return np.zeros(len(lengths), bool)


def section(**fields) -> config.Mix:
    return config.Mix.model_validate({"weights": {"code": 0.75, "text": 0.25}, **fields})


@given(weights, st.integers(1, 10**9))
def test_allocation_gives_every_token_to_a_group(weights, tokens):
    shares = budget.allocate(weights, tokens)
    assert sum(shares.values()) == tokens
    assert all(abs(shares[group] - weights[group] * tokens) < 1 + 1e-6 * tokens for group in weights)


@given(lengths, st.integers(1, 20_000))
def test_the_budget_is_never_exceeded(lengths, tokens):
    _, kept = budget.fill(lengths, fim_only(lengths), tokens)
    assert kept.sum() <= tokens


@given(lengths, st.integers(1, 20_000))
def test_fim_samples_are_never_cut(lengths, tokens):
    picks, kept = budget.fill(lengths, fim_only(lengths), tokens)
    assert (kept == lengths[picks]).all()


@given(lengths, st.integers(1, 20_000))
def test_no_sample_is_repeated_before_all_were_used(lengths, tokens):
    picks, _ = budget.fill(lengths, fim_only(lengths), tokens)
    uses = Counter(picks.tolist())
    assert max(uses[index] for index in range(len(lengths))) - min(uses[index] for index in range(len(lengths))) <= 1


@given(lengths, st.integers(1, 20_000))
def test_what_is_left_could_not_be_filled_by_one_more_sample_or_one_swap(lengths, tokens):
    picks, kept = budget.fill(lengths, fim_only(lengths), tokens)
    rest = tokens - kept.sum()
    uses = Counter(picks.tolist())
    most = max(uses.values(), default=0)
    everything_used = len(uses) == len(lengths) and min(uses.values()) == most
    more = {i for i in range(len(lengths)) if uses[i] < most or everything_used or most == 0}
    fewer = {i for i in range(len(lengths)) if uses[i] == most and i not in more}
    gains = {int(lengths[i]) for i in more} | {int(lengths[i] - lengths[j]) for i in more for j in fewer}
    assert rest not in gains or rest == 0


@given(st.lists(st.integers(40, 200), min_size=20, max_size=80), st.integers(1_000, 20_000))
def test_documents_fill_the_budget_to_the_last_token(values, tokens):
    lengths = np.array(values)
    picks, kept = budget.fill(lengths, ~fim_only(lengths), tokens)
    assert kept.sum() == tokens
    assert (kept < lengths[picks]).sum() <= 2
    assert kept.min() >= budget.SHORTEST


@given(st.lists(st.integers(40, 200), min_size=30, max_size=80), st.integers(2_000, 20_000), st.data())
def test_only_documents_lose_tokens(values, tokens, data):
    lengths = np.array(values)
    documents = np.array(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))))
    picks, kept = budget.fill(lengths, documents, tokens)
    assert documents[picks[kept < lengths[picks]]].all()


def test_many_samples_of_mixed_lengths_are_met_exactly():
    lengths = np.random.default_rng(1).integers(50, 4_096, 2_000)
    for tokens in (100_000, 123_457, 999_999, 5_000_001):
        _, kept = budget.fill(lengths, fim_only(lengths), tokens)
        assert kept.sum() == tokens


def test_samples_are_used_in_their_order():
    lengths = np.full(100, 10)
    picks, _ = budget.fill(lengths, fim_only(lengths), 300)
    assert picks.tolist() == list(range(30))


@given(st.integers(1_000, 10**7), st.integers(1_000, 10**7), st.integers(1_000, 10**9), st.floats(0.1, 16))
def test_the_fixes_that_an_error_names_are_accepted(code, text, tokens, cap):
    have = {"code": code, "text": text}
    wanted = section(tokens=tokens, max_epochs=cap)
    affordable, _ = budget.largest(wanted, have)
    assume(tokens > affordable)
    with pytest.raises(DataError) as error:
        budget.check(wanted, have, tokens)
    named = str(error.value).split("set ")[1]
    if affordable >= 1_000:
        assert f"mix.tokens to {affordable:,} or" in named
    budget.check(wanted, have, affordable)
    epochs = float(named.split("mix.max_epochs to ")[1].split(",")[0])
    budget.check(section(tokens=tokens, max_epochs=epochs), have, tokens)


@given(st.integers(1_000, 10**7), st.integers(1_000, 10**7), st.floats(0.1, 16))
def test_one_token_more_than_affordable_is_refused(code, text, cap):
    have, wanted = {"code": code, "text": text}, section(max_epochs=cap)
    affordable, _ = budget.largest(wanted, have)
    with pytest.raises(DataError, match=r"mix\.max_epochs"):
        budget.check(wanted, have, affordable + 1)
