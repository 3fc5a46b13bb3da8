"""Java files made up for the corpus tests: as different, or as similar, as a test wants them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fimsmith import config, corpus, randomness, records
from fimsmith import java as syntax
from fimsmith.manifest import Manifest

_WORDS = [
    f"{first}{second}" for first in ("load", "save", "find", "merge", "parse", "close") for second in "ABCDEFGHKLMNPQ"
]


def java(key: str | int, lines: int = 12, change: int = 0) -> str:
    """Return a class whose statements depend on the key; `change` replaces that many of its lines."""
    draw = randomness.generator("java", key)
    body = [_statement(draw) for _ in range(lines)]
    other = randomness.generator("other", key, change)
    for line in range(change):
        body[-1 - line] = _statement(other)
    return "package shop;\n\nclass C {\n    void run() {\n" + "".join(body) + "    }\n}\n"


def _statement(draw: Any) -> str:
    names = [_WORDS[index] for index in draw.integers(0, len(_WORDS), 5)]
    return f"        {names[0]}.{names[1]}({names[2]}, {names[3]}, {names[4]});\n"


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder and return it."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def ingest(location: Path | str, root: Path, section: config.Ingest | None = None, **source: Any) -> Manifest:
    """Ingest one location with default settings."""
    settings = config.Source.model_validate({"name": "code", "location": str(location), **source})
    return corpus.ingest(section or config.Ingest(), settings, str(root))


def files(manifest: Manifest) -> dict[str, dict[str, Any]]:
    """The accepted files of an ingest manifest by path."""
    return {row["path"]: row for row in records.read(manifest.folder / "files.parquet")}


def rejected(manifest: Manifest) -> dict[str, str]:
    """The reasons of the rejected files by path."""
    return {row["path"]: row["reason"] for row in records.read(manifest.folder / "rejected.parquet")}


def shape(text: str) -> list[tuple[str, int]]:
    """The syntax tree of a text: types and numbers of children, without the parts of literals."""
    nodes, stack = [], [syntax.parse(text.encode()).root_node]
    while stack:
        node = stack.pop()
        children = [] if node.type == "string_literal" else node.children
        nodes.append((node.type, len(children)))
        stack += children
    return nodes
