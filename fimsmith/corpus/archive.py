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
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Self

from fimsmith.corpus import times, tree
from fimsmith.corpus.tree import Member
from fimsmith.errors import DataError

ZIP = (".zip", ".jar")
TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # zipfile inflates other methods whole: 700 bytes become 600 MB
_PASSED = 20_000_000_000  # bytes of a tar file that may be unpacked to get to the end, wanted or not
_LONGEST_HEADER = 1 << 15  # bytes, with the long names and attributes before it
_DAMAGED = (tarfile.InvalidHeaderError, tarfile.TruncatedHeaderError)  # pyright: ignore[reportAttributeAccessIssue]
_BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    ValueError,  # numbers and names that are none
    IndexError,  # a header that ends too early
    NotImplementedError,  # what a later version of zip made
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
        tree.refuse_bomb(self._path, sum(member.size for member in members))
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
        with _explained(self._path), tarfile.open(self._path, tarinfo=_Header) as archive:
            for position, info in enumerate(archive):
                if archive.offset > _PASSED:
                    tree.refuse_bomb(self._path, archive.offset)
                if not info.isdir():
                    yield _tar_member(position, info)
                archive.members = []  # type: ignore[attr-defined]  # tarfile would keep all of them

    def read(self, members: Sequence[Member], limit: int) -> Iterator[tuple[Member, bytes]]:
        """Read members in one pass."""
        tree.refuse_bomb(self._path, sum(member.size for member in members))
        wanted = {member.handle: member for member in members}
        with _explained(self._path), tarfile.open(self._path, tarinfo=_Header) as archive:
            for position, info in enumerate(archive):
                if position in wanted and (file := archive.extractfile(info)):
                    yield wanted[position], file.read(limit + 1)
                archive.members = []  # type: ignore[attr-defined]


class _Header(tarfile.TarInfo):
    """A header that says when it is damaged: tarfile would take it for the end, read it whatever its size, or go back."""

    @classmethod
    def fromtarfile(cls, archive: tarfile.TarFile) -> Self:
        """Read the next header, with what belongs to it; raises ReadError for a damaged one."""
        file = archive.fileobj
        if isinstance(file, _Limited):  # the header behind a long name
            return super().fromtarfile(archive)
        archive.fileobj = _Limited(file)  # pyright: ignore[reportAttributeAccessIssue, reportArgumentType]
        try:
            info = super().fromtarfile(archive)
        except _DAMAGED as error:
            raise tarfile.ReadError(f"the header at byte {archive.offset:,} is damaged: {error}") from error
        finally:
            archive.fileobj = file
        if info.size < 0:
            raise tarfile.ReadError(f"{info.name} has a size of {info.size:,} bytes")
        return info


class _Limited:
    """A file of which only so much is read as a header may have."""

    def __init__(self, file: BinaryIO):
        self._file, self._left = file, _LONGEST_HEADER
        self.tell, self.seek = file.tell, file.seek

    def read(self, size: int) -> bytes:
        """Read on; raises ReadError where that would be too much."""
        self._left -= size
        if self._left < 0:
            raise tarfile.ReadError(f"a header is longer than {_LONGEST_HEADER:,} bytes")
        return self._file.read(size)


def _zip_member(info: zipfile.ZipInfo) -> Member:
    path, reason = tree.safe(info.filename)
    if stat.S_ISLNK(info.external_attr >> 16):
        reason = reason or "link"
    elif info.flag_bits & 0x1:
        reason = reason or "encrypted"
    elif info.compress_type not in _BOUNDED:
        reason = reason or "compression"
    # the time has no zone in the archive; taking it as UTC gives the same number everywhere
    return Member(path, info, info.file_size, times.stated(lambda: calendar.timegm((*info.date_time, 0, 0, 0))), reason)


def _tar_member(position: int, info: tarfile.TarInfo) -> Member:
    path, reason = tree.safe(info.name)
    if info.issym() or info.islnk():
        reason = reason or "link"
    elif not info.isreg():
        reason = reason or "not_a_file"
    return Member(path, position, info.size, times.stated(lambda: int(info.mtime)), reason)


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
