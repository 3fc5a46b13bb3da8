"""fimsmith.launch.kube: what becomes of the answers of an API server, over real connections."""

import http.server
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from fimsmith.launch import kube
from fimsmith.launch.answers import Refused, Unreachable


class _Server(http.server.BaseHTTPRequestHandler):
    answers: dict[str, tuple[int, bytes]]  # the path's end -> status and body
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status, body = next(self.answers[end] for end in self.answers if self.path.endswith(end))
        self.send_response(status)
        if "/log?" in self.path:  # a stream that breaks off
            self.send_header("Transfer-Encoding", "chunked")
            body = f"{len(body):x}\r\n".encode() + body + b"\r\n"
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object):
        pass


def write_kubeconfig(path: Path, address: str) -> Path:
    """A kubeconfig whose context has the namespace `ml`."""
    context = {"cluster": "c", "user": "u", "namespace": "ml"}
    content = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": context}],
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[kube.Cluster]:
    """A cluster whose server gives `_Server.answers`."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("KUBECONFIG", str(write_kubeconfig(tmp_path / "config", address)))
    yield kube.Cluster()
    server.shutdown()
    server.server_close()


def test_the_context_of_the_file_that_the_environment_names_counts_at_the_time_of_connecting(cluster: kube.Cluster):
    assert cluster.namespace == "ml"
    assert cluster.server.startswith("http://127.0.0.1:")


def test_a_refusal_keeps_its_status_and_the_servers_words(cluster: kube.Cluster):
    _Server.answers = {"/x": (403, b'{"kind": "Status", "message": "jane may not"}')}
    with pytest.raises(Refused) as caught:
        cluster.request("GET", "/x")
    assert (caught.value.status, caught.value.message) == (403, "jane may not")


def test_what_is_not_there_is_none_and_other_refusals_are_not(cluster: kube.Cluster):
    _Server.answers = {"/gone": (404, b"{}"), "/broken": (500, b"oh"), "/here": (200, b'{"a": 1}')}
    assert cluster.find("/gone") is None
    assert cluster.find("/here") == {"a": 1}
    with pytest.raises(Refused, match="500: oh"):
        cluster.find("/broken")


def test_a_server_that_is_not_there_is_unreachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KUBECONFIG", str(write_kubeconfig(tmp_path / "config", "http://127.0.0.1:1")))
    with pytest.raises(Unreachable, match="refused"):
        kube.Cluster().request("GET", "/x")


def test_a_log_that_breaks_off_gives_what_came_and_then_says_so(cluster: kube.Cluster):
    _Server.answers = {"/log?container=main&timestamps=true&follow=true": (200, b"one\ntwo")}
    pieces = cluster.follow("p", "main", None, wait=True)
    assert next(pieces) == b"one\ntwo"
    with pytest.raises(Unreachable):
        next(pieces)


def test_a_pod_is_its_own_account_unless_a_kubeconfig_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "token").write_text("t")
    monkeypatch.setattr(kube, "_ACCOUNT", tmp_path)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    assert kube.inside()
    monkeypatch.setenv("KUBECONFIG", "/some/file")
    assert not kube.inside()


def test_importing_the_doctor_does_not_need_the_kubernetes_client():
    block = "import sys; sys.modules.update(dict.fromkeys(('kubernetes', 'urllib3', 'boto3')))"
    subprocess.run([sys.executable, "-c", f"{block}; import fimsmith.doctor"], check=True)
