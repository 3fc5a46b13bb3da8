"""The parts are those of codebleu 0.7.0; golden_codebleu.json is made by make_golden_codebleu.py."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fimsmith.evaluate import codebleu

GOLDEN = json.loads(Path(__file__).with_name("golden_codebleu.json").read_text(encoding="utf-8"))["pairs"]
EXACT = pytest.approx
LOOP = "int sum = 0;\nfor (int i = 0; i < n; i++) {\n    sum += values[i];\n}\nreturn sum;"


@pytest.fixture(scope="module")
def translations() -> list[tuple[str, str]]:
    """Reference and output of 200 Java methods from each of three models."""
    if "FIMSMITH_TEST_DATA" not in os.environ:
        pytest.skip("FIMSMITH_TEST_DATA names no folder with codexglue-java-pairs")
    folder = Path(os.environ["FIMSMITH_TEST_DATA"]) / "codexglue-java-pairs"
    pairs = []
    for name in ("cs-java-model1", "small-model", "medium-model"):
        sides = [(folder / f"{name}.{end}").read_text(encoding="utf-8").split("\n")[:200] for end in ("gold", "output")]
        pairs += zip(*sides, strict=True)
    return pairs


@pytest.mark.parametrize("pair", GOLDEN, ids=lambda pair: pair["reference"][:30])
def test_all_parts_and_the_compatible_total_equal_codebleu(pair: dict):
    parts, scores = codebleu.score(pair["reference"], pair["candidate"]), pair["scores"]
    assert parts.ngram == EXACT(scores["ngram_match_score"], abs=1e-9)
    assert parts.weighted_ngram == EXACT(scores["weighted_ngram_match_score"], abs=1e-9)
    assert parts.syntax == EXACT(scores["syntax_match_score"], abs=1e-9)
    assert parts.dataflow == EXACT(scores["dataflow_match_score"], abs=1e-9)
    assert parts.compatible == EXACT(scores["codebleu"], abs=1e-9)


def test_three_parts_equal_codebleu_on_six_hundred_methods(translations: list[tuple[str, str]]):
    oracle = pytest.importorskip("codebleu", reason="codebleu is not installed (pip install --no-deps codebleu==0.7.0)")
    logging.getLogger().setLevel(logging.ERROR)  # it warns for every reference without data flow
    for reference, candidate in translations:
        parts, scores = codebleu.score(reference, candidate), oracle.calc_codebleu([reference], [candidate], "java")
        assert parts.ngram == EXACT(scores["ngram_match_score"], abs=1e-9)
        assert parts.weighted_ngram == EXACT(scores["weighted_ngram_match_score"], abs=1e-9)
        assert parts.syntax == EXACT(scores["syntax_match_score"], abs=1e-9)


def test_the_compatible_total_is_the_mean_of_the_parts_plus_a_quarter_of_the_samples_without_matching_flow():
    parts = [codebleu.score(pair["reference"], pair["candidate"]) for pair in GOLDEN]
    mean = sum(each.ngram + each.weighted_ngram + each.syntax + each.dataflow for each in parts) / 4 / len(parts)
    without = sum(each.dataflow == 0 for each in parts) / len(parts)
    assert 0 < without < 1
    assert sum(each.compatible for each in parts) / len(parts) == EXACT(mean + without / 4, abs=1e-12)


def test_an_empty_completion_gets_a_quarter_in_the_compatible_total_and_nothing_in_the_strict_one():
    parts = codebleu.score(LOOP, "")
    assert parts.compatible == 0.25
    assert parts.strict == 0


def test_two_empty_texts_are_equal_only_in_the_strict_total():
    parts = codebleu.score(" ", "\n")
    assert parts.strict == 1
    assert parts.compatible < 1


def test_a_perfect_completion_with_data_flow_gets_everything():
    parts = codebleu.score(LOOP, LOOP)
    assert (parts.strict, parts.compatible) == (1, 1)


def test_the_strict_total_leaves_data_flow_out_where_the_reference_has_none():
    parts = codebleu.score("log.info(message);", "log.warn(message);")
    assert not parts.has_flow
    assert parts.strict == EXACT((parts.ngram + parts.weighted_ngram + parts.syntax) / 3)


def test_the_strict_total_counts_missed_data_flow():
    parts = codebleu.score(LOOP, "return 0;")
    assert parts.has_flow
    assert parts.strict == EXACT((parts.ngram + parts.weighted_ngram + parts.syntax) / 4)


def test_comments_do_not_count_in_syntax_and_data_flow():
    parts = codebleu.score(LOOP, "/* the sum\n of all */\n" + LOOP.replace("\n", " // next\n"))
    assert (parts.syntax, parts.dataflow) == (1, 1)
    assert parts.ngram < 1


def test_the_score_does_not_depend_on_the_hash_seed():
    code = (
        "from fimsmith.evaluate import codebleu\n"
        "a = 'int total(int left, int right) { int sum = left * right + left; return sum - right; }'\n"
        "b = 'int total(int x, int y) { int z = x * y + x; return z - y; }'\n"
        "print(codebleu.score(a, b))"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1
