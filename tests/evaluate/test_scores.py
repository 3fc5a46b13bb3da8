import pytest

from fimsmith import records
from fimsmith.evaluate import scores

ROW = {
    "prefix": "class A {\n  int f(int x) {\n",
    "middle": "    int y = x + 1;\n    return y;\n",
    "suffix": "  }\n}\n",
}


def written(completion: str) -> dict:
    return {"completion": completion, "stopped": True, "loss": 0.5}


def test_a_perfect_completion_gets_full_points():
    result = scores.measure(ROW, written(ROW["middle"]))
    assert {result[name] for name in ("exact_match", "edit_similarity", "stopped", "parses")} == {100}
    assert result["length_ratio"] == 1


def test_every_measure_is_taken():
    assert set(scores.measure(ROW, written("x"))) == set(records.MEASURES)


def test_white_space_around_a_completion_does_not_count():
    assert scores.measure(ROW, written("\n\n" + ROW["middle"].strip()))["exact_match"] == 100


def test_one_wrong_character_is_no_exact_match():
    result = scores.measure(ROW, written(ROW["middle"].replace("1", "2")))
    assert result["exact_match"] == 0
    assert 90 < result["edit_similarity"] < 100


def test_edit_similarity_is_the_share_of_characters_that_stay():
    result = scores.measure({**ROW, "middle": "abcd"}, written("abxd"))
    assert result["edit_similarity"] == 75


def test_length_is_measured_against_the_middle():
    assert scores.measure(ROW, written(ROW["middle"] * 3))["length_ratio"] == 3


@pytest.mark.parametrize("completion", ["    if (x > 0) {\n", "    return x;\n  }\n}\n}\n", "    int y = ;\n"])
def test_a_completion_that_breaks_the_file_does_not_parse(completion: str):
    assert scores.measure(ROW, written(completion))["parses"] == 0


def test_a_completion_is_not_blamed_for_errors_that_were_there():
    row = {**ROW, "suffix": ROW["suffix"] + "class { {\n"}
    assert scores.parses(row, row["middle"])


def test_the_best_possible_scores_are_those_of_the_middle_itself():
    row = {**ROW, "middle": "getName();"}
    ((result, best),) = scores.score([row], [written("wrong();")])
    assert best["codebleu"] < 100
    assert best["codebleu"] > result["codebleu"]


def test_many_processes_give_the_scores_of_one(monkeypatch: pytest.MonkeyPatch):
    rows = [{**ROW, "middle": f"int a{n} = {n};"} for n in range(40)]
    generations = [written(f"int a = {n};") for n in range(40)]
    monkeypatch.setenv("FIMSMITH_WORKERS", "1")
    alone = scores.score(rows, generations)
    monkeypatch.setenv("FIMSMITH_WORKERS", "2")
    assert scores.score(rows, generations) == alone
    assert [result for result, _ in alone] == list(map(scores.measure, rows, generations))
