"""fimsmith.train.checkpoint: complete checkpoints only."""

from pathlib import Path

import pytest

from fimsmith.errors import JobError
from fimsmith.train import checkpoint


def make(home: Path, step: int, sealed: bool = True, world: int = 2) -> Path:
    folder = home / f"checkpoint-{step}"
    (folder / "global_step").mkdir(parents=True)
    for rank in range(world):
        (folder / "global_step" / f"rank{rank}.pt").write_bytes(b"weights")
    if sealed:
        checkpoint.seal(folder, world)
    return folder


def test_the_newest_is_that_of_the_latest_step(tmp_path: Path):
    made = [make(tmp_path, step) for step in (100, 20, 3)]
    assert checkpoint.newest(tmp_path, 2) == made[0]


def test_without_checkpoints_there_is_none(tmp_path: Path):
    assert checkpoint.newest(tmp_path / "missing", 2) is None


def test_one_without_its_marker_is_deleted(tmp_path: Path):
    old, torn = make(tmp_path, 4), make(tmp_path, 8, sealed=False)
    assert checkpoint.newest(tmp_path, 2) == old
    assert not torn.exists()


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"w"), Path.unlink])
def test_one_whose_files_are_not_as_its_marker_says_is_deleted(tmp_path: Path, damage):
    old, torn = make(tmp_path, 4), make(tmp_path, 8)
    damage(torn / "global_step" / "rank1.pt")
    assert checkpoint.newest(tmp_path, 2) == old
    assert not torn.exists()


def test_one_of_another_number_of_processes_is_refused_and_kept(tmp_path: Path):
    made = make(tmp_path, 4, world=2)
    with pytest.raises(
        JobError, match=r"written by 2 processes, but 3 .* set run.nodes x run.processes to 2, or delete"
    ):
        checkpoint.newest(tmp_path, 3)
    assert made.exists()


def test_rotation_keeps_the_newest(tmp_path: Path):
    for step in (2, 10, 4):
        make(tmp_path, step)
    checkpoint.rotate(tmp_path, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint-10", "checkpoint-4"]
