"""Parsing Java and converting its offsets."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from fimsmith import java

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def found(source: str) -> list[str]:
    return [source.encode()[start:end].decode() for start, end in java.errors(java.parse(source.encode()))]


def test_a_correct_file_has_no_errors():
    assert found('class 订单 { String 名 = "😀"; record P(int a) {} }') == []


def test_what_cannot_be_parsed_is_reported_in_order():
    source = "class A { void f() { int x = ; } int ok; void g() { y = (1; } }"
    starts = [start for start, _ in java.errors(java.parse(source.encode()))]
    assert len(starts) >= 2
    assert starts == sorted(starts)


def test_a_missing_token_has_a_range_that_is_not_empty():
    source = b"class A { int x = 1 }"
    ranges = java.errors(java.parse(source))
    assert ranges
    assert all(start < end for start, end in ranges)


def test_a_file_that_is_no_java_is_one_error():
    assert "".join(found("%% ]] {{ (( ;; $$ 12 34 ->")) != ""


def test_text_that_would_take_the_parser_hours_is_given_up_and_the_next_one_is_not(shop: Path):
    assert java.tried(b"class A { int a = " + b"; - /* orders */\n" * 1_500) is None  # days, were it 1 MB
    for path in sorted(shop.rglob("*.java"))[:20]:
        source = path.read_bytes() * 3  # longer than what the parser gets at once
        tree = java.tried(source)
        assert tree is not None
        assert str(tree.root_node) == str(java.parse(source).root_node)


@given(TEXTS)
def test_offsets_agree_with_encoding_the_text_before(text: str):
    offsets = java.Offsets(text)
    for position in range(len(text) + 1):
        byte = len(text[:position].encode())
        assert offsets.bytes(position) == byte
        assert offsets.characters(byte) == position


def test_a_byte_inside_a_character_belongs_to_that_character():
    offsets = java.Offsets("a订😀b")
    assert [offsets.characters(byte) for byte in range(10)] == [0, 1, 1, 1, 2, 2, 2, 2, 3, 4]
