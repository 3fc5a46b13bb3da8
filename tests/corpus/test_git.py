import base64
import os
import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest
from java_texts import files, ingest, java, rejected, write

from fimsmith import config, configfile
from fimsmith.corpus import git, gitclient, tree
from fimsmith.errors import ConfigError, DataError

IDENTITY = {
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
}


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True, env={**os.environ, **IDENTITY}
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = write(
        tmp_path / "app",
        {"src/A.java": java(1), "LICENSE": "Apache License, Version 2.0", "core/pom.xml": "", "core/B.java": java(2)},
    )
    (folder / "L.java").symlink_to("src/A.java")
    run(folder, "init", "-q", "-b", "main")
    run(folder, "add", ".")
    run(folder, "commit", "-q", "-m", "one")
    run(folder, "tag", "-a", "-m", "first", "v1")
    write(folder, {"src/A.java": java(3)})
    run(folder, "commit", "-q", "-a", "-m", "two")
    return folder


def test_files_carry_commit_time_and_licence(repository: Path, tmp_path: Path):
    made = ingest(f"git+file://{repository}", tmp_path / "out")
    row = files(made)["src/A.java"]
    assert (row["commit"], row["time"], row["licence"]) == (
        run(repository, "rev-parse", "HEAD"),
        1_700_000_000,
        "Apache-2.0",
    )
    assert row["text"] == java(3)
    assert rejected(made) == {"L.java": "link"}


def test_names_that_git_writes_in_quotes_are_read(repository: Path, tmp_path: Path):
    names = ["订单.java", 'a "quoted"\ttab\nline.java', "\x01.java", "plain name.java"]
    write(repository, {name: java(number) for number, name in enumerate(names, 10)})
    run(repository, "add", ".")
    run(repository, "commit", "-q", "-m", "names")
    found = files(ingest(f"git+{repository}", tmp_path / "out"))
    assert [found[name]["text"] for name in names] == [java(number) for number in range(10, 14)]


def test_a_repository_with_too_many_files_is_refused(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tree, "_MOST", 4)
    with pytest.raises(DataError, match="lists more than 4 files"):
        ingest(f"git+{repository}", tmp_path / "out")


@pytest.mark.parametrize("ref", ["v1", "main~1"])
def test_a_tag_or_a_commit_can_be_named(repository: Path, tmp_path: Path, ref: str):
    name = ref if ref == "v1" else run(repository, "rev-parse", ref)
    row = files(ingest(f"git+{repository}@{name}", tmp_path / "out"))["src/A.java"]
    assert (row["text"], row["commit"]) == (java(1), run(repository, "rev-parse", "main~1"))


def test_a_new_commit_is_noticed_and_an_old_one_is_reused(repository: Path, tmp_path: Path):
    first = ingest(f"git+{repository}", tmp_path / "out")
    assert ingest(f"git+{repository}", tmp_path / "out").uri == first.uri
    write(repository, {"src/A.java": java(9)})
    run(repository, "commit", "-q", "-a", "-m", "three")
    assert files(ingest(f"git+{repository}", tmp_path / "out"))["src/A.java"]["text"] == java(9)


def test_hooks_of_the_repository_and_of_templates_do_not_run(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    template = write(tmp_path / "template", {"hooks/reference-transaction": f"#!/bin/sh\ntouch {tmp_path}/ran\n"})
    (template / "hooks/reference-transaction").chmod(0o755)
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(template))
    ingest(f"git+{repository}", tmp_path / "out")
    assert not (tmp_path / "ran").exists()


def test_an_unknown_ref_is_refused(repository: Path, tmp_path: Path):
    with pytest.raises(DataError, match="has no branch or tag 'nope'"):
        ingest(f"git+{repository}@nope", tmp_path / "out")
    with pytest.raises(DataError, match="has no commit 0000"):
        ingest(f"git+{repository}@{'0' * 39}1", tmp_path / "out")


@pytest.mark.parametrize(
    "location",
    ["git+ext::sh -c touch% x", "git+ext::sh", "git+--upload-pack=touch x", "git+-x", "git+file:///a@-x", "git+fd::17"],
)
def test_what_git_would_run_as_a_command_is_refused(tmp_path: Path, location: str):
    with pytest.raises(DataError, match="is not a repository that may be fetched"):
        ingest(location, tmp_path / "out")


def test_no_transport_that_runs_commands_is_allowed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "ext")
    with pytest.raises(DataError, match="transport 'ext' not allowed"):
        git.Remote(f"ext::touch {tmp_path}/ran", "").resolve()
    assert not (tmp_path / "ran").exists()


def test_a_missing_repository_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="does not appear to be a git repository"):
        ingest(f"git+{tmp_path}/nowhere", tmp_path / "out")


class Guarded(SimpleHTTPRequestHandler):
    """Files for who knows the password; it notes what it was sent."""

    sent: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.sent.append(self.headers["Authorization"])
        if self.sent[-1] == "Basic " + base64.b64encode(b"reader:hunter2-word").decode():
            super().do_GET()
        else:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="git"')
            self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def guarded(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server with the repository, which wants a login; the environment holds it."""
    run(tmp_path, "clone", "-q", "--bare", str(repository), "served/app.git")
    run(tmp_path / "served/app.git", "update-server-info")
    Guarded.sent.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Guarded, directory=str(tmp_path / "served"))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        for name, value in {"HOST": address, "USERNAME": "reader", "PASSWORD": "hunter2-word"}.items():
            monkeypatch.setenv(f"GIT_{name}", value)
        home = write(tmp_path / "home", {".gitconfig": f"[credential]\n\thelper = store --file={tmp_path}/out/kept\n"})
        monkeypatch.setenv("HOME", str(home))
        yield address
        server.shutdown()
        thread.join()


def test_a_private_repository_is_read_and_its_password_neither_printed_nor_stored(
    guarded: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    made = ingest(f"git+{guarded}/app.git@main", tmp_path / "out", history=1)
    assert files(made)["src/A.java"]["text"] == java(3)
    assert made.details["history"]["commits"] == 1  # of all, which such a server hands out
    assert not any(b"hunter2" in path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert "hunter2" not in "".join(capfd.readouterr())


def test_a_new_password_does_not_redo_the_data(guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    first = ingest(f"git+{guarded}/app.git@main", tmp_path / "out")
    monkeypatch.delenv("GIT_PASSWORD")
    monkeypatch.setattr(git.Remote, "resolve", lambda _: run(tmp_path / "app", "rev-parse", "main"))
    assert ingest(f"git+{guarded}/app.git@main", tmp_path / "out").uri == first.uri


def test_a_wrong_password_is_refused_without_being_shown(guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_PASSWORD", "hunter2-wrong")
    with pytest.raises(DataError, match="Authentication failed") as caught:
        ingest(f"git+{guarded}/app.git", tmp_path / "out")
    assert "hunter2" not in str(caught.value)


def test_the_password_goes_to_no_other_host(guarded: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GIT_HOST", "git.example.com")
    with pytest.raises(DataError, match="could not read Username"):
        ingest(f"git+{guarded}/app.git", tmp_path / "out")
    assert set(Guarded.sent) == {None}
    monkeypatch.delenv("GIT_HOST")
    with pytest.raises(DataError, match="set GIT_HOST to a host's name"):
        ingest(f"git+{guarded}/app.git", tmp_path / "out")


@pytest.mark.parametrize(
    "address",
    [
        "https://me:hunter2@host/a.git",
        "https://hunter2@host/a.git",
        "ssh://me:hunter2@host/a.git",
        "http://m:hu@nter2@h/a",
    ],
)
def test_a_login_in_an_address_is_refused_without_being_shown(tmp_path: Path, address: str):
    path = tmp_path / "config.yaml"
    path.write_text(
        f"{{model: {{path: m}}, mix: {{weights: {{a: 1}}}}, sources: [{{name: a, location: git+{address}}}]}}"
    )
    with pytest.raises(ConfigError, match="an address must not hold a login") as caught:
        configfile.load(path)
    assert "nter2" not in str(caught.value)
    with pytest.raises(ValueError, match="must not hold a login") as plain:
        config.Source(name="a", location=f"git+{address}")
    assert "nter2" not in str(plain.value)


@pytest.mark.parametrize(
    "address", ["ssh://git@host:2222/a.git@v1", "git@host:team/a.git@v1", "https://host:8443/a@v1"]
)
def test_a_user_of_ssh_and_a_ref_are_no_login(address: str):
    assert config.Source(name="a", location=f"git+{address}").location == f"git+{address}"


@pytest.mark.parametrize(
    ("location", "url", "ref"),
    [
        ("git+https://host/a.git", "https://host/a.git", ""),
        ("git+https://host/a.git@feature/x", "https://host/a.git", "feature/x"),
        ("git+ssh://git@host/a.git@v1", "ssh://git@host/a.git", "v1"),
        ("git+git@host:team/a.git@v1", "git@host:team/a.git", "v1"),
        ("git+git@host:team/a.git", "git@host:team/a.git", ""),
        ("git+file:///srv/a@main", "file:///srv/a", "main"),
        ("git+../a@main", "../a", "main"),
    ],
)
def test_the_ref_follows_the_path(location: str, url: str, ref: str):
    assert git.parse(location) == git.Remote(url, ref)


def test_a_server_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gitclient, "_DEADLINE", 0.5)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(DataError, match="git ls-remote did not end within"):
            ingest(f"git+git://127.0.0.1:{silent.getsockname()[1]}/a.git", tmp_path / "out")


def test_git_has_to_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match="git is not installed"):
        ingest("git+https://host/a.git", tmp_path / "out")
