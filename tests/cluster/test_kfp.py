"""The demo on a real Kubeflow Pipelines back end, as the README starts it, with a PyTorchJob of two pods.

conftest.py says what it needs. The tests run in their order: each starts from what the first run left.
"""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp_run import FIMSMITH, MINUTES, NAMESPACE, end, job_pods, jobs, manifests

from fimsmith import configfile, storage

pytestmark = [pytest.mark.cluster, pytest.mark.slow, pytest.mark.xdist_group("kfp")]


def test_the_demo_ends_succeeded_with_everything_in_s3(first: Any, configuration: Path):
    assert first.state == "SUCCEEDED"
    assert (first.finished_at - first.created_at).total_seconds() < 60 * MINUTES
    made = manifests(configuration)
    assert {stage: len(each) for stage, each in made.items()} == {
        "ingest": 3, "curate": 1, "fim": 2, "mix": 1, "train": 1, "evaluate": 2, "gate": 1, "export": 1, "report": 1
    }  # fmt: skip
    export = made["export"][0]
    files = storage.list_files(export["uri"])
    assert {name: files[name][0] for name in export["files"]} == export["files"]
    assert "model/model.safetensors" in files


def test_the_training_was_one_job_of_two_pods(first: Any, configuration: Path):
    (train,) = manifests(configuration)["train"]
    log = (storage.read(f"{train['uri']}/log/train.log") or b"").decode()
    assert "on 2 processes" in log
    assert re.search(r"checkpoint at step \d+", log)


def test_the_report_is_an_html_artifact_of_the_run(first: Any, configuration: Path):
    bucket = configfile.load(configuration).run.root.split("/")[2]
    pages = [
        name
        for name in storage.list_files(f"s3://{bucket}/v2/artifacts")
        if first.run_id in name and name.endswith("/page")
    ]
    assert len(pages) == 1
    assert (storage.read(f"s3://{bucket}/v2/artifacts/{pages[0]}") or b"").startswith(b"<!doctype html>")


def test_nothing_is_left_of_the_jobs(first: Any):
    assert jobs() == []
    assert job_pods() == []


def test_an_identical_run_is_served_from_what_exists_and_submit_shows_it(first: Any, configuration: Path):
    before = manifests(configuration)
    command = [FIMSMITH, "submit", str(configuration), "--watch", "-n", NAMESPACE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the run has succeeded" in done.stdout
    assert manifests(configuration) == before


def test_another_learning_rate_redoes_the_training_and_not_the_data(
    first: Any, start: Callable[..., str], client: Any, configuration: Path
):
    before = manifests(configuration)
    change = ["train.learning_rate=1e-3", "train.max_steps=20", "export.require_gate=false"]
    assert end(client, start(*change)).state == "SUCCEEDED"
    after = manifests(configuration)
    for stage in ("ingest", "curate", "fim", "mix"):
        assert after[stage] == before[stage]
    assert {stage: len(after[stage]) for stage in ("train", "evaluate", "export", "report")} == {
        "train": 2, "evaluate": 3, "export": 2, "report": 2
    }  # fmt: skip
