"""The doctor as a whole: it never raises, never hangs on one check, and its exit status tells faults."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from recorded import Recorded

from fimsmith import config, configfile, doctor, model
from fimsmith.doctor import probe
from fimsmith.doctor.result import Result
from fimsmith.launch.answers import Refused, Unreachable
from fimsmith.launch.kube import Cluster


def settings(root: str = "s3://bucket/prefix", launcher: str = "pytorchjob") -> config.Config:
    tree = {
        "run": {"root": root, "launcher": launcher},
        "model": {"path": "s3://bucket/model"},
        "sources": [{"name": "code", "location": "/code"}],
        "mix": {"weights": {"code": 1.0}},
    }
    return configfile.validate(tree, "test")


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch):
    """Let the doctor find a cluster of recorded answers, and no store."""
    for name in ("KFP_ENDPOINT", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    form = {"begin": 1, "hole": 2, "end": 3, "stop": 4}
    told = {"family": "deepseek-coder", "vocabulary": 5, "format": form}
    monkeypatch.setattr(model, "describe", lambda section: SimpleNamespace(details=told))
    monkeypatch.setattr(probe, "store", lambda root: {"code": "ok", "message": "write, read, delete"})

    def found(answers: dict[str, Any]) -> None:
        recorded = Recorded({"/version": {"gitVersion": "v1.34"}, **answers})
        monkeypatch.setattr(doctor, "Cluster", lambda namespace: recorded)

    return found


def by_name(results: list[Result]) -> dict[str, Result]:
    return {result.name: result for result in results}


def test_an_account_without_any_right_sees_no_faults_of_the_cluster(cluster):
    cluster({"": Refused(403, "forbidden: cannot create resource")})
    faults = [result for result in doctor.check(settings()) if result.ok is False]
    assert not faults


def test_a_server_error_in_every_answer_becomes_faults_and_never_an_exception(cluster):
    cluster({"": Refused(500, "etcd is gone")})
    results = by_name(doctor.check(settings()))
    assert results["nodes"].ok is False
    assert "etcd is gone" in results["nodes"].text


def test_an_answer_of_unknown_shape_is_a_fault_of_that_check_alone(cluster):
    cluster({"/api/v1/nodes": {"surprise": 1}, "/api/v1/namespaces/ml": {}})
    results = by_name(doctor.check(settings()))
    assert "the check itself failed: KeyError" in results["nodes"].text
    assert results["/dev/shm"].ok


def test_a_namespace_that_does_not_exist_is_the_one_fault_told(cluster):
    cluster({})
    last = doctor.check(settings())[-1]
    assert (last.name, last.ok) == ("cluster", False)
    assert "kubectl create namespace ml" in last.fix


def test_a_local_run_needs_no_cluster(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("KFP_ENDPOINT", raising=False)
    last = doctor.check(settings("/data", "local"))[-1]
    assert (last.name, last.ok) == ("cluster", None)


def test_an_unreachable_cluster_is_one_fault(cluster, monkeypatch: pytest.MonkeyPatch):
    def fail(namespace: str | None) -> Cluster:
        raise Unreachable("connection refused")

    monkeypatch.setattr(doctor, "Cluster", fail)
    last = doctor.check(settings())[-1]
    assert (last.name, last.ok) == ("cluster", False)


def test_a_fault_is_printed_with_its_fix_and_others_without():
    assert str(Result("nodes", False, "none", "add one")).splitlines()[1].strip() == "fix: add one"
    assert "fix" not in str(Result("nodes", None, "none", "add one"))


def test_the_exit_status_is_1_when_there_is_a_fault(tmp_path: Path):
    path = tmp_path / "config.yaml"
    path.write_text(
        yaml.safe_dump({**settings("/data", "local").model_dump(mode="json"), "model": {"path": "/nowhere"}})
    )
    command = [sys.executable, "-c", "from fimsmith.cli import main; main()", "doctor", str(path)]
    environment = {name: value for name, value in os.environ.items() if name != "KFP_ENDPOINT"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 1, done.stderr
    assert "✗ model" in done.stdout
    assert "Traceback" not in done.stderr
