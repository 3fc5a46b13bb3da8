"""The fixed FIM test set: shared by the evaluation and by the check of the exported model."""

import heapq
from collections.abc import Iterable, Iterator
from typing import Any

from fimsmith import records
from fimsmith.errors import DataError
from fimsmith.manifest import Manifest

TEST_FILE = "test.parquet"


def test_set(shards: Iterable[Manifest], samples: int) -> list[dict[str, Any]]:
    """Return the rows of all shards with the smallest priorities, in that order.

    How many shards the candidates lie in does not matter. Raises DataError when there are none.
    """
    rows = heapq.nsmallest(samples, _candidates(shards), key=lambda row: row["priority"])
    if not rows:
        raise DataError(
            "there is no test sample: the test split holds no file with a suitable hole; "
            "raise curate.test, add sources to a group of curate.held_out, or lower fim.min_middle"
        )
    return rows


def _candidates(shards: Iterable[Manifest]) -> Iterator[dict[str, Any]]:
    for shard in shards:
        path = shard.file(TEST_FILE)
        if not path.is_file():
            raise DataError(f"{path} is missing; delete {shard.uri} and run again, so that fim makes it anew")
        yield from records.read(path)
