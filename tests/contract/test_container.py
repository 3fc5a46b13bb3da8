"""fimsmith.sagemaker: the container's side of SageMaker's contract, with real processes on two hosts' trees."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fimsmith import config, sagemaker
from fimsmith.jobspec import JobSpec
from fimsmith.manifest import Manifest, inventory
from fimsmith.train import checkpoint
from tests.contract.container import Life
from tests.packed_data import LONG

Make = Callable[..., Life]
Section = Callable[..., config.Train]
Resumed = tuple[Life, int, str]  # the second life, the step that it begins at, the checkpoint that is torn


def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def spec(packed: Manifest, tiny_manifest: Manifest, section: Section) -> Callable[..., JobSpec]:
    """Make a training's specification, with changes of its section."""

    def make(**changes: object) -> JobSpec:
        return JobSpec(
            stage="train",
            section=section(**changes).model_dump(mode="json"),
            inputs=[tiny_manifest, packed],
            folder="/nowhere",
        )

    return make


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Make]:
    """Start a job on fresh instances; what still runs at the test's end is killed."""
    lives: list[Life] = []

    def begin(spec: JobSpec, hosts: tuple[str, ...]) -> Life:
        lives.append(Life(tmp_path / f"life-{len(lives)}", spec, hosts))
        lives[-1].start(port())
        return lives[-1]

    yield begin
    for each in lives:
        each.kill()


def until(life: Life, name: str) -> None:
    """Wait for a file of the first host."""
    while not (life.trees[0] / name).exists():
        assert all(each.poll() is None for each in life.containers), life.output()
        time.sleep(0.02)


@pytest.fixture(scope="module")
def resumed(spec: Callable[..., JobSpec], tmp_path_factory) -> Iterator[Resumed]:
    """A training on two hosts that was stopped, and whose last checkpoint is not whole on the second host."""
    job, home = spec(**LONG), tmp_path_factory.mktemp("resumed")
    first = Life(home / "first", job)
    first.start(port())
    try:
        until(first, "checkpoints/checkpoint-8/complete.json")
        first.stop()
        assert all(first.wait()), first.output()
    finally:
        first.kill()
    assert not any((tree / "output/failure").exists() for tree in first.trees)
    assert not (first.trees[0] / "model/outcome.json").exists()

    second = Life(home / "second", job, checkpoints=first.saved(home / "saved"))
    *_, before, newest = checkpoint.by_step(second.trees[1] / "checkpoints")
    torn = max(newest.rglob("*"), key=lambda path: path.stat().st_size)
    os.truncate(torn, torn.stat().st_size // 2)
    (second.trees[0] / f"checkpoints/{newest.name}.sagemaker-uploading").touch()
    second.start(port())
    try:
        assert second.wait() == [0, 0], second.output()
        yield second, checkpoint.step(before), newest.name
    finally:
        second.kill()


@pytest.mark.slow
def test_two_hosts_go_on_after_an_interruption_and_train_what_two_processes_train(resumed: Resumed, alone: Manifest):
    life, *_ = resumed
    answer = json.loads((life.trees[0] / "model/outcome.json").read_bytes())
    assert answer["metrics"]["steps"] == 40
    assert answer["metrics"]["eval_loss"] == pytest.approx(alone.metrics["eval_loss"], rel=1e-3)
    assert len(answer["details"]["curve"]) == 40  # the journal of the first life is not lost


@pytest.mark.slow
def test_a_torn_upload_on_one_host_makes_all_go_back_to_the_checkpoint_before(resumed: Resumed):
    life, step, torn = resumed
    assert f"from step {step}" in life.output()
    assert life.output().count(f"ignoring {torn}: it is not complete") == 2


@pytest.mark.slow
def test_what_is_uploaded_is_the_first_hosts_and_what_the_outcome_lists(resumed: Resumed, tmp_path: Path):
    life, *_ = resumed
    first, second = (tree / "model" for tree in life.trees)
    files, digest = json.loads((first / "outcome.json").read_bytes())["published"]
    shutil.copytree(first, tmp_path / "uploaded", ignore=shutil.ignore_patterns("outcome.json"))
    assert [files, digest] == list(inventory(tmp_path / "uploaded"))
    assert "model/model.safetensors" in files
    assert not any(second.iterdir())


@pytest.mark.slow
def test_every_line_of_the_metrics_is_printed_for_cloudwatch(resumed: Resumed):
    life, step, _ = resumed
    printed = [line for line in life.output().splitlines() if line.startswith("{")]
    journal = (life.trees[0] / "model/log/metrics.jsonl").read_text().splitlines()
    assert printed == journal[step + 1 :]  # what the first life printed begins with step 0


@pytest.mark.slow
def test_an_input_that_is_not_as_its_manifest_says_is_named(
    tiny_manifest: Manifest, life: Make, shop: Path, tmp_path: Path
):
    section = config.Evaluate(samples=2, max_new_tokens=4, precision="fp32").model_dump(mode="json")
    broken = tiny_manifest.model_copy(update={"files": {**tiny_manifest.files, "missing.bin": 7}})
    made = life(JobSpec(stage="evaluate", section=section, inputs=[broken], folder="/"), hosts=("algo-1",))
    assert made.wait() == [1]
    failure = (made.trees[0] / "output/failure").read_text()
    assert "input-0 holds no missing.bin of 7 bytes; s3://nowhere/0 has changed since it was made" in failure


@pytest.mark.slow
def test_the_failure_begins_with_the_cause_and_is_short(spec: Callable[..., JobSpec], life: Make):
    made = life(spec(learning_rate=1e30, max_steps=4), hosts=("algo-1",))
    assert made.wait() == [1], made.output()
    failure = (made.trees[0] / "output/failure").read_text()
    assert failure.startswith("the loss or its gradient is not a finite number at step")
    assert len(failure) <= 1024


def test_whatever_fails_is_named_in_the_failure_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(sagemaker.ROOT, str(tmp_path))
    (tmp_path / "input/config").mkdir(parents=True)
    (tmp_path / "input/config/resourceconfig.json").write_text('{"current_host": "algo-1", "hosts": ["algo-1"]}')
    (tmp_path / "input/data/job").mkdir(parents=True)
    (tmp_path / "input/data/job/job.json").write_text('{"stage": "train"}')  # as another version might write it
    assert sagemaker.main(["train"]) == 1
    failure = (tmp_path / "output/failure").read_text()
    assert failure.startswith("ValidationError: ")
    assert "section" in failure


def test_a_container_that_is_stopped_before_its_processes_run_ends_at_once(tmp_path: Path):
    (tmp_path / "input/config").mkdir(parents=True)
    os.mkfifo(tmp_path / "input/config/resourceconfig.json")  # it waits here for somebody to write
    container = subprocess.Popen(
        [sys.executable, "-m", "fimsmith.sagemaker", "train"],
        env={**os.environ, sagemaker.ROOT: str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    limit = time.monotonic() + 60
    while not handles(container.pid, signal.SIGTERM):
        assert time.monotonic() < limit
        time.sleep(0.02)
    container.terminate()
    said, _ = container.communicate(timeout=30)
    assert container.returncode == 128 + signal.SIGTERM
    assert "stopped by SIGTERM before the job's processes began" in said


def handles(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler of its own for a signal."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("SigCgt")]
    return bool(int(line.split()[1], 16) >> (number - 1) & 1)
