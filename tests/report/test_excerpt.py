import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from fimsmith.report import excerpt

code = st.text("ab1 \n\t(){};.订", max_size=40)


@given(st.text(st.characters(), max_size=50))
def test_visible_text_holds_nothing_that_steers_the_page(text: str):
    shown = excerpt.visible(text)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c not in "\n\t"]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=50))
def test_ordinary_text_stays_as_it_is(text: str):
    assert excerpt.visible(text) == text


def test_line_ends_become_newlines():
    assert excerpt.visible("a\r\nb\rc\n") == "a\nb\nc\n"


@given(code, st.integers(1, 5), st.integers(1, 30))
def test_a_cut_says_how_much_it_hides(text: str, lines: int, characters: int):
    first, last = excerpt.head(text, lines, characters), excerpt.tail(text, lines, characters)
    assert text.startswith(first.text)
    assert text.endswith(last.text)
    for cut in (first, last):
        assert len(cut.text) + cut.hidden == len(text)
        assert len(cut.text) <= characters
        assert len(cut.text.splitlines()) <= lines


@given(code, code)
def test_the_runs_of_a_comparison_are_the_completion(expected: str, completion: str):
    runs = excerpt.compare(expected, completion)
    assert "".join(run.text for run in runs) == completion
    assert all(run.text for run in runs)


def test_only_the_words_that_differ_are_marked():
    runs = excerpt.compare("return order.total();", "return item.total();")
    assert [(run.text, run.same) for run in runs] == [("return ", True), ("item", False), (".total();", True)]


def test_an_exact_completion_is_one_run():
    assert excerpt.compare("a = 1;", "a = 1;") == [excerpt.Run("a = 1;", True)]
