"""Read a folder, or a single file, on this machine's disk. Symbolic links are not followed."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from fimsmith import storage
from fimsmith.corpus import tree
from fimsmith.corpus.tree import Member
from fimsmith.errors import DataError
from fimsmith.progress import Progress


class Folder:
    """A folder as a tree; `only` limits it to one file in it.

    Files have no time: a copy of a folder must give the same result as the folder.
    """

    commit = None

    def __init__(self, root: Path, only: str | None = None):
        self._root, self._only = root, only

    def members(self) -> Iterator[Member]:
        """List all files; links, special files and folders that cannot be entered carry their reason."""
        if self._only is not None:
            yield self._member(self._root / self._only)
            return
        unreadable: list[Member] = []
        waiting = [self._root]  # os.walk alone would call itself for each folder in a folder
        while waiting:
            listed = os.walk(waiting.pop(), onerror=lambda error: unreadable.append(self._closed(error)))
            folder, folders, files = next(listed, ("", [], []))
            yield from (self._member(Path(folder, name)) for name in sorted(files))
            inner = []
            for path in (Path(folder, name) for name in sorted(folders)):
                if path.name == ".git" or path.is_symlink():
                    yield replace(self._member(path), folder=path.name != ".git")
                else:
                    inner.append(path)
            waiting += reversed(inner)
        yield from unreadable

    def read(self, members: Sequence[Member], limit: int) -> Iterator[tuple[Member, bytes]]:
        """Read files one by one."""
        for member in members:
            try:
                with open(member.handle, "rb") as file:
                    yield member, file.read(limit + 1)
            except OSError:
                yield replace(member, reason="unreadable"), b""

    def _member(self, path: Path) -> Member:
        name, _ = tree.safe(str(path.relative_to(self._root)))
        try:
            status = path.lstat()
        except OSError:
            return Member(name, path, reason="unreadable")
        if stat.S_ISLNK(status.st_mode):
            return Member(name, path, reason="link")
        return Member(name, path, status.st_size, reason=None if stat.S_ISREG(status.st_mode) else "not_a_file")

    def _closed(self, error: OSError) -> Member:
        name, _ = tree.safe(os.path.relpath(error.filename, self._root))
        return Member(name, error.filename, reason="unreadable", folder=True)


def check_readable(path: Path, source: str) -> None:
    """Raise DataError unless a path exists and may be read."""
    try:
        path.stat()
        allowed = os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK)
    except PermissionError:
        allowed = False
    except OSError as error:
        raise DataError(
            f"source {source!r}: there is nothing at {path} ({error.strerror}); set its location to an existing folder or file"
        ) from error
    if not allowed:
        raise DataError(f"source {source!r}: no permission to read {path}; mend its permissions, or run as its owner")


def digest(members: Iterable[Member], limit: int) -> str:
    """Hash the paths of files and the contents of those that may be read: at most `limit` bytes, or a licence."""
    total, progress = hashlib.sha256(), Progress("ingest", "files")
    for member in members:
        try:
            large = "too_large" if member.size > max(limit, tree.LICENCE_BYTES) else None
            content = member.reason or large or storage.sha256(Path(member.handle))
        except OSError:
            content = "unreadable"
        total.update(f"{member.path}\0{content}\n".encode())
        progress.add(size=member.size)
    return total.hexdigest()
