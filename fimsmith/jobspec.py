"""What a job is told and what it answers: one file each, on a disk it shares with its launcher or in S3."""

import contextlib
import gc
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from fimsmith import storage
from fimsmith.errors import FimsmithError, StorageError
from fimsmith.manifest import Manifest, Outcome, inventory

OUTCOME = "outcome.json"
_TERMINATION = Path("/dev/termination-log")  # where Kubernetes reads a container's last words
_LONGEST = 4_000  # bytes of them


@contextlib.contextmanager
def importing() -> Iterator[None]:
    """Look for no garbage meanwhile: of the seconds that importing torch and its like takes that is a sixth."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class JobSpec(BaseModel):
    """One stage's work for a separate process: the configuration and inputs that a job reads as one file."""

    model_config = ConfigDict(frozen=True)

    stage: str
    section: dict[str, Any]
    inputs: list[Manifest]
    folder: str  # work folder; the job writes its files here and `outcome.json` last
    destination: str | None = None  # folder in S3 that gets the files and `outcome.json` instead
    mirrored: str | None = None  # folder that SageMaker keeps in S3 all along; `folder` it uploads at the end
    origin: str | None = None  # where in S3 it keeps it

    @classmethod
    def read(cls, location: str | Path) -> "JobSpec":
        """Load the specification that a launcher wrote; a job with a destination works in its mirror."""
        found = storage.read(str(location))
        if found is None:
            raise StorageError(f"there is no job specification at {location}; start the job anew")
        spec = cls.model_validate_json(found)
        if spec.destination is None:
            return spec
        folder = storage.mirror(spec.destination).with_suffix(".job")
        (folder / "log").mkdir(parents=True, exist_ok=True)
        return spec.model_copy(update={"folder": str(folder)})

    def fetch(self) -> None:
        """Bring all inputs to this machine's disk."""
        for each in self.inputs:
            if each.files:
                each.folder  # noqa: B018

    def finish(self, outcome: Outcome) -> None:
        """Say that the job's files are complete, after they are where they belong."""
        answer: dict[str, Any] = {"metrics": outcome.metrics, "details": outcome.details}
        folder = Path(self.folder)
        if self.destination is None:
            published = {"published": inventory(folder)} if self.mirrored else {}
            storage.write_atomically(folder / OUTCOME, json.dumps({**answer, **published}))
            return
        files, digest = inventory(folder)
        storage.send(folder, self.destination, files)
        storage.write(f"{self.destination}/{OUTCOME}", json.dumps({**answer, "published": [files, digest]}))

    def carry_out(self, build: Callable[["JobSpec"], Outcome]) -> int:
        """Build and finish; an error a person can mend is left as its message. Returns the exit status."""
        try:
            with storage.explained(Path(self.folder)):
                self.finish(build(self))
        except FimsmithError as error:
            print(f"error: {error}", file=sys.stderr, flush=True)
            self.fail(str(error))
            return 1
        return 0

    def fail(self, message: str) -> None:
        """Leave the last words where the launcher looks for them."""
        path = Path(self.folder) / "log" / "error.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        storage.write_atomically(path, f"{message}\n")
        last_words(message)


def last_words(message: str) -> None:
    """Show Kubernetes why this container ends."""
    if _TERMINATION.exists():
        _TERMINATION.write_bytes(message.encode()[:_LONGEST])
