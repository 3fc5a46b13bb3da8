"""Read zip and tar archives without unpacking them to disk.

An archive may be hostile: names that leave it, links, members that inflate to any size. Members
are read into memory up to the caller's limit and nothing is ever written.
"""

import calendar
import contextlib
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from fimsmith.corpus import tree
from fimsmith.corpus.tree import Member
from fimsmith.errors import DataError

ZIP = (".zip", ".jar")
TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_FUTURE = 2**33  # seconds since the epoch: the year 2242
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    UnicodeDecodeError,
    NotImplementedError,  # an unknown compression method
    EOFError,
    OSError,
)


class Zip:
    """A zip or jar file as a tree."""

    commit = None

    def __init__(self, path: Path):
        self._path = path

    def members(self) -> Iterator[Member]:
        """List all files."""
        with _explained(self._path), zipfile.ZipFile(self._path) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    yield _zip_member(info)

    def read(self, members: Sequence[Member], limit: int) -> Iterator[tuple[Member, bytes]]:
        """Read members one by one; a damaged one gets the reason `broken`."""
        with _explained(self._path), zipfile.ZipFile(self._path) as archive:
            for member in members:
                try:
                    with archive.open(member.handle) as file:
                        data = file.read(limit + 1)
                except _BROKEN:
                    yield replace(member, reason="broken"), b""
                else:
                    yield member, data


class Tar:
    """A tar file, compressed or not, as a tree; it can only be read in its own order."""

    commit = None

    def __init__(self, path: Path):
        self._path = path

    def members(self) -> Iterator[Member]:
        """List all files."""
        with _explained(self._path), tarfile.open(self._path) as archive:
            for position, info in enumerate(archive):
                if not info.isdir():
                    yield _tar_member(position, info)
                archive.members = []  # type: ignore[attr-defined]  # tarfile would keep all of them

    def read(self, members: Sequence[Member], limit: int) -> Iterator[tuple[Member, bytes]]:
        """Read members in one pass."""
        wanted = {member.handle: member for member in members}
        with _explained(self._path), tarfile.open(self._path) as archive:
            for position, info in enumerate(archive):
                if position in wanted and (file := archive.extractfile(info)):
                    yield wanted[position], file.read(limit + 1)
                archive.members = []  # type: ignore[attr-defined]


def _zip_member(info: zipfile.ZipInfo) -> Member:
    path, reason = tree.safe(info.filename)
    if stat.S_ISLNK(info.external_attr >> 16):
        reason = reason or "link"
    elif info.flag_bits & 0x1:
        reason = reason or "encrypted"
    # the time has no zone in the archive; taking it as UTC gives the same number everywhere
    return Member(path, info, info.file_size, _time(lambda: calendar.timegm((*info.date_time, 0, 0, 0))), reason)


def _tar_member(position: int, info: tarfile.TarInfo) -> Member:
    path, reason = tree.safe(info.name)
    if info.issym() or info.islnk():
        reason = reason or "link"
    elif not info.isreg():
        reason = reason or "not_a_file"
    return Member(path, position, info.size, _time(lambda: int(info.mtime)), reason)


def _time(read: Callable[[], int]) -> int | None:
    """A member's time, unless it is none that a calendar has."""
    try:
        time = read()
    except (ValueError, OverflowError):
        return None
    return time if 0 <= time < _FUTURE else None


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what a damaged archive raises into a DataError."""
    try:
        yield
    except _BROKEN as error:
        cause = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(
            f"{path} is damaged or not what its name says: {cause.rstrip(':')}; "
            "fetch or pack it again, or take it out of the sources"
        ) from error
