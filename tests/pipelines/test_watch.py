"""pipelines.watch: what is shown of a run, and what is said where its logs may not be read."""

import datetime
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from fimsmith.errors import ConfigError, JobError
from fimsmith.launch.answers import Refused
from pipelines import watch

NODE = "workflows.argoproj.io/node-name"
POD = {"metadata": {"name": "step", "annotations": {NODE: "run.train.executor"}}, "status": {"phase": "Running"}}
LOG = b"2026-01-31T12:00:00Z train     step 1 of 2, loss 0.9\n2026-01-31T12:00:01Z error: too hot; lower it\n"
FORBIDDEN = 'pods is forbidden: User "jane" cannot list resource "pods"'


class Cluster:
    """A cluster with one step, which refuses to list pods, or to show logs, with a status."""

    def __init__(self, listing: int = 0, log: int = 0):
        self.listing, self.log = listing, log

    def request(self, method: str, path: str, **_: Any) -> dict[str, Any]:
        if self.listing:
            raise Refused(self.listing, FORBIDDEN)
        return {"items": [POD]}

    def follow(self, *_: Any, **__: Any) -> Iterator[bytes]:
        if self.log:
            raise Refused(self.log, FORBIDDEN)
        yield LOG

    def tail(self, *_: Any) -> str:
        return ""


def client(*states: str) -> Any:
    """A back end whose run has one state after the other."""
    left = list(states)
    moment = datetime.datetime(2026, 1, 31)

    def get_run(_: str) -> Any:
        state = left.pop(0)
        task = SimpleNamespace(display_name="train", task_id="1", state=state, start_time=moment, end_time=moment)
        return SimpleNamespace(state=state, state_history=[], run_details=SimpleNamespace(task_details=[task]))

    return SimpleNamespace(get_run=get_run)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(watch, "_PAUSE", 0.0)


def follow(monkeypatch: pytest.MonkeyPatch, cluster: Any, *states: str) -> None:
    monkeypatch.setattr(watch, "Cluster", lambda namespace: cluster)
    watch.Watch(client(*states), "run-1", "ml").run()


def test_the_stages_own_lines_are_shown_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    follow(monkeypatch, Cluster(), "RUNNING", "RUNNING", "SUCCEEDED")
    shown = capsys.readouterr().out
    assert shown.count("step 1 of 2, loss 0.9") == 1
    assert "cannot be shown" not in shown


@pytest.mark.parametrize("refusal", [{"listing": 403}, {"log": 403}])
def test_logs_that_may_not_be_read_are_said_once_with_the_fix(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], refusal: dict[str, int]
):
    follow(monkeypatch, Cluster(**refusal), "RUNNING", "RUNNING", "SUCCEEDED")
    shown = capsys.readouterr().out
    assert shown.count(FORBIDDEN) == 1
    assert "kubectl -n ml create role fimsmith-watch --verb=get,list --resource=pods,pods/log" in shown
    assert "the run has succeeded" in shown


def test_a_container_that_has_not_started_is_no_lack_of_rights(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    follow(monkeypatch, Cluster(log=400), "RUNNING", "SUCCEEDED")
    assert "cannot be shown" not in capsys.readouterr().out


def test_a_failed_run_tells_the_stages_message_or_why_it_cannot(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(JobError, match=r"^too hot; lower it\n  log: kubectl -n ml logs step -c main"):
        follow(monkeypatch, Cluster(), "RUNNING", "FAILED")
    with pytest.raises(JobError, match=r"its logs cannot be shown: pods is forbidden.*fix: kubectl"):
        follow(monkeypatch, Cluster(listing=403), "RUNNING", "FAILED")


def test_without_a_cluster_the_run_is_followed_and_the_reason_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def none(namespace: str) -> Any:
        raise ConfigError("no cluster")

    monkeypatch.setattr(watch, "Cluster", none)
    watch.Watch(client("RUNNING", "SUCCEEDED"), "run-1", "ml").run()
    assert "no access to the cluster; fix: set KUBECONFIG" in capsys.readouterr().out
