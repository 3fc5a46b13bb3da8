import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import handmade
import pytest

from fimsmith import records
from fimsmith.jobspec import JobSpec
from fimsmith.manifest import Manifest, Outcome

SECTION = {"samples": 20, "max_new_tokens": 24, "batch": 6, "precision": "fp32", "bootstrap": 200}


def evaluated(manifest: Manifest, shards: list[Manifest], folder: Path) -> Outcome:
    from fimsmith.evaluate import stage

    folder.mkdir()
    return stage.build(JobSpec(stage="evaluate", section=SECTION, inputs=[manifest, *shards], folder=str(folder)))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def base(tiny_manifest: Manifest, rows: list[dict[str, Any]], home: Path) -> Outcome:
    return evaluated(tiny_manifest, handmade.shards(rows, home, 1), home / "base")


@pytest.fixture(scope="module")
def tuned(taught: Manifest, rows: list[dict[str, Any]], home: Path) -> Outcome:
    return evaluated(taught, handmade.shards(rows, home, 2), home / "tuned")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluations")


@pytest.mark.slow
def test_the_number_of_shards_does_not_show(
    tuned: Outcome, taught: Manifest, rows: list[dict[str, Any]], home: Path, tmp_path: Path
):
    again = evaluated(taught, handmade.shards(rows, tmp_path, 3), tmp_path / "again")
    assert again == tuned
    assert contents(tmp_path / "again") == contents(home / "tuned")
    assert set(contents(home / "tuned")) == {"generations.jsonl", "scores.parquet"}


@pytest.mark.slow
def test_a_model_that_knows_some_middles_gets_these_points(base: Outcome, tuned: Outcome, rows: list[dict[str, Any]]):
    known = sum(len(row["target"]) <= SECTION["max_new_tokens"] for row in rows[: handmade.LEARNED])
    assert base.metrics["exact_match"] == 0
    assert tuned.metrics["exact_match"] >= 100 * known / 20 > 0
    assert tuned.metrics["loss"] < base.metrics["loss"]
    assert tuned.metrics["codebleu"] < tuned.details["ceiling"]["codebleu"] < 100


@pytest.mark.slow
def test_the_scores_hold_one_row_per_sample_and_the_kinds_add_up(base: Outcome, rows: list[dict[str, Any]], home: Path):
    scores = list(records.read(home / "base" / "scores.parquet"))
    assert [row["priority"] for row in scores] == [row["priority"] for row in rows[:20]]
    assert base.metrics["samples"] == 20
    assert sum(kind["samples"] for kind in base.details["by_kind"].values()) == 20
    mean = sum(row["edit_similarity"] for row in scores) / 20
    assert base.metrics["edit_similarity"] == pytest.approx(mean, abs=1e-5)
    assert base.metrics["edit_similarity_low"] < mean < base.metrics["edit_similarity_high"]


@pytest.mark.slow
def test_examples_are_the_same_ten_for_every_model_over_all_kinds_with_few_lines_around(base: Outcome, tuned: Outcome):
    examples = base.details["examples"]
    assert len(examples) == 10
    assert [each["middle"] for each in examples] == [each["middle"] for each in tuned.details["examples"]]
    assert {each["kind"] for each in examples} == set(handmade.KINDS)
    assert all(len(each["prefix"].splitlines()) <= 12 for each in examples)
    assert all(len(each["suffix"].splitlines()) <= 8 for each in examples)


@pytest.mark.slow
def test_an_error_a_person_can_mend_becomes_its_message_and_no_traceback(tiny_manifest: Manifest, tmp_path: Path):
    (shard,) = handmade.shards([], tmp_path / "fim", 1)
    spec = JobSpec(stage="evaluate", section=SECTION, inputs=[tiny_manifest, shard], folder=str(tmp_path))
    (tmp_path / "spec.json").write_text(spec.model_dump_json())
    command = [sys.executable, "-m", "fimsmith.evaluate", str(tmp_path / "spec.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "raise curate.test" in (tmp_path / "log" / "error.txt").read_text()
    assert not (tmp_path / "outcome.json").exists()


@pytest.mark.slow
def test_the_job_says_what_it_made(tiny_manifest: Manifest, rows: list[dict[str, Any]], tmp_path: Path):
    from fimsmith.evaluate import __main__ as job

    shards = handmade.shards(rows, tmp_path / "fim", 1)
    section = {**SECTION, "samples": 4, "max_new_tokens": 4}
    spec = JobSpec(stage="evaluate", section=section, inputs=[tiny_manifest, *shards], folder=str(tmp_path))
    (tmp_path / "spec.json").write_text(spec.model_dump_json())
    assert job.main(str(tmp_path / "spec.json")) == 0
    assert json.loads((tmp_path / "outcome.json").read_text())["metrics"]["samples"] == 4


def test_importing_the_stage_does_not_import_torch():
    code = "import sys, fimsmith.evaluate, fimsmith.evaluate.scores, fimsmith.export; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
