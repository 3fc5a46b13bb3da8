"""Checkpoints that are complete or do not count.

`checkpoints/checkpoint-N` holds the files of all ranks after step N; `complete.json` in it is
written last and lists them with their sizes.
"""

import json
import os
import shutil
from pathlib import Path

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
    for old in _by_step(folder)[:-keep]:
        _remove(old)


def newest(folder: Path, world: int) -> Path | None:
    """Delete checkpoints that are not complete and return the newest of the others.

    Raises JobError if another number of processes wrote it: ZeRO keeps one part per process.
    """
    for checkpoint in reversed(_by_step(folder)):
        marker = _marker(checkpoint)
        if marker is None:
            say("train", f"ignoring {checkpoint.name}: it is not complete")
            _remove(checkpoint)
        elif marker["world"] != world:
            raise JobError(
                f"{checkpoint} was written by {marker['world']} processes, but {world} are training now; "
                f"set run.nodes x run.processes to {marker['world']}, or delete {folder} to begin again"
            )
        else:
            return checkpoint
    return None


def step(checkpoint: Path) -> int:
    """Return the number of optimizer steps that a checkpoint holds."""
    return int(checkpoint.name.rpartition("-")[2])


def _by_step(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint-*"), key=step)


def _marker(checkpoint: Path) -> dict | None:
    """What the marker says, if it is there and the files are as it says."""
    try:
        marker = json.loads((checkpoint / MARKER).read_bytes())
        whole = all((checkpoint / name).stat().st_size == size for name, size in marker["files"].items())
    except (OSError, ValueError):
        return None
    return marker if whole else None


def _remove(checkpoint: Path) -> None:
    """Delete the marker first, so that a checkpoint that is half deleted is not complete."""
    (checkpoint / MARKER).unlink(missing_ok=True)
    shutil.rmtree(checkpoint)
