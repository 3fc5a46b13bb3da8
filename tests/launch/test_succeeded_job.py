"""fimsmith.launch.pytorchjob: how a job that succeeded is left; the rest is in tests/cluster/test_pytorchjob.py."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fimsmith import config, launch, storage
from fimsmith.errors import JobError
from fimsmith.jobspec import JobSpec
from fimsmith.launch import Job, kube, pytorchjob, render, watch
from fimsmith.launch.answers import Refused
from fimsmith.manifest import Manifest, Outcome

DATA = Manifest(stage="mix", fingerprint="d", digest="d", uri="/d", files={}, metrics={}, details={})
LOG = b"2026-01-31T12:00:00Z train     step 1 of 2\n"
PLACE = config.Run(launcher="pytorchjob")


class Cluster(kube.Cluster):
    """A cluster with one job, to which something happens before each look."""

    server = "https://api"  # type: ignore[assignment]

    def __init__(self, *happens: Callable[["Cluster"], None]):
        self.namespace, self.happens = "ml", list(happens)
        self.there: dict[str, Any] | None = None
        self.made, self.deleted, self.readable = 0, 0, b""

    def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        self.made += 1
        metadata = {**manifest["metadata"], "uid": f"job-{self.made}"}
        self.there = {**manifest, "metadata": metadata, "status": {"conditions": []}}
        return self.there

    def job(self, name: str) -> dict[str, Any] | None:
        return self.there

    def look(self, name: str, say: Callable[[str], None]) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        if self.happens:
            self.happens.pop(0)(self)
        return self.there, self.pods(name)

    def pods(self, name: str) -> list[dict[str, Any]]:
        return [self.pod("worker-0")] if self.there and self.there["status"]["conditions"] else []

    def pod(self, name: str, namespace: str | None = None) -> dict[str, Any]:
        labels = {f"training.kubeflow.org/replica-{key}": value for key, value in (("type", "worker"), ("index", "0"))}
        return {
            "metadata": {"name": name, "uid": name, "labels": labels},
            "spec": {"nodeName": "a", "containers": []},
            "status": {"phase": "Succeeded"},
        }

    def follow(self, pod: str, container: str, since: str | None, *, wait: bool) -> Iterator[bytes]:
        yield self.readable if container == render.MAIN else b""

    def delete(self, job: dict[str, Any], propagation: str) -> None:
        self.deleted += 1
        self.there, self.readable = None, b""


def succeed(cluster: Cluster) -> None:
    assert cluster.there
    cluster.there["status"]["conditions"] = [{"type": "Succeeded", "status": "True"}]
    cluster.readable = LOG


def succeed_and_go(cluster: Cluster) -> None:
    """As another launcher leaves it for a moment."""
    succeed(cluster)
    assert cluster.there
    cluster.there["metadata"]["deletionTimestamp"] = "2026-01-31T12:00:09Z"


def vanish(cluster: Cluster) -> None:
    cluster.there = None


def nothing(_: Cluster) -> None:
    pass


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("KFP_POD_NAME", raising=False)
    monkeypatch.setattr(watch, "INTERVAL", 0.0)
    monkeypatch.setattr(pytorchjob, "_REPLACED", 0.0)
    monkeypatch.setattr("fimsmith.launch.follow._PAUSE", 0.0)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Job]:
    """Run a job on a cluster."""

    def start(cluster: Cluster, there: Callable[[Cluster], None] | None = None) -> Job:
        job = Job("train-1", "train", "fimsmith.train", tmp_path, destination=str(tmp_path / "root"))
        job.log.parent.mkdir(exist_ok=True)
        monkeypatch.setattr(kube, "Cluster", lambda namespace: cluster)
        if there:
            cluster.create(render.manifest(job, PLACE, kube.Home("ml"), "ml"))
            there(cluster)
        pytorchjob.run(job, PLACE)
        return job

    return start


def test_a_job_that_succeeded_is_deleted_when_its_log_is_here(run: Callable[..., Job]):
    cluster = Cluster(nothing, succeed)
    job = run(cluster)
    assert (cluster.made, cluster.deleted) == (1, 1)
    assert job.log.read_bytes() == b"train     step 1 of 2\n"


@pytest.mark.parametrize("state", [succeed, succeed_and_go])
def test_a_job_that_succeeded_before_it_was_found_is_not_made_again_and_its_log_is_kept(
    run: Callable[..., Job], state: Callable[[Cluster], None]
):
    cluster = Cluster()
    job = run(cluster, there=state)
    assert (cluster.made, cluster.deleted) == (1, 1)
    assert job.log.read_bytes() == b"train     step 1 of 2\n"


def test_a_success_stays_one_when_the_job_cannot_be_deleted(run: Callable[..., Job], monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: Any) -> None:
        raise Refused(403, "forbidden")

    monkeypatch.setattr(Cluster, "delete", refuse)
    run(Cluster(succeed))


def test_a_launcher_that_finds_the_job_deleted_after_its_end_has_its_outcome(run: Callable[..., Job], tmp_path: Path):
    storage.write(str(tmp_path / "root" / "outcome.json"), "{}")
    cluster = Cluster(nothing, vanish)
    run(cluster, there=nothing)
    assert cluster.made == 1


def test_a_job_that_vanishes_without_an_outcome_was_deleted_by_someone(run: Callable[..., Job]):
    with pytest.raises(JobError, match="was deleted by someone else"):
        run(Cluster(nothing, vanish), there=nothing)


def test_a_step_that_restarts_after_its_job_was_deleted_takes_the_outcome_and_makes_no_job(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def finish(cluster: Cluster) -> None:
        assert cluster.there
        JobSpec.read(cluster.there["metadata"]["annotations"][render.ARGUMENT]).finish(Outcome({"loss": 1.0}))
        succeed(cluster)

    def die(job: Job, place: config.Run) -> None:
        pytorchjob.run(job, place)
        raise KeyboardInterrupt

    cluster = Cluster(finish)
    monkeypatch.setattr(kube, "Cluster", lambda namespace: cluster)
    monkeypatch.setitem(launch.LAUNCHERS, "pytorchjob", die)
    settings = config.Train(), PLACE.model_copy(update={"root": str(tmp_path)}), DATA, DATA
    with pytest.raises(KeyboardInterrupt):
        launch.train(*settings)
    assert cluster.deleted == 1
    assert launch.train(*settings).metrics == {"loss": 1.0}
    assert cluster.made == 1
