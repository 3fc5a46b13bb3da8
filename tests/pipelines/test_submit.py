"""Start, follow and end runs on an imitated back end; the rest is in tests/cluster."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_kfp import TERMINATED, Backend, serving

from fimsmith import cli, config, configfile
from fimsmith.errors import ConfigError, JobError
from pipelines import submit, watch
from pipelines.submit import Destination

CONFIGURATION = """
run: {root: s3://bucket/root, launcher: pytorchjob}
model: {path: s3://bucket/model}
sources: [{name: business, location: /code}]
mix: {weights: {business: 1.0}}
"""


def settings(folder: Path, *changes: str) -> config.Config:
    path = folder / "company.yaml"
    path.write_text(CONFIGURATION, encoding="utf-8")
    return configfile.load(path, changes)


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on this machine says where a cluster or Kubeflow is."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(tmp_path / "none"))
    monkeypatch.setattr("kfp.client.client.Client._LOCAL_KFP_CONTEXT", str(tmp_path / "context.json"))
    monkeypatch.setattr(watch, "_PAUSE", 0.01)
    for name in ("KUBECONFIG", "KFP_ENDPOINT", "KUBERNETES_SERVICE_HOST", "KF_PIPELINES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def backend() -> Iterator[Backend]:
    with serving(Backend()) as served:
        yield served


def fimsmith(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command line and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["fimsmith", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("change", "words"), [("run.launcher=local", "run.launcher: pytorchjob"), ("run.root=here", "run.root to s3://")]
)
def test_what_a_cluster_cannot_run_is_refused_before_it_is_asked(
    backend: Backend, tmp_path: Path, change: str, words: str
):
    with pytest.raises(ConfigError, match=words):
        submit.submit(settings(tmp_path, change), Destination(backend.address, None), "fimsmith", "name")
    assert backend.asked == []


def test_a_run_gets_the_configuration_as_its_parameters(backend: Backend, tmp_path: Path):
    configuration = settings(tmp_path)
    assert submit.submit(configuration, Destination(backend.address, "ml"), "tries", "company") == "r1"
    bodies = {path.rpartition("/")[2]: body for method, path, body in backend.asked if method == "POST"}
    assert bodies["experiments"]["display_name"] == "tries"
    assert bodies["runs"]["display_name"] == "company"
    assert bodies["runs"]["runtime_config"]["parameters"] == configuration.parameters()
    assert not bodies["experiments"].get("namespace"), "a single-user back end refuses one"


def test_where_users_have_namespaces_the_run_belongs_to_one_of_them_and_a_token_is_sent(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    backend.multi_user = True
    (tmp_path / "token").write_text("the-token", encoding="utf-8")
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "token"))
    submit.submit(settings(tmp_path), Destination(backend.address, "alice"), "tries", "company")
    made = next(body for method, path, body in backend.asked if method == "POST" and path.endswith("experiments"))
    assert made["namespace"] == "alice"
    assert backend.tokens >= {"Bearer the-token"}


def test_where_users_have_namespaces_one_must_be_named(backend: Backend, tmp_path: Path):
    backend.multi_user = True
    with pytest.raises(JobError, match="--namespace NAME"):
        submit.submit(settings(tmp_path), Destination(backend.address, None), "tries", "company")


@pytest.mark.parametrize("pages", [True, False])
def test_an_address_that_serves_no_page_is_not_given_as_the_runs_page(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str], pages: bool
):
    backend.pages = pages
    submit.submit(settings(tmp_path), Destination(backend.address, None), "tries", "company")
    said = capsys.readouterr().out
    assert (f"{backend.address}/#/runs/details/r1" in said) is pages
    assert ("svc/ml-pipeline-ui 8888:80" in said) is not pages


def test_without_an_address_it_says_how_to_give_one_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    settings(tmp_path)
    assert fimsmith(monkeypatch, "submit", str(tmp_path / "company.yaml")) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "set KFP_ENDPOINT or --endpoint" in said.err
    assert "localhost:80 " not in said.err


@pytest.mark.parametrize("command", [["watch", "r1"], ["submit", "company.yaml", "--watch"]])
def test_the_exit_status_tells_how_a_run_ended(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
):
    settings(tmp_path)
    monkeypatch.chdir(tmp_path)
    backend.runs["r1"] = [{"state": "RUNNING"}, {"state": "SUCCEEDED"}]
    assert fimsmith(monkeypatch, *command, "--endpoint", backend.address) == 0
    backend.runs["r1"] = [{"state": "RUNNING"}, {"state": "FAILED"}]
    assert fimsmith(monkeypatch, *command, "--endpoint", backend.address) == 1


def test_a_stopped_run_is_terminated_and_its_watcher_says_so(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    backend.runs["r1"] = [{"state": "RUNNING"}]
    assert fimsmith(monkeypatch, "stop", "r1", "--endpoint", backend.address) == 0
    assert ("POST", "/apis/v2beta1/runs/r1:terminate", None) in backend.asked
    assert backend.runs["r1"] == [TERMINATED]
    assert fimsmith(monkeypatch, "watch", "r1", "--endpoint", backend.address) == 1
    assert "the run was terminated" in capsys.readouterr().err


def test_a_run_that_ends_as_cancelled_has_not_succeeded(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    backend.runs["r1"] = [{"state": "RUNNING"}, {"state": "CANCELED"}]
    assert fimsmith(monkeypatch, "watch", "r1", "--endpoint", backend.address) == 1
    assert "the run was terminated" in capsys.readouterr().err


def test_a_run_that_is_not_there_is_neither_watched_nor_ended(backend: Backend):
    where = Destination(backend.address, None)
    with pytest.raises(JobError, match="there is no run nope"):
        submit.follow(where, "nope")
    assert sum(path.endswith("/nope") for _, path, _ in backend.asked) == 1
    with pytest.raises(JobError, match="the run nope cannot be ended: .*not found"):
        submit.stop(where.endpoint, "nope")


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refusal_is_not_taken_for_silence(backend: Backend, status: int):
    backend.fault = status
    with pytest.raises(JobError, match="does not show the run r1"):
        submit.follow(Destination(backend.address, None), "r1")


@pytest.mark.parametrize("status", [429, 503])
def test_a_passing_fault_is_waited_out(backend: Backend, monkeypatch: pytest.MonkeyPatch, status: int):
    backend.fault, backend.runs["r1"] = status, [{"state": "SUCCEEDED"}]

    def recover(_: float) -> None:
        backend.fault = 0

    monkeypatch.setattr(watch.time, "sleep", recover)
    submit.follow(Destination(backend.address, None), "r1")


def test_a_back_end_that_no_longer_answers_is_given_up(backend: Backend, monkeypatch: pytest.MonkeyPatch):
    backend.fault = 503
    monkeypatch.setattr(watch, "_PATIENCE", 0.0)
    with pytest.raises(JobError, match="no longer answers"):
        submit.follow(Destination(backend.address, None), "r1")
