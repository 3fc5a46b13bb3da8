"""A stand-in for mvn: what is tested is how its success and its failures are taken, not Maven."""

import zipfile
from pathlib import Path

import pytest
from java_texts import files, ingest, java

from fimsmith.errors import DataError

SUCCESS = """#!/bin/sh
for each in "$@"; do case "$each" in -DoutputDirectory=*) cp "{jar}" "${{each#*=}}/a-1.0-sources.jar";; esac; done
echo "$@" > "{log}"
"""
FAILURE = """#!/bin/sh
echo '[INFO] Scanning for projects...'
echo '[ERROR] Could not find artifact g:a:jar:sources:1.0 in central -> [Help 1]'
exit 1
"""


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def _install(script: str) -> None:
        program = tmp_path / "bin" / "mvn"
        program.parent.mkdir()
        program.write_text(script)
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")

    return _install


def test_the_sources_jar_is_read(tmp_path: Path, install):
    with zipfile.ZipFile(tmp_path / "s.jar", "w") as archive:
        archive.writestr("shop/A.java", java(1))
    install(SUCCESS.format(jar=tmp_path / "s.jar", log=tmp_path / "log"))
    assert list(files(ingest("maven:g:a:1.0", tmp_path / "out"))) == ["shop/A.java"]
    assert "-Dartifact=g:a:1.0:jar:sources" in (tmp_path / "log").read_text()


def test_an_artifact_that_is_not_found_is_refused_with_mavens_words(tmp_path: Path, install):
    install(FAILURE)
    with pytest.raises(DataError, match="Could not find artifact g:a:jar:sources:1.0 in central"):
        ingest("maven:g:a:1.0", tmp_path / "out")


def test_maven_has_to_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match="mvn is not installed"):
        ingest("maven:g:a:1.0", tmp_path / "out")


@pytest.mark.parametrize("location", ["maven:g:a", "maven:g:a:1:x", "maven:-g:a:1", "maven:g:a:-Dx=y", "maven:g:a b:1"])
def test_wrong_coordinates_are_refused(tmp_path: Path, location: str):
    with pytest.raises(DataError, match="is not a Maven artifact"):
        ingest(location, tmp_path / "out")
