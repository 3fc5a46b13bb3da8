"""What one stage hands to the next: a few KB of JSON that name the bulk and its numbers.

A manifest is written last, so a folder with a manifest is complete. Running a stage again
returns the finished manifest; an interrupted stage finds its work folder and continues or redoes it.
"""

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from fimsmith import __version__, storage
from fimsmith.errors import FimsmithError, StorageError
from fimsmith.progress import say

NAME = "manifest.json"


class Manifest(BaseModel):
    """The record of one finished stage."""

    model_config = ConfigDict(frozen=True)

    stage: str
    fingerprint: str  # names the work: section + digests of the inputs + package version
    digest: str  # names the result: hash of the files; what later stages' fingerprints are made of
    uri: str  # folder that holds the files
    files: dict[str, int]  # path below uri -> bytes
    metrics: dict[str, float | int]  # flat numbers, shown by KFP and the report
    details: dict[str, Any]  # whatever else the report or a later stage reads
    inputs: list[str] = []  # digests
    version: str = __version__
    started: float = 0.0  # seconds since the epoch
    seconds: float = 0.0  # wall time

    @property
    def folder(self) -> Path:
        """The folder on this machine that holds the files."""
        return storage.local(self.uri)

    @classmethod
    def read(cls, path: str | Path) -> "Manifest":
        """Load a manifest file."""
        try:
            return cls.model_validate_json(Path(path).read_bytes())
        except (OSError, ValidationError) as error:
            raise StorageError(
                f"{path} is not a readable manifest ({type(error).__name__}); delete its folder and run again"
            ) from error

    def write(self, path: str | Path) -> None:
        """Write the manifest as JSON."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        storage.write_atomically(Path(path), self.model_dump_json(indent=1))


@dataclass
class Outcome:
    """What building a stage yields besides files."""

    metrics: dict[str, float | int] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)


class JobSpec(BaseModel):
    """One stage's work for a separate process: the configuration and inputs that a job reads as one file."""

    model_config = ConfigDict(frozen=True)

    stage: str
    section: dict[str, Any]
    inputs: list[Manifest]
    folder: str  # work folder; the job writes its files here and `outcome.json` last

    @classmethod
    def read(cls, path: str | Path) -> "JobSpec":
        """Load the specification that a launcher wrote."""
        return cls.model_validate_json(Path(path).read_bytes())

    def finish(self, outcome: Outcome) -> None:
        """Say that the job's files are complete."""
        text = json.dumps({"metrics": outcome.metrics, "details": outcome.details})
        storage.write_atomically(Path(self.folder) / "outcome.json", text)

    def carry_out(self, build: Callable[["JobSpec"], Outcome]) -> int:
        """Build and finish; an error a person can mend is left as its message in log/error.txt. Returns the exit status."""
        try:
            with storage.explained(Path(self.folder)):
                self.finish(build(self))
        except FimsmithError as error:
            print(f"error: {error}", file=sys.stderr, flush=True)
            path = Path(self.folder) / "log" / "error.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            storage.write_atomically(path, f"{error}\n")
            return 1
        return 0


def fingerprint(*parts: Any) -> str:
    """Hash sections, digests and plain values to 16 hex digits; the package version is always included."""
    plain = [part.model_dump(mode="json") if isinstance(part, BaseModel) else part for part in parts]
    text = json.dumps([__version__, *plain], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def produce(
    stage: str, key: list[Any], inputs: list[Manifest], root: str, build: Callable[[Path], Outcome]
) -> Manifest:
    """Return the finished manifest for this key and inputs, or call `build(work folder)` and publish.

    `key` holds everything besides the inputs that the result depends on. `build` gets a folder
    that may contain what an interrupted run left; it must end with the same files either way.
    """
    name = fingerprint(stage, *key, [each.digest for each in inputs])
    with storage.workspace(root, stage, name) as (work, final):
        if (final / NAME).exists():
            done = Manifest.read(final / NAME)
            say(stage, f"reusing {stage}/{name}")
            return done.model_copy(update={"uri": str(final)})
        if final.exists():  # a folder without its manifest was never finished
            shutil.rmtree(final)
            work.mkdir(exist_ok=True)
        started = time.time()
        with storage.explained(work):
            outcome = build(work)
            (work / "outcome.json").unlink(missing_ok=True)
            files, digest = _inventory(work)
            made = Manifest(
                stage=stage,
                fingerprint=name,
                digest=digest,
                uri=str(final),
                files=files,
                metrics=outcome.metrics,
                details=outcome.details,
                inputs=[each.digest for each in inputs],
                started=started,
                seconds=round(time.time() - started, 3),
            )
            made.write(work / NAME)
            os.rename(work, final)
        return made


def _inventory(folder: Path) -> tuple[dict[str, int], str]:
    """Return the sizes of all files and one hash of their names and contents."""
    files, total = {}, hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != NAME):
        name = path.relative_to(folder).as_posix()
        files[name] = path.stat().st_size
        # logs hold times and speeds: they are listed, but two equal results must hash the same
        if not name.startswith("log/"):
            total.update(f"{name}\0{storage.sha256(path)}\n".encode())
    return files, total.hexdigest()[:16]
