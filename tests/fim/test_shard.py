"""The stage: its files, their order, and that nothing depends on shards, workers or retries."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from fim_sources import EVERY_KIND, row

from fimsmith import config, fim, records
from fimsmith.errors import ConfigError, DataError
from fimsmith.fim import examples
from fimsmith.manifest import Manifest

Rows = list[dict[str, Any]]
Curate = Callable[..., Manifest]


def section(**fields: object) -> config.Fim:
    return config.Fim.model_validate({"bytes_per_hole": 500, "sequence": 512, "max_middle": 128, **fields})


@pytest.fixture
def model(folders: dict[str, Path], describe: Callable[[Path], Manifest]) -> Manifest:
    return describe(folders["deepseek"])


def rows(manifest: Manifest, name: str) -> Rows:
    """The rows of one of a shard's files, with the samples' ids as numbers."""
    found = list(records.read(manifest.folder / name))
    for each in found:
        if "ids" in each:
            each["ids"] = np.frombuffer(each["ids"], "<u2").tolist()
    return found


def union(section: config.Fim, curated: Manifest, shards: int, model: Manifest, root: Path) -> tuple[str, str, str]:
    """All samples, all test candidates and the examples of all shards, sorted, as text."""
    made = [fim.build(section, shard, curated, model, str(root)) for shard in range(shards)]
    found = sorted(
        (each for one in made for each in rows(one, "samples.parquet")),
        key=lambda each: (each["file"], each["epoch"], each["index"]),
    )
    tests = sorted((each for one in made for each in rows(one, "test.parquet")), key=lambda each: each["priority"])
    shown: dict[str, examples.Example] = {}
    for one in made:
        examples.merge(shown, one.details["examples"])
    return json.dumps(found), json.dumps(tests[: section.test_samples]), json.dumps(shown, sort_keys=True)


def test_the_union_of_all_shards_does_not_depend_on_their_number(
    corpus: Rows, curate: Curate, model: Manifest, tmp_path: Path
):
    context = {"share": 0.5, "test": True, "snippets": 0.5}
    wanted = section(test_samples=7, epochs=2, sequence=2048, context=context)
    one, *others = (union(wanted, curate(corpus, count), count, model, tmp_path) for count in (1, 2, 16, 64))
    assert others == [one] * 3
    assert len(json.loads(one[1])) == 7
    texts = {each["id"]: each["text"] for each in corpus if each["split"] == "train"}
    shown = json.loads(one[2])
    assert shown.keys() >= {"line", "statements", "expression", "aligned"}
    for each in shown.values():
        assert each["middle"]
        assert each["prefix"] + each["middle"] + each["suffix"] in texts[each["file"]]


def test_the_bytes_do_not_depend_on_the_number_of_workers(
    corpus: Rows, curate: Curate, model: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("fimsmith.fim.shard._BATCH", 5_000)
    curated, digests = curate(corpus), set()
    for workers in ("1", "2", "3"):
        monkeypatch.setenv("FIMSMITH_WORKERS", workers)
        wanted = section(sequence=2048, context={"share": 0.5, "snippets": 0.5})
        digests.add(fim.build(wanted, 0, curated, model, str(tmp_path / workers)).digest)
    assert len(digests) == 1


def test_samples_come_in_the_order_of_their_files_and_carry_where_they_come_from(
    corpus: Rows, curate: Curate, model: Manifest, tmp_path: Path
):
    found = rows(fim.build(section(epochs=2), 0, curate(corpus), model, str(tmp_path)), "samples.parquet")
    files = {each["id"]: each for each in corpus}
    places = {name: place for place, name in enumerate(files)}
    keys = [(places[each["file"]], each["epoch"], each["index"]) for each in found]
    assert keys == sorted(set(keys))
    for each in found:
        source = files[each["file"]]
        assert each["tokens"] == len(each["ids"])
        assert all(each[name] == source[name] for name in ("source", "group", "repository", "path", "split"))
    assert {each["split"] for each in found} == {"train", "valid"}


def test_the_numbers_are_those_of_the_rows(corpus: Rows, curate: Curate, model: Manifest, tmp_path: Path):
    made = fim.build(section(), 0, curate(corpus), model, str(tmp_path))
    found = rows(made, "samples.parquet")
    assert made.metrics["files"] == len(corpus)
    assert made.metrics["bytes"] == sum(each["bytes"] for each in corpus)
    assert made.metrics["samples"] == len(found) > 0
    assert made.metrics["tokens"] == sum(len(each["ids"]) for each in found)
    assert made.metrics["test_candidates"] == len(rows(made, "test.parquet")) > 0
    for name in ("policy", "kind", "split"):
        assert made.details[name] == Counter(each[name] for each in found)
    assert made.details["skipped"]


def test_context_is_counted(corpus: Rows, curate: Curate, model: Manifest, tmp_path: Path):
    made = fim.build(section(sequence=2048, context={"share": 0.5}), 0, curate(corpus), model, str(tmp_path))
    counts = [each["context"] for each in rows(made, "samples.parquet")]
    assert made.metrics["context_tokens"] == sum(counts)
    assert made.metrics["context_samples"] == sum(count > 0 for count in counts)
    with_a_prefix = sum(made.details["policy"].values()) - made.details["policy"]["document"]
    assert made.metrics["context_samples"] / with_a_prefix == pytest.approx(0.5, abs=0.08)


def test_shares_hold_on_the_example_corpus(corpus: Rows, curate: Curate, model: Manifest, tmp_path: Path):
    wanted = section(epochs=2)
    counts = fim.build(wanted, 0, curate(corpus), model, str(tmp_path)).details["policy"]
    total = sum(counts.values())
    for name, share in wanted.shares.model_dump().items():
        assert counts.get(name, 0) / total == pytest.approx(share, abs=0.05), name


def test_all_kinds_are_drawn_on_the_example_corpus(corpus: Rows, curate: Curate, model: Manifest, tmp_path: Path):
    kinds = fim.build(section(epochs=2), 0, curate(corpus), model, str(tmp_path)).details["kind"]
    assert set(config.Kinds.model_fields) <= set(kinds)


def test_the_test_set_is_the_candidates_with_the_smallest_priorities(
    corpus: Rows, curate: Curate, model: Manifest, tmp_path: Path
):
    curated = curate(corpus)
    everything = rows(fim.build(section(), 0, curated, model, str(tmp_path)), "test.parquet")
    few = rows(fim.build(section(test_samples=3), 0, curated, model, str(tmp_path)), "test.parquet")
    assert len(everything) > 3
    assert few == everything[:3]
    assert [each["priority"] for each in everything] == sorted({each["priority"] for each in everything})
    splits = {each["id"]: each["split"] for each in corpus}
    assert {splits[each["file"]] for each in everything} == {"test"}


def test_nothing_of_a_test_file_is_trained_on(corpus: Rows, curate: Curate, model: Manifest, tmp_path: Path):
    made = fim.build(section(), 0, curate(corpus), model, str(tmp_path))
    tests = {each["file"] for each in rows(made, "test.parquet")}
    assert not tests & {each["file"] for each in rows(made, "samples.parquet")}


@pytest.mark.parametrize("files", [[], [row(" \n")], [row("plain words\n" * 9, "test", "text")]])
def test_a_shard_without_samples_gives_empty_valid_files(files: Rows, curate: Curate, model: Manifest, tmp_path: Path):
    made = fim.build(section(), 0, curate(files), model, str(tmp_path))
    for name, schema in (("samples.parquet", records.SAMPLES), ("test.parquet", records.TEST)):
        table = pq.read_table(made.folder / name)
        assert table.num_rows == 0
        assert table.schema.equals(schema)
    assert made.metrics["samples"] == made.metrics["tokens"] == 0


def test_spans_of_decoded_gb18030_and_crlf_text_point_into_its_utf8(curate: Curate, model: Manifest, tmp_path: Path):
    text = EVERY_KIND.replace("\n", "\r\n").encode("gb18030").decode("gb18030")
    files = [row(text, encoding="gb18030", bytes=len(text.encode("gb18030")))]
    shares = {"node": 1.0, "aligned": 0, "line": 0, "char": 0, "document": 0}
    given = section(shares=shares, bytes_per_hole=100, cuts={"exact": 1, "snap": 0, "line": 0})
    made = fim.build(given, 0, curate(files), model, str(tmp_path))
    middles = [text.encode()[each["start"] : each["end"]].decode() for each in rows(made, "samples.parquet")]
    assert len(middles) > 3
    assert all(middle in text and middle == middle.strip() for middle in middles)


def test_a_finished_shard_is_reused_and_a_change_is_not(
    corpus: Rows, curate: Curate, model: Manifest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    curated = curate(corpus)
    first = fim.build(section(), 0, curated, model, str(tmp_path))
    assert "samples/s" in capsys.readouterr().out
    assert fim.build(section(), 0, curated, model, str(tmp_path)) == first
    assert "reusing" in capsys.readouterr().out
    assert fim.build(section(seed=1), 0, curated, model, str(tmp_path)).fingerprint != first.fingerprint


def test_signatures_that_were_not_stored_are_asked_for(corpus: Rows, curate: Curate, model: Manifest, tmp_path: Path):
    curated = curate(corpus)
    (curated.folder / "signatures.parquet").unlink()
    assert fim.build(section(), 0, curated, model, str(tmp_path)).metrics["context_samples"] == 0
    for context in ({"share": 0.1}, {"test": True}):
        with pytest.raises(DataError, match="set curate.signatures to true"):
            fim.build(section(context=context), 0, curated, model, str(tmp_path))


def test_snippets_that_were_not_stored_are_asked_for(corpus: Rows, curate: Curate, model: Manifest, tmp_path: Path):
    curated = curate(corpus)
    (curated.folder / "snippets.parquet").unlink()
    fim.build(section(context={"share": 0.1}), 0, curated, model, str(tmp_path))
    with pytest.raises(DataError, match="set curate.snippets to true"):
        fim.build(section(context={"share": 0.1, "snippets": 0.1}), 0, curated, model, str(tmp_path))


def test_a_missing_shard_is_explained(corpus: Rows, curate: Curate, model: Manifest, tmp_path: Path):
    with pytest.raises(DataError, match=r"shard 3 .*files-00003\.parquet"):
        fim.build(section(), 3, curate(corpus), model, str(tmp_path))


@pytest.mark.parametrize("value", ["0", "two", "-1"])
def test_a_bad_number_of_workers_is_refused(
    value: str, corpus: Rows, curate: Curate, model: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FIMSMITH_WORKERS", value)
    with pytest.raises(ConfigError, match="FIMSMITH_WORKERS"):
        fim.build(section(), 0, curate(corpus), model, str(tmp_path))
