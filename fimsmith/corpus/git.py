"""Read one commit of a git repository, and what those before it changed, through the git client without a work tree.

The repository may be hostile: what it holds runs nothing (gitclient) and names no place outside (tree).
"""

import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fimsmith.corpus import gitclient, history, times, tree
from fimsmith.corpus.history import Past
from fimsmith.corpus.tree import Member
from fimsmith.errors import DataError, without_logins

_JAVA = ":(icase,glob)**/*.java"
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
        listed = gitclient.run("ls-remote", "--", self.url, *(names if self.ref else ["HEAD"])).decode(
            "utf-8", "replace"
        )
        ids = {name: commit for commit, _, name in (line.partition("\t") for line in listed.splitlines())}
        for name in names:
            if name in ids:
                return ids[name]
        raise DataError(
            f"{without_logins(self.url)} has no branch or tag {self.ref or 'HEAD'!r}; "
            "name one that exists after the @, or a whole commit id of 40 digits"
        )

    def fetch(self, commit: str, folder: Path, before: int = 0) -> "Commit":
        """Copy one commit, and as many before it, into an empty folder and return it."""
        gitclient.run("init", "--quiet", "--bare", "--template=", str(folder))
        try:
            # what a commit changed is its difference to the one before it
            gitclient.run(
                "fetch", "--quiet", f"--depth={before + 1}", "--no-tags", "--", self.url, commit, folder=folder
            )
        except DataError:  # a server may hand out branches and tags only
            gitclient.run("fetch", "--quiet", "--no-tags", "--", self.url, "+refs/*:refs/*", folder=folder)
        try:
            stated = gitclient.run("log", "-1", "--format=%H %ct", commit, "--", folder=folder).split()
        except DataError as error:
            raise DataError(
                f"{without_logins(self.url)} has no commit {commit}; name one after the @ that was pushed"
            ) from error
        return Commit(folder, stated[0].decode(), times.stated(lambda: int(stated[1])))


class Commit:
    """A fetched commit as a tree."""

    def __init__(self, folder: Path, commit: str, time: int | None):
        self._folder, self.commit, self._time = folder, commit, time
        self._past: dict[bytes, Past] | None = None

    def members(self) -> Iterator[Member]:
        """List all files; links carry their reason, submodules are not fetched."""
        for mode, kind, blob, size, name in self._listed():
            path, reason = tree.safe(name.decode("utf-8", "surrogateescape"))
            if kind == b"blob":
                reason = reason or ("link" if mode == b"120000" else None)
                time, hunks = self._traced(name)
                yield Member(path, blob, int(size), time, reason, hunks=hunks)

    def trace(self, commits: int, limit: int) -> tuple[int, int | None]:
        """Look at what the newest commits changed in Java files of at most `limit` bytes, a merge as one commit.

        Members then have the time of the last commit that changed them, or None, and the lines that are still there.
        Returns how many commits were read, and the time of the one before them, if there is one.
        """
        listed = gitclient.run(
            "rev-list", "--first-parent", f"--max-count={commits + 1}", "--timestamp", self.commit, folder=self._folder
        )
        newest = [line.split() for line in listed.splitlines()]  # time, id
        shallow = self._folder / "shallow"  # of these commits, what came before is not here
        cut = len(newest) > commits or (shallow.is_file() and newest[-1][1] in shallow.read_bytes().split())
        names = {
            name
            for _, kind, _, size, name in self._listed()
            if kind == b"blob" and name.lower().endswith(b".java") and int(size) <= limit  # a submodule has no size
        }
        ends = ["^" + newest[-1][1].decode()] if cut else []
        # larger files are not compared: time and memory grow with them
        log = gitclient.printed(
            self._folder, "-c", f"core.bigFileThreshold={limit}", *history.LOG, self.commit, *ends, "--", _JAVA
        )
        self._past = history.read(log, names)
        return len(newest) - cut, times.stated(lambda: int(newest[-1][0])) if cut else None

    def _listed(self) -> Iterator[tuple[bytes, bytes, bytes, bytes, bytes]]:
        """Mode, kind, id, size and name of everything in the tree."""
        for line in tree.counted(gitclient.printed(self._folder, "ls-tree", "-r", "--long", self.commit)):
            head, _, name = line.removesuffix(b"\n").partition(b"\t")
            mode, kind, blob, size = head.split()
            yield mode, kind, blob, size, history.unquoted(name)

    def _traced(self, name: bytes) -> tuple[int | None, tuple[history.Lines, ...]]:
        if self._past is None:
            return self._time, ()
        past = self._past.get(name)
        return (past.time, tuple(past.hunks)) if past else (None, ())

    def read(self, members: Sequence[Member], limit: int) -> Iterator[tuple[Member, bytes]]:
        """Read blobs through one git process."""
        command = ["git", *gitclient.OPTIONS, "cat-file", "--batch"]
        with subprocess.Popen(
            command, cwd=self._folder, env=gitclient.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE
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


def _size(header: bytes) -> int:
    """The size in bytes that `git cat-file --batch` announces."""
    parts = header.split()
    if len(parts) != 3:
        raise DataError(
            f"git cannot read a file of the repository: {header.decode('utf-8', 'replace').strip()}; run git fsck on it"
        )
    return int(parts[2])
