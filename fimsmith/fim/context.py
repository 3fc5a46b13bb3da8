"""The comment block in front of a prefix: the file's path, the signatures of the types that the file uses, similar code.

    // src/main/java/shop/Orders.java
    // src/main/java/shop/Order.java
    // public final class Order {
    //     public int amount();
    // }
    // src/main/java/shop/Order.java
    //     public int amount() {
    //         return lines.stream().mapToInt(Line::amount).sum();
    //     }

The code is from the files of these types, see similar.

Only types of the same repository are shown, and only those of its training files (see corpus/inspection).
"""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from fimsmith.fim.groups import Groups
from fimsmith.fim.similar import FILES, Snippets, best
from fimsmith.tokenizer import SourceTokenizer

_PACKAGE = re.compile(r"^[ \t]*package\s+([\w.$]+)\s*;", re.M)
_IMPORT = re.compile(r"^[ \t]*import\s+(?:static\s+)?([\w.$]+?)(\.\*)?\s*;", re.M)
_NAME = re.compile(r"[\w$]+")
_END = re.compile(r"[\r\n]|\\u+000[aAdD]")  # it would end a comment; Java reads the escape so too

Lines = list[tuple[str, int]]  # comments, each with its tokens


class Type(NamedTuple):
    """A top-level type and what others see of it."""

    path: str
    name: str
    signature: str


class Signatures:
    """The types of one repository at a time, from `records.SIGNATURES`, which are sorted by repository.

    `snippets` holds the code of their files, where that may be shown.
    """

    def __init__(self, path: Path, tokenizer: SourceTokenizer, snippets: Snippets | None = None):
        self.snippets = snippets
        self._groups, self._tokenizer = Groups(path), tokenizer
        self._repository: str | None = None
        self._packages: defaultdict[tuple[str, str], dict[str, Type]] = defaultdict(dict)  # by source and package
        self._shown: dict[Type, Lines] = {}
        self._group: tuple[int, pa.Table, list[str]] | None = None  # number, rows, their repositories

    def used(self, row: dict[str, Any], head: int) -> list[Type]:
        """Return the types that a file uses: first those it imports, in this order, then by name those
        of its package and of packages imported whole. `head` ends the imports."""
        self._open(row["repository"])
        text, found = row["text"], dict[str, Type]()  # an import hides the type of that name in the package
        own = _PACKAGE.search(text, 0, head)
        packages = [own[1] if own else ""]
        for match in _IMPORT.finditer(text, 0, head):
            if known := self._imported(row["source"], match[1]):
                found.setdefault(known.name, known)
            elif match[2]:
                packages.append(match[1])
        names = set(_NAME.findall(text))
        for package in packages:
            types = self._packages.get((row["source"], package), {})
            for name in sorted(types.keys() & names):
                found.setdefault(name, types[name])
        return [each for each in found.values() if each.path != row["path"]]

    def lines(self, shown: Type) -> Lines:
        """Return what shows a type: lines with their tokens."""
        if shown not in self._shown:
            self._shown[shown] = counted(self._tokenizer, [shown.path, *shown.signature.split("\n")])
        return self._shown[shown]

    def _imported(self, source: str, name: str) -> Type | None:
        """The type of a name, or the one that it is a member of."""
        while "." in name:
            package, _, last = name.rpartition(".")
            if known := self._packages.get((source, package), {}).get(last):
                return known
            name = package
        return None

    def _open(self, repository: str) -> None:
        if repository == self._repository:
            return
        self._repository = repository
        self._packages.clear()
        self._shown.clear()
        for group in self._groups.of(repository):
            for row in self._rows(group, repository):
                known = Type(row["path"], row["type"], row["signature"])
                self._packages[row["source"], row["package"]].setdefault(known.name, known)  # the first path counts

    def _rows(self, group: int, repository: str) -> list[dict[str, str]]:
        """A repository's rows in a row group; the next repository is mostly in the same one, which is kept."""
        if self._group is None or self._group[0] != group:
            table = self._groups.file.read_row_group(group)
            self._group = group, table, table["repository"].to_pylist()
        _, table, names = self._group
        first = bisect_left(names, repository)
        return table.slice(first, bisect_right(names, repository, first) - first).to_pylist()


class Block:
    """What may stand in front of the prefixes of one file."""

    def __init__(self, signatures: Signatures, tokenizer: SourceTokenizer, row: dict[str, Any], head: int):
        self.path = counted(tokenizer, [row["path"]])[0]
        self._signatures, self._tokenizer, self._row, self._head = signatures, tokenizer, row, head
        self._text: str = row["text"]
        self._used = signatures.used(row, head)
        self._places: dict[str, list[int]] = {}

    def lines(self, start: int, end: int, room: int, similar: bool = False) -> list[str]:
        """Return the lines that fit into `room` tokens, the path first, for the hole text[start:end].

        `similar` asks for similar code too, which has half of the room before the signatures get the rest.
        """
        used = [each for each in self._used if self._named_outside(each.name, start, end)]
        left = room - self.path[1]
        half = left // 2 if similar else 0
        snippet = _fitting(self._similar(used, start), half) if half > self.path[1] else []  # else no path would fit
        left -= _tokens(snippet)
        lines = [self.path]
        for each in used:
            shown = self._signatures.lines(each)
            fitting = _fitting(shown, left)
            lines += fitting
            left -= _tokens(fitting)
            if len(fitting) < len(shown):
                break
        return [line for line, _ in lines + snippet]

    def _similar(self, used: list[Type], start: int) -> Lines:
        """The path and the lines of the code in the files of some types that is most like the code before a hole."""
        if not (snippets := self._signatures.snippets):
            return []
        paths = islice(dict.fromkeys(each.path for each in used), FILES)
        found = (snippets.windows(self._row["source"], self._row["repository"], path) for path in paths)
        return counted(self._tokenizer, best(filter(None, found), self._text[self._head : start]))

    def _named_outside(self, name: str, start: int, end: int) -> bool:
        """Whether the code around a hole names a type: one that only the target names would give it away."""
        if name not in self._places:
            self._places[name] = list(_places(self._text, name))
        places = self._places[name]
        return places[0] + len(name) <= start or places[-1] >= end


def counted(tokenizer: SourceTokenizer, lines: list[str]) -> Lines:
    """Return lines as comments, each with its tokens."""
    comments = [f"// {_END.sub(' ', line)}\n" for line in lines]
    width = tokenizer.dtype.itemsize
    return [(line, len(ids) // width) for line, ids in zip(comments, tokenizer.lines(comments), strict=True)]


def _fitting(shown: Lines, room: int) -> Lines:
    """The first lines that fit; none where only the path would, which says nothing alone."""
    count = bisect_right(list(accumulate(tokens for _, tokens in shown)), room)
    return shown[:count] if count > 1 else []


def _tokens(lines: Lines) -> int:
    return sum(tokens for _, tokens in lines)


def _places(text: str, name: str) -> Iterator[int]:
    """Where a text has a name that is no part of a longer one."""
    at = text.find(name)
    while at >= 0:
        after = at + len(name)
        if not _NAME.match(text, after) and not (at and _NAME.match(text, at - 1)):
            yield at
        at = text.find(name, after)
