"""Launchers of one job at the same time, and requests that fail in between, on an API server in memory."""

import copy
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fimsmith import config, storage
from fimsmith.errors import JobError
from fimsmith.launch import Job, kube, pytorchjob, render, stopping, watch
from fimsmith.launch.answers import Refused, Unreachable

OWNER = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "name": "run-2", "uid": "workflow-2"}


class Server(kube.Cluster):
    """The jobs and pods of one namespace; the operator makes a pod that runs for each job."""

    def __init__(self) -> None:
        self.namespace = "ml"
        self.server_lock = threading.RLock()
        self.jobs: dict[str, dict[str, Any]] = {}
        self.running: dict[str, dict[str, Any]] = {}
        self.made: list[str] = []  # uids
        self.lost_answers = 0  # how many creations get no answer
        self.numbers = itertools.count(1)

    def _connect(self) -> None:
        """There is nothing to connect to."""

    @property
    def server(self) -> str:
        return "https://test"

    def request(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        with self.server_lock:
            name = path.rpartition("/")[2]
            if "/pytorchjobs" not in path:
                return copy.deepcopy(self._pods(method, name))
            if method == "POST":
                return self._create(copy.deepcopy(body))
            if name not in self.jobs:
                raise Refused(404, "not found")
            return copy.deepcopy(getattr(self, f"_{method.lower()}")(self.jobs[name], body))

    def _pods(self, method: str, name: str) -> Any:
        if method == "DELETE":
            return {}
        if name == "pods":
            return {"items": list(self.running.values())}
        if name not in self.running:
            raise Refused(404, "not found")
        return self.running[name]

    def _create(self, job: dict[str, Any]) -> dict[str, Any]:
        name = job["metadata"]["name"]
        if name in self.jobs:
            raise Refused(409, "exists")
        job["metadata"]["uid"] = uid = f"uid-{next(self.numbers)}"
        self.jobs[name] = job
        self.made.append(uid)
        metadata = {"name": f"{name}-worker-0", "uid": f"pod-{uid}", "ownerReferences": [{"uid": uid}]}
        spec = {"nodeName": "node1", "containers": []}
        self.running[metadata["name"]] = {"metadata": metadata, "spec": spec, "status": {"phase": "Running"}}
        if self.lost_answers:
            self.lost_answers -= 1
            raise Unreachable("timed out")
        return copy.deepcopy(job)

    def _get(self, job: dict[str, Any], _: Any) -> dict[str, Any]:
        return job

    def _patch(self, job: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
        labels = job["metadata"]["labels"] | change["metadata"].pop("labels")
        job["metadata"].update(change["metadata"], labels=labels)
        return job

    def _delete(self, job: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        if body["preconditions"]["uid"] != job["metadata"]["uid"]:
            raise Refused(409, "another uid")
        del self.jobs[job["metadata"]["name"]]
        self.running.clear()
        return {}

    def _pieces(self, *_: Any) -> Iterator[bytes]:
        return iter(())

    def _open(self, *_: Any, **__: Any) -> Any:
        raise Refused(502, "the node is gone")

    def lose_pod(self) -> None:
        with self.server_lock:
            self.running.clear()

    def succeed(self) -> None:
        with self.server_lock:
            for job in self.jobs.values():
                job["status"] = {"conditions": [{"type": "Succeeded", "status": "True"}]}
            for pod in self.running.values():
                pod["status"]["phase"] = "Succeeded"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setattr(kube, "Cluster", lambda *_: made)
    monkeypatch.setattr(watch, "INTERVAL", 0.02)
    monkeypatch.setattr(pytorchjob, "INTERVAL", 0.02)
    monkeypatch.setattr(watch, "_CONFIRM", 0.1)
    monkeypatch.setattr(watch, "_DRAIN", 0.1)
    return made


def job(folder: Path) -> Job:
    (folder / "log").mkdir(parents=True)
    return Job("train-1", "train", "work", folder, destination=str(folder.parent / "root"))


PLACE = config.Run(launcher="pytorchjob")


class Launcher(threading.Thread):
    """A launcher in a thread, as if on another machine."""

    def __init__(self, folder: Path):
        super().__init__()
        self.job, self.error = job(folder), None
        self.start()

    def run(self) -> None:
        try:
            pytorchjob.run(self.job, PLACE)
        except JobError as error:
            self.error = error


def until(happened: Callable[[], Any]) -> None:
    end = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_launchers_that_follow_one_job_start_it_again_once_when_it_loses_a_pod(server: Server, tmp_path: Path):
    launchers = [Launcher(tmp_path / "a")]
    until(lambda: server.made)
    launchers.append(Launcher(tmp_path / "b"))
    time.sleep(0.3)  # both look at it
    server.lose_pod()
    until(lambda: len(server.made) == 2)
    time.sleep(0.5)
    storage.write(launchers[0].job.outcome, "{}")
    server.succeed()
    for each in launchers:
        each.join(20)
        assert each.error is None
    assert server.made == ["uid-1", "uid-2"]


def test_a_job_that_someone_deletes_is_not_started_again(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pytorchjob, "_REPLACED", 0.2)
    launcher = Launcher(tmp_path / "work")
    until(lambda: server.made)
    made = server.job(render.name(launcher.job))
    assert made
    server.delete(made, "Foreground")
    launcher.join(20)
    assert "deleted by someone else" in str(launcher.error)
    assert server.made == ["uid-1"]


def test_a_creation_whose_answer_was_lost_leaves_no_job(server: Server, tmp_path: Path):
    server.lost_answers = 1
    with pytest.raises(JobError, match="no answer from the API server") as caught:
        pytorchjob.run(job(tmp_path / "work"), PLACE)
    assert server.made == ["uid-1"]
    assert server.jobs == {}
    assert "may go on" not in str(caught.value)


def test_a_run_that_follows_a_job_takes_it_over_from_the_run_that_made_it(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    work = job(tmp_path / "work")
    first = kube.Home("ml", "run-1", OWNER | {"name": "run-1", "uid": "workflow-1"}, "1")
    server.create(render.manifest(work, PLACE, first, "ml"))
    monkeypatch.setattr(kube, "home", lambda _: kube.Home("ml", "run-2", OWNER, "2"))
    followed = []

    def see(*_: Any) -> None:
        with open(tmp_path / "log", "wb") as log, monkeypatch.context() as patch:
            patch.setenv("KFP_POD_NAME", "step-1")
            other = pytorchjob._Launcher(work, PLACE, server, log)
            other.home = first
            step = other._step()
        assert step
        step.withdraw()  # the first run is terminated meanwhile
        followed.extend(copy.deepcopy(list(server.jobs.values())))

    monkeypatch.setattr(watch.Watch, "until_done", see)
    pytorchjob.run(work, PLACE)
    (metadata,) = [each["metadata"] for each in followed]
    assert metadata["ownerReferences"] == [OWNER]
    assert metadata["labels"][render.RUN] == "2"
    assert metadata["uid"] == "uid-1"


def test_a_launcher_that_was_stopped_before_it_made_the_job_makes_none(server: Server, tmp_path: Path):
    stop = stopping.Stop()
    stop.received.append(15)
    with open(tmp_path / "log", "wb") as log:
        launcher = pytorchjob._Launcher(job(tmp_path / "job"), PLACE, server, log)
        cause = launcher._attempt({}, stop)
    assert cause
    assert cause.text == "it was stopped"
    assert server.made == []


def test_a_log_that_went_with_its_node_is_empty(server: Server):
    assert server.tail("pod", "pytorch", 10) == ""


def test_a_job_that_is_being_made_is_withdrawn_when_it_is_there(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("KFP_POD_NAME", "step-1")
    work = job(tmp_path / "work")
    with open(tmp_path / "log", "wb") as log:
        launcher = pytorchjob._Launcher(work, PLACE, server, log)
        step = launcher._step()
    assert step
    assert step.withdraw()  # nothing was asked for
    launcher.asked = True
    assert [step.withdraw(), step.withdraw()] == [False, False]
    server.create(render.manifest(work, PLACE, launcher.home, "ml"))
    assert step.withdraw()
    assert server.jobs == {}
    assert any(step.withdraw() for _ in range(pytorchjob._MISSES))  # it has gone, and nobody waits for ever


def test_a_withdrawal_that_gets_no_answer_is_not_sure(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KFP_POD_NAME", "step-1")
    with open(tmp_path / "log", "wb") as log:
        step = pytorchjob._Launcher(job(tmp_path / "work"), PLACE, server, log)._step()

    def fail(*_: Any, **__: Any) -> None:
        raise Unreachable("timed out")

    monkeypatch.setattr(server, "request", fail)
    assert step
    assert not step.withdraw()
