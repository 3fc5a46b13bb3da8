"""Where the bulk of every stage lies: `{root}/{stage}/{fingerprint}/` on this machine's disk.

A stage works in `….partial`, which survives a kill so that the stage can continue, and the
folder is renamed when it is complete. A lock keeps two runs from working in the same folder.
"""

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlparse

from fimsmith.errors import StorageError

_CAUSES = {
    errno.ENOSPC: "the disk is full; free some space, or set run.root to a larger disk",
    errno.EDQUOT: "the disk quota is used up; free some space, or set run.root to another disk",
    errno.EACCES: "no permission to write there; mend the permissions, or set run.root to a folder of yours",
    errno.EPERM: "no permission to write there; mend the permissions, or set run.root to a folder of yours",
    errno.EROFS: "the file system is read-only; set run.root to a writable folder",
    errno.ENOTDIR: "a part of this path is a file; set run.root to a folder",
}


def local(uri: str | Path) -> Path:
    """Return the path of a `file://` URI or plain path; `~` is expanded."""
    text = str(uri)
    parts = urlparse(text)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    if parts.scheme and "://" in text:
        raise StorageError(
            f"cannot use {text!r}: only folders and file:// are supported; set run.root to a local folder"
        )
    return Path(text).expanduser()


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


@contextlib.contextmanager
def workspace(root: str, stage: str, fingerprint: str) -> Iterator[tuple[Path, Path]]:
    """Yield (work folder, final folder) of a stage while holding its lock.

    The work folder may hold what an interrupted run left. A second process that asks for
    the same folder waits until the first is through.
    """
    home = local(root).absolute() / stage
    work, final = home / f"{fingerprint}.partial", home / fingerprint
    with explained(home):
        home.mkdir(parents=True, exist_ok=True)
        with open(home / f"{fingerprint}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not final.exists():
                work.mkdir(exist_ok=True)
            yield work, final


def clear(folder: Path) -> None:
    """Empty a work folder whose contents cannot be continued."""
    for entry in folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


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
