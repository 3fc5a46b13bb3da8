"""Read a folder of S3, object by object, or bring one object here that is an archive or a table."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from fimsmith import storage
from fimsmith.corpus import tree
from fimsmith.corpus.tree import Member

_AT_ONCE = 16  # objects that are fetched at the same time


class Bucket:
    """The objects below a prefix as a tree. Like those of a folder they have no time."""

    commit = None

    def __init__(self, uri: str):
        self.uri = uri.rstrip("/")
        self._listed = storage.list_files(self.uri)

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self._listed)

    def members(self) -> Iterator[Member]:
        """List all objects."""
        for name, (size, _) in sorted(self._listed.items()):
            path, reason = tree.safe(name)
            yield Member(path, name, size, reason=reason)

    def read(self, members: Sequence[Member], limit: int) -> Iterator[tuple[Member, bytes]]:
        """Read objects whole, a few at the same time; a listing that is out of date is not noticed before."""
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for start in range(0, len(members), _AT_ONCE):
                some = members[start : start + _AT_ONCE]
                found = threads.map(lambda member: storage.read(f"{self.uri}/{member.handle}"), some)
                for member, data in zip(some, found, strict=True):
                    yield (
                        (member, data[: limit + 1]) if data is not None else (replace(member, reason="unreadable"), b"")
                    )

    def digest(self, members: Sequence[Member]) -> str:
        """Hash the names and the tags, which change with the content."""
        total = hashlib.sha256()
        for member in members:
            size, tag = self._listed[member.handle]
            total.update(f"{member.path}\0{size}\0{tag}\n".encode())
        return total.hexdigest()


def bring(uri: str, size: int, folder: str) -> Path:
    """Bring one object of this size to a folder of this machine."""
    place, _, name = uri.rpartition("/")
    storage.receive(place, Path(folder), {name: size})
    return Path(folder, name)


def scratch() -> tempfile.TemporaryDirectory:
    """Return a folder that an object can be brought to; it goes with the context."""
    return tempfile.TemporaryDirectory(prefix="fimsmith-s3-")
