"""The syntax tree's holes are what their kind says."""

from itertools import chain

import pytest
from fim_sources import BROKEN, EVERY_KIND, java_files
from hypothesis import given, settings

from fimsmith import config, java
from fimsmith.fim.syntax import Syntax

SYNTAX = Syntax(EVERY_KIND)
KINDS = [kind for kind in config.Kinds.model_fields if kind != "statements"]


def texts(kind: str) -> list[str]:
    return [EVERY_KIND[start:end] for start, end in SYNTAX.nodes(kind)]


def between(start: str, end: str) -> str:
    return EVERY_KIND[EVERY_KIND.index(start) : EVERY_KIND.index(end) + len(end)]


def test_bodies_are_those_of_methods_and_constructors():
    bodies = texts("body")
    assert len(bodies) == 3
    assert bodies[0] == between("{\n        super();", "(first);\n    }")
    assert bodies[1] == between("{\n        int sum", "return sum;\n    }")


def test_blocks_are_the_other_braced_blocks():
    blocks = texts("block")
    assert len(blocks) == 3
    assert all(block[0] == "{" and block[-1] == "}" for block in blocks)
    assert not set(blocks) & set(texts("body"))


def test_control_statements_come_with_their_headers():
    assert [text.split()[0] for text in texts("control")] == ["for", "if", "switch"]


def test_expressions_include_calls_and_conditions():
    assert {"order.amount() * order.price()", "leap ? 29 : 28", "new ArrayList<>(16)"} <= set(texts("expression"))


def test_arguments_are_whole_lists():
    assert {"(16)", "(first)", '("unpaid: {}", order)'} <= set(texts("arguments"))


def test_a_field_is_the_whole_declaration():
    assert texts("field") == ["private final List<Order> orders = new ArrayList<>(16);"]


def test_a_signature_follows_a_javadoc_comment_and_ends_before_the_body():
    assert texts("signature") == [
        "public final class Orders<T extends Order>",
        "@Override\n    public int total(int base)",
    ]


def test_the_comment_hole_is_the_code_line_after_a_line_comment():
    assert texts("comment") == ["for (Order order : orders) {"]


def test_statements_are_the_statements_of_a_block_without_comments_and_labels():
    runs = [[EVERY_KIND[start:end] for start, end in run] for run in map(SYNTAX.statements, SYNTAX.blocks)]
    assert ["int length = leap ? 29 : 28;", "return length;"] in runs
    total = next(run for run in runs if run and run[0] == "int sum = base;")
    assert [statement.split()[0] for statement in total] == ["int", "for", "return"]
    assert ["super();", "this.orders.addAll(first);"] in runs


def test_the_head_ends_after_the_last_import():
    assert EVERY_KIND[: SYNTAX.head].endswith("import java.util.Map;")


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("// Copyright 2026\nclass A {}", "// Copyright 2026"),
        ("/** What A does. */\nclass A {}", ""),
        ("class A {}", ""),
    ],
)
def test_without_a_package_only_a_licence_is_head(text: str, head: str):
    assert text[: Syntax(text).head] == head


def test_an_aligned_range_is_the_closest_run_of_siblings():
    def aligned(part: str) -> str:
        start = EVERY_KIND.index(part)
        found = SYNTAX.aligned(start, start + len(part))
        return EVERY_KIND[found[0] : found[1]]

    assert aligned("nt length = leap ? 29 : 28;\n                return lengt") == (
        "int length = leap ? 29 : 28;\n                return length;"
    )
    assert aligned("order.amount() * order.pric") == "order.amount() * order.price()"
    assert aligned("a member. 会").startswith("/**\n * Orders")


def test_no_other_run_of_the_children_that_a_range_touches_is_closer():
    offsets, root = java.Offsets(EVERY_KIND), java.parse(EVERY_KIND.encode()).root_node
    for start in range(SYNTAX.head, len(EVERY_KIND) - 60, 17):
        for end in range(start + 3, start + 60, 11):
            node = root.descendant_for_byte_range(offsets.bytes(start), offsets.bytes(end))
            assert node is not None
            all_edges = [
                (offsets.characters(child.start_byte), offsets.characters(child.end_byte)) for child in node.children
            ]
            edges = [edge for edge in all_edges if edge[0] < end and start < edge[1]]
            runs = [(first[0], last[1]) for at, first in enumerate(edges) for last in edges[at:]]
            best = max((closeness(run, (start, end)) for run in runs), default=0)
            assert closeness(SYNTAX.aligned(start, end), (start, end)) >= best


def closeness(one: tuple[int, int], other: tuple[int, int]) -> float:
    """Intersection over union, by counting."""
    a, b = set(range(*one)), set(range(*other))
    return len(a & b) / len(a | b)


@settings(max_examples=60, deadline=None)
@given(java_files())
def test_every_range_is_a_stretch_of_the_text(text: str):
    syntax = Syntax(text)
    source = text.encode()
    for start, end in chain(*(syntax.nodes(kind) for kind in KINDS), *map(syntax.statements, syntax.blocks)):
        assert 0 <= start <= end <= len(text)
        found = text[start:end].encode()
        assert source[syntax.offsets.bytes(start) : syntax.offsets.bytes(end)] == found


@settings(max_examples=60, deadline=None)
@given(java_files())
def test_touching_an_error_agrees_with_the_parser(text: str):
    syntax, errors = Syntax(text), java.errors(java.parse(text.encode()))
    for start in range(0, len(text), 7):
        end = start + 5
        first, last = syntax.offsets.bytes(start), syntax.offsets.bytes(min(end, len(text)))
        if any(first < stop and begin < last for begin, stop in errors):
            assert syntax.touches_error(start, min(end, len(text)))
    assert syntax.touches_error(0, len(text)) == bool(errors)


def test_the_whole_file_touches_its_errors_and_a_sound_method_does_not():
    syntax = Syntax(BROKEN)
    start = BROKEN.index("int g(int y)")
    assert syntax.touches_error(0, len(BROKEN))
    assert not syntax.touches_error(start, start + len("int g(int y) { return y + 1000; }"))


def test_what_is_nested_too_deep_is_left_out_and_costs_no_search():
    deep = "class A { int a = " + "- b + c\n" * 20_000 + "; }"
    syntax = Syntax(deep)
    assert 0 < len(syntax.nodes("expression")) <= 10_000
    assert syntax.aligned(50_003, 50_010) == (50_003, 50_010)
    assert syntax.aligned(0, 6) == (0, 5)


def test_a_large_file_that_is_mostly_no_java_offers_nothing():
    small, large = (Syntax("class A { void f() { g(); " + "do " * many + "} }") for many in (100, 30_000))
    assert small.nodes("arguments")
    assert not large.nodes("arguments")
    assert large.touches_error(2, 2)


def test_a_blocks_statements_are_looked_up_once():
    syntax = Syntax(EVERY_KIND)
    assert syntax.statements(syntax.blocks[0]) is syntax.statements(syntax.blocks[0])
