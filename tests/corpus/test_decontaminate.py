import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fimsmith.corpus.decontaminate import contaminated, signatures
from fimsmith.errors import DataError

TASK = "Return true when any two numbers of the given list are closer to each other than the threshold"
COPY = f"class A {{\n  /* {TASK.upper().replace(' ', '  ')}! */\n}}"
OTHER = "Return false when the numbers of the given list are in any order that the caller did not ask for"


def benchmark(path: Path, records: list[dict]) -> str:
    if path.name.endswith(".parquet"):
        pq.write_table(pa.Table.from_pylist(records), path)
    elif ".jsonl" in path.name:
        text = "\n".join(json.dumps(record) for record in records).encode()
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    else:
        path.write_text(json.dumps(records) if path.suffix == ".json" else str(records))
    return str(path)


@pytest.mark.parametrize("name", ["b.jsonl", "b.jsonl.gz", "b.json", "b.txt", "b.parquet"])
def test_a_copied_task_is_found_in_every_format(tmp_path: Path, name: str):
    path = benchmark(tmp_path / name, [{"id": 1, "task": {"prompt": TASK}}])
    assert contaminated((path,), [COPY, OTHER, "", "a b c"]) == [True, False, False, False]


def test_thirteen_words_are_enough_and_twelve_are_not(tmp_path: Path):
    path = benchmark(tmp_path / "b.jsonl", [{"prompt": TASK}])
    words = TASK.split()
    assert contaminated((path,), [" ".join(words[2:15]), " ".join(words[2:14])]) == [True, False]


def test_boilerplate_of_many_records_proves_nothing(tmp_path: Path):
    imports = "import java.lang.Math; import java.util.List; import java.math.BigDecimal; import java.io.File; public class Solution"
    records = [{"prompt": f"{imports} {{ task number {number} }}"} for number in range(50)] + [{"prompt": TASK}]
    path = benchmark(tmp_path / "b.jsonl", records)
    assert contaminated((path,), [imports, COPY]) == [False, True]


def test_tables_of_numbers_and_letters_prove_nothing(tmp_path: Path):
    table = "0 1 2 3 4 5 6 7 8 9 a b c d e f 100 200 300 1 2 3"
    path = benchmark(tmp_path / "b.jsonl", [{"prompt": table}])
    assert contaminated((path,), [table]) == [False]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none.jsonl", "there is no file"),
        ("a.doc", "is none of"),
        ("bad.json", "cannot be read"),
        ("bad.parquet", "cannot be read"),
    ],
)
def test_a_benchmark_that_cannot_be_used_is_refused(tmp_path: Path, name: str, message: str):
    if name != "none.jsonl":
        (tmp_path / name).write_text("{")
    with pytest.raises(DataError, match=message):
        look(str(tmp_path / name))


def look(path: str) -> None:
    signatures([path])
    contaminated((path,), [COPY])
