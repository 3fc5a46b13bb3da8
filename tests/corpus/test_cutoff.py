"""With a split by time nothing that is trained on is as new as what is held out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from git_repository import Repository
from hypothesis import given
from hypothesis import strategies as st
from java_texts import ingest, java, write

from fimsmith import config, corpus, records
from fimsmith.corpus.cutoff import Times, by_time
from fimsmith.errors import DataError
from fimsmith.manifest import Manifest


def split(times: list[int | None], before: int = 0, **section: Any) -> tuple[list[str], dict[str, int]]:
    """Split clusters of one file each; None is a file that was not changed since `before`."""
    known = [time is not None for time in times]
    given = Times(np.array([before if time is None else time for time in times]), np.array(known))
    names = [f"{number}" for number in range(len(times))]
    splits, cutoffs = by_time(settings(**section), given, np.ones(len(times), bool), names)
    return [splits[name] for name in names], cutoffs


def settings(**section: Any) -> config.Curate:
    return config.Curate.model_validate({"split_by": "time", "valid": 0.25, "test": 0.25, **section})


def test_the_newest_are_test_and_the_next_valid():
    assert split([5, 8, 1, 7, 2, 6, 3, 4]) == (
        ["valid", "test", "train", "test", "train", "valid", "train", "train"],
        {"test": 7, "valid": 5},
    )


def test_a_split_that_is_not_wanted_is_left_out():
    assert split([1, 2, 3, 4], test=0.0) == (["train", "train", "train", "valid"], {"valid": 4})
    assert split([1, 2, 3, 4], valid=0.0) == (["train", "train", "train", "test"], {"test": 4})
    assert split([1, 2], valid=0.0, test=0.0) == (["train", "train"], {})


def test_clusters_of_one_commit_stay_together_at_the_cut_off_that_is_closest():
    assert split([9, 8, 8, 8, 8, 7, *range(6)])[1] == {"test": 9, "valid": 7}
    assert split([9, 9, 8, 8, 8, 8, 8, 8, 8, *range(7)])[1] == {"test": 9, "valid": 8}


@given(
    st.lists(st.integers(0, 9), min_size=3, max_size=40),
    st.sampled_from([0.05, 0.2, 0.4]),
    st.sampled_from([0.05, 0.3]),
)
def test_no_training_cluster_is_as_new_as_a_held_out_one(times: list[int], test: float, valid: float):
    if len(set(times)) < 3:
        with pytest.raises(DataError, match="needs 3 different times for train, test and valid"):
            split([*times], test=test, valid=valid)
        return
    splits, cutoffs = split([*times], test=test, valid=valid)
    found = {name: [time for time, each in zip(times, splits, strict=True) if each == name] for name in set(splits)}
    assert max(found["train"]) < min(found["valid"]) == cutoffs["valid"]
    assert max(found["valid"]) < min(found["test"]) == cutoffs["test"]


def test_files_older_than_what_was_read_may_be_trained_on_and_not_held_out():
    assert split([9, 8, 7, 6, None, None, None, None], before=5)[1] == {"test": 8, "valid": 6}
    with pytest.raises(DataError, match=r"is to hold out 4 of 8 clusters, but only of 3 .*; raise history"):
        split([9, 8, 7, None, None, None, 2, 1], before=5)


def test_a_cluster_is_as_new_as_its_newest_held_out_member():
    times = Times(np.array([1, 9, 2, 3, 4, 99]), np.ones(6, bool))
    held_out = np.array([True, True, True, True, True, False])
    splits, cutoffs = by_time(settings(), times, held_out, ["a", "a", "b", "c", "d", "b"])
    assert splits == {"a": "test", "b": "train", "c": "train", "d": "valid"}
    assert cutoffs == {"test": 9, "valid": 4}


@pytest.fixture
def code(tmp_path: Path) -> tuple[Repository, Manifest]:
    """20 files of a commit each, of which the first one was copied with changes at the end."""
    repository = Repository(tmp_path / "app")
    for number in range(20):
        repository.commit({f"A{number}.java": java(number, lines=40)})
    repository.commit({"Late.java": java(0, lines=40, change=2)})
    return repository, ingest(f"git+{repository.folder}", tmp_path / "out", history=100)


def curate(root: Path, *ingested: Manifest, **section: Any) -> Manifest:
    return corpus.curate(settings(valid=0.1, test=0.1, **section), list(ingested), str(root))


def splits(made: Manifest) -> dict[str, str]:
    return {
        row["path"]: row["split"] for path in sorted(made.folder.glob("files-*.parquet")) for row in records.read(path)
    }


def test_future_code_is_held_out_with_its_older_near_duplicates(code: tuple[Repository, Manifest], tmp_path: Path):
    made = curate(tmp_path, code[1])
    found = splits(made)
    assert {path for path, each in found.items() if each == "test"} == {"A0.java", "A19.java"}
    assert {path for path, each in found.items() if each == "valid"} == {"A18.java", "A17.java"}
    assert made.details["cutoffs"] == {"test": "2023-11-15T18:13:20Z", "valid": "2023-11-15T16:13:20Z"}
    assert splits(curate(tmp_path, code[1], shards=5, seed=7)) == found


def test_other_groups_need_no_times_and_lose_what_is_near_to_future_code(
    code: tuple[Repository, Manifest], tmp_path: Path
):
    public = {"P.java": java(19, lines=40, change=2), "Q.java": java("q")}
    other = ingest(write(tmp_path / "public", public), tmp_path / "out", name="public")
    made = curate(tmp_path, other, code[1], held_out=["code"])
    assert splits(made)["Q.java"] == "train"
    assert "P.java" not in splits(made)


def test_a_held_out_source_without_history_is_refused(code: tuple[Repository, Manifest], tmp_path: Path):
    plain = ingest(f"git+{code[0].folder}", tmp_path / "out")
    with pytest.raises(
        DataError, match=r"the last commit of each held-out file, which source 'code' does not give; .*history"
    ):
        curate(tmp_path, plain)


def test_a_history_that_is_too_short_is_refused(code: tuple[Repository, Manifest], tmp_path: Path):
    short = ingest(f"git+{code[0].folder}", tmp_path / "out", history=2)
    with pytest.raises(
        DataError, match="is to hold out 4 of 20 clusters, but only of 2 .* raise history of the sources"
    ):
        curate(tmp_path, short)
    enough = ingest(f"git+{code[0].folder}", tmp_path / "out", history=5)
    assert splits(curate(tmp_path, enough)) == splits(curate(tmp_path, code[1]))


def test_a_split_by_cluster_names_no_cut_offs(code: tuple[Repository, Manifest], tmp_path: Path):
    made = corpus.curate(config.Curate(valid=0.3, test=0.3), [code[1]], str(tmp_path))
    assert "cutoffs" not in made.details
