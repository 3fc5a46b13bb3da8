import gzip
import json
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from java_texts import files, ingest, java, rejected

from fimsmith import config
from fimsmith.corpus import table, tree
from fimsmith.errors import DataError


def jsonl(path: Path, rows: list[Any]) -> Path:
    text = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


@pytest.mark.parametrize(("make", "name"), [(jsonl, "a.jsonl"), (jsonl, "a.jsonl.gz"), (parquet, "a.parquet")])
def test_rows_become_files_with_their_provenance(tmp_path: Path, make, name: str):
    rows = [
        {
            "content": java(1),
            "max_stars_repo_path": "src/A.java",
            "max_stars_repo_name": "me/app",
            "max_stars_repo_licenses": ["MIT"],
        },
        {"content": java(2), "max_stars_repo_path": None, "max_stars_repo_name": None, "max_stars_repo_licenses": None},
    ]
    found = files(ingest(make(tmp_path / name, rows), tmp_path / "out", text_column="content"))
    assert {path: (row["repository"], row["licence"], row["text"]) for path, row in found.items()} == {
        "src/A.java": ("me/app", "MIT", java(1)),
        f"{name}/000000001": ("code", None, java(2)),
    }


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"text": 1}, {"text": ["x"]}], "2 no_text; set text_column to a column of texts"),
        (["[", '{"text": "x"', "]"], "3 broken; mend its files"),
        ([{"text": java(1), "path": "a.py"}], "1 other_kind; set its kind"),
        ([{"text": "x"}], "1 too_small; loosen the limits under ingest"),
    ],
)
def test_a_table_of_nothing_that_can_be_used_is_refused_with_what_mends_it(tmp_path: Path, rows: list, words: str):
    with pytest.raises(DataError, match=words):
        ingest(jsonl(tmp_path / "a.jsonl", rows), tmp_path / "out")


def test_a_parquet_file_whose_schema_is_damaged_is_refused(tmp_path: Path):
    path = parquet(tmp_path / "a.parquet", [{"text": java(1)}])
    optional = b"\x25\x02\x18\x04text"
    damaged = path.read_bytes().replace(optional, b"\x25\0\x18\x04text")  # required: its statistics no longer fit
    assert damaged != path.read_bytes()
    path.write_bytes(damaged)
    with pytest.raises(DataError, match=r"a\.parquet"):
        ingest(path, tmp_path / "out")


def test_rows_of_other_languages_are_left_out(tmp_path: Path):
    paths = ("a/A.java", "a/B.JAVA", "a/setup.py", "a/Makefile", None)
    rows = [{"text": java(key, lines=40), "path": path} for key, path in enumerate(paths)]
    made = ingest(jsonl(tmp_path / "a.jsonl", rows), tmp_path / "out")
    assert sorted(files(made)) == ["a.jsonl/000000004", "a/A.java", "a/B.JAVA", "a/Makefile"]
    assert rejected(made) == {"a/setup.py": "other_kind"}


def test_several_columns_are_joined(tmp_path: Path):
    long = "After a restart of the service all orders of the last hour are gone."
    rows = [{"title": "Orders are lost", "body": long}, {"title": long, "body": None}, {"title": 1, "body": None}]
    path = jsonl(tmp_path / "issues.jsonl", rows)
    made = ingest(path, tmp_path / "out", kind="text", text_column="title+body")
    assert sorted(row["text"] for row in files(made).values()) == [long, f"Orders are lost\n\n{long}"]
    assert made.details["rejected"] == {"no_text": 1}


def test_broken_rows_are_counted(tmp_path: Path):
    rows = [
        {"text": java(1)},
        "{not json",
        "[1]",
        {"text": None},
        {"other": 1},
        '{"text": "\\ud800 half a pair"}',
        {"text": "a\0b" * 40},
        "",
    ]
    assert rejected(ingest(jsonl(tmp_path / "a.jsonl", rows), tmp_path / "out")) == {
        "a.jsonl/000000001": "broken",
        "a.jsonl/000000002": "broken",
        "a.jsonl/000000003": "no_text",
        "a.jsonl/000000004": "no_text",
        "a.jsonl/000000005": "undecodable",
        "a.jsonl/000000006": "binary",
    }


def test_a_huge_row_is_counted_and_the_next_one_is_read(tmp_path: Path):
    rows = [{"text": java(1)}, {"text": "a" * 3_000_000}, {"text": "b" * 5_000}, {"text": java(2)}]
    made = ingest(jsonl(tmp_path / "a.jsonl", rows), tmp_path / "out", config.Ingest(max_bytes=2_000))
    assert set(rejected(made).values()) == {"too_large"}
    assert sorted(files(made)) == ["a.jsonl/000000000", "a.jsonl/000000003"]


@pytest.mark.parametrize(("make", "name"), [(jsonl, "a.jsonl"), (parquet, "a.parquet")])
def test_a_missing_text_column_is_refused_with_those_there_are(tmp_path: Path, make, name: str):
    with pytest.raises(DataError, match="has no column 'text'; set its text_column to one of code, path"):
        ingest(make(tmp_path / name, [{"path": "A.java", "code": java(1)}]), tmp_path / "out")


@pytest.mark.parametrize("name", ["a.parquet", "a.jsonl.gz"])
def test_a_damaged_table_is_refused(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"not what its name says" * 20)
    with pytest.raises(DataError, match=f"{name} cannot be read"):
        ingest(tmp_path / name, tmp_path / "out")


def test_a_value_that_python_cannot_hold_costs_its_row_only(tmp_path: Path):
    texts = pa.array([java("A").encode(), b"\xff\xfe broken", java("B").encode()]).view(pa.binary())
    column = pa.StringArray.from_buffers(3, texts.buffers()[1], texts.buffers()[2])
    pq.write_table(pa.table({"text": column}), tmp_path / "rows.parquet")
    made = ingest(tmp_path / "rows.parquet", tmp_path)
    assert len(files(made)) == 2
    assert list(rejected(made).values()) == ["undecodable"]


def test_rows_that_unpack_to_a_thousand_times_their_size_are_not_unpacked(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(tree, "_UNPACKED", 1_000_000)
    with pq.ParquetWriter(tmp_path / "rows.parquet", pa.schema([("text", pa.string())]), compression="zstd") as writer:
        for texts in ([java("A")], ["x" * 1_500_000], [java("B")]):
            writer.write_table(pa.table({"text": texts}))
    made = ingest(tmp_path / "rows.parquet", tmp_path / "out")
    assert len(files(made)) == 2
    assert list(rejected(made).values()) == ["too_large"]


@pytest.mark.parametrize(("make", "name"), [(jsonl, "a.jsonl.gz"), (parquet, "a.parquet")])
def test_a_table_that_unpacks_to_a_hundred_times_its_size_is_refused(tmp_path: Path, monkeypatch, make, name: str):
    monkeypatch.setattr(tree, "_UNPACKED", 100_000)
    rows = [{"text": java(1) * 50}] * 400  # stored once in a parquet file
    with pytest.raises(DataError, match="which is not what code does"):
        ingest(make(tmp_path / name, rows), tmp_path / "out")


def test_a_path_that_leaves_the_repository_is_not_taken_over(tmp_path: Path):
    rows = [{"text": java(n), "path": path} for n, path in enumerate(["/src/A.java", "../../B.java", "C:\\C.java"])]
    found = files(ingest(parquet(tmp_path / "a.parquet", rows), tmp_path / "out"))
    assert sorted(found) == ["a.parquet/000000001", "a.parquet/000000002", "src/A.java"]


def test_all_licences_of_a_row_have_to_be_allowed(tmp_path: Path):
    lists = [["MIT"], ["MIT", "GPL-3.0-only"], ["MIT", "Apache-2.0 OR GPL-2.0-only"], []]
    rows = [{"text": java(n), "path": f"{n}.java", "licenses": each} for n, each in enumerate(lists)]
    made = ingest(
        parquet(tmp_path / "a.parquet", rows), tmp_path / "out", config.Ingest(licences=["MIT", "Apache-2.0"])
    )
    assert {path: row["licence"] for path, row in files(made).items()} == {
        "0.java": "MIT",
        "2.java": "MIT AND (Apache-2.0 OR GPL-2.0-only)",
    }
    assert rejected(made) == {"1.java": "licence", "3.java": "licence"}


def test_lines_without_the_column_cost_themselves_where_others_have_it(tmp_path: Path):
    rows = [{"other": 1}, {"text": java(1)}, {}]
    made = ingest(jsonl(tmp_path / "a.jsonl", rows), tmp_path / "out")
    assert list(rejected(made).values()) == ["no_text", "no_text"]
    assert len(files(made)) == 1


def test_a_large_file_without_the_column_is_not_read_to_its_end(tmp_path: Path):
    path = jsonl(tmp_path / "a.jsonl", [{"code": java(1)}] * 1_002)
    rows = islice(table.entries(path, config.Source(name="code", location=str(path)), 10_000), 1_002)
    with pytest.raises(DataError, match="has no column 'text'; set its text_column to one of code"):
        list(rows)


def test_compressed_lines_are_known_by_any_letters(tmp_path: Path):
    path = jsonl(tmp_path / "a.jsonl.gz", [{"text": java(1)}]).rename(tmp_path / "A.JSONL.GZ")
    assert len(files(ingest(path, tmp_path / "out"))) == 1


def test_the_column_that_no_line_has_is_named(tmp_path: Path):
    path = jsonl(tmp_path / "a.jsonl", [{"x": 1}, {"title": "a"}])
    with pytest.raises(DataError, match="has no column 'body'; set its text_column to one of title, x"):
        ingest(path, tmp_path / "out", text_column="title+body")
    with pytest.raises(DataError, match="has no column 'text'; set its text_column to one of title, x"):
        ingest(path, tmp_path / "out", max_files=1)
