"""The command line: a person's mistake ends as one message, never as a traceback."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from fimsmith import __version__

COMMAND = [sys.executable, "-c", "from fimsmith.cli import main; main()"]
JAVA = "package a;\n\n/** Adds. */\nclass C%d {\n    int add(int a, int b) {\n        return a + b + %d;\n    }\n}\n"


def fimsmith(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment}, timeout=300
    )


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """The command failed with one message that says these words."""
    output = done.stdout + done.stderr
    assert done.returncode != 0, output
    assert "Traceback" not in output, output
    assert all(word in output for word in words), output


@pytest.fixture
def project(tmp_path: Path, tiny: Path) -> Callable[..., Path]:
    """Write a configuration for a folder of code; the folder has a few files unless the test says otherwise."""

    def make(location: Path | None = None, **changes: Any) -> Path:
        code = tmp_path / "code"
        if location is None:
            code.mkdir()
            for number in range(4):
                (code / f"C{number}.java").write_text(JAVA % (number, number))
        tree = {
            "run": {"root": str(tmp_path / "data")},
            "model": {"path": str(tiny)},
            "sources": [{"name": "code", "location": str(location or code)}],
            "fim": {"sequence": 128, "max_middle": 32},
            "mix": {"weights": {"code": 1.0}, "sequence": 128},
        }
        path = tmp_path / "config.yaml"
        path.write_text(yaml.safe_dump({**tree, **changes}))
        return path

    return make


def test_help_lists_every_stage():
    output = fimsmith("--help", COLUMNS="120", NO_COLOR="1").stdout
    for stage in [
        "run",
        "preflight",
        "ingest",
        "curate",
        "fim",
        "mix",
        "train",
        "evaluate",
        "gate",
        "export",
        "report",
        "card",
        "tiny-model",
    ]:
        assert stage in output


def test_the_version_is_the_packages():
    assert fimsmith("--version").stdout.strip() == __version__


def test_a_stage_runs_what_it_needs_and_says_what_it_made(project: Callable[..., Path]):
    done = fimsmith("ingest", project())
    assert done.returncode == 0, done.stderr
    assert "files 4" in done.stdout
    assert "data/ingest/" in done.stdout


def test_a_wrong_configuration_path(tmp_path: Path):
    refused(fimsmith("run", tmp_path / "nowhere.yaml"), "no configuration at", "configs/demo.yaml")


def test_an_unknown_field(project: Callable[..., Path]):
    refused(fimsmith("run", project(trian={})), "trian", "did you mean 'train'")


def test_weights_that_do_not_sum(project: Callable[..., Path]):
    changed = project(mix={"weights": {"code": 0.9}, "sequence": 128})
    refused(fimsmith("run", changed), "weights sum to 0.9", "+0.1")


def test_a_wrong_source_path(project: Callable[..., Path], tmp_path: Path):
    refused(fimsmith("run", project(tmp_path / "typo")), "there is nothing at", "typo", "sources.0.location")


def test_a_missing_model(project: Callable[..., Path], tmp_path: Path):
    changed = project(model={"path": str(tmp_path / "nomodel")})
    refused(fimsmith("run", changed), "no model at", "fimsmith tiny-model")


def test_an_empty_folder(project: Callable[..., Path], tmp_path: Path):
    (tmp_path / "empty").mkdir()
    refused(fimsmith("run", project(tmp_path / "empty")), "empty", "'code'")


def test_a_folder_without_java(project: Callable[..., Path], tmp_path: Path):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "readme.md").write_text("# nothing")
    refused(fimsmith("run", project(tmp_path / "texts")), "'code'", ".java")


def test_a_broken_archive(project: Callable[..., Path], tmp_path: Path):
    broken = tmp_path / "code.zip"
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr("A.java", JAVA % (1, 1))
    broken.write_bytes(broken.read_bytes()[:60])
    refused(fimsmith("run", project(broken)), "code.zip")


def test_a_corpus_that_is_too_small(project: Callable[..., Path]):
    refused(fimsmith("run", project()), "curate.")


def test_a_root_that_is_a_file(project: Callable[..., Path], tmp_path: Path):
    (tmp_path / "file").write_text("")
    refused(fimsmith("run", project(run={"root": str(tmp_path / "file")})), "is a file", "run.root")


def test_a_root_without_permission(project: Callable[..., Path]):
    if not Path("/sys").is_dir():
        pytest.skip("no /sys on this system")
    refused(fimsmith("run", project(run={"root": "/sys/fimsmith"})), "cannot write", "run.root")


def test_a_full_disk(project: Callable[..., Path], tmp_path: Path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        refused(fimsmith("run", project(run={"root": str(disk)})), "the disk is full", "run.root")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_shard_that_does_not_exist(project: Callable[..., Path]):
    refused(fimsmith("fim", project(), "--shard", "7"), "--shard 7", "curate.shards is 2")
