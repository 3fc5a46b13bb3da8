"""Find the row groups of one repository in a parquet file whose rows are sorted by repository."""

from pathlib import Path

import pyarrow.parquet as pq


class Groups:
    """A parquet file and what is known of its row groups."""

    def __init__(self, path: Path):
        self.file = pq.ParquetFile(path)
        self._limits = [self._range(group) for group in range(self.file.num_row_groups)]

    def of(self, repository: str) -> list[int]:
        """Return the row groups that may hold rows of a repository."""
        known = enumerate(self._limits)
        return [group for group, limits in known if limits is None or limits[0] <= repository <= limits[1]]

    def _range(self, group: int) -> tuple[str, str] | None:
        """The first and the last repository of a row group, where that is known."""
        column = self.file.schema_arrow.get_field_index("repository")
        limits = self.file.metadata.row_group(group).column(column).statistics
        return (limits.min, limits.max) if limits is not None and limits.has_min_max else None
