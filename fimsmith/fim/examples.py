"""One hole of each kind as an example for the data card: the same ones, however many shards and workers there are."""

from typing import Any

from fimsmith.fim.spans import Hole

_AROUND = 400  # characters on each side of the hole

Example = dict[str, str]


def example(row: dict[str, Any], hole: Hole) -> Example:
    """Return a hole of a file (records.CURATED) with the code around it."""
    text: str = row["text"]
    return {
        "file": row["id"],
        "path": f"{row['repository']}/{row['path']}",
        "prefix": text[max(0, hole.start - _AROUND) : hole.start],
        "middle": text[hole.start : hole.end],
        "suffix": text[hole.end : hole.end + _AROUND],
    }


def merge(found: dict[str, Example], others: dict[str, Example]) -> None:
    """Take another example of a kind where its file's id is the smaller one."""
    for kind, other in others.items():
        if kind not in found or other["file"] < found[kind]["file"]:
            found[kind] = other
