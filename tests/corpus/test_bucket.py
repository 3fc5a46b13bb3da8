"""Sources in S3, on a real S3 API."""

import io
import zipfile
from pathlib import Path

import pytest

from fimsmith import config, corpus, records, storage
from fimsmith.errors import DataError
from fimsmith.manifest import Manifest

CODE = "class {} {{\n    int twice(int number) {{\n        return 2 * number;  // as often as it is asked\n    }}\n}}\n"


def ingest(location: str, root: Path, **source: str) -> Manifest:
    return corpus.ingest(config.Ingest(), config.Source(name="bucket", location=location, **source), str(root))


def rows(made: Manifest) -> list[dict]:
    return list(records.read(made.file("files.parquet")))


@pytest.fixture
def place(s3: str) -> str:
    """Two repositories, one with a licence, and what is not wanted."""
    objects = {
        "shop/pom.xml": "<project/>",
        "shop/LICENSE": "Licensed under the Apache License, Version 2.0",
        "shop/src/A.java": CODE.format("A"),
        "tools/build.gradle": "",
        "tools/B.java": CODE.format("B"),
        "tools/notes.md": "# Notes\n",
        "tools/Huge.java": "class Huge {}" + " " * 1_000_001,
        "C:/Out.java": CODE.format("Out"),
    }
    for name, text in objects.items():
        storage.write(f"{s3}/code/{name}", text)
    storage.write(f"{s3}/code-of-others/C.java", CODE.format("C"))
    return f"{s3}/code"


def test_the_objects_below_a_prefix_are_a_source(place: str, tmp_path: Path):
    made = ingest(f"{place}/", tmp_path)
    assert [(row["repository"], row["path"], row["licence"]) for row in rows(made)] == [
        ("shop", "src/A.java", "Apache-2.0"),
        ("tools", "B.java", None),
    ]
    assert made.details["rejected"] == {"too_large": 1, "unsafe_path": 1}


def test_a_prefix_is_read_again_when_it_changes(place: str, tmp_path: Path):
    first = ingest(place, tmp_path)
    assert ingest(place, tmp_path) == first
    storage.write(f"{place}/tools/B.java", CODE.format("B2"))
    assert {row["text"] for row in rows(ingest(place, tmp_path))} == {CODE.format("A"), CODE.format("B2")}


def test_an_archive_is_brought_here_and_left_again(s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("A.java", CODE.format("A"))
    storage.write(f"{s3}/code.zip", archive.getvalue())
    made = ingest(f"{s3}/code.zip", tmp_path / "root")
    assert [row["path"] for row in rows(made)] == ["A.java"]
    assert list(tmp_path.glob("fimsmith-s3-*")) == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none", r"nothing is below s3://.*/none/; set its location to an existing prefix or object"),
        ("none.zip", r"there is no s3://.*/none\.zip"),
        ("file.bin", r"s3://.*/file\.bin is no kind of file that can be read"),
    ],
)
def test_a_place_without_code_is_refused(s3: str, tmp_path: Path, name: str, message: str):
    storage.write(f"{s3}/file.bin", b"\0")
    with pytest.raises(DataError, match=message):
        ingest(f"{s3}/{name}", tmp_path)


def test_an_object_that_disappears_is_counted(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    read = storage.read

    def gone(uri: str) -> bytes | None:
        return None if uri.endswith("B.java") else read(uri)

    monkeypatch.setattr(storage, "read", gone)
    assert ingest(place, tmp_path).details["rejected"]["unreadable"] == 1
