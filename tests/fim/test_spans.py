"""Holes are usable: disjoint, parsable, visible, neither trivial nor too long, whatever the file."""

from collections import Counter
from itertools import pairwise

import pytest
from fim_sources import BROKEN, EVERY_KIND, java_files
from hypothesis import given, settings
from hypothesis import strategies as st

from fimsmith import config, java, randomness
from fimsmith.documents import encoded
from fimsmith.fim.spans import Candidates, Hole, Holes, choose, log_uniform, pick
from fimsmith.fim.syntax import Syntax
from fimsmith.tokenizer import SourceTokenizer

POLICIES = ("node", "aligned", "line", "char", "prefix")


def section(**fields: object) -> config.Fim:
    return config.Fim.model_validate(fields)


def draw(
    tokenizer: SourceTokenizer, text: str, policies: tuple[str, ...] = POLICIES, given: config.Fim | None = None
) -> list[Hole]:
    """Draw holes of all policies in turn, with fixed seeds."""
    settings = given or section()
    syntax = Syntax(text)
    holes = Holes(settings, Candidates(settings, syntax, encoded(tokenizer, [text])[0]))
    drawn = [holes.draw(policy, randomness.fractions(at, policy)) for at in range(6) for policy in policies]
    return [hole for hole in drawn if hole]


def only(kind: str) -> dict[str, float]:
    return {name: float(name == kind) for name in config.Kinds.model_fields}


@settings(max_examples=80, deadline=None)
@given(text=java_files(), least=st.integers(1, 12), most=st.integers(4, 80))
def test_holes_of_any_file_keep_all_promises(tokenizer: SourceTokenizer, text: str, least: int, most: int):
    wanted = section(min_middle=least, max_middle=most)
    offsets, errors = java.Offsets(text), java.errors(java.parse(text.encode()))
    holes = draw(tokenizer, text, given=wanted)
    for hole in holes:
        prefix, middle, suffix = text[: hole.start], text[hole.start : hole.end], text[hole.end :]
        assert prefix + middle + suffix == text
        assert sum(map(len, middle.split())) >= least
        assert tokenizer.unpack(hole.middle) == tokenizer.encode(middle)
        assert len(tokenizer.encode(middle)) <= most
        start, end = offsets.bytes(hole.start), offsets.bytes(hole.end)
        assert text.encode()[start:end].decode() == middle
        assert not any(start < stop and begin < end for begin, stop in errors)
    ends = sorted((hole.start, hole.end) for hole in holes)
    assert all(one[1] <= other[0] for one, other in pairwise(ends))


def test_a_hole_never_touches_a_parse_error(tokenizer: SourceTokenizer):
    drawn = [hole for seed in range(8) for hole in draw(tokenizer, BROKEN, POLICIES[seed % 5 :])]
    assert drawn
    assert all("= ;" not in BROKEN[hole.start - 2 : hole.end + 2] for hole in drawn)


@pytest.mark.parametrize("policy", ["line", "char", "aligned", "node"])
def test_a_file_that_is_one_error_gives_no_holes(tokenizer: SourceTokenizer, policy: str):
    assert draw(tokenizer, "%% ]] {{ (( ;; $$ 12 34 -> " * 9, (policy,)) == []


@pytest.mark.parametrize("kind", config.Kinds.model_fields)
def test_every_kind_can_be_drawn_alone(tokenizer: SourceTokenizer, kind: str):
    holes = draw(tokenizer, EVERY_KIND, ("node",), section(kinds=only(kind)))
    assert {hole.kind for hole in holes} == {kind}
    syntax = Syntax(EVERY_KIND)
    if kind != "statements":
        assert {(hole.start, hole.end) for hole in holes} <= set(syntax.nodes(kind))


def test_a_statements_hole_begins_and_ends_with_statements_of_one_block(tokenizer: SourceTokenizer):
    syntax = Syntax(EVERY_KIND)
    runs = [syntax.statements(block) for block in syntax.blocks]
    allowed = {(first[0], last[1]) for run in runs for at, first in enumerate(run) for last in run[at:]}
    holes = draw(tokenizer, EVERY_KIND, ("node",), section(kinds=only("statements")))
    assert {(hole.start, hole.end) for hole in holes} <= allowed


def test_imports_and_the_licence_are_no_holes(tokenizer: SourceTokenizer):
    head = EVERY_KIND[: Syntax(EVERY_KIND).head] + "\n"
    assert draw(tokenizer, head + "class A {}\n", ("line", "char", "aligned"), section(min_middle=10)) == []
    assert draw(tokenizer, head + "class A { int longEnoughToBeAHole = 1; }\n", ("line",), section(min_middle=10))


def test_line_holes_end_before_the_line_end(tokenizer: SourceTokenizer):
    text = EVERY_KIND.replace("\n", "\r\n")
    holes = draw(tokenizer, text, ("line",))
    assert holes
    assert all(text[hole.end : hole.end + 2] == "\r\n" for hole in holes)
    assert any(text[hole.start - 1] == "\n" for hole in holes)
    assert any(text[hole.start - 1] != "\n" for hole in holes)


def test_refusals_are_counted_by_reason(tokenizer: SourceTokenizer):
    wanted = section(max_middle=2)
    holes = Holes(wanted, Candidates(wanted, Syntax(EVERY_KIND), encoded(tokenizer, [EVERY_KIND])[0]))
    assert holes.draw("line", randomness.fractions(1)) is None
    assert holes.refused["too long"] > 0
    assert sum(holes.refused.values()) == 20


def test_sizes_of_one_kind_are_spread_over_their_logarithm(tokenizer: SourceTokenizer):
    calls = [f"f{size}({'a' * size})" for size in [4] * 300 + [200] * 3]
    text = "class A { void f() { " + "; ".join(calls) + "; } }"
    wanted = section(kinds=only("expression"), max_middle=400)
    candidates = Candidates(wanted, Syntax(text), encoded(tokenizer, [text])[0])
    drawn = [candidates.draw("node", randomness.fractions(seed)) for seed in range(200)]
    long = sum(span[0][1] - span[0][0] > 100 for span in drawn if span)
    assert 60 < long < 140  # 1 % of the nodes, half of the draws


def test_pick_follows_the_weights():
    counts = Counter(pick({"a": 1, "b": 0, "c": 3}, step / 1000) for step in range(1000))
    assert counts == {"a": 250, "c": 750}


@given(st.integers(1, 500), st.integers(1, 500), st.floats(0, 1, exclude_max=True))
def test_log_uniform_stays_in_its_range(low: int, high: int, fraction: float):
    assert low <= log_uniform(low, high, fraction) <= max(low, high)


@given(st.lists(st.integers(), min_size=1), st.floats(0, 1, exclude_max=True))
def test_choose_returns_an_item(items: list[int], fraction: float):
    assert choose(items, fraction) in items
