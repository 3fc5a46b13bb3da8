import json
from pathlib import Path
from typing import Any

import handmade
import numpy as np
import pytest

from fimsmith import config, gate, records
from fimsmith.errors import DataError
from fimsmith.manifest import Manifest


def scored(folder: Path, points: np.ndarray, loss: float = 2.0, files: int = 20, first: int = 0) -> Manifest:
    """An evaluation whose samples all get these points."""
    folder.mkdir()
    rows = [
        dict.fromkeys(records.MEASURES, value)
        | {"priority": f"{n + first:04}", "file": str(n % files), "group": "g", "policy": "node"}
        | {"kind": ("body", "line")[n % 2], "loss": loss + n % 3 / 10, "exact_match": 100.0 * (value > 55)}
        for n, value in enumerate(points.tolist())
    ]
    records.write(folder / "scores.parquet", records.SCORES, rows)
    return handmade.manifest("evaluate", folder)


def noise(mean: float, seed: int) -> np.ndarray:
    return mean + np.random.default_rng(seed).normal(0, 5, size=200)


def section(**values: Any) -> config.Gate:
    return config.Gate.model_validate(values)


def test_a_clear_gain_passes_and_every_criterion_is_explained(tmp_path: Path):
    base, tuned = scored(tmp_path / "b", noise(40, 1)), scored(tmp_path / "t", noise(60, 2), loss=1.0)
    made = gate.decide(section(), base, tuned, str(tmp_path))
    assert made.details["passed"] is True
    assert len(made.details["reasons"]) == 3
    assert all(reason.endswith(": met") for reason in made.details["reasons"])
    gain = made.details["gains"]["codebleu"]
    assert gain["low"] < gain["gain"] == pytest.approx(gain["tuned"] - gain["base"], abs=1e-5)
    assert gain["gain"] < gain["high"]


def test_a_gain_within_the_noise_does_not_pass(tmp_path: Path):
    base, tuned = scored(tmp_path / "b", noise(40, 1)), scored(tmp_path / "t", noise(40.1, 2), loss=1.0)
    made = gate.decide(section(), base, tuned, str(tmp_path))
    assert made.details["passed"] is False
    assert any(reason.endswith("not met") for reason in made.details["reasons"])


def test_the_lower_end_of_the_interval_must_exceed_the_asked_gain(tmp_path: Path):
    base, tuned = scored(tmp_path / "b", noise(40, 1)), scored(tmp_path / "t", noise(45, 2), loss=1.0)
    assert gate.decide(section(min_gain={"codebleu": 3}), base, tuned, str(tmp_path)).details["passed"]
    assert not gate.decide(section(min_gain={"codebleu": 4.9}), base, tuned, str(tmp_path)).details["passed"]


def test_a_higher_loss_does_not_pass_however_good_the_completions(tmp_path: Path):
    base, tuned = scored(tmp_path / "b", noise(40, 1)), scored(tmp_path / "t", noise(60, 2), loss=2.5)
    assert not gate.decide(section(), base, tuned, str(tmp_path)).details["passed"]
    assert gate.decide(section(lower_loss=False), base, tuned, str(tmp_path)).details["passed"]


def test_the_gain_is_paired_so_that_hard_and_easy_samples_do_not_blur_it(tmp_path: Path):
    hardness = np.random.default_rng(3).uniform(0, 90, size=200)
    base, tuned = scored(tmp_path / "b", hardness), scored(tmp_path / "t", hardness + 1, loss=1.0)
    gain = gate.decide(section(), base, tuned, str(tmp_path)).details["gains"]["codebleu"]
    assert (gain["low"], gain["high"]) == pytest.approx((1, 1), abs=1e-6)


def test_different_test_sets_are_not_compared(tmp_path: Path):
    base, tuned = scored(tmp_path / "b", noise(40, 1)), scored(tmp_path / "t", noise(60, 2), first=1)
    with pytest.raises(DataError, match="199 are the same"):
        gate.decide(section(), base, tuned, str(tmp_path))


def test_too_few_files_never_pass(tmp_path: Path):
    base, tuned = scored(tmp_path / "b", noise(40, 1), files=3), scored(tmp_path / "t", noise(90, 2), 1.0, files=3)
    made = gate.decide(section(), base, tuned, str(tmp_path))
    assert made.details["passed"] is False
    assert "no interval from fewer than 5 test files" in made.details["reasons"][0]


def test_gains_are_given_by_kind_and_the_file_holds_the_decision(tmp_path: Path):
    base, tuned = scored(tmp_path / "b", noise(40, 1)), scored(tmp_path / "t", noise(60, 2), loss=1.0)
    made = gate.decide(section(), base, tuned, str(tmp_path))
    assert {kind: part["samples"] for kind, part in made.details["by_kind"].items()} == {"body": 100, "line": 100}
    assert 0 <= made.details["mcnemar"] < 0.05
    assert json.loads((made.folder / "decision.json").read_text()) == made.details


def test_the_same_scores_give_the_same_decision(tmp_path: Path):
    base, tuned = scored(tmp_path / "b", noise(40, 1)), scored(tmp_path / "t", noise(60, 2))
    digests = {gate.decide(section(), base, tuned, str(tmp_path / root)).digest for root in ("one", "two")}
    assert len(digests) == 1
