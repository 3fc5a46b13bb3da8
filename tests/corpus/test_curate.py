import shutil
import sys
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from java_texts import ingest, java, write

from fimsmith import config, corpus, records
from fimsmith.corpus import minhash
from fimsmith.errors import DataError
from fimsmith.manifest import Manifest

HALF = {"valid": 0.25, "test": 0.25}
Rows = list[dict[str, Any]]


def curate(root: Path, *ingested: Manifest, **section: Any) -> Manifest:
    return corpus.curate(config.Curate.model_validate({**HALF, **section}), list(ingested), str(root))


def rows(made: Manifest) -> Rows:
    return [row for path in sorted(made.folder.glob("files-*.parquet")) for row in records.read(path)]


def dropped(made: Manifest) -> dict[str, str]:
    return {row["path"]: row["reason"] for row in records.read(made.folder / "dropped.parquet")}


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """60 different files, each with a slightly and a rather changed copy."""
    home = tmp_path_factory.mktemp("code")
    content = {
        f"r{number % 6}/A{number}x{change}.java": java(number, lines=40, change=change)
        for number, change in product(range(60), (0, 2, 9))
    }
    content |= {f"r{number}/pom.xml": "" for number in range(6)}
    return ingest(write(home / "in", content), home / "out", name="business")


@pytest.fixture(scope="module")
def curated(code: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return curate(tmp_path_factory.mktemp("curated"), code)


def test_every_file_is_kept_once_or_dropped_with_a_reason(code: Manifest, curated: Manifest):
    found = {f"{row['repository']}/{row['path']}" for row in records.read(code.folder / "files.parquet")}
    kept = [f"{row['repository']}/{row['path']}" for row in rows(curated)]
    assert sorted([*kept, *dropped(curated)]) == sorted(found)
    assert curated.metrics["files"] == len(kept)
    assert curated.metrics["near_duplicates"] == len(dropped(curated)) > 60
    assert {split: curated.metrics[f"{split}_files"] for split in ("train", "valid", "test")} == curated.details[
        "groups"
    ]["business"]


def test_no_kept_pair_is_a_near_duplicate(curated: Manifest):
    signatures = [minhash.signature(row["text"]) for row in rows(curated)]
    assert max(minhash.estimate(left, right) for left, right in combinations(signatures, 2)) < 0.7


def test_the_largest_similarity_between_test_and_training_is_reported(curated: Manifest):
    kept = rows(curated)
    test, train = ([row for row in kept if row["split"] == split] for split in ("test", "train"))
    pairs = {
        (left["path"], right["path"]): minhash.jaccard(left["text"], right["text"])
        for left, right in product(test, train)
    }
    assert curated.metrics["max_similarity_train_test"] == pytest.approx(max(pairs.values()), abs=0.1)
    most = curated.details["most_similar"]
    assert most["jaccard"] == pytest.approx(
        pairs[most["test"].partition("/")[2], most["train"].partition("/")[2]], abs=1e-4
    )


def test_the_number_of_shards_only_spreads_the_files(code: Manifest, curated: Manifest, tmp_path: Path):
    others = [curate(tmp_path, code, shards=shards) for shards in (1, 7)]
    whole = sorted(rows(curated), key=lambda row: row["id"])
    for made, shards in zip(others, (1, 7), strict=True):
        assert sorted(rows(made), key=lambda row: row["id"]) == whole
        assert len(list(made.folder.glob("files-*.parquet"))) == shards
        assert (made.metrics, made.details) == (curated.metrics, curated.details)


def test_rows_of_a_shard_are_sorted_over_all_sources(tmp_path: Path):
    for path in curate(tmp_path, *sources(tmp_path)).folder.glob("files-*.parquet"):
        order = [(row["repository"], row["path"], row["id"]) for row in records.read(path)]
        assert order == sorted(order)


def test_the_number_of_workers_does_not_change_a_byte(code: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "b.txt").write_text(java(5, lines=40))
    results = []
    for workers in ("1", "3"):
        monkeypatch.setenv("FIMSMITH_WORKERS", workers)
        monkeypatch.setattr(sys.modules["fimsmith.corpus.inspection"], "BATCH", 20)
        results.append(
            curate(tmp_path / workers, code, decontaminate=[str(tmp_path / "b.txt")], signatures=True).digest
        )
    assert results[0] == results[1]


def test_a_kept_file_names_the_smallest_member_of_its_cluster(code: Manifest, curated: Manifest):
    ids = {row["id"] for row in records.read(code.folder / "files.parquet")}
    for row in rows(curated):
        assert row["cluster"] in ids
        assert row["cluster"] <= row["id"]


def test_files_keep_their_split_when_the_corpus_grows(code: Manifest, curated: Manifest, tmp_path: Path):
    more = ingest(write(tmp_path / "in", {f"B{n}.java": java(f"new{n}") for n in range(30)}), tmp_path, name="more")
    grown = {row["id"]: row["split"] for row in rows(curate(tmp_path, code, more))}
    assert all(grown[row["id"]] == row["split"] for row in rows(curated))


def test_the_seed_changes_the_split(code: Manifest, curated: Manifest, tmp_path: Path):
    other = {row["id"]: row["split"] for row in rows(curate(tmp_path, code, seed=1))}
    assert other != {row["id"]: row["split"] for row in rows(curated)}


def test_equal_texts_are_kept_once(tmp_path: Path):
    content = {f"A{n}.java": java(n) for n in range(30)} | {
        "Copy.java": java(3),
        "Spaces.java": java(4).replace("\n", "\r\n\n"),
    }
    made = curate(tmp_path, ingest(write(tmp_path / "in", content), tmp_path))
    assert dropped(made) == {"code/Copy.java": "duplicate", "code/Spaces.java": "near_duplicate"}
    assert (made.metrics["duplicates"], made.metrics["near_duplicates"]) == (1, 1)


def sources(tmp_path: Path) -> tuple[Manifest, Manifest, Manifest]:
    """Public code, of which a third is also in the business code, and text."""
    public = {f"P{n}.java": java(f"b{n}", lines=40, change=10) if n < 20 else java(n, lines=40) for n in range(60)}
    business = {f"B{n}.java": java(f"b{n}", lines=40) for n in range(60)}
    text = {f"T{n}.md": java(f"t{n}") for n in range(5)}
    return (
        ingest(write(tmp_path / "public", public), tmp_path, name="public"),
        ingest(write(tmp_path / "business", business), tmp_path, name="business"),
        ingest(write(tmp_path / "text", text), tmp_path, name="text", kind="text"),
    )


def test_only_held_out_groups_give_validation_and_test(tmp_path: Path):
    made = curate(tmp_path, *sources(tmp_path), held_out=["business"])
    assert {row["group"] for row in rows(made) if row["split"] != "train"} == {"business"}
    assert {row["group"] for row in rows(made) if row["split"] == "train"} == {"public", "business", "text"}


def test_every_java_group_is_held_out_by_default(tmp_path: Path):
    made = curate(tmp_path, *sources(tmp_path))
    assert {row["group"] for row in rows(made) if row["split"] == "test"} == {"public", "business"}


def test_a_public_copy_of_a_test_file_is_not_trained_on(tmp_path: Path):
    made = curate(tmp_path, *sources(tmp_path), held_out=["business"])
    test = [row for row in rows(made) if row["split"] == "test"]
    train = [row for row in rows(made) if row["split"] == "train"]
    assert max(minhash.jaccard(left["text"], right["text"]) for left, right in product(test, train)) < 0.7
    assert "held_out" in dropped(made).values()


def test_of_a_public_and_a_held_out_copy_the_held_out_one_is_kept(tmp_path: Path):
    public = ingest(write(tmp_path / "a", {"P.java": java(1), "Q.java": java("q")}), tmp_path, name="public")
    business = ingest(write(tmp_path / "b", {f"B{n}.java": java(n) for n in range(30)}), tmp_path, name="business")
    assert dropped(curate(tmp_path, public, business, held_out=["business"])) == {"public/P.java": "duplicate"}


def test_repositories_stay_together_when_the_split_is_by_repository(tmp_path: Path):
    content = {f"r{n % 12}/A{n}.java": java(n) for n in range(120)} | {f"r{n}/pom.xml": "" for n in range(12)}
    made = curate(tmp_path, ingest(write(tmp_path / "in", content), tmp_path), split_by="repository")
    splits = {(row["repository"], row["split"]) for row in rows(made)}
    assert len(splits) == 12
    assert {split for _, split in splits} == {"train", "valid", "test"}


def test_pairs_that_the_bands_missed_are_brought_together(
    code: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("fimsmith.corpus.split.join_similar", lambda *_: None)
    made = curate(tmp_path, code)
    assert 0 < made.metrics["max_similarity_train_test"] < 0.7


def test_files_that_hold_parts_of_a_benchmark_are_not_trained_on(code: Manifest, tmp_path: Path):
    (tmp_path / "b.txt").write_text("\n".join(java(n, lines=40) for n in range(20)))
    made = curate(tmp_path, code, decontaminate=[str(tmp_path / "b.txt")])
    plain = {row["path"]: row["split"] for row in rows(curate(tmp_path, code))}
    hit = {f"A{n}x{change}.java" for n in range(20) for change in (0, 2, 9)}
    expected = {path for path, split in plain.items() if path in hit and split != "test"}
    contaminated = {path.partition("/")[2] for path, reason in dropped(made).items() if reason == "contaminated"}
    assert contaminated == expected
    assert made.metrics["contaminated"] == len(expected) > 0
    assert made.details["contaminated"] == [len(expected)]


def test_contaminated_files_are_counted_for_each_benchmark(code: Manifest, tmp_path: Path):
    benchmarks = {"all.txt": range(20), "few.txt": range(3), "none.txt": [10_000]}
    for name, numbers in benchmarks.items():
        (tmp_path / name).write_text("\n".join(java(n, lines=40) for n in numbers))
    made = curate(tmp_path, code, decontaminate=[str(tmp_path / name) for name in benchmarks])
    whole, few, none = made.details["contaminated"]
    assert whole == made.metrics["contaminated"] > few > none == 0


def test_a_changed_benchmark_is_noticed_and_a_moved_one_is_not(code: Manifest, tmp_path: Path):
    (tmp_path / "b.txt").write_text("nothing of interest")
    first = curate(tmp_path, code, decontaminate=[str(tmp_path / "b.txt")])
    (tmp_path / "b.txt").write_text(java(5, lines=40))
    assert curate(tmp_path, code, decontaminate=[str(tmp_path / "b.txt")]).uri != first.uri


def test_an_empty_split_is_refused_with_a_seed_that_would_do(tmp_path: Path):
    code = ingest(write(tmp_path / "in", {f"A{n}.java": java(n) for n in range(12)}), tmp_path)
    with pytest.raises(
        DataError, match=r"the (test|valid) split is empty: 12 held-out files form 12 clusters"
    ) as caught:
        curate(tmp_path, code, valid=0.02, test=0.02)
    seed = int(str(caught.value).partition("set curate.seed to ")[2].partition(",")[0])
    assert curate(tmp_path, code, valid=0.02, test=0.02, seed=seed).metrics["test_files"] > 0


def test_too_few_files_are_refused(tmp_path: Path):
    code = ingest(write(tmp_path / "in", {"A.java": java(1), "B.java": java(2)}), tmp_path)
    with pytest.raises(DataError, match="2 held-out files form 2 clusters .*; add files"):
        curate(tmp_path, code)


def test_one_repository_cannot_be_split_by_repository(tmp_path: Path):
    code = ingest(write(tmp_path / "in", {f"A{n}.java": java(n) for n in range(30)}), tmp_path)
    with pytest.raises(DataError, match="30 held-out files form 1 clusters .*set curate.split_by to cluster"):
        curate(tmp_path, code, split_by="repository")


def test_a_split_that_is_not_wanted_may_be_empty(tmp_path: Path):
    code = ingest(write(tmp_path / "in", {f"A{n}.java": java(n) for n in range(30)}), tmp_path)
    made = curate(tmp_path, code, test=0.0)
    assert (made.metrics["test_files"], made.metrics["max_similarity_train_test"]) == (0, 0)


def test_text_alone_cannot_be_held_out_by_default(tmp_path: Path):
    text = ingest(write(tmp_path / "in", {f"T{n}.md": java(n) for n in range(9)}), tmp_path, kind="text")
    with pytest.raises(DataError, match="no source is of kind java"):
        curate(tmp_path, text)


@given(similarity=st.sampled_from([0.4, 0.6, 0.7, 0.9]), seed=st.integers(0, 50))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_test_file_is_as_similar_to_training_as_the_threshold(
    code: Manifest, tmp_path: Path, similarity: float, seed: int
):
    made = curate(tmp_path, code, similarity=similarity, seed=seed)
    test, train = (
        [minhash.signature(row["text"]) for row in rows(made) if row["split"] == split] for split in ("test", "train")
    )
    assert max(minhash.estimate(left, right) for left, right in product(test, train)) < similarity
    shutil.rmtree(tmp_path / "curate")
