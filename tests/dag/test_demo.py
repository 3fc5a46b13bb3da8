"""The whole pipeline, in-process and end to end, with a smaller model than the demo's."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.local import STAGES

pytestmark = pytest.mark.slow
EXAMPLES = Path(__file__).parents[2] / "examples"
COMMAND = [sys.executable, "-c", "from fimsmith.cli import main; main()"]
DATA = ("ingest", "curate", "fim", "mix")


def settings(tiny: Path) -> dict[str, Any]:
    return {
        "model": {"path": str(tiny)},
        "sources": [
            {"name": "orders", "location": str(EXAMPLES / "shop/orders"), "group": "business"},
            {"name": "members", "location": str(EXAMPLES / "shop/members"), "group": "business"},
            {"name": "toolkit", "location": str(EXAMPLES / "toolkit"), "group": "public"},
            {"name": "docs", "location": str(EXAMPLES / "shop/docs"), "kind": "text"},
        ],
        "curate": {"held_out": ["business"], "valid": 0.1, "test": 0.15},
        "fim": {"sequence": 256, "bytes_per_hole": 800, "max_middle": 48, "test_samples": 24},
        "mix": {"weights": {"business": 0.67, "public": 0.2, "docs": 0.13}, "tokens": 40_000, "sequence": 256},
        "train": {
            "learning_rate": 3e-3,
            "batch": 8,
            "micro_batch": 8,
            "precision": "fp32",
            "gradient_checkpointing": False,
            "eval_steps": 10,
            "save_steps": 3,
        },
        "evaluate": {"samples": 24, "max_new_tokens": 24, "precision": "fp32", "bootstrap": 200},
        "export": {"require_gate": False, "precision": "fp32", "check_prompts": 2},
    }


def write(folder: Path, content: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({**content, "run": {"root": str(folder / "data")}}), encoding="utf-8")
    return path


def run(path: Path, stage: str = "run") -> str:
    done = subprocess.run([*COMMAND, stage, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def digests(folder: Path) -> dict[str, set[str]]:
    """The hashes of every stage's files."""
    found = [json.loads(path.read_text()) for path in (folder / "data").glob("*/*/manifest.json")]
    return {stage: {each["digest"] for each in found if each["stage"] == stage} for stage in STAGES}


@pytest.fixture(scope="module")
def finished(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("dag") / "run"
    return folder, run(write(folder, settings(tiny)))


def test_the_pipeline_ends_with_a_model_and_a_page(finished: tuple[Path, str]):
    _, output = finished
    model, page = (Path(output.rsplit(word, 1)[1].split("\n")[0].strip()) for word in ("model ", "report "))
    assert (model / "model.safetensors").stat().st_size > 100_000
    assert (model / "config.json").exists()
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert all(f"\n{stage} " in f"\n{output}" for stage in STAGES)


def test_a_second_run_reuses_everything(finished: tuple[Path, str], tiny: Path):
    folder, _ = finished
    before = {path: path.stat().st_mtime_ns for path in (folder / "data").glob("*/*/manifest.json")}
    output = run(write(folder, settings(tiny)))
    assert {path: path.stat().st_mtime_ns for path in (folder / "data").glob("*/*/manifest.json")} == before
    assert "reusing" in output


def test_another_learning_rate_does_not_rebuild_the_data(finished: tuple[Path, str], tiny: Path):
    folder, _ = finished
    before = digests(folder)
    changed = settings(tiny)
    changed["train"] |= {"learning_rate": 1e-3, "max_steps": 2}
    run(write(folder, changed), "train")
    after = digests(folder)
    assert {stage: after[stage] for stage in DATA} == {stage: before[stage] for stage in DATA}
    assert len(after["train"]) == 2


def test_a_run_killed_at_any_point_ends_with_the_same_bytes(finished: tuple[Path, str], tiny: Path, tmp_path: Path):
    folder, _ = finished
    path = write(tmp_path / "killed", settings(tiny))
    for moment in ("ingest ", "fim ", "train     checkpoint at step 6"):
        kill_at(path, moment)
    run(path, "train")
    before, after = digests(folder), digests(path.parent)
    for stage in (*DATA, "train"):
        assert after[stage] <= before[stage], stage
        assert after[stage], stage


def kill_at(path: Path, moment: str) -> None:
    """Start a run and kill it, without a chance to clean up, when a line begins with `moment`."""
    child = subprocess.Popen([*COMMAND, "run", str(path)], stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert child.stdout
    for line in child.stdout:
        if line.startswith(moment):
            os.killpg(child.pid, signal.SIGKILL)
            break
    child.communicate()
    assert child.returncode == -signal.SIGKILL, f"the run ended before {moment!r}"
