"""The whole SageMaker variant from the command line, its containers as real processes, without any Kubernetes."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from fimsmith import storage
from tests.contract import jobs
from tests.contract.aws import FakeAws
from tests.dag import test_demo

pytestmark = pytest.mark.slow
Start = Callable[..., FakeAws]
KIND, STEPS, SAVED = "ml.g5.xlarge", 60, 10


@pytest.fixture
def configuration(s3: str, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write a configuration whose model and root are in S3."""
    storage.send(tiny, f"{s3}/model", sorted(path.name for path in tiny.iterdir() if path.is_file()))
    for name in ("KUBECONFIG", "KFP_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("FIMSMITH_SAGEMAKER_PORT", str(probe.getsockname()[1]))

    def make(**settings: Any) -> Path:
        content = test_demo.settings(tiny)
        content["model"] = {"path": f"{s3}/model"}
        required = {"role": jobs.ROLE, "image": jobs.IMAGE, "instance_type": KIND}
        content["run"] = {"root": f"{s3}/root", "sagemaker": {**required, **settings}}
        content["train"] |= {"max_steps": STEPS, "save_steps": SAVED, "eval_steps": STEPS, "micro_batch": 4}
        content["evaluate"] |= {"samples": 8, "max_new_tokens": 8}
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    return make


def command(path: Path) -> list[str]:
    # Ctrl-C, which what a shell starts in the background ignores
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{heed}; from fimsmith.cli import main; main()"
    return [sys.executable, "-c", program, "run", str(path), "--launcher", "sagemaker"]


def test_a_run_whose_spot_instances_are_taken_away_is_stopped_and_goes_on_to_a_model(
    start_aws: Start, configuration: Callable[..., Path], s3: str, tmp_path: Path
):
    account = start_aws(torn=True, interrupt_at=[f"checkpoints/checkpoint-{2 * SAVED}/complete.json"])
    path = configuration(spot=True, network_isolation=True)
    with open(tmp_path / "first", "wb") as output:
        first = subprocess.Popen(command(path), stdout=output, stderr=output, start_new_session=True)
    while "train     Interrupted: " not in (said := (tmp_path / "first").read_text()):
        assert first.poll() is None, said
        account.behaviour.capacity = not any(account.folder.glob("*train*"))  # no second life
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGINT)  # as Ctrl-C in a terminal does
    assert first.wait(120) != 0
    assert "Traceback" not in (tmp_path / "first").read_text()
    (stopped,) = [job for name, job in account.training.jobs.items() if "-train-" in name]
    assert jobs.wait(stopped.name, jobs.ENDED)["TrainingJobStatus"] == "Stopped"

    account.behaviour.capacity, account.behaviour.interrupt_at = True, []
    calls = len(account.calls)
    done = subprocess.run(command(path), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    stages = [request["Tags"][0]["Value"] for _, name, request in account.calls[calls:] if name == "CreateTrainingJob"]
    assert set(stages) == {"train", "evaluate", "export"}
    assert stages.count("train") == stages.count("export") == 1
    (begun,) = re.findall(r"from step (\d+)", done.stdout)
    assert int(begun) >= SAVED
    assert any(line.startswith(f"train     step {STEPS} of {STEPS}, loss ") for line in done.stdout.splitlines())
    model = next(line.split()[-1] for line in done.stdout.splitlines() if line.startswith("model   s3://"))
    assert "model.safetensors" in storage.list_files(model)
    left = [name for name in storage.list_files(f"{s3}/root") if "/sagemaker/" in name or "/checkpoints/" in name]
    assert not left

    runs = {tag["Value"] for made in account.tags.values() for tag in made if tag["Key"] == "fimsmith:run"}
    assert all(run.startswith("run-") for run in runs)
    trained = [job for name, job in account.training.jobs.items() if "-train-" in name][-1]
    metrics = {each["MetricName"] for each in described(trained.name)["FinalMetricDataList"]}
    assert {"train_loss", "eval_loss", "tokens_per_second"} <= metrics


def described(name: str) -> dict[str, Any]:
    return boto3.client("sagemaker").describe_training_job(TrainingJobName=name)
