"""Fetch the sources jar of a Maven artifact through the installed `mvn`."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from fimsmith.corpus.archive import Zip
from fimsmith.errors import DataError

_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
_COORDINATES = re.compile(r"maven:([A-Za-z0-9_][\w.-]*):([A-Za-z0-9_][\w.-]*):([A-Za-z0-9_][\w.+-]*)")


def check(location: str) -> None:
    """Raise DataError unless a location is `maven:group:artifact:version`."""
    if not _COORDINATES.fullmatch(location):
        raise DataError(
            f"{location!r} is not a Maven artifact; write maven:group:artifact:version, "
            "for example maven:org.apache.commons:commons-lang3:3.17.0"
        )


def fetch(location: str, folder: Path) -> Zip:
    """Copy the artifact's sources jar into an empty folder; raises DataError when there is none."""
    if shutil.which("mvn") is None:
        raise DataError(
            f"{location} needs Maven, and mvn is not installed; install it, or give the sources jar as a file"
        )
    artifact = f"{location.removeprefix('maven:')}:jar:sources"
    command = [
        "mvn",
        "--batch-mode",
        "--no-transfer-progress",
        _PLUGIN,
        f"-Dartifact={artifact}",
        f"-DoutputDirectory={folder}",
    ]
    done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True)
    jars = sorted(folder.glob("*.jar"))
    if done.returncode or not jars:
        said = [line for line in done.stdout.decode("utf-8", "replace").splitlines() if line.startswith("[ERROR]")]
        cause = said[0].removeprefix("[ERROR]").strip() if said else f"mvn ended with exit code {done.returncode}"
        raise DataError(
            f"Maven cannot fetch the sources of {location}: {cause}; check the coordinates, that the artifact "
            "has a sources jar, and the repositories in settings.xml"
        )
    return Zip(jars[0])


def scratch() -> tempfile.TemporaryDirectory:
    """Return a folder that a jar can be fetched into; it goes with the context."""
    return tempfile.TemporaryDirectory(prefix="fimsmith-maven-")
