"""Open what `location` names: a folder, an archive, a git commit, a Maven artifact, a table, one file, a place in S3 or on a hub."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fimsmith import config, storage
from fimsmith.corpus import bucket, git, hub, maven, table, tree
from fimsmith.corpus.archive import TAR, ZIP, Tar, Zip
from fimsmith.corpus.folder import Folder, check_readable, digest
from fimsmith.corpus.tree import Entry
from fimsmith.errors import DataError
from fimsmith.progress import say

_FILES = (*ZIP, *TAR, *table.PARQUET, *table.JSONL)  # files that hold many


@dataclass(frozen=True, slots=True)
class Opened:
    """A source that is known to be there."""

    signature: str  # changes when the content does, not when the source moves
    entries: Callable[[], Iterator[Entry]]
    details: dict[str, Any] = field(default_factory=dict)  # for the manifest; complete when all entries were read


def open_source(source: config.Source, limit: int) -> Opened:
    """Look at a source and say how to read its files, at most `limit` bytes each.

    Raises DataError for a location that is missing, not readable, or of no kind that is known.
    """
    if source.location.startswith("git+"):
        return _git(source, limit)
    if source.location.startswith("maven:"):
        return _maven(source, limit)
    if source.location.startswith("hf:"):
        return _hub(source, limit)
    if storage.is_remote(source.location):
        return _s3(source, limit)
    path = storage.local(source.location).absolute()
    check_readable(path, source.name)
    if path.is_dir():
        return _folder(Folder(path), source, limit)
    if path.name.lower().endswith(_FILES):
        return Opened(storage.sha256(path), lambda: _file(path, source, limit))
    if tree.is_wanted(path.name, source.kind):
        return _folder(Folder(path.parent, only=path.name), source, limit)
    raise _unknown(str(path), source)


def _file(path: Path, source: config.Source, limit: int) -> Iterator[Entry]:
    """Read an archive or a table."""
    name = path.name.lower()
    if name.endswith(ZIP):
        return _files(Zip(path), source, limit)
    return _files(Tar(path), source, limit) if name.endswith(TAR) else table.entries(path, source, limit)


def _files(files: tree.Tree, source: config.Source, limit: int) -> Iterator[Entry]:
    return tree.entries(files, tree.relevant(files, source), source, limit)


def _folder(folder: Folder, source: config.Source, limit: int) -> Opened:
    members = tree.relevant(folder, source)
    return Opened(digest(members, limit), lambda: tree.entries(folder, members, source, limit))


def _s3(source: config.Source, limit: int) -> Opened:
    uri = source.location.rstrip("/")
    if uri.lower().endswith(_FILES):
        found = storage.stat(uri)
        if found is None:
            raise DataError(f"source {source.name!r}: there is no {uri}; set its location to an existing object")
        return Opened("-".join(map(str, found)), lambda: _fetched(uri, found[0], source, limit))
    objects = bucket.Bucket(uri)
    if objects:
        members = tree.relevant(objects, source)
        return Opened(objects.digest(members), lambda: tree.entries(objects, members, source, limit))
    if storage.stat(uri) is not None:
        raise _unknown(uri, source)
    raise DataError(
        f"source {source.name!r}: nothing is below {uri}/; set its location to an existing prefix or object"
    )


def _fetched(uri: str, size: int, source: config.Source, limit: int) -> Iterator[Entry]:
    say("ingest", f"fetching {source.name}")
    with bucket.scratch() as folder:
        yield from _file(bucket.bring(uri, size, folder), source, limit)


def _git(source: config.Source, limit: int) -> Opened:
    remote = git.parse(source.location)
    commit, details = remote.resolve(), {}

    def entries() -> Iterator[Entry]:
        say("ingest", f"fetching {source.name}")
        with git.scratch() as folder:
            fetched = remote.fetch(commit, Path(folder), source.history)
            if source.history:
                say("ingest", f"{source.name}: reading what up to {source.history:,} commits changed")
                commits, before = fetched.trace(source.history, limit)
                details["history"] = {"commits": commits, "before": before}
            yield from _files(fetched, source, limit)

    return Opened(commit, entries, details)


def _maven(source: config.Source, limit: int) -> Opened:
    maven.check(source.location)

    def entries() -> Iterator[Entry]:
        say("ingest", f"fetching {source.name}")
        with maven.scratch() as folder:
            yield from _files(maven.fetch(source.location, Path(folder)), source, limit)

    return Opened(source.location, entries)


def _hub(source: config.Source, limit: int) -> Opened:
    found = hub.find(source.location, table.PARQUET + table.JSONL)

    def entries() -> Iterator[Entry]:
        for number, path in enumerate(found.fetch(), 1):
            say("ingest", f"{source.name}: reading file {number} of {len(found.files)}")
            try:
                yield from table.entries(path, source, limit)
            except table.DamagedError as error:
                say("ingest", f"{source.name}: {error}")
                yield Entry(path.name, source.name, path.name, reason="broken")

    return Opened(f"{found.name}@{found.commit}", entries)


def _unknown(location: str, source: config.Source) -> DataError:
    known = [*_FILES, *tree.SUFFIXES[source.kind]]
    other = next((kind for kind in tree.SUFFIXES if kind != source.kind and tree.is_wanted(location, kind)), None)
    hint = f"set its kind to {other}" if other else f"give a folder or a file that ends in one of {' '.join(known)}"
    return DataError(
        f"source {source.name!r} of kind {source.kind}: {location} is no kind of file that can be read; {hint}"
    )
