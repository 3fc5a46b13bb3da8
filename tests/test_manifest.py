"""Manifests: done means the manifest is there, and doing it again costs nothing."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from fimsmith.errors import DataError, StorageError
from fimsmith.manifest import Manifest, Outcome, fingerprint, produce


def build(text: str = "hello", calls: list[Path] | None = None):
    def work(folder: Path) -> Outcome:
        if calls is not None:
            calls.append(folder)
        (folder / "data.txt").write_text(text)
        return Outcome({"rows": len(text)}, {"text": text})

    return work


def test_a_finished_stage_is_reused_and_not_built_again(tmp_path: Path):
    calls: list[Path] = []
    first = produce("mix", ["key"], [], str(tmp_path), build(calls=calls))
    second = produce("mix", ["key"], [], str(tmp_path), build(calls=calls))
    assert len(calls) == 1
    assert second == first
    assert (first.folder / "data.txt").read_text() == "hello"


def test_another_key_or_input_is_another_result(tmp_path: Path):
    one = produce("mix", ["a"], [], str(tmp_path), build())
    other = produce("mix", ["b"], [], str(tmp_path), build("other"))
    assert one.fingerprint != other.fingerprint
    assert produce("train", [], [one], str(tmp_path), build()).fingerprint != (
        produce("train", [], [other], str(tmp_path), build()).fingerprint
    )


def test_equal_results_of_different_work_have_the_same_digest(tmp_path: Path):
    """Later stages are then reused although an earlier one had to run again."""
    one, other = (produce("ingest", [key], [], str(tmp_path), build()) for key in "ab")
    assert one.digest == other.digest
    assert produce("curate", [], [one], str(tmp_path), build()) == produce(
        "curate", [], [other], str(tmp_path), build()
    )


def test_logs_do_not_change_the_digest(tmp_path: Path):
    def noisy(folder: Path) -> Outcome:
        (folder / "log").mkdir(exist_ok=True)
        (folder / "log" / "speed.txt").write_text(str(id(folder)))
        return build()(folder)

    assert produce("a", [1], [], str(tmp_path), noisy).digest == produce("a", [2], [], str(tmp_path), build()).digest


def test_a_failed_build_publishes_nothing_and_leaves_its_work_for_the_next(tmp_path: Path):
    def broken(folder: Path) -> Outcome:
        (folder / "half.txt").write_text("half")
        raise DataError("no")

    with pytest.raises(DataError):
        produce("mix", [], [], str(tmp_path), broken)
    assert not list(tmp_path.rglob("manifest.json"))

    def resumed(folder: Path) -> Outcome:
        assert (folder / "half.txt").exists()
        return Outcome()

    assert produce("mix", [], [], str(tmp_path), resumed).files == {"half.txt": 4}


def test_a_folder_without_its_manifest_counts_as_never_finished(tmp_path: Path):
    made = produce("mix", [], [], str(tmp_path), build())
    (made.folder / "manifest.json").unlink()
    calls: list[Path] = []
    produce("mix", [], [], str(tmp_path), build(calls=calls))
    assert len(calls) == 1


def test_a_killed_process_leaves_nothing_that_looks_finished(tmp_path: Path):
    code = f"""
import os
from fimsmith.manifest import produce
def work(folder):
    (folder / "data.txt").write_text("hel")
    os.kill(os.getpid(), 9)
produce("mix", [], [], {str(tmp_path)!r}, work)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    made = produce("mix", [], [], str(tmp_path), build())
    assert (made.folder / "data.txt").read_text() == "hello"


def test_two_at_once_do_the_work_once(tmp_path: Path):
    calls: list[Path] = []
    barrier = threading.Barrier(2)

    def both() -> None:
        barrier.wait()
        produce("mix", [], [], str(tmp_path), build(calls=calls))

    threads = [threading.Thread(target=both) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1


def test_a_moved_root_still_serves_its_results(tmp_path: Path):
    (tmp_path / "old").mkdir()
    produce("mix", [], [], str(tmp_path / "old"), build())
    (tmp_path / "old").rename(tmp_path / "new")
    calls: list[Path] = []
    moved = produce("mix", [], [], str(tmp_path / "new"), build(calls=calls))
    assert not calls
    assert (moved.folder / "data.txt").exists()


def test_a_damaged_manifest_is_named(tmp_path: Path):
    path = tmp_path / "manifest.json"
    path.write_text("{")
    with pytest.raises(StorageError, match=r"manifest\.json is not a readable manifest"):
        Manifest.read(path)


def test_the_fingerprint_depends_on_the_package_version(monkeypatch: pytest.MonkeyPatch):
    before = fingerprint("x")
    monkeypatch.setattr("fimsmith.manifest.__version__", "99.0")
    assert fingerprint("x") != before


def test_what_a_killed_write_left_changes_no_digest(tmp_path: Path):
    clean = produce("mix", [], [], str(tmp_path / "clean"), build())
    work = tmp_path / "killed" / "mix" / f"{clean.fingerprint}.partial"
    work.mkdir(parents=True)
    (work / ".manifest.json.123.tmp").write_text("half")
    again = produce("mix", [], [], str(tmp_path / "killed"), build())
    assert (again.digest, again.files) == (clean.digest, clean.files)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("longer than before")])
def test_a_damaged_result_is_made_anew(tmp_path: Path, damage: Callable[[Path], object]):
    made = produce("mix", [], [], str(tmp_path), build())
    damage(made.folder / "data.txt")
    assert (produce("mix", [], [], str(tmp_path), build()).folder / "data.txt").read_text() == "hello"
