"""Checkpoints of a training whose nodes share no disk: every node sends its files to S3.

`{destination}/checkpoints/checkpoint-N` holds the files of all nodes; as on a disk its
`complete.json` is written last. A training that starts anew brings the newest one to all nodes.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import torch.distributed as dist

from fimsmith import storage
from fimsmith.errors import FimsmithError, JobError
from fimsmith.train import checkpoint

_JOURNAL = "log/metrics.jsonl"


class Offsite:
    """The checkpoints of one training in S3; all processes must call each method alike."""

    def __init__(self, destination: str, folder: Path, keep: int):
        """`folder` is the work folder on this node, `keep` a number of checkpoints."""
        self._uri, self._destination, self._folder, self._keep = f"{destination}/checkpoints", destination, folder, keep
        self._first = os.environ.get("LOCAL_RANK", "0") == "0"  # of this node's processes

    def send(self, made: Path) -> None:
        """Send a checkpoint that all processes have written, mark it as complete, and delete old ones."""
        files: dict[str, int] = {}
        if self._first:
            files = {p.relative_to(made).as_posix(): p.stat().st_size for p in made.rglob("*") if p.is_file()}
            storage.send(made, f"{self._uri}/{made.name}", files)
        everyones: list[dict[str, int]] = [{} for _ in range(dist.get_world_size())]
        dist.all_gather_object(everyones, files)
        if self._first:
            checkpoint.rotate(made.parent, 1)
        if dist.get_rank() == 0:
            storage.send(self._folder, self._destination, [_JOURNAL])
            whole = {name: size for each in everyones for name, size in each.items()}
            marker = json.dumps({"world": dist.get_world_size(), "files": whole})
            storage.write(f"{self._uri}/{made.name}/{checkpoint.MARKER}", marker)
            for old in self._names(storage.list_files(self._uri))[: -self._keep]:
                storage.erase(f"{self._uri}/{old}")

    def bring(self) -> None:
        """Bring the newest complete checkpoint, if there is one, to this node's disk."""
        choice: list[Any] = [None]
        if dist.get_rank() == 0:
            try:
                choice = [self._newest()]
            except FimsmithError as error:
                choice = [error]
        dist.broadcast_object_list(choice)
        if isinstance(choice[0], FimsmithError):
            raise choice[0]
        if choice[0] and self._first:
            self._receive(*choice[0])
        dist.barrier()

    def _newest(self) -> tuple[str, str] | None:
        """Name and marker of the newest complete checkpoint; raises JobError when another number of processes wrote it."""
        listed = storage.list_files(self._uri)
        for name in reversed(self._names(listed)):
            found = storage.read(f"{self._uri}/{name}/{checkpoint.MARKER}")
            if found is None:
                continue
            marker = json.loads(found)
            if any(listed.get(f"{name}/{file}", (-1, ""))[0] != size for file, size in marker["files"].items()):
                continue
            if marker["world"] != dist.get_world_size():
                raise JobError(
                    f"{self._uri}/{name} was written by {marker['world']} processes, but {dist.get_world_size()} are "
                    f"training now; set run.nodes x run.processes to {marker['world']}, or delete {self._uri} to begin again"
                )
            return name, found.decode()
        return None

    def _receive(self, name: str, marker: str) -> None:
        home = checkpoint.home(self._folder)
        shutil.rmtree(home, ignore_errors=True)
        storage.receive(f"{self._uri}/{name}", home / name, json.loads(marker)["files"])
        storage.write_atomically(home / name / checkpoint.MARKER, marker)
        if dist.get_rank() == 0 and (journal := storage.read(f"{self._destination}/{_JOURNAL}")):
            path = self._folder / _JOURNAL
            path.parent.mkdir(parents=True, exist_ok=True)
            storage.write_atomically(path, journal)

    def _names(self, listed: dict[str, tuple[int, str]]) -> list[str]:
        """The checkpoints' names, the oldest first."""
        names = {name.partition("/")[0] for name in listed}
        return sorted(
            (name for name in names if name.startswith("checkpoint-")), key=lambda name: checkpoint.step(Path(name))
        )
