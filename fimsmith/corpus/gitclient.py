"""Run the git client on repositories that may be hostile: no hooks, no prompts, no transport that runs commands.

A password for one host comes from the environment (GIT_HOST, GIT_USERNAME, GIT_PASSWORD); it is neither printed nor written.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Timer

from fimsmith.errors import DataError, without_logins

_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "GIT_NO_REPLACE_OBJECTS": "1",  # refs/replace may come with the others
    "LC_ALL": "C",
}
OPTIONS = ("-c", "core.hooksPath=/dev/null", "-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=60")
_HELPER = '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "${GIT_USERNAME:-git}" "$GIT_PASSWORD"; }; f'
_DEADLINE = 7_200.0  # seconds; only http has a limit of its own for a server that falls silent


def environment() -> dict[str, str]:
    """Return git's environment: that of this process, without what points elsewhere or asks."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY")
    }
    return {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes", **inherited, **_ENVIRONMENT}


def _login() -> list[str]:
    """Options by which git logs in at GIT_HOST, and nowhere else: another host of the sources may be hostile.

    A command line can be seen by others, so the password stays in the environment. The person's own helpers are not
    asked, because they would be told to keep it.
    """
    if not os.environ.get("GIT_PASSWORD"):
        return []
    host = os.environ.get("GIT_HOST", "").rstrip("/")
    if not host:
        raise DataError(
            "GIT_PASSWORD is set, but not who may see it; set GIT_HOST to a host's name, such as github.com"
        )
    helper = f"credential.{host if '://' in host else f'https://{host}'}.helper"
    return ["-c", f"{helper}=", "-c", f"{helper}={_HELPER}"]


def run(*arguments: str, folder: Path | None = None) -> bytes:
    """Run git and return its output; raises DataError with the cause that git names."""
    if shutil.which("git") is None:
        raise DataError("git is not installed, but a source's location begins with git+; install git")
    try:
        done = subprocess.run(
            ["git", *OPTIONS, *_login(), *arguments],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_DEADLINE,
        )
    except subprocess.TimeoutExpired as error:
        raise DataError(
            f"git {arguments[0]} did not end within {_DEADLINE / 3600:g} hours; check the server, or give an archive instead"
        ) from error
    if done.returncode:
        raise DataError(
            f"git {arguments[0]} failed: {_cause(done.stderr, done.returncode)}; check the address, the ref and your access "
            "(fimsmith never asks for a password: set GIT_HOST, GIT_USERNAME and GIT_PASSWORD, or use an SSH key or a "
            "credential helper: docs/data.md)"
        )
    return done.stdout


def printed(folder: Path, *arguments: str) -> Iterator[bytes]:
    """Yield the lines that git prints about a fetched repository; no configuration of anyone changes them."""
    alone = {name: value for name, value in environment().items() if not name.startswith("GIT_")} | {
        **_ENVIRONMENT,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
    }
    command = ["git", *OPTIONS, "-c", f"core.attributesFile={os.devnull}", *arguments]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            command, cwd=folder, env=alone, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):
        assert process.stdout is not None
        deadline = Timer(_DEADLINE, process.kill)
        deadline.start()
        try:
            yield from process.stdout
            code = process.wait()
        finally:
            expired = not deadline.is_alive()
            deadline.cancel()
            process.kill()
        if expired:
            raise DataError(
                f"git {arguments[0]} did not end within {_DEADLINE / 3600:g} hours; set the source's history to fewer commits, "
                "or give an archive instead"
            )
        if code:
            errors.seek(0)
            raise DataError(f"git cannot read the repository: {_cause(errors.read(), code)}; run git fsck on it")


def _cause(printed: bytes, code: int) -> str:
    lines = printed.decode("utf-8", "replace").strip().splitlines()
    return without_logins(next((line for line in lines if line.startswith(("fatal:", "error:"))), f"exit code {code}"))
