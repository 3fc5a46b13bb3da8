"""Checkpoints that are complete or do not count.

`checkpoints/checkpoint-N` holds the files of all ranks after step N; `complete.json` in it is
written last and lists them with their sizes.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

from fimsmith import storage
from fimsmith.errors import JobError
from fimsmith.progress import say

MARKER = "complete.json"


def home(folder: Path) -> Path:
    """Return the folder of the checkpoints in a work folder."""
    return folder / "checkpoints"


def seal(checkpoint: Path, world: int) -> None:
    """Mark a checkpoint as complete; call it once, when all `world` processes have written their files."""
    files = {}
    for path in sorted(path for path in checkpoint.rglob("*") if path.is_file()):
        with open(path, "rb") as file:
            os.fsync(file.fileno())  # the marker must not reach the disk before what it vouches for
        files[path.relative_to(checkpoint).as_posix()] = path.stat().st_size
    storage.write_atomically(checkpoint / MARKER, json.dumps({"world": world, "files": files}))


def rotate(folder: Path, keep: int) -> None:
    """Delete all but the newest checkpoints."""
    for old in by_step(folder)[:-keep]:
        remove(old)


def newest(folder: Path, world: int) -> Path | None:
    """Delete checkpoints that are not complete and return the newest of the others.

    Raises JobError if another number of processes wrote it: ZeRO keeps one part per process.
    """
    for checkpoint in reversed(by_step(folder)):
        found = marker(checkpoint)
        if found is not None:
            check_world(checkpoint, found, world)
            return checkpoint
        say("train", f"ignoring {checkpoint.name}: it is not complete")
        remove(checkpoint)
    return None


def check_world(checkpoint: Path, found: dict[str, Any], world: int, home: str | None = None) -> None:
    """Raise JobError if the marker tells of another number of processes; `home` is where a person can delete them."""
    if found["world"] != world:
        raise JobError(
            f"{checkpoint.name} was written by {found['world']} processes, but {world} are training now; "
            f"set run.nodes x run.processes to {found['world']}, or delete {home or checkpoint.parent} to begin again"
        )


def step(checkpoint: Path) -> int:
    """Return the number of optimizer steps that a checkpoint holds."""
    return int(checkpoint.name.rpartition("-")[2])


def by_step(folder: Path) -> list[Path]:
    """Return the checkpoints, complete or not, the oldest first."""
    # SageMaker puts files like checkpoint-4.sagemaker-uploaded beside what it uploads
    return sorted((path for path in folder.glob("checkpoint-*") if path.name[11:].isdigit()), key=step)


def marker(checkpoint: Path) -> dict[str, Any] | None:
    """Return what the marker says, if it is there and the files are as it says."""
    try:
        found = json.loads((checkpoint / MARKER).read_bytes())
        whole = all((checkpoint / name).stat().st_size == size for name, size in found["files"].items())
    except (OSError, ValueError):
        return None
    return found if whole else None


def remove(checkpoint: Path) -> None:
    """Delete the marker first, so that a checkpoint that is half deleted is not complete."""
    (checkpoint / MARKER).unlink(missing_ok=True)
    shutil.rmtree(checkpoint)
