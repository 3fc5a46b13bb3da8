"""What the body of a KFP component needs: read manifests, publish one, and fail readably."""

import ctypes
import os
import shutil
import signal
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fimsmith.errors import FimsmithError
from fimsmith.manifest import Manifest

ERROR_FILE = "FIMSMITH_ERROR_FILE"  # where a local run wants the message of a failed task
RUN = "FIMSMITH_RUN"  # the id of a local run, for the tags of what it starts


def begin() -> None:
    """Make this process show a FimsmithError as its message instead of a traceback, and die with its parent."""
    sys.excepthook = _show
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def _show(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    if not isinstance(error, FimsmithError):
        sys.__excepthook__(kind, error, trace)
        return
    print(f"error: {error}", file=sys.stderr, flush=True)
    if path := os.environ.get(ERROR_FILE):
        Path(path).write_text(str(error), encoding="utf-8")


def read(artifact: Any) -> Manifest:
    """Load the manifest that an input artifact holds."""
    return Manifest.read(artifact.path)


def read_all(artifacts: Iterable[Any]) -> list[Manifest]:
    """Load the manifests of a list of input artifacts."""
    return [read(artifact) for artifact in artifacts]


def publish(manifest: Manifest, artifact: Any, metrics: Any = None) -> None:
    """Write the manifest as the artifact's payload and its numbers as KFP metrics."""
    manifest.write(artifact.path)
    artifact.metadata.update(stage=manifest.stage, digest=manifest.digest, folder=manifest.uri)
    if metrics is not None:
        for name, value in manifest.metrics.items():
            metrics.log_metric(name, value)


def publish_all(manifests: Iterable[Manifest], artifacts: Iterable[Any]) -> None:
    """Publish one manifest per artifact."""
    for manifest, artifact in zip(manifests, artifacts, strict=True):
        publish(manifest, artifact)


def publish_page(manifest: Manifest, artifact: Any, page: Any) -> None:
    """Publish the report, and copy its HTML to an artifact that KFP's user interface shows."""
    publish(manifest, artifact)
    Path(page.path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(manifest.file("report.html"), page.path)
