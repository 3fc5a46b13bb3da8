"""Checkpoints of a training on SageMaker, which keeps a folder of every node and one in S3 the same.

New and changed files go to S3 in the background, one by one and even half written, deleted ones are deleted
there, and a node that starts anew gets all nodes' files. So a checkpoint counts where every file that its
`complete.json` lists has its size, on all nodes, and an older one is kept until the next is surely in S3: SageMaker's
agent puts an empty file NAME.sagemaker-uploaded beside each file that it has brought there. AWS does not document
that, so that where no such file is ever seen the number of checkpoints decides.
"""

import json
import os
import shutil
from pathlib import Path

import torch.distributed as dist

from fimsmith import storage
from fimsmith.progress import say
from fimsmith.train import checkpoint

_JOURNAL = Path("log/metrics.jsonl")
_SAFE = 2  # the newest checkpoint may still be on its way when the instance is taken away
_UPLOADING, _UPLOADED = _AGENT = (".sagemaker-uploading", ".sagemaker-uploaded")  # ends of names of SageMaker's files
_Report = tuple[dict[str, int], set[str], bool]  # a node's files, its checkpoints that are in S3, whether it saw marks


class Mirrored:
    """The checkpoints of one training in a folder of this node; all processes must call each method alike."""

    def __init__(self, home: Path, folder: Path, keep: int, origin: str):
        """`home` is the mirrored folder, `origin` its place in S3, `folder` the work folder, `keep` counts checkpoints."""
        self._home, self._folder, self._keep, self._origin = home, folder, max(keep, _SAFE), origin
        self._restored: set[str] = set()  # checkpoints that came from S3
        self._first = os.environ.get("LOCAL_RANK", "0") == "0"  # of this node's processes

    def seal(self, made: Path) -> None:
        """Mark a checkpoint that all processes have written as complete, and delete old ones."""
        if dist.get_rank() == 0:
            shutil.copyfile(self._folder / _JOURNAL, made / _JOURNAL.name)
        everyones: list[_Report | None] = [None] * dist.get_world_size()
        dist.all_gather_object(everyones, self._report(made) if self._first else None)
        nodes = [each for each in everyones if each is not None]
        if dist.get_rank() == 0:
            whole = {name: size for files, _, _ in nodes for name, size in files.items()}
            marker = json.dumps({"world": dist.get_world_size(), "files": whole})
            storage.write_atomically(made / checkpoint.MARKER, marker)
        if self._first:
            marked = any(seen for _, _, seen in nodes)
            for old in self._passed(set.intersection(*(safe for _, safe, _ in nodes)) if marked else None):
                _remove(old)

    def _report(self, made: Path) -> _Report:
        """Tell the other nodes what this one has."""
        safe = {path.name for path in checkpoint.by_step(self._home) if self._is_safe(path)}
        return _sizes(made), safe, any(self._home.rglob(f"*{_UPLOADED}"))

    def _is_safe(self, path: Path) -> bool:
        """Whether a checkpoint's files of this node are in S3."""
        if path.name in self._restored:
            return True
        own = [file for file in path.rglob("*") if file.is_file() and not file.name.endswith(_AGENT)]
        return all(map(_is_uploaded, own))

    def _passed(self, safe: set[str] | None) -> list[Path]:
        """List what can be deleted; `safe` names what all nodes have in S3, where that is known."""
        there = checkpoint.by_step(self._home)
        older, kept = there[: -self._keep], there[-self._keep :]
        if safe is not None and not any(path.name in safe for path in kept):
            newest = next((path for path in reversed(older) if path.name in safe), None)
            older = [path for path in older if path != newest]
        return older

    def newest(self) -> Path | None:
        """Return the newest checkpoint that is complete on all nodes, and delete those that are not.

        Raises JobError if another number of processes wrote it.
        """
        own = {path.name for path in checkpoint.by_step(self._home) if checkpoint.marker(path)} if self._first else None
        everyones: list[set[str] | None] = [None] * dist.get_world_size()
        dist.all_gather_object(everyones, own)
        common = set.intersection(*(each for each in everyones if each is not None))
        if self._first:
            for path in checkpoint.by_step(self._home):
                if path.name not in common:
                    say("train", f"ignoring {path.name}: it is not complete")
                    _remove(path)
        dist.barrier()
        if not common:
            return None
        self._restored = common
        chosen = max((self._home / name for name in common), key=checkpoint.step)
        found = json.loads((chosen / checkpoint.MARKER).read_bytes())
        checkpoint.check_world(chosen, found, dist.get_world_size(), self._origin)
        if dist.get_rank() == 0:
            (self._folder / _JOURNAL).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(chosen / _JOURNAL.name, self._folder / _JOURNAL)
        return chosen


def _sizes(made: Path) -> dict[str, int]:
    return {
        path.relative_to(made).as_posix(): path.stat().st_size
        for path in made.rglob("*")
        if path.is_file() and not path.name.endswith(_AGENT)
    }


def _is_uploaded(file: Path) -> bool:
    """Whether SageMaker has brought a file to S3 since it was written."""
    try:
        since = file.with_name(file.name + _UPLOADED).stat().st_mtime_ns
        return since >= file.stat().st_mtime_ns and not file.with_name(file.name + _UPLOADING).exists()
    except FileNotFoundError:
        return False


def _remove(old: Path) -> None:
    """Delete the marker first; a file that SageMaker adds meanwhile may keep the folder."""
    (old / checkpoint.MARKER).unlink(missing_ok=True)
    shutil.rmtree(old, ignore_errors=True)
