import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fimsmith.evaluate import dataflow


def flows(code: str) -> list[dataflow.Flow]:
    return dataflow.flows(code.encode())


def test_renaming_variables_keeps_the_flow():
    one = flows("int add(int a, int b) { int c = a + b; return c; }")
    other = flows("int sum(int x, int y) { int z = x + y; return z; }")
    assert one
    assert one == other


def test_exchanging_variables_changes_the_flow():
    assert flows("int c = a; int d = c;") != flows("int c = a; int d = a;")


def test_a_declaration_takes_its_value_from_every_variable_on_the_right():
    assert ("var_2", "comesFrom", ("var_0", "var_1")) in flows("int a, b; int c = a + b;")


def test_an_assignment_is_computed_from_its_right_side():
    assert ("var_1", "computedFrom", ("var_0",)) in flows("a = b;")


def test_a_variable_set_in_one_branch_is_known_after_it():
    read = ("var_1", "comesFrom", ("var_1",))
    assert read in flows("if (p) { x = z; } else { q(); } y = x;")
    assert read not in flows("if (p) { x = z; } else { q(); } y = w;")


def test_characters_beyond_ascii_do_not_shift_the_names():
    chinese, plain = 'String s = "中文错误"; int t = s + 1; return t;', 'String s = "abcd"; int t = s + 1; return t;'
    assert dataflow.match(chinese.encode(), plain.encode()) == dataflow.match(plain.encode(), plain.encode())


def test_code_equals_itself():
    code = b"for (int i = 0; i < n; i++) { while (i > k) { k += i; } } for (String s : all) { use(s); }"
    matched, wanted = dataflow.match(code, code)
    assert matched == wanted > 5


def test_a_flow_that_the_reference_has_twice_must_be_there_twice():
    matched, wanted = dataflow.match(b"a = b; c = d;", b"a = b;")
    assert matched < wanted


@pytest.mark.parametrize(
    "code", ["while (x) { y = x; " * 60, "for (int i = 0; ; ) { a = i; " * 50, "for (T a : b) " * 80]
)
def test_many_nested_loops_come_to_an_end(code: str):
    assert flows(code)


def test_a_tree_too_deep_to_walk_has_no_flow():
    assert flows("x = " + "(" * 3_000 + "y" + ")" * 3_000 + ";") == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            ["if", "(", ")", "{", "}", "x", "y", "=", "1", ";", "else", "for", "while", "int", "中", '"', "++"]
        )
    )
)
def test_no_broken_code_is_too_broken(words: list[str]):
    code = " ".join(words).encode()
    matched, wanted = dataflow.match(code, code)
    assert matched == wanted
