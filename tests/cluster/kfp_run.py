"""What the tests on a real Kubeflow Pipelines back end share: the cluster, a run's end, what lies under the root."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fimsmith import configfile, storage
from fimsmith.launch.render import RUN

ROOT = Path(__file__).parents[2]
NAMESPACE = "kubeflow"
FIMSMITH = str(Path(sys.executable).with_name("fimsmith"))
KFP = str(Path(sys.executable).with_name("kfp"))
MINUTES = 15


def kubectl(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["kubectl", "-n", NAMESPACE, *arguments], capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout


def jobs(run: str | None = None) -> list[dict[str, Any]]:
    """The jobs of one run, or of all; none stays when its run has ended."""
    return json.loads(kubectl("get", "pytorchjobs", "-l", f"{RUN}={run}" if run else "", "-o", "json"))["items"]


def job_pods(name: str | None = None) -> list[dict[str, Any]]:
    """The pods of one job, or of all jobs."""
    label = "training.kubeflow.org/job-name" + (f"={name}" if name else "")
    return json.loads(kubectl("get", "pods", "-l", label, "-o", "json"))["items"]


def until(what: str, happened: Callable[[], Any], seconds: float) -> Any:
    """Wait until a condition holds and return its value."""
    deadline = time.monotonic() + seconds
    while not (found := happened()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {seconds:.0f} seconds")
        time.sleep(0.5)
    return found


def end(client: Any, run: str) -> Any:
    """Wait for a run's end and return the run."""

    def ended() -> Any:
        found = client.get_run(run)
        return found if found.state in ("SUCCEEDED", "FAILED", "CANCELED") else None

    return until(f"the end of run {run}", ended, 60 * MINUTES)


def training(run: str, text: str = "step 1 of") -> str:
    """Wait until the first worker of a run's job prints a text, and return the job's name."""

    def found() -> str | None:
        for job in jobs(run):
            name = job["metadata"]["name"]
            if text in kubectl("logs", f"{name}-worker-0", "-c", "pytorch", check=False):
                return name
        return None

    return until(f"a job that prints {text!r}", found, 300)


def manifests(configuration: Path) -> dict[str, list[dict[str, Any]]]:
    """Every finished stage's manifests below the root."""
    root, found = configfile.load(configuration).run.root, {}
    for name in storage.list_files(root):
        if name.endswith("/manifest.json"):
            found.setdefault(name.split("/")[0], []).append(json.loads(storage.read(f"{root}/{name}") or b""))
    return found


def dead_webhook(namespace: str) -> dict[str, Any]:
    """A webhook of the jobs in a namespace whose service is not there, as when the operator is down."""
    return {
        "name": "jobs.fimsmith.dev",
        "clientConfig": {"service": {"name": "there-is-none", "namespace": namespace, "path": "/validate"}},
        "rules": [
            {"apiGroups": ["kubeflow.org"], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pytorchjobs"]}
        ],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "failurePolicy": "Fail",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }


def needs(*names: str) -> None:
    """Skip unless these variables are set."""
    if missing := [name for name in names if not os.environ.get(name)]:
        pytest.skip(f"{', '.join(missing)} not set")
