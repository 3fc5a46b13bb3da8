"""What folders, archives and git commits have in common: named files, some of which are wanted."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from fimsmith import config
from fimsmith.corpus import decode, html, licences
from fimsmith.corpus.history import Lines
from fimsmith.errors import DataError

Listed = TypeVar("Listed")

SUFFIXES = {"java": (".java",), "text": (".md", ".markdown", ".txt", ".rst", *html.SUFFIXES)}
_MARKERS = {"pom.xml", "build.gradle", "build.gradle.kts"}
_LICENCE = re.compile(r"(?:licen[cs]e|copying)(?:\.(?:txt|md|rst))?", re.IGNORECASE)
LICENCE_BYTES = 100_000
_MOST = 10_000_000  # files of all kinds; a tree that names itself many times has billions
_PACKED, _UNPACKED = 100, 500_000_000  # bytes per byte, and bytes; code packs to a third or a tenth
_ABSOLUTE = re.compile(r"/|[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class Member:
    """A file that a tree lists."""

    path: str  # below the tree, with forward slashes
    handle: Any  # what the tree reads it by
    size: int = 0  # bytes
    time: int | None = None  # last change, seconds since the epoch
    reason: str | None = None  # why it must not be read
    folder: bool = False  # a folder that cannot be entered
    hunks: tuple[Lines, ...] = ()  # lines that commits added, the newest commit's first


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a source, read or refused."""

    found: str  # path below the source, for reports
    repository: str
    path: str  # below the repository
    data: bytes = b""
    size: int = 0  # bytes as found
    time: int | None = None
    commit: str | None = None
    licence: str | None = None  # SPDX, of the nearest LICENSE file above it; licences.UNKNOWN if that names none
    reason: str | None = None  # why there is no data
    hunks: tuple[Lines, ...] = ()


class Tree(Protocol):
    """A listing of files that can be read in bounded memory."""

    @property
    def commit(self) -> str | None:
        """Id of the commit, where the tree is one."""
        ...

    def members(self) -> Iterable[Member]:
        """List all files, in an order that depends on their names alone."""
        ...

    def read(self, members: Sequence[Member], limit: int) -> Iterator[tuple[Member, bytes]]:
        """Yield each member with at most limit + 1 bytes; one that cannot be read gets its reason."""
        ...


def safe(name: str) -> tuple[str, str | None]:
    """Return a listed name with forward slashes and as valid Unicode, and why it must not be used, if so."""
    text = name.replace("\\", "/").encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    unsafe = _ABSOLUTE.match(text) or ".." in text.split("/")
    return text.removeprefix("./"), "unsafe_path" if unsafe else None


def is_bomb(packed: int, unpacked: int) -> bool:
    """Whether so many bytes unpack to far more than code or text would."""
    return unpacked > max(_UNPACKED, _PACKED * packed)


def refuse_bomb(path: Path, unpacked: int) -> None:
    """Raise DataError where a file would unpack to so many bytes and must not."""
    packed = path.stat().st_size
    if is_bomb(packed, unpacked):
        raise DataError(
            f"{path} has {packed:,} bytes and would unpack to {unpacked:,} or more, which is not what code does; "
            "take it out of the sources, or name what you unpacked it to"
        )


def counted(files: Iterable[Listed]) -> Iterator[Listed]:
    """Pass a listing on; raises DataError where it holds too many files."""
    for number, file in enumerate(files):
        if number >= _MOST:
            raise DataError(f"a source lists more than {_MOST:,} files; name folders of it as sources, or take it out")
        yield file


def is_wanted(path: str, kind: str) -> bool:
    """Whether a path has a suffix of the kind and lies outside .git."""
    return path.lower().endswith(SUFFIXES[kind]) and ".git" not in path.split("/")


def relevant(tree: Tree, source: config.Source) -> list[Member]:
    """List what matters of a tree: wanted files, licences, and what marks a repository."""
    return [
        member
        for member in counted(tree.members())
        if member.folder
        or is_wanted(member.path, source.kind)
        or _marked(member.path) is not None
        or _LICENCE.fullmatch(member.path.rpartition("/")[2])
    ]


def entries(tree: Tree, members: list[Member], source: config.Source, limit: int) -> Iterator[Entry]:
    """Read the wanted files of a tree, at most `limit` bytes each."""
    marked = {folder for member in members if (folder := _marked(member.path)) is not None}
    stated = _licences(tree, members)
    wanted = [_limited(member, limit) for member in members if member.folder or is_wanted(member.path, source.kind)]
    for member in wanted:
        if member.reason:
            yield _entry(member, b"", source, marked, stated)
    for member, data in tree.read([member for member in wanted if not member.reason], limit):
        member = replace(member, reason="too_large") if len(data) > limit else member
        entry = _entry(member, data, source, marked, stated)
        yield replace(entry, commit=tree.commit) if tree.commit else entry


def _entry(member: Member, data: bytes, source: config.Source, marked: set[str], stated: dict[str, str]) -> Entry:
    folder, path = _repository(member.path, marked) if source.repository == "auto" else ("", member.path)
    name = source.name if source.repository == "auto" else source.repository
    return Entry(
        found=member.path,
        repository=folder or name,
        path=path,
        data=data,
        size=member.size,
        time=member.time,
        licence=_nearest(member.path, stated),
        reason=member.reason,
        hunks=member.hunks,
    )


def _limited(member: Member, limit: int) -> Member:
    return replace(member, reason=member.reason or "too_large") if member.size > limit else member


def _marked(path: str) -> str | None:
    """The folder that a path marks as a repository: it holds .git, pom.xml or build.gradle(.kts)."""
    parts = path.split("/")
    if ".git" in parts:
        return "/".join(parts[: parts.index(".git")])
    return "/".join(parts[:-1]) if parts[-1] in _MARKERS else None


def _repository(path: str, marked: set[str]) -> tuple[str, str]:
    """Split a path at the topmost marked folder; the folder is empty for the source itself."""
    parts = path.split("/") if marked else []
    for depth in range(len(parts)):
        if (folder := "/".join(parts[:depth])) in marked:
            return folder, "/".join(parts[depth:])
    return "", path


def _licences(tree: Tree, members: list[Member]) -> dict[str, str]:
    """Map folders to the licence that their LICENSE files state, UNKNOWN where one of them does not tell."""
    files = [each for each in members if not each.folder and _LICENCE.fullmatch(each.path.rpartition("/")[2])]
    found: dict[str, list[str]] = {}
    for each in files:
        names = found.setdefault(each.path.rpartition("/")[0], [])
        if each.size > LICENCE_BYTES or each.reason not in (None, "link"):  # a link mostly names one beside it
            names.append(licences.UNKNOWN)
    readable = [each for each in files if not each.reason and each.size <= LICENCE_BYTES]
    for member, data in tree.read(readable, LICENCE_BYTES) if readable else ():
        found[member.path.rpartition("/")[0]].append(_stated(data))
    return {folder: licences.every(names) for folder, names in found.items()}


def _stated(data: bytes) -> str:
    """The licence that a LICENSE file states."""
    decoded = decode.decode(data) if len(data) <= LICENCE_BYTES else "too_large"
    return licences.UNKNOWN if isinstance(decoded, str) else licences.detect(decoded[0]) or licences.UNKNOWN


def _nearest(path: str, stated: dict[str, str]) -> str | None:
    """The licence stated in the closest folder above a path."""
    folder = path if stated else ""
    while folder:
        folder = folder.rpartition("/")[0]
        if folder in stated:
            return stated[folder]
    return None
