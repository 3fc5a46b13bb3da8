from pathlib import Path

import handmade
import pytest

from fimsmith import records
from fimsmith.errors import DataError
from fimsmith.held_out import test_set as choose

ROWS = [
    {field.name: f"{n:02}" for field in records.TEST if str(field.type) == "string"}
    | {"start": n, "end": n + 1, "prompt": [n], "target": [n]}
    for n in (5, 3, 8, 1, 9, 2, 7)
]


@pytest.mark.parametrize("count", [1, 2, 7])
def test_the_smallest_priorities_are_taken_however_the_rows_are_dealt_out(count: int, tmp_path: Path):
    chosen = choose(handmade.shards(ROWS, tmp_path, count), 3)
    assert [row["priority"] for row in chosen] == ["01", "02", "03"]


def test_fewer_rows_than_asked_for_are_all_taken(tmp_path: Path):
    assert len(choose(handmade.shards(ROWS, tmp_path, 2), 100)) == len(ROWS)


def test_an_empty_test_set_is_refused_with_what_to_change(tmp_path: Path):
    with pytest.raises(DataError, match=r"raise curate\.test"):
        choose(handmade.shards([], tmp_path, 2), 5)


def test_a_shard_without_its_file_is_named(tmp_path: Path):
    (shard,) = handmade.shards(ROWS, tmp_path, 1)
    (shard.folder / "test.parquet").unlink()
    with pytest.raises(DataError, match=r"test\.parquet is missing"):
        choose([shard], 5)
