"""Data sets of a hub: the real hub library against a small server that answers as the hub does."""

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fimsmith import config, corpus, records
from fimsmith.corpus import decontaminate
from fimsmith.errors import DataError

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CODE = "class {} {{\n    int twice(int number) {{\n        return 2 * number;  // as often as it is asked\n    }}\n}}\n"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, bytes]:
    """A data set: two tables of Java, one of another language, a card."""
    rows = [{"content": CODE.format("A"), "path": "a/A.java", "repo_name": "one/shop", "license": "MIT"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    line = json.dumps({"content": CODE.format("B"), "path": "B.java", "repo_name": "two/tools"})
    return {
        "data/java/1.parquet": (tmp_path / "rows.parquet").read_bytes(),
        "data/java/2.jsonl": line.encode(),
        "data/python/1.jsonl": b'{"content": "print()"}',
        "README.md": b"# Code",
    }


@pytest.fixture
def hub(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Yield the paths that were asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if self.path.startswith("/api/datasets/some/code"):
                if self.path.endswith("/revision/none"):
                    return self.answer(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
                told = {"id": "some/code", "sha": COMMIT, "siblings": [{"rfilename": name} for name in files]}
                return self.answer(200, json.dumps(told).encode())
            if self.path.startswith("/api/datasets/some/gated"):
                return self.answer(403, b"{}", {"X-Error-Code": "GatedRepo"})
            if (name := self.path.partition(f"/datasets/some/code/resolve/{COMMIT}/")[2]) in files:
                return self.answer(
                    200, files[name], {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha256(files[name]).hexdigest()}"'}
                )
            return self.answer(401, b"{}", {"X-Error-Code": "RepoNotFound"})

        def do_HEAD(self) -> None:
            self.do_GET()

        def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield asked
    server.shutdown()


def ingest(location: str, root: Path):
    return corpus.ingest(
        config.Ingest(), config.Source(name="hub", location=location, text_column="content"), str(root)
    )


def test_no_more_is_fetched_than_is_looked_at(hub: list[str], tmp_path: Path):
    source = config.Source(name="hub", location="hf:some/code#data/java", text_column="content", max_files=1)
    made = corpus.ingest(config.Ingest(), source, str(tmp_path))
    assert [row["path"] for row in records.read(made.file("files.parquet"))] == ["a/A.java"]
    assert not any("2.jsonl" in path for path in hub)


def test_a_damaged_table_costs_itself_and_not_the_others(hub: list[str], files: dict[str, bytes], tmp_path: Path):
    files["data/java/1.parquet"] = files["data/java/1.parquet"][:-20]
    made = ingest("hf:some/code#data/java", tmp_path)
    assert [row["path"] for row in records.read(made.file("files.parquet"))] == ["B.java"]
    assert list(records.read(made.file("rejected.parquet"))) == [{"path": "1.parquet", "reason": "broken"}]


def test_the_tables_of_a_folder_are_a_source(hub: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    made = ingest("hf:some/code@main#data/java", tmp_path / "root")
    found = [(row["repository"], row["path"], row["licence"]) for row in records.read(made.file("files.parquet"))]
    assert found == [("one/shop", "a/A.java", "MIT"), ("two/tools", "B.java", None)]
    assert not any("python" in path or "README" in path for path in hub if "resolve" in path)
    assert list(tmp_path.glob("fimsmith-hub-*")) == []


def test_the_same_commit_is_not_fetched_again(hub: list[str], tmp_path: Path):
    first = ingest("hf:some/code#data/java", tmp_path)
    before = len([path for path in hub if "resolve" in path])
    assert ingest("hf:some/code#data/java", tmp_path) == first
    assert len([path for path in hub if "resolve" in path]) == before


def test_the_tables_of_a_folder_are_a_benchmark(hub: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    found = decontaminate.find("hf:some/code#data/java")
    assert found.signature == f"some/code@{COMMIT}"
    known = decontaminate.runs([found])
    assert decontaminate.contaminated(known, [CODE.format("A"), CODE.format("B"), "class C {}"]) == [[0], [0], []]
    assert list(tmp_path.glob("fimsmith-hub-*")) == []


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("hf:some", "write hf:owner/name"),
        ("hf:some/none", "there is no data set some/none, or it is private: check the name, or set HF_TOKEN"),
        ("hf:some/gated", "wants its terms accepted"),
        ("hf:some/code@none", "has no such revision"),
        ("hf:some/code#data/rust", r"holds no \.parquet or \.jsonl .*its folders: \., data/java, data/python"),
    ],
)
def test_what_cannot_be_had_is_refused_with_the_fix(hub: list[str], tmp_path: Path, location: str, message: str):
    with pytest.raises(DataError, match=message):
        ingest(location, tmp_path)


def test_a_hub_that_does_not_answer_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(DataError, match="cannot be read: .*; check the network, HF_ENDPOINT and HF_TOKEN"):
        ingest("hf:some/code", tmp_path)
