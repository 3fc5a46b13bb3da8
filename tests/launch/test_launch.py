"""fimsmith.launch: which work is the same, and what is kept of it."""

import json
from pathlib import Path

import pytest

from fimsmith import config, launch
from fimsmith.errors import JobError
from fimsmith.jobspec import JobSpec
from fimsmith.launch import Job
from fimsmith.manifest import Manifest

BASE = Manifest(stage="model", fingerprint="b", digest="b", uri="/b", files={}, metrics={}, details={})
DATA = Manifest(stage="mix", fingerprint="d", digest="d", uri="/d", files={}, metrics={}, details={})


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> list[Job]:
    """Run no process: note the job and finish it with one file and a checkpoint."""
    started: list[Job] = []

    def finish(job: Job, _: config.Run) -> None:
        started.append(job)
        (job.folder / "checkpoints").mkdir(exist_ok=True)
        (job.folder / "checkpoints" / "part").write_text("x")
        (job.folder / "result").write_text("x")
        JobSpec.read(job.spec).finish(launch.Outcome({"loss": 1.0}, {"a": [1]}))

    monkeypatch.setitem(launch.LAUNCHERS, "local", finish)
    return started


def train(root: Path, section: dict | None = None, **run: int) -> Manifest:
    return launch.train(config.Train(**section or {}), config.Run(root=str(root), **run), BASE, DATA)  # type: ignore


def test_what_the_job_says_of_its_result_is_in_the_manifest(jobs: list[Job], tmp_path: Path):
    made = train(tmp_path)
    assert (made.metrics, made.details, made.inputs) == ({"loss": 1.0}, {"a": [1]}, ["b", "d"])


@pytest.mark.parametrize(
    ("section", "run"),
    [({}, {"processes": 4, "nodes": 2}), ({"micro_batch": 2}, {}), ({"save_steps": 7, "keep_checkpoints": 1}, {})],
)
def test_a_training_that_only_runs_elsewhere_is_the_same_work(
    jobs: list[Job], tmp_path: Path, section: dict, run: dict
):
    assert train(tmp_path, section, **run) == train(tmp_path)
    assert len(jobs) == 1


def test_another_learning_rate_is_other_work(jobs: list[Job], tmp_path: Path):
    assert train(tmp_path).uri != train(tmp_path, {"learning_rate": 1.0}).uri


def test_the_placement_reaches_the_job(jobs: list[Job], tmp_path: Path):
    train(tmp_path, {"micro_batch": 2}, processes=4, nodes=2)
    assert (jobs[0].processes, jobs[0].nodes, jobs[0].distributed) == (4, 2, True)
    (spec,) = tmp_path.glob("train/*/log/job.json")
    assert JobSpec.read(spec).section["micro_batch"] == 2


def test_checkpoints_are_gone_and_the_specification_does_not_count(jobs: list[Job], tmp_path: Path):
    first, second = train(tmp_path / "a"), train(tmp_path / "b")
    assert set(first.files) == {"result", "log/job.json"}
    assert first.digest == second.digest


def test_a_job_that_was_done_when_its_launcher_died_does_not_run_again(
    jobs: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    finish = launch.LAUNCHERS["local"]

    def die(job: Job, place: config.Run) -> None:
        finish(job, place)
        raise KeyboardInterrupt

    monkeypatch.setitem(launch.LAUNCHERS, "local", die)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path)
    assert set(train(tmp_path).files) == {"result", "log/job.json"}
    assert len(jobs) == 1


def test_a_failed_job_leaves_its_folder_for_the_next_try(
    jobs: list[Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def fail(job: Job, _: config.Run) -> None:
        (job.folder / "checkpoints").mkdir()
        job.error.write_text("old")
        raise JobError("no")

    with monkeypatch.context() as patched:
        patched.setitem(launch.LAUNCHERS, "local", fail)
        with pytest.raises(JobError):
            train(tmp_path)
    (folder,) = tmp_path.glob("train/*.partial")
    assert (folder / "checkpoints").exists()
    assert "log/error.txt" not in train(tmp_path).files


def test_an_evaluation_is_named_by_its_model_and_its_tests(jobs: list[Job], tmp_path: Path):
    run, section = config.Run(root=str(tmp_path)), config.Evaluate()
    one, other = launch.evaluate(section, run, BASE, [DATA]), launch.evaluate(section, run, BASE, [DATA, BASE])
    assert one.uri != other.uri
    assert [(job.module, job.distributed) for job in jobs] == [("fimsmith.evaluate", False)] * 2


def test_the_receipt_reaches_the_export_and_is_part_of_its_key(jobs: list[Job], tmp_path: Path):
    run, section = config.Run(root=str(tmp_path)), config.Export()
    made = [launch.export(section, run, [BASE], {"version": number}) for number in (1, 2)]
    spec = json.loads((made[1].folder / "log" / "job.json").read_bytes())
    assert spec["section"]["receipt"] == {"version": 2}
    assert made[0].uri != made[1].uri


def test_where_it_ran_and_what_its_page_is_called_do_not_make_another_export(jobs: list[Job], tmp_path: Path):
    run, section = config.Run(root=str(tmp_path)), config.Export()
    settings = {"train": {"seed": 1}, "run": {"root": "a"}, "report": {"title": "a"}}
    one = launch.export(section, run, [BASE], {"configuration": settings})
    other = {**settings, "run": {"root": "b"}, "report": {"title": "b"}}
    assert launch.export(section, run, [BASE], {"configuration": other}).uri == one.uri
    third = {**settings, "train": {"seed": 2}}
    assert launch.export(section, run, [BASE], {"configuration": third}).uri != one.uri
