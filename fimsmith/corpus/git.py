"""Read one commit of a git repository through the git client, without a work tree.

The repository may be hostile: no hooks, no prompts, no transport that runs commands. A password for one host comes from
the environment (GIT_HOST, GIT_USERNAME, GIT_PASSWORD); it is neither printed nor written.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fimsmith.corpus import tree
from fimsmith.corpus.tree import Member
from fimsmith.errors import DataError, without_logins

_ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "",
    "SSH_ASKPASS": "",
    "GIT_ALLOW_PROTOCOL": "file:git:http:https:ssh",
    "LC_ALL": "C",
}
_OPTIONS = ("-c", "core.hooksPath=/dev/null", "-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=60")
_HELPER = '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "${GIT_USERNAME:-git}" "$GIT_PASSWORD"; }; f'
_DEADLINE = 7_200.0  # seconds; only http has a limit of its own for a server that falls silent
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository and the ref of it that is wanted."""

    url: str
    ref: str  # empty: the default branch

    def resolve(self) -> str:
        """Return the commit (or tag) id that the ref stands for now."""
        if _COMMIT.fullmatch(self.ref):
            return self.ref
        names = [f"refs/tags/{self.ref}^{{}}", f"refs/tags/{self.ref}", f"refs/heads/{self.ref}", self.ref or "HEAD"]
        listed = _git("ls-remote", "--", self.url, *(names if self.ref else ["HEAD"])).decode("utf-8", "replace")
        ids = {name: commit for commit, _, name in (line.partition("\t") for line in listed.splitlines())}
        for name in names:
            if name in ids:
                return ids[name]
        raise DataError(
            f"{without_logins(self.url)} has no branch or tag {self.ref or 'HEAD'!r}; "
            "name one that exists after the @, or a whole commit id of 40 digits"
        )

    def fetch(self, commit: str, folder: Path) -> "Commit":
        """Copy one commit into an empty folder and return it."""
        _git("init", "--quiet", "--bare", "--template=", str(folder))
        try:
            _git("fetch", "--quiet", "--depth=1", "--no-tags", "--", self.url, commit, folder=folder)
        except DataError:  # a server may hand out branches and tags only
            _git("fetch", "--quiet", "--no-tags", "--", self.url, "+refs/*:refs/*", folder=folder)
        try:
            stated = _git("log", "-1", "--format=%H %ct", commit, "--", folder=folder).split()
        except DataError as error:
            raise DataError(
                f"{without_logins(self.url)} has no commit {commit}; name one after the @ that was pushed"
            ) from error
        return Commit(folder, stated[0].decode(), int(stated[1]))


class Commit:
    """A fetched commit as a tree."""

    def __init__(self, folder: Path, commit: str, time: int):
        self._folder, self.commit, self._time = folder, commit, time

    def members(self) -> Iterator[Member]:
        """List all files; links carry their reason, submodules are not fetched."""
        listed = _git("ls-tree", "-r", "-z", "--long", self.commit, folder=self._folder)
        for line in listed.split(b"\0")[:-1]:
            head, _, name = line.partition(b"\t")
            mode, kind, blob, size = head.split()
            path, reason = tree.safe(name.decode("utf-8", "surrogateescape"))
            if kind == b"blob":
                reason = reason or ("link" if mode == b"120000" else None)
                yield Member(path, blob, int(size), self._time, reason)

    def read(self, members: Sequence[Member], limit: int) -> Iterator[tuple[Member, bytes]]:
        """Read blobs through one git process."""
        command = ["git", *_OPTIONS, "cat-file", "--batch"]
        with subprocess.Popen(
            command, cwd=self._folder, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for member in members:
                process.stdin.write(member.handle + b"\n")
                process.stdin.flush()
                size = _size(process.stdout.readline())
                data = process.stdout.read(size + 1)[:-1]
                yield member, data[: limit + 1]
            process.stdin.close()


def parse(location: str) -> Remote:
    """Split `git+URL[@ref]`; raises DataError for what git would take as an option or a command."""
    text = location.removeprefix("git+")
    if Path(text).expanduser().is_dir():
        return Remote(str(Path(text).expanduser().absolute()), "")
    # an @ before the path belongs to user@host
    scheme = text.find("://")
    start = text.find("/", scheme + 3) if scheme >= 0 else text.find(":") if ":" in text else 0
    at = text.rfind("@", max(start, 0))
    url, ref = (text[:at], text[at + 1 :]) if at > 0 and start >= 0 else (text, "")
    if (
        url.startswith("-")
        or ref.startswith("-")
        or "::" in url.partition("/")[0]
        or re.search(r"[\s\x00-\x1f]", url + ref)
    ):
        raise DataError(
            f"{without_logins(location)!r} is not a repository that may be fetched; write git+https://host/name.git@branch, "
            "with file, http, https, ssh or a local path"
        )
    if "://" not in url and Path(url).expanduser().is_dir():
        url = str(Path(url).expanduser().absolute())
    return Remote(url, ref)


def scratch() -> tempfile.TemporaryDirectory:
    """Return a folder that a commit can be fetched into; it goes with the context."""
    return tempfile.TemporaryDirectory(prefix="fimsmith-git-")


def _environment() -> dict[str, str]:
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


def _git(*arguments: str, folder: Path | None = None) -> bytes:
    """Run git and return its output; raises DataError with the cause that git names."""
    if shutil.which("git") is None:
        raise DataError("git is not installed, but a source's location begins with git+; install git")
    try:
        done = subprocess.run(
            ["git", *_OPTIONS, *_login(), *arguments],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_DEADLINE,
        )
    except subprocess.TimeoutExpired as error:
        raise DataError(
            f"git {arguments[0]} did not end within {_DEADLINE / 3600:g} hours; check the server, or give an archive instead"
        ) from error
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        cause = next((line for line in lines if line.startswith(("fatal:", "error:"))), f"exit code {done.returncode}")
        raise DataError(
            f"git {arguments[0]} failed: {without_logins(cause)}; check the address, the ref and your access "
            "(fimsmith never asks for a password: set GIT_HOST, GIT_USERNAME and GIT_PASSWORD, or use an SSH key or a "
            "credential helper: docs/data.md)"
        )
    return done.stdout


def _size(header: bytes) -> int:
    """The size in bytes that `git cat-file --batch` announces."""
    parts = header.split()
    if len(parts) != 3:
        raise DataError(
            f"git cannot read a file of the repository: {header.decode('utf-8', 'replace').strip()}; run git fsck on it"
        )
    return int(parts[2])
