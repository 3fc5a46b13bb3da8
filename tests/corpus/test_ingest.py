import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from java_texts import files, ingest, java, rejected, write

from fimsmith import config, records
from fimsmith.corpus import minhash, sorting

SENTINELS = "<｜fim▁begin｜> <|fim_prefix|> <fim_middle> <|endoftext|> <pad>"


def test_a_row_holds_the_text_as_found_and_its_provenance(tmp_path: Path):
    text = java(1).replace("\n", "\r\n") + f"// {SENTINELS} 订单\r\n"
    made = ingest(write(tmp_path / "in", {"src/A.java": text}), tmp_path / "out", group="business")
    (row,) = files(made).values()
    assert row == {
        "id": hashlib.sha256(text.encode()).hexdigest(),
        "source": "code",
        "group": "business",
        "repository": "code",
        "path": "src/A.java",
        "kind": "java",
        "licence": None,
        "commit": None,
        "time": None,
        "hunks": None,
        "encoding": "utf-8",
        "bytes": len(text.encode()),
        "text": text,
        "minhash": minhash.signature(text).astype("<u4").tobytes(),
    }
    assert np.frombuffer(row["minhash"], "<u4").shape == (minhash.BINS,)


def test_every_bad_file_is_counted_with_its_reason(tmp_path: Path):
    content = {
        "Good.java": java(1),
        "Chinese.java": java(2).replace("class C", "/* 计算订单金额,按客户等级给予折扣 */ class C").encode("gbk"),
        "Wide.java": java(3).encode("utf-16"),
        "Invalid.java": b'class A { String s = "\xff\xfe\xfa\x80"; }' * 3,
        "Binary.java": b"\xca\xfe\xba\xbe\0\0" * 20,
        "Small.java": "class A {}",
        "Long.java": 'class A { String s = "' + "a b " * 300 + '"; }',
        "Table.java": "//" + "+-" * 40 + "\n" + "//" + "=" * 80,
        "target/generated-sources/G.java": java(4),
    }
    made = ingest(write(tmp_path / "in", content), tmp_path / "out")
    assert {path: row["encoding"] for path, row in files(made).items()} == {
        "Chinese.java": "gb18030",
        "Good.java": "utf-8",
        "Wide.java": "utf-16-le",
    }
    assert rejected(made) == {
        "Binary.java": "binary",
        "Invalid.java": "undecodable",
        "Long.java": "long_line",
        "Small.java": "too_small",
        "Table.java": "low_alphanumeric",
        "target/generated-sources/G.java": "generated",
    }
    assert made.metrics == {
        "files_found": 9,
        "files": 3,
        "bytes": sum(row["bytes"] for row in files(made).values()),
        "repositories": 1,
    }
    assert made.details["encodings"] == {"gb18030": 1, "utf-16-le": 1, "utf-8": 1}
    assert made.details["scripts"] == {"Latin": 3, "Han": 1}
    assert sum(made.details["rejected"].values()) == 6


def test_personal_data_is_replaced_or_kept_or_costs_the_file(tmp_path: Path):
    texts = {"A.java": java(1), "B.java": java(2) + "// zhang@corp.cn, 13912345678\n"}
    folder = write(tmp_path / "in", texts)
    made = ingest(folder, tmp_path / "out")
    assert files(made)["B.java"]["text"] == java(2) + "// name@example.com, 13800138000\n"
    assert made.details["redacted"] == {"emails": 1, "phones": 1}
    kept = ingest(folder, tmp_path / "out", config.Ingest(personal="keep"))
    assert {path: row["text"] for path, row in files(kept).items()} == texts
    without = ingest(folder, tmp_path / "out", config.Ingest(personal="drop"))
    assert (list(files(without)), rejected(without)) == (["A.java"], {"B.java": "personal"})
    assert kept.details["redacted"] == without.details["redacted"] == {}


def test_credentials_cost_the_file_or_are_replaced_or_kept(tmp_path: Path):
    password = "Summer" + "2024!x"
    texts = {
        "A.java": java(1),
        "B.java": java(2) + f'// zhang@corp.cn\nclass D {{ String password = "{password}"; }}\n',
        "C.java": java(3)
        + "// -----BEGIN PRIVATE"
        + " KEY----- "
        + "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIB\n",
    }
    folder = write(tmp_path / "in", texts)
    made = ingest(folder, tmp_path / "out")
    assert rejected(made) == {"B.java": "secret", "C.java": "secret"}
    replaced = ingest(folder, tmp_path / "out", config.Ingest(secrets="redact"))
    assert rejected(replaced) == {"C.java": "secret"}
    assert files(replaced)["B.java"]["text"] == texts["B.java"].replace(password, "redacted").replace(
        "zhang@corp.cn", "name@example.com"
    )
    assert replaced.details["redacted"] == {"assigned-secret": 1, "emails": 1}
    kept = ingest(folder, tmp_path / "out", config.Ingest(secrets="keep", personal="keep"))
    assert {path: row["text"] for path, row in files(kept).items()} == texts


def test_a_line_of_50_megabytes_is_dropped(tmp_path: Path):
    folder = write(tmp_path / "in", {"A.java": java(1), "B.java": b"int x = 1; " * 5_000_000})
    assert rejected(ingest(folder, tmp_path / "out")) == {"B.java": "too_large"}
    assert rejected(ingest(folder, tmp_path / "out", config.Ingest(max_bytes=10**8))) == {"B.java": "long_line"}


def test_rows_are_sorted_by_repository_and_path(tmp_path: Path):
    content = {f"{name}/{file}.java": java(name + file) for name in "zab" for file in "ZAB"} | {
        "z/pom.xml": "",
        "a/pom.xml": "",
    }
    made = ingest(write(tmp_path / "in", content), tmp_path / "out")
    order = [(row["repository"], row["path"]) for row in records.read(made.folder / "files.parquet")]
    assert order == sorted(order)


def test_more_rows_than_fit_in_memory_are_sorted_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rows = [
        {"text": java(number), "path": f"A{number * 7 % 60}.java", "repo": f"r{number % 4}"} for number in range(60)
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    whole = ingest(tmp_path / "rows.jsonl", tmp_path / "whole")
    monkeypatch.setattr(sorting, "_RUN", 4_000)
    parts = ingest(tmp_path / "rows.jsonl", tmp_path / "parts")
    assert (parts.digest, parts.files) == (whole.digest, whole.files)


def test_the_number_of_workers_does_not_change_a_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    content = {f"A{number}.java": java(number) if number % 9 else "x" for number in range(450)}
    folder = write(tmp_path / "in", content)
    results = set()
    for workers in ("1", "3"):
        monkeypatch.setenv("FIMSMITH_WORKERS", workers)
        results.add(ingest(folder, tmp_path / workers).digest)
    assert len(results) == 1


def test_what_an_interrupted_run_left_does_not_change_the_result(tmp_path: Path):
    folder = write(tmp_path / "in", {"A.java": java(1)})
    first = ingest(folder, tmp_path / "out")
    left = tmp_path / "again" / "ingest" / f"{first.fingerprint}.partial"
    write(left, {"files.parquet.run-0": b"half a run", "files.parquet": b"half a file"})
    assert ingest(folder, tmp_path / "again").files == first.files


def test_a_plain_script_can_use_several_workers(tmp_path: Path):
    folder = write(tmp_path / "in", {f"A{number}.java": java(number, lines=3) for number in range(450)})
    script = tmp_path / "script.py"
    script.write_text(
        "from fimsmith import config, corpus\n"
        "if __name__ == '__main__':\n"
        f"    made = corpus.ingest(config.Ingest(), config.Source(name='a', location={str(folder)!r}), {str(tmp_path / 'out')!r})\n"
        "    assert made.metrics['files'] == 450\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        env={"FIMSMITH_WORKERS": "2", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 0, done.stderr
