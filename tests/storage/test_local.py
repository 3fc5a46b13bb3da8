"""Folders: what a person gets to read when one cannot be used."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from fimsmith import storage
from fimsmith.errors import StorageError
from fimsmith.manifest import Outcome, produce


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 256 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_one_sentence_with_the_fix(small_disk: Path):
    def big(folder: Path) -> Outcome:
        (folder / "big.bin").write_bytes(b"x" * 1_000_000)
        return Outcome()

    with pytest.raises(StorageError, match=r"the disk is full; free some space, or set run\.root"):
        produce("mix", [], [], str(small_disk), big)
    assert not list(small_disk.rglob("manifest.json"))


def test_a_folder_without_permission_is_one_sentence_with_the_fix():
    """Not even root may make a folder in /sys."""
    if not Path("/sys").is_dir():
        pytest.skip("no /sys on this system")
    with pytest.raises(StorageError, match=r"cannot write /sys/.*; (mend the permissions|set run\.root)"):
        produce("mix", [], [], "/sys/fimsmith", lambda folder: Outcome())


def test_a_file_in_place_of_the_root_is_explained(tmp_path: Path):
    (tmp_path / "root").write_text("")
    with pytest.raises(StorageError, match="a part of this path is a file"):
        produce("mix", [], [], str(tmp_path / "root"), lambda folder: Outcome())


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc on this system")
def test_a_root_that_cannot_be_made_is_one_sentence_with_the_fix():
    with pytest.raises(StorageError, match=r"run\.root /proc/x cannot be written .*; set run\.root to another folder"):
        storage.probe("/proc/x")


def test_only_local_folders_are_taken():
    assert storage.local("file:///a%20b") == Path("/a b")
    with pytest.raises(StorageError, match="s3://bucket"):
        storage.local("s3://bucket/x")


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.json"
    storage.write_atomically(path, "old")

    def fail(descriptor: int) -> None:
        raise OSError("power cut")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="power cut"):
        storage.write_atomically(path, "new")
    assert path.read_text() == "old"
