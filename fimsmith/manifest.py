"""What one stage hands to the next: a few KB of JSON that name the bulk and its numbers.

A manifest is written last, so a folder with a manifest is complete. Running a stage again
returns the finished manifest; an interrupted stage finds its work folder and continues or redoes it.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from fimsmith import __version__, storage
from fimsmith.errors import StorageError
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
        """The folder on this machine that holds the files; what lies in S3 is brought here first."""
        return (
            storage.fetch(self.uri, self.files, self.digest) if storage.is_remote(self.uri) else storage.local(self.uri)
        )

    def file(self, name: str) -> Path:
        """The path on this machine of one of the files; what lies in S3 is brought here first, without the others."""
        if storage.is_remote(self.uri) and name in self.files:
            return storage.fetch_file(self.uri, name, self.files[name])
        return storage.mirror(self.uri) / name

    @classmethod
    def read(cls, path: str | Path) -> "Manifest":
        """Load a manifest file."""
        try:
            return cls.parse(Path(path).read_bytes(), path)
        except OSError as error:
            raise _unreadable(path, error) from error

    @classmethod
    def parse(cls, data: bytes, origin: str | Path) -> "Manifest":
        """Make a manifest of a file's bytes; raises StorageError naming the file."""
        try:
            return cls.model_validate_json(data)
        except ValidationError as error:
            raise _unreadable(origin, error) from error

    def write(self, path: str | Path) -> None:
        """Write the manifest as JSON."""
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        storage.write_atomically(Path(path), self.model_dump_json(indent=1))


def _unreadable(path: str | Path, error: Exception) -> StorageError:
    return StorageError(f"{path} is not a readable manifest ({type(error).__name__}); delete its folder and run again")


@dataclass
class Outcome:
    """What building a stage yields besides files."""

    metrics: dict[str, float | int] = field(default_factory=dict)
    details: dict[str, Any] = field(default_factory=dict)
    published: tuple[dict[str, int], str] | None = None  # files and digest, where a job sent them to S3 itself


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
    uri = f"{root.rstrip('/')}/{stage}/{name}" if storage.is_remote(root) else None
    with storage.workspace(root, stage, name) as (work, final):
        if done := _finished(uri, final):
            say(stage, f"reusing {stage}/{name}")
            return done
        if final.exists():  # never finished, or damaged since
            shutil.rmtree(final)
            work.mkdir(exist_ok=True)
        started = time.time()
        with storage.explained(work):
            outcome = build(work)
            for left in (work / "outcome.json", *work.rglob(storage.TEMPORARY)):  # the last: of a write that was killed
                left.unlink(missing_ok=True)
            files, digest = outcome.published or inventory(work)
            made = Manifest(
                stage=stage,
                fingerprint=name,
                digest=digest,
                uri=uri or str(final),
                files=files,
                metrics=outcome.metrics,
                details=outcome.details,
                inputs=[each.digest for each in inputs],
                started=started,
                seconds=round(time.time() - started, 3),
            )
            _publish(made, outcome, work, final)
        return made


def _finished(uri: str | None, final: Path) -> Manifest | None:
    """The manifest of a finished result, which may have been moved since."""
    if uri is not None:
        found = storage.read(f"{uri}/{NAME}")
        return Manifest.parse(found, f"{uri}/{NAME}").model_copy(update={"uri": uri}) if found else None
    if not (final / NAME).exists():
        return None
    found = Manifest.read(final / NAME).model_copy(update={"uri": str(final)})
    if lost := [name for name, size in found.files.items() if not _has(final / name, size)]:
        say(found.stage, f"making {found.stage}/{final.name} anew: its {lost[0]} is damaged or missing")
        return None
    return found


def _has(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _publish(made: Manifest, outcome: Outcome, work: Path, final: Path) -> None:
    """Put the files where they belong and the manifest last."""
    if not storage.is_remote(made.uri):
        made.write(work / NAME)
        os.rename(work, final)
        return
    if outcome.published is None:
        storage.send(work, made.uri, made.files)
    storage.write(f"{made.uri}/{NAME}", made.model_dump_json(indent=1))
    if outcome.published is None:
        os.rename(work, final)  # the next stage on this machine need not fetch it
    else:
        shutil.rmtree(work)


def inventory(folder: Path) -> tuple[dict[str, int], str]:
    """Return the sizes of all files but checkpoints, and one hash of their names and contents."""
    files, total = {}, hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != NAME):
        name = path.relative_to(folder).as_posix()
        if name.startswith("checkpoints/"):
            continue
        files[name] = path.stat().st_size
        # logs hold times and speeds: they are listed, but two equal results must hash the same
        if not name.startswith("log/"):
            total.update(f"{name}\0{storage.sha256(path)}\n".encode())
    return files, total.hexdigest()[:16]
