"""Sort more rows than fit in memory: sorted runs on disk, then one merge."""

import heapq
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fimsmith import records

ROWS_PER_GROUP = 256  # of the files; a text may have a megabyte
_RUN = 256_000_000  # bytes of text held in memory


def identity(row: dict[str, Any]) -> tuple[str, str, str]:
    """The order of files: repository, path, id."""
    return row["repository"], row["path"], row["id"]


class SortedFiles:
    """Collect rows of `records.FILES` in any order and write them sorted to one parquet file."""

    def __init__(self, path: Path):
        self._path = path
        self._runs: list[Path] = []
        self._rows: list[dict[str, Any]] = []
        self._held = 0  # bytes

    def add(self, row: dict[str, Any]) -> None:
        """Take one row."""
        self._rows.append(row)
        self._held += row["bytes"]
        if self._held >= _RUN:
            run = self._path.with_name(f"{self._path.name}.run-{len(self._runs)}")
            self._write(run, self._sorted())
            self._runs.append(run)

    def finish(self) -> None:
        """Write the file and remove the runs."""
        parts = [records.read(run, rows=ROWS_PER_GROUP) for run in self._runs]
        self._write(self._path, heapq.merge(*parts, self._sorted(), key=identity))
        for run in self._runs:
            run.unlink()

    def _sorted(self) -> Iterator[dict[str, Any]]:
        rows, self._rows, self._held = sorted(self._rows, key=identity), [], 0
        return iter(rows)

    def _write(self, path: Path, rows: Iterator[dict[str, Any]]) -> None:
        with records.Writer(path, records.FILES, ROWS_PER_GROUP) as writer:
            for row in rows:
                writer.add(row)
