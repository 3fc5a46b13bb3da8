"""Checkpoints of a training on SageMaker, which keeps a folder of every node and one in S3 the same.

New and changed files go to S3 in the background, one by one and even half written, deleted ones are deleted
there, and a node that starts anew gets all nodes' files. So a checkpoint counts where every file that its
`complete.json` lists has its size, on all nodes, and an older one is kept until the next is surely in S3.
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
_AGENT = (".sagemaker-uploading", ".sagemaker-uploaded")  # ends of the names of SageMaker's own files


class Mirrored:
    """The checkpoints of one training in a folder of this node; all processes must call each method alike."""

    def __init__(self, home: Path, folder: Path, keep: int):
        """`home` is the mirrored folder, `folder` the work folder, `keep` a number of checkpoints."""
        self._home, self._folder, self._keep = home, folder, max(keep, _SAFE)
        self._first = os.environ.get("LOCAL_RANK", "0") == "0"  # of this node's processes

    def seal(self, made: Path) -> None:
        """Mark a checkpoint that all processes have written as complete, and delete old ones."""
        if dist.get_rank() == 0:
            shutil.copyfile(self._folder / _JOURNAL, made / _JOURNAL.name)
        files = _sizes(made) if self._first else {}
        everyones: list[dict[str, int]] = [{} for _ in range(dist.get_world_size())]
        dist.all_gather_object(everyones, files)
        if dist.get_rank() == 0:
            whole = {name: size for each in everyones for name, size in each.items()}
            marker = json.dumps({"world": dist.get_world_size(), "files": whole})
            storage.write_atomically(made / checkpoint.MARKER, marker)
        if self._first:
            for old in checkpoint.by_step(self._home)[: -self._keep]:
                _remove(old)

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
        chosen = max((self._home / name for name in common), key=checkpoint.step)
        checkpoint.check_world(chosen, json.loads((chosen / checkpoint.MARKER).read_bytes()), dist.get_world_size())
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


def _remove(old: Path) -> None:
    """Delete the marker first; a file that SageMaker adds meanwhile may keep the folder."""
    (old / checkpoint.MARKER).unlink(missing_ok=True)
    shutil.rmtree(old, ignore_errors=True)
