"""Jobs of the launcher whose containers run small Python scripts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fimsmith import config, storage
from fimsmith.jobspec import JobSpec
from fimsmith.launch import Job, aws, sagemaker, sagemaker_request, sagemaker_watch
from tests.contract import jobs
from tests.contract.aws import FakeAws

ROOT = "os.environ['FIMSMITH_SAGEMAKER_ROOT']"
# what a job leaves that has done its work: a file, and the outcome that lists it
DONE = (
    f"import json, pathlib; model = pathlib.Path({ROOT}, 'model')\n"
    "(model / 'weights').write_text('wwww')\n"
    "(model / 'outcome.json').write_text(json.dumps({'metrics': {}, 'details': {}, 'published': [{'weights': 4}, 'd']}))\n"
)
SLEEP = "import time; time.sleep(60)\n"
KIND = "ml.g5.xlarge"
Work = Callable[..., Job]


@pytest.fixture
def work(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    """Make a job whose containers run a Python script; nobody waits longer than needed."""
    for module, name in ((sagemaker_watch, "INTERVAL"), (sagemaker, "INTERVAL"), (sagemaker, "_QUOTA_PAUSE")):
        monkeypatch.setattr(module, name, 0.05)
    monkeypatch.setattr(sagemaker_watch, "_QUIET", 0.15)
    monkeypatch.setattr(aws, "_PAUSE", 0.01)
    written = sagemaker_request.request

    def make(script: str, machine: str = "work", **settings: Any) -> Job:
        def render(*arguments: Any) -> dict[str, Any]:
            document = written(*arguments)
            small = jobs.request(s3, script)
            algorithm = document["AlgorithmSpecification"]
            algorithm["ContainerEntrypoint"] = small["AlgorithmSpecification"]["ContainerEntrypoint"]
            document["Environment"] |= small["Environment"]
            return document

        monkeypatch.setattr(sagemaker_request, "request", render)
        folder = tmp_path / machine
        (folder / "log").mkdir(parents=True, exist_ok=True)
        fields = {"name": "train-f", "stage": "train", "module": "fimsmith.train", "distributed": True, **settings}
        job = Job(folder=folder, destination=f"{s3}/root/train/f", **fields)
        spec = JobSpec(stage="train", section={}, inputs=[], folder=str(folder), destination=job.destination)
        storage.write(job.argument, spec.model_dump_json())
        return job

    return make


def place(**settings: Any) -> config.Run:
    """Where such a job runs."""
    required = {"role": jobs.ROLE, "image": jobs.IMAGE, "instance_type": KIND}
    return config.Run.model_validate({"launcher": "sagemaker", "sagemaker": {**required, **settings}})


def created(account: FakeAws) -> list[str]:
    """The names of the training jobs that were asked for."""
    return [request["TrainingJobName"] for _, name, request in account.calls if name == "CreateTrainingJob"]
