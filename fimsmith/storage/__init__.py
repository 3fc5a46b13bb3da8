"""Where the bulk of every stage lies: `{root}/{stage}/{fingerprint}/` on a disk or in S3.

A stage works in `….partial` on this machine's disk, which survives a kill so that the stage can
continue, and the folder is renamed when it is complete. A lock keeps two runs on one machine from
working in the same folder. What lies in S3 has a mirror on this machine's disk, below
$FIMSMITH_CACHE: results are made there and sent, inputs are brought there once.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlparse

from fimsmith.errors import StorageError
from fimsmith.storage.address import split
from fimsmith.storage.local import TEMPORARY, clear, explained, sha256, write_atomically

__all__ = [
    "TEMPORARY",
    "absolute",
    "clear",
    "copy",
    "erase",
    "explained",
    "fetch",
    "fetch_file",
    "is_remote",
    "list_files",
    "local",
    "locked",
    "mirror",
    "probe",
    "read",
    "receive",
    "send",
    "sha256",
    "stat",
    "workspace",
    "write",
    "write_atomically",
]

_CACHE = "FIMSMITH_CACHE"  # environment variable: folder of the mirrors
_PROBED = 100_000  # bytes: a disk that has no room for them is full
_COMPLETE = ".complete"  # in a mirror: names what it is a whole copy of


def is_remote(uri: str | Path) -> bool:
    """Whether a location is in S3 and not on a disk."""
    return str(uri).startswith("s3://")


def local(uri: str | Path) -> Path:
    """Return the path of a `file://` URI or plain path; `~` is expanded."""
    text = str(uri)
    parts = urlparse(text)
    if "\0" in text:
        raise StorageError(f"cannot use {text!r}: a path cannot hold a NUL character")
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    if parts.scheme and "://" in text:
        raise StorageError(f"cannot use {text!r} here: it must be a folder or file on this machine, or file://…")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise StorageError(f"cannot use {text!r}: {error}; write the whole path") from error


def mirror(uri: str | Path) -> Path:
    """Return the absolute path on this machine that stands for a location: itself, or its copy of what lies in S3."""
    if not is_remote(uri):
        return local(uri).absolute()
    home = os.environ.get(_CACHE) or Path("~/.cache/fimsmith").expanduser()
    return Path(home).absolute().joinpath("s3", *split(str(uri)))


def absolute(uri: str) -> str:
    """Return a location that means the same from any folder."""
    return uri.rstrip("/") if is_remote(uri) else str(mirror(uri))


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock that other processes of this machine wait for."""
    with explained(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@contextlib.contextmanager
def workspace(root: str, stage: str, fingerprint: str) -> Iterator[tuple[Path, Path]]:
    """Yield (work folder, final folder) of a stage while holding its lock, both on this machine's disk.

    The work folder may hold what an interrupted run left. A second process that asks for
    the same folder waits until the first is through.
    """
    home = mirror(root) / stage
    work, final = home / f"{fingerprint}.partial", home / fingerprint
    with locked(home / f"{fingerprint}.lock"):
        if not final.exists():
            work.mkdir(exist_ok=True)
        yield work, final


def read(uri: str) -> bytes | None:
    """Return the bytes of one small file, or None when it is not there."""
    if is_remote(uri):
        from fimsmith.storage import s3

        return s3.read(uri)
    path = local(uri)
    return path.read_bytes() if path.exists() else None


def write(uri: str, data: bytes | str) -> None:
    """Write one small file whole."""
    if is_remote(uri):
        from fimsmith.storage import s3

        s3.write(uri, data.encode() if isinstance(data, str) else data)
        return
    path = local(uri)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)


def stat(uri: str) -> tuple[int, str] | None:
    """Return the bytes of one file in S3 and a tag that changes with its content, or None when it is not there."""
    from fimsmith.storage import s3

    return s3.stat(uri)


def list_files(uri: str) -> dict[str, tuple[int, str]]:
    """Return path below a folder in S3 -> (bytes, a tag that changes with the content)."""
    from fimsmith.storage import s3

    return s3.list_files(uri)


def renew() -> None:
    """Read the credentials for S3 anew: somebody may have signed in again."""
    from fimsmith.storage import s3

    s3.renew()


def send(folder: Path, uri: str, names: Iterable[str]) -> None:
    """Copy files of a folder to a folder in S3, several at a time and large ones in parts."""
    from fimsmith.storage import s3

    s3.upload(folder, uri, list(names))


def receive(uri: str, folder: Path, files: Mapping[str, int]) -> None:
    """Bring files of a folder in S3 to any folder; those that are there in the right size stay."""
    from fimsmith.storage import s3

    s3.download(uri, folder, files)


def copy(source: str, uri: str, files: Mapping[str, int]) -> None:
    """Copy files of a folder in S3 to another one, without bringing them here; `files` gives the bytes of each."""
    from fimsmith.storage import s3

    s3.copy(source, uri, files)


def erase(uri: str) -> None:
    """Delete everything below a folder in S3."""
    from fimsmith.storage import s3

    s3.erase(uri)


def fetch(uri: str, files: Mapping[str, int], version: str) -> Path:
    """Bring files of a folder in S3 to its mirror, once per machine, and return the mirror.

    `files` gives the bytes of each, `version` what the mirror is a copy of: where it changed, the
    mirror is made anew. Raises StorageError for a file that is missing or of another size.
    """
    from fimsmith.storage import s3

    folder = mirror(uri)
    stamp = json.dumps([version, dict(sorted(files.items()))])
    marker = folder / _COMPLETE
    with locked(folder.with_name(f"{folder.name}.lock")), explained(folder):
        if marker.exists() and marker.read_text() == stamp:
            return folder
        if marker.exists():
            shutil.rmtree(folder)
        s3.download(uri, folder, files)
        write_atomically(marker, stamp)
    return folder


def fetch_file(uri: str, name: str, size: int) -> Path:
    """Bring one file of a folder in S3 to the folder's mirror and return its path."""
    from fimsmith.storage import s3

    folder = mirror(uri)
    with locked(folder.with_name(f"{folder.name}.lock")), explained(folder):
        s3.download(uri, folder, {name: size})
    return folder / name


def probe(root: str) -> None:
    """Write, read and delete a small file below a root; raises StorageError with the cause."""
    if is_remote(root):
        from fimsmith.storage import s3

        s3.probe(root)
        return
    folder = local(root).absolute()
    try:
        with explained(folder):
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f".probe-{os.getpid()}"
            try:
                path.write_bytes(bytes(_PROBED))
            finally:
                path.unlink(missing_ok=True)
    except FileExistsError:
        raise StorageError(f"run.root {folder} is a file; set run.root to a folder") from None
    except OSError as error:
        raise StorageError(
            f"run.root {folder} cannot be written ({error.strerror}); set run.root to another folder"
        ) from error
