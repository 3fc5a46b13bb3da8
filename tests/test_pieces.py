"""The pieces of ASCII text and their ids are those that one pattern and one encoding after the other give."""

import string
from itertools import accumulate, pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fimsmith import pieces, pretokens
from fimsmith.pieces import PieceTable

SPLITS = pretokens._DEEPSEEK
assert SPLITS.pieces
assert SPLITS.borders
PATTERN, BORDERS = SPLITS.pieces, SPLITS.borders
TEXTS = st.lists(
    st.one_of(
        st.text(st.characters(max_codepoint=127), max_size=12),
        st.sampled_from(
            ["    ", " = ", "\t\tif (", "x" * 40, "\r\n", "\0", "\0\0", "abcdefgh", "abcdefghi", "a" * 15, "a" * 16]
        ),
    ),
    max_size=12,
).map("".join)


def asked() -> tuple[PieceTable, list[str]]:
    """A table whose ids are the bytes of a piece and 256, and the pieces that were encoded."""
    calls: list[str] = []

    def encode(piece: str) -> bytes:
        calls.append(piece)
        return np.array([*piece.encode(), 256], np.uint16).tobytes()

    return PieceTable(encode, np.dtype(np.uint16), BORDERS), calls


def found(table: PieceTable, text: str) -> list[str]:
    """The pieces as the table has them."""
    starts, bounds, ids = table.ids(text.encode())
    assert bounds[0] == 0
    assert bounds[-1] == len(ids)
    each = [ids[first:last].tolist() for first, last in pairwise(bounds)]
    assert all(piece.pop() == 256 for piece in each)
    assert [*starts.tolist(), len(text)] == [0, *accumulate(map(len, each))]
    return [bytes(piece).decode() for piece in each]


@settings(max_examples=300, deadline=None)
@given(text=TEXTS)
def test_pieces_start_where_the_pattern_finds_them(text: str):
    assert BORDERS.starts(text.encode()).tolist() == [match.start() for match in PATTERN.finditer(text)]


def test_the_pattern_tells_no_two_characters_apart_that_are_taken_for_alike():
    ascii_characters = list(map(chr, range(128)))
    for before in ascii_characters:
        for here in ascii_characters:
            text = "".join(before + here + after for after in " a.0+\t\x1c\n")
            assert BORDERS.starts(text.encode()).tolist() == [match.start() for match in PATTERN.finditer(text)]


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(TEXTS, max_size=6))
def test_every_piece_gets_its_own_ids_and_is_encoded_once(texts: list[str]):
    table, calls = asked()
    for text in texts:
        assert found(table, text) == PATTERN.findall(text)
    assert len(calls) == len(set(calls))


@pytest.mark.parametrize("size", [1, 7, 8, 9, 14, 15, 16, 17, 249, 250, 256, 257, 265])
def test_pieces_that_differ_in_their_last_byte_have_their_own_ids(size: int):
    table, _ = asked()
    for last in "bcbc":
        text = "a" * (size - 1) + last
        assert found(table, text) == [text]


@pytest.mark.parametrize("size", [1, 20])
def test_unknown_pieces_that_occur_often_are_encoded_once(size: int):
    table, calls = asked()
    text = ".".join(["a" * size, "b" * size] * 20_000)
    assert found(table, text) == PATTERN.findall(text)
    assert len(calls) == 3


@pytest.mark.parametrize("homes", [1, 3])
def test_pieces_that_collide_keep_their_ids(monkeypatch: pytest.MonkeyPatch, homes: int):
    monkeypatch.setattr(pieces, "_homes", lambda low, high: (low % np.uint64(homes)).astype(np.int64))
    table, calls = asked()
    for number in range(20):
        text = " ".join(f"{first}{second * number}" for first in string.ascii_letters for second in "xyz")
        assert found(table, text) == PATTERN.findall(text)
        assert found(table, text) == PATTERN.findall(text)
    assert len(calls) == len(set(calls))
    assert table._others  # those for which there was no place


def test_only_so_many_pieces_are_remembered():
    table, calls = asked()
    words = list(map("".join, product("abcdefghijklmnop", repeat=4)))
    for first in "ABCDEF":
        text = ".".join(first + word for word in words)
        assert found(table, text) == PATTERN.findall(text)
        assert table._filled + len(table._others) <= pieces._SLOTS // 2 + len(words) + 1
    assert len(set(calls)) == 6 * len(words) + 1
    assert calls.count(".") > 1  # forgotten with the others


def test_only_so_many_ids_are_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pieces, "_IDS", 1_000)
    table, _ = asked()
    for number in range(40):
        text = chr(ord("a") + number % 26) * 200
        assert found(table, text) == [text]
        assert len(table._known) <= 1_000 + 2 * len(text)


def test_a_very_long_piece_is_not_remembered():
    table, calls = asked()
    for _ in range(2):
        assert found(table, "x" * 5_000) == ["x" * 5_000]
    assert len(calls) == 2
    assert not table._others
