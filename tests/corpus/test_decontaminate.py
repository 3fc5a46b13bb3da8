import gzip
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fimsmith import storage
from fimsmith.corpus import decontaminate
from fimsmith.errors import DataError

TASK = "Return true when any two numbers of the given list are closer to each other than the threshold"
COPY = f"class A {{\n  /* {TASK.upper().replace(' ', '  ')}! */\n}}"
OTHER = "Return false when the numbers of the given list are in any order that the caller did not ask for"


def contaminated(locations: Sequence[str], texts: list[str]) -> list[bool]:
    known = decontaminate.runs([decontaminate.find(each) for each in locations])
    return list(map(bool, decontaminate.contaminated(known, texts)))


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
        contaminated([str(tmp_path / name)], [COPY])


def test_tests_in_a_list_and_a_prompt_with_its_solution_are_found_in_one_piece(tmp_path: Path):
    tests = [
        "assert billed(hours=3) == three_rates",
        "assert billed(days=7, discount=half) == week_price",
        "assert billed(weeks=none) == nothing",
    ]
    record = {
        "prompt": "static int billed(Order order, Discount discount) {",
        "canonical_solution": "return Math.max(order.total - discount.amount, 0); }",
    }
    path = benchmark(tmp_path / "b.jsonl", [{"test_list": tests}, {**record, "task_id": 7}])
    assert contaminated([path], ["\n".join(tests), "\n".join(record.values()), tests[1]]) == [True, True, False]


def test_a_benchmark_in_s3_is_read_and_its_signature_changes_with_it(
    s3: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    storage.write(f"{s3}/b.jsonl.gz", gzip.compress(json.dumps({"prompt": TASK}).encode()))
    first = decontaminate.find(f"{s3}/b.jsonl.gz")
    assert contaminated([f"{s3}/b.jsonl.gz"], [COPY, OTHER]) == [True, False]
    assert list(tmp_path.iterdir()) == []
    storage.write(f"{s3}/b.jsonl.gz", gzip.compress(json.dumps({"prompt": OTHER}).encode()))
    assert decontaminate.find(f"{s3}/b.jsonl.gz").signature != first.signature
    with pytest.raises(DataError, match=r"there is no s3://.*/none\.jsonl; mend the address"):
        decontaminate.find(f"{s3}/none.jsonl")
    with pytest.raises(DataError, match=r"s3://bucket/folder is none of \.jsonl"):
        decontaminate.check("s3://bucket/folder")


@pytest.fixture(scope="module")
def published() -> dict[str, tuple[str, list[dict]]]:
    """The published files of HumanEval, MBPP and MBXP-Java with their rows."""
    if "FIMSMITH_TEST_DATA" not in os.environ:
        pytest.skip("FIMSMITH_TEST_DATA is not set: no HumanEval, MBPP and MBXP-Java")
    folder = Path(os.environ["FIMSMITH_TEST_DATA"])
    files = {
        "humaneval": folder / "humaneval" / "HumanEval.jsonl.gz",
        "mbpp": folder / "mbpp" / "mbpp.jsonl",
        "mbjp": folder / "mxeval-java" / "mbjp_release_v1.2.jsonl",
    }
    return {name: (str(path), list(decontaminate._records(path))) for name, path in files.items()}


@pytest.mark.parametrize(
    ("name", "columns", "least"),
    [
        ("humaneval", ["prompt", "canonical_solution"], 1.0),
        ("humaneval", ["test"], 0.85),
        ("mbpp", ["text", "code"], 0.95),
        ("mbjp", ["prompt", "canonical_solution"], 1.0),
        ("mbjp", ["test"], 1.0),
    ],
)
def test_copies_of_published_benchmarks_are_found(published, name: str, columns: list[str], least: float):
    path, rows = published[name]
    copies = ["\n".join(row[column] for column in columns) for row in rows if all(row[column] for column in columns)]
    found = contaminated([path], copies)
    assert len(copies) > 160
    assert sum(found) >= least * len(copies)


def test_a_java_solution_without_its_documentation_is_mostly_found(published):
    path, rows = published["mbjp"]
    whole = [
        row["prompt"][row["prompt"].index("class ") :] + row["canonical_solution"]
        for row in rows
        if row["canonical_solution"]
    ]
    found = contaminated([path], [re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL) for text in whole])
    assert sum(found) > 0.85 * len(whole)


def test_code_of_the_example_is_hardly_taken_for_a_benchmark(published, shop: Path):
    texts = [path.read_bytes().decode("utf-8", "replace") for path in sorted(shop.rglob("*.java"))]
    assert sum(contaminated([path for path, _ in published.values()], texts)) <= 1
