"""Open what `location` names: a folder, an archive, a git commit, a Maven artifact, a table, one file."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fimsmith import config, storage
from fimsmith.corpus import git, maven, table, tree
from fimsmith.corpus.archive import TAR, ZIP, Tar, Zip
from fimsmith.corpus.folder import Folder, check_readable, digest
from fimsmith.corpus.tree import Entry
from fimsmith.errors import DataError
from fimsmith.progress import say


@dataclass(frozen=True, slots=True)
class Opened:
    """A source that is known to be there."""

    signature: str  # changes when the content does, not when the source moves
    entries: Callable[[], Iterator[Entry]]


def open_source(source: config.Source, limit: int) -> Opened:
    """Look at a source and say how to read its files, at most `limit` bytes each.

    Raises DataError for a location that is missing, not readable, or of no kind that is known.
    """
    if source.location.startswith("git+"):
        return _git(source, limit)
    if source.location.startswith("maven:"):
        return _maven(source, limit)
    path = storage.local(source.location).absolute()
    check_readable(path, source.name)
    name = path.name.lower()
    if path.is_dir():
        return _folder(Folder(path), source, limit)
    if name.endswith(ZIP):
        return Opened(storage.sha256(path), lambda: _files(Zip(path), source, limit))
    if name.endswith(TAR):
        return Opened(storage.sha256(path), lambda: _files(Tar(path), source, limit))
    if name.endswith(table.PARQUET + table.JSONL):
        return Opened(storage.sha256(path), lambda: table.entries(path, source, limit))
    if tree.is_wanted(path.name, source.kind):
        return _folder(Folder(path.parent, only=path.name), source, limit)
    raise _unknown(path, source)


def _files(files: tree.Tree, source: config.Source, limit: int) -> Iterator[Entry]:
    return tree.entries(files, tree.relevant(files, source), source, limit)


def _folder(folder: Folder, source: config.Source, limit: int) -> Opened:
    members = tree.relevant(folder, source)
    return Opened(digest(members), lambda: tree.entries(folder, members, source, limit))


def _git(source: config.Source, limit: int) -> Opened:
    remote = git.parse(source.location)
    commit = remote.resolve()

    def entries() -> Iterator[Entry]:
        say("ingest", f"fetching {source.name}")
        with git.scratch() as folder:
            yield from _files(remote.fetch(commit, Path(folder)), source, limit)

    return Opened(commit, entries)


def _maven(source: config.Source, limit: int) -> Opened:
    maven.check(source.location)

    def entries() -> Iterator[Entry]:
        say("ingest", f"fetching {source.name}")
        with maven.scratch() as folder:
            yield from _files(maven.fetch(source.location, Path(folder)), source, limit)

    return Opened(source.location, entries)


def _unknown(path: Path, source: config.Source) -> DataError:
    known = [*ZIP, *TAR, *table.PARQUET, *table.JSONL, *tree.SUFFIXES[source.kind]]
    other = next((kind for kind in tree.SUFFIXES if kind != source.kind and tree.is_wanted(path.name, kind)), None)
    hint = f"set its kind to {other}" if other else f"give a folder or a file that ends in one of {' '.join(known)}"
    return DataError(
        f"source {source.name!r} of kind {source.kind}: {path} is no kind of file that can be read; {hint}"
    )
