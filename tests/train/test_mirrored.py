"""fimsmith.train.mirrored: which checkpoints are deleted while SageMaker brings them to S3."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch.distributed as dist

from fimsmith.errors import JobError
from fimsmith.train import mirrored
from fimsmith.train.mirrored import Mirrored

ORIGIN = "s3://bucket/root/train/f/checkpoints"


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path) -> Iterator[None]:
    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/store", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.fixture
def made(tmp_path: Path) -> Mirrored:
    (tmp_path / "work/log").mkdir(parents=True)
    (tmp_path / "work/log/metrics.jsonl").write_text("{}\n")
    (tmp_path / "home").mkdir()
    return Mirrored(tmp_path / "home", tmp_path / "work", 1, ORIGIN)


def save(checkpoints: Mirrored, step: int) -> Path:
    """Write a checkpoint as the training does."""
    folder = checkpoints._home / f"checkpoint-{step}"
    folder.mkdir()
    (folder / "weights").write_text("w")
    checkpoints.seal(folder)
    return folder


def mark(folder: Path, but: str = "") -> None:
    """Say as SageMaker's agent does that files are in S3."""
    for path in list(folder.iterdir()):
        if path.name != but:
            path.with_name(f"{path.name}.sagemaker-uploaded").touch()


def kept(checkpoints: Mirrored) -> list[int]:
    return sorted(int(path.name[11:]) for path in checkpoints._home.glob("checkpoint-*"))


def test_without_any_mark_the_number_decides(made: Mirrored):
    for step in range(1, 6):
        save(made, step)
    assert kept(made) == [4, 5]


def test_the_newest_checkpoint_that_is_surely_in_s3_is_kept_as_well(made: Mirrored):
    mark(save(made, 1))
    mark(save(made, 2))
    mark(save(made, 3), but="weights")
    for step in (4, 5, 6):
        save(made, step)
    assert kept(made) == [2, 5, 6]
    mark(made._home / "checkpoint-6")
    save(made, 7)
    assert kept(made) == [6, 7]


@pytest.mark.parametrize("fault", ["changed", "uploading"])
def test_a_file_that_is_on_its_way_again_is_not_in_s3(made: Mirrored, fault: str):
    mark(save(made, 1))
    mark(save(made, 2))
    path = made._home / "checkpoint-2/weights"
    if fault == "changed":
        os.utime(path, ns=(0, path.stat().st_mtime_ns + 10**9))
    else:
        path.with_name("weights.sagemaker-uploading").touch()
    for step in (3, 4, 5):
        save(made, step)
    assert kept(made) == [1, 4, 5]


def test_what_another_node_has_not_uploaded_is_not_in_s3(made: Mirrored, monkeypatch: pytest.MonkeyPatch):
    gathered = dist.all_gather_object

    def beside(everyones: list, own: tuple) -> None:
        gathered(everyones, own)
        everyones.append(({}, {"checkpoint-1"}, False))

    monkeypatch.setattr(mirrored.dist, "all_gather_object", beside)
    for step in range(1, 6):
        mark(save(made, step))
    assert kept(made) == [1, 4, 5]


def test_a_checkpoint_that_came_from_s3_is_there(made: Mirrored):
    save(made, 1)
    again = Mirrored(made._home, made._folder, 1, ORIGIN)
    assert again.newest() == made._home / "checkpoint-1"
    mark(save(again, 2), but="weights")
    for step in (3, 4):
        save(again, step)
    assert kept(again) == [1, 3, 4]


def test_another_number_of_processes_is_told_with_what_a_person_can_delete(made: Mirrored):
    folder = save(made, 1)
    marker = json.loads((folder / "complete.json").read_bytes())
    (folder / "complete.json").write_text(json.dumps({**marker, "world": 16}))
    with pytest.raises(JobError, match=f"checkpoint-1 was written by 16 processes.* or delete {ORIGIN} to begin again"):
        made.newest()
