"""Files on this machine's disk: written whole or not at all, and errors that name the fix."""

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from fimsmith.errors import StorageError

_CAUSES = {
    errno.ENOSPC: "the disk is full; free some space, or set run.root to a larger disk",
    errno.EDQUOT: "the disk quota is used up; free some space, or set run.root to another disk",
    errno.EACCES: "no permission to write there; mend the permissions, or set run.root to a folder of yours",
    errno.EPERM: "no permission to write there; mend the permissions, or set run.root to a folder of yours",
    errno.EROFS: "the file system is read-only; set run.root to a writable folder",
    errno.ENOTDIR: "a part of this path is a file; set run.root to a folder",
}


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an operating-system error a person can mend (disk full, no permission …) into a StorageError."""
    try:
        yield
    except OSError as error:
        cause = _CAUSES.get(error.errno or 0)
        if cause is None:
            raise
        raise StorageError(f"cannot write {error.filename or path}: {cause}") from error


def clear(folder: Path) -> None:
    """Empty a work folder whose contents cannot be continued."""
    for entry in folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


TEMPORARY = ".*.tmp"  # pattern of the names that files have while they are written


def write_atomically(path: Path, data: bytes | str) -> None:
    """Write a small file so that it is either whole or absent, also after a power cut."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with open(temporary, "wb") as file:
        file.write(data.encode() if isinstance(data, str) else data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def sha256(path: Path) -> str:
    """Return the hex SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
