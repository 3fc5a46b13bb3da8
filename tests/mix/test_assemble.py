"""The whole stage: shares, masks and bytes of the training files."""

import hashlib
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fimsmith import config, mix, records
from fimsmith.errors import DataError, StorageError
from fimsmith.manifest import Manifest
from fimsmith.packed import PackedReader

MODEL = Manifest(
    stage="model",
    fingerprint="m",
    digest="m",
    uri="/",
    files={},
    metrics={},
    details={"vocabulary": 1_000, "format": {"pad": 999}},
)
SEQUENCE = 256
FORMAT = "<u2"  # of ids in a shard: a shard says itself which it is
POLICIES = ("node", "line", "document", "prefix")


def sample(number: int, length: int, **fields) -> dict:
    """One row of records.SAMPLES whose ids are unlikely to be those of another sample."""
    ids = np.random.default_rng(number).integers(0, 900, length).tolist()
    policy = fields.pop("policy", POLICIES[number % 4])
    return {
        "file": hashlib.sha256(str(number).encode()).hexdigest(),
        "epoch": 0,
        "index": 0,
        "group": "code",
        "split": "train",
        "policy": policy,
        "ids": ids,
        "target": length // 2,
        **fields,
    }


def corpus(count: int = 300, **fields) -> list[dict]:
    """Samples of two groups and both splits."""
    drawn = np.random.default_rng(count).integers(20, 200, count).tolist()
    return [
        sample(
            number,
            length,
            group="text" if number % 3 == 0 else "code",
            split="valid" if number % 10 == 1 else "train",
            **fields,
        )
        for number, length in enumerate(drawn)
    ]


def shards(folder: Path, rows: list[dict], count: int = 1) -> list[Manifest]:
    """Spread rows over so many shards."""
    made = []
    for number in range(count):
        home = folder / f"shard-{count}-{number}"
        home.mkdir(parents=True)
        with records.Writer(home / "samples.parquet", records.SAMPLES, 7) as writer:
            for row in rows[number::count]:
                writer.add(row | {"tokens": len(row["ids"]), "ids": np.array(row["ids"], FORMAT).tobytes()})
        digest = hashlib.sha256((home / "samples.parquet").read_bytes()).hexdigest()
        made.append(MODEL.model_copy(update={"stage": "fim", "digest": digest, "uri": str(home)}))
    return made


def section(**fields) -> config.Mix:
    return config.Mix.model_validate(
        {"weights": {"code": 0.7, "text": 0.3}, "tokens": 20_000, "sequence": SEQUENCE, **fields}
    )


def found(manifest: Manifest, split: str) -> list[tuple[tuple[int, ...], tuple[bool, ...]]]:
    """The (ids, loss) of every sample of a split."""
    reader, samples = PackedReader(manifest.folder, split), []
    for index, (ids, loss, _) in enumerate(reader):
        ends = np.cumsum(reader.samples(index))
        for start, end in zip([0, *ends], ends, strict=False):
            samples.append((tuple(ids[start:end].tolist()), tuple(loss[start:end].tolist())))
    return samples


def contents(manifest: Manifest) -> dict[str, bytes]:
    return {name: (manifest.folder / name).read_bytes() for name in manifest.files}


def test_every_packed_sample_is_a_whole_sample_or_the_beginning_of_a_document(tmp_path):
    rows = corpus()
    made = mix.build(section(), shards(tmp_path, rows), MODEL, str(tmp_path))
    whole = {tuple(row["ids"]): row for row in rows if row["split"] == "train"}
    cut = [ids for ids, _ in found(made, "train") if ids not in whole]
    documents = [row["ids"] for row in rows if row["policy"] == "document"]
    assert all(any(tuple(ids[: len(each)]) == each for ids in documents) for each in cut)
    assert len(cut) <= 4  # two per group


def test_valid_holds_every_valid_sample_once(tmp_path):
    rows = corpus()
    made = mix.build(section(), shards(tmp_path, rows), MODEL, str(tmp_path))
    expected = Counter(tuple(row["ids"]) for row in rows if row["split"] == "valid")
    assert Counter(ids for ids, _ in found(made, "valid")) == expected


def test_valid_stops_before_its_limit(tmp_path):
    made = mix.build(section(valid_tokens=1_000), shards(tmp_path, corpus()), MODEL, str(tmp_path))
    assert 800 <= made.metrics["valid_tokens"] <= 1_000
    assert made.metrics["valid_tokens"] == PackedReader(made.folder, "valid").lengths.sum()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(150, 400), st.floats(0.2, 0.8), st.integers(10_000, 30_000))
def test_shares_are_met_within_the_tolerance(tmp_path_factory, count, weight, tokens):
    folder = tmp_path_factory.mktemp("mix")
    wanted = section(weights={"code": weight, "text": 1 - weight}, tokens=tokens, max_epochs=20)
    rows = corpus(count)
    made = mix.build(wanted, shards(folder, rows), MODEL, str(folder))
    group = {tuple(row["ids"][:16]): row["group"] for row in rows}  # a shortened document keeps 16 tokens
    emitted = Counter()
    for ids, _ in found(made, "train"):
        emitted[group[ids[:16]]] += len(ids)
    assert sum(emitted.values()) == made.metrics["tokens"] == pytest.approx(tokens, rel=0.001)
    assert emitted["code"] / emitted.total() == pytest.approx(weight, abs=0.001)
    assert made.metrics["share_code"] == emitted["code"] / emitted.total()


@pytest.mark.parametrize("order", ["shuffled", "easy_first"])
@pytest.mark.parametrize("count", [2, 5])
def test_the_files_do_not_depend_on_the_shards(tmp_path, count, order):
    rows, wanted = corpus(), section(order=order)
    one = mix.build(wanted, shards(tmp_path, rows), MODEL, str(tmp_path / "one"))
    many = mix.build(wanted, shards(tmp_path, rows[::-1], count)[::-1], MODEL, str(tmp_path / "many"))
    assert one.fingerprint != many.fingerprint
    assert contents(one) == contents(many)
    assert (one.digest, one.metrics, one.details) == (many.digest, many.metrics, many.details)


def test_the_order_of_the_shards_is_not_even_a_new_result(tmp_path):
    parts = shards(tmp_path, corpus(), 3)
    first = mix.build(section(), parts, MODEL, str(tmp_path / "a"))
    assert mix.build(section(), parts[::-1], MODEL, str(tmp_path / "b")).fingerprint == first.fingerprint


def test_the_order_of_the_weights_does_not_change_a_byte(tmp_path):
    """KFP hands dictionaries on as maps, whose order differs from run to run."""
    parts = shards(tmp_path, corpus())
    weights = {"text": 0.3, "code": 0.7}
    first = mix.build(section(), parts, MODEL, str(tmp_path / "a"))
    other = mix.build(section(weights=weights), parts, MODEL, str(tmp_path / "b"))
    assert contents(first) == contents(other)


def test_the_seed_changes_the_choice(tmp_path):
    parts = shards(tmp_path, corpus())
    first, second = (mix.build(section(seed=seed), parts, MODEL, str(tmp_path)) for seed in (0, 1))
    assert {ids for ids, _ in found(first, "train")} != {ids for ids, _ in found(second, "train")}


def test_an_interrupted_run_leaves_nothing_that_changes_the_next(tmp_path, monkeypatch):
    parts = shards(tmp_path, corpus())
    expected = contents(mix.build(section(), parts, MODEL, str(tmp_path / "a")))
    monkeypatch.setattr("fimsmith.mix.assemble._outcome", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        mix.build(section(), parts, MODEL, str(tmp_path / "b"))
    monkeypatch.undo()
    assert contents(mix.build(section(), parts, MODEL, str(tmp_path / "b"))) == expected


def test_loss_all_learns_every_token_but_each_first(tmp_path):
    made = mix.build(section(loss="all"), shards(tmp_path, corpus()), MODEL, str(tmp_path))
    for split in ("train", "valid"):
        assert all(loss == (False, *[True] * (len(ids) - 1)) for ids, loss in found(made, split))


def test_loss_target_learns_middles_and_whole_documents(tmp_path):
    rows = corpus()
    made = mix.build(section(loss="target"), shards(tmp_path, rows), MODEL, str(tmp_path))
    by_ids = {tuple(row["ids"][:16]): row for row in rows}
    for split in ("train", "valid"):
        for ids, loss in found(made, split):
            row = by_ids[ids[:16]]
            first = 1 if row["policy"] == "document" else row["target"]
            assert loss == tuple(index >= first for index in range(len(ids)))


def test_a_target_at_the_very_start_is_not_learned_from_nothing(tmp_path):
    rows = [sample(number, 20, target=0, policy="line") for number in range(60)] + [sample(99, 20, split="valid")]
    wanted = section(weights={"code": 1}, tokens=1_000, loss="target")
    made = mix.build(wanted, shards(tmp_path, rows), MODEL, str(tmp_path))
    assert all(not loss[0] and all(loss[1:]) for _, loss in found(made, "train"))


def test_easy_first_changes_nothing_but_the_order_of_the_sequences(tmp_path):
    parts = shards(tmp_path, corpus())
    shuffled, easy = (
        mix.build(section(order=order), parts, MODEL, str(tmp_path)) for order in ("shuffled", "easy_first")
    )
    one, other = (sorted(arrays_of(made, "train")) for made in (shuffled, easy))
    assert one == other
    assert easy.metrics == shuffled.metrics
    assert arrays_of(easy, "valid") == arrays_of(shuffled, "valid")
    assert easy.digest != shuffled.digest


def arrays_of(manifest: Manifest, split: str) -> list[tuple[bytes, ...]]:
    return [tuple(array.tobytes() for array in row) for row in PackedReader(manifest.folder, split)]


def test_each_level_has_longer_middles_and_the_groups_by_their_weights(tmp_path):
    rows = corpus(2_000)
    by_ids = {tuple(row["ids"][:16]): row for row in rows}
    wanted = section(order="easy_first", tokens=100_000)
    made = mix.build(wanted, shards(tmp_path, rows), MODEL, str(tmp_path))
    reader, samples, done, means = PackedReader(made.folder, "train"), found(made, "train"), 0, []
    for level in made.details["levels"]:
        mine = samples[reader.rows[done] : reader.rows[done + level["sequences"]]]
        done += level["sequences"]
        tokens, middles = Counter(), []
        for ids, _ in mine:
            row = by_ids[ids[:16]]
            tokens[row["group"]] += len(ids)
            if row["policy"] != "document":
                middles.append(len(row["ids"]) - row["target"] - 1)
        assert level["tokens"] == tokens.total() == pytest.approx(100_000 / 3, abs=SEQUENCE)
        assert level["shares"] == {group: count / tokens.total() for group, count in tokens.items()}
        assert tokens["code"] / tokens.total() == pytest.approx(0.7, abs=0.03)
        assert level["middle"] == pytest.approx(np.mean(middles))
        means.append(level["middle"])
    assert done == len(reader)
    assert means == sorted(means)
    assert means[0] < 0.8 * means[2]


@pytest.mark.parametrize("order", ["shuffled", "easy_first"])
def test_the_levels_hold_every_sequence(tmp_path, order):
    made = mix.build(section(order=order), shards(tmp_path, corpus()), MODEL, str(tmp_path))
    assert sum(level["sequences"] for level in made.details["levels"]) == made.metrics["sequences"]
    assert len(made.details["levels"]) == (1 if order == "shuffled" else 3)


def test_new_holes_are_drawn_before_any_sample_is_repeated(tmp_path):
    rows = [
        sample(number, 50, epoch=epoch, file=f"{number}", ids=[epoch] + [number] * 49, policy="node")
        for number in range(20)
        for epoch in range(3)
    ] + [sample(99, 50, split="valid")]
    parts = shards(tmp_path, rows)

    def uses(tokens: int) -> Counter:
        wanted = section(weights={"code": 1}, tokens=tokens)
        return Counter(ids for ids, _ in found(mix.build(wanted, parts, MODEL, str(tmp_path)), "train"))

    assert {ids[0] for ids in uses(1_000)} == {0}
    assert Counter(ids[0] for ids in uses(1_500)) == {0: 20, 1: 10}
    assert set(uses(3_000).values()) == {1}
    assert sorted(uses(4_000).values()) == [1] * 40 + [2] * 20
    assert {ids[0] for ids, count in uses(4_000).items() if count == 2} == {0}


def test_metrics_agree_with_the_files(tmp_path):
    made = mix.build(section(), shards(tmp_path, corpus()), MODEL, str(tmp_path))
    train, valid = (PackedReader(made.folder, split) for split in ("train", "valid"))
    assert made.details["sequences"] == {"train": len(train), "valid": len(valid)}
    assert made.metrics["tokens"] == train.lengths.sum() == sum(made.details["policies"].values())
    assert made.metrics["fill"] == train.lengths.sum() / (len(train) * SEQUENCE) > 0.97
    assert sum(group["samples"] for group in made.details["groups"].values()) == len(train.lengths)
    assert train.sequence == made.details["sequence"] == SEQUENCE
    assert (made.details["dtype"], made.details["pad"]) == ("uint16", 999)


def test_the_lengths_of_each_group_are_those_of_its_samples(tmp_path):
    rows = [sample(number, 20 + number, policy="node", group="code") for number in range(101)]
    rows += [sample(200 + number, 50, policy="document", group="text") for number in range(100)]
    wanted = section(weights={"code": 0.7, "text": 0.3}, tokens=None, max_epochs=1)
    made = mix.build(wanted, shards(tmp_path, [*rows, sample(999, 50, split="valid")]), MODEL, str(tmp_path))
    code, text = made.details["groups"]["code"], made.details["groups"]["text"]
    assert code["samples"] == 101
    assert code["lengths"] == {"p10": 30, "median": 70, "p90": 110, "longest": 120}
    assert code["middles"] == {"p10": 14, "median": 34, "p90": 54, "longest": 59}
    assert (text["lengths"]["longest"], text["middles"]) == (50, {})


def test_epochs_are_emitted_tokens_over_tokens_of_one_pass(tmp_path):
    rows = corpus()
    made = mix.build(section(), shards(tmp_path, rows), MODEL, str(tmp_path))
    for group, values in made.details["groups"].items():
        once = sum(len(row["ids"]) for row in rows if row["group"] == group and row["split"] == "train")
        assert values["epochs"] == values["tokens"] / once


def test_no_tokens_means_as_many_as_the_cap_allows(tmp_path, capsys):
    made = mix.build(section(tokens=None, max_epochs=2), shards(tmp_path, corpus()), MODEL, str(tmp_path))
    epochs = {group: values["epochs"] for group, values in made.details["groups"].items()}
    assert max(epochs.values()) == pytest.approx(2, rel=1e-3)
    assert max(epochs.values()) <= 2
    assert "the most that 2 epochs of group" in capsys.readouterr().out


def test_a_budget_beyond_the_data_names_one_that_works(tmp_path):
    parts = shards(tmp_path, corpus())
    with pytest.raises(DataError, match="group '(code|text)' holds .* training tokens") as error:
        mix.build(section(tokens=10_000_000), parts, MODEL, str(tmp_path))
    affordable = re.search(r"set mix\.tokens to ([\d,]+) or mix\.max_epochs to ([\d.]+)", str(error.value))
    assert affordable
    tokens, epochs = int(affordable[1].replace(",", "")), float(affordable[2])
    assert mix.build(section(tokens=tokens), parts, MODEL, str(tmp_path)).metrics["tokens"] == pytest.approx(tokens)
    assert mix.build(section(tokens=10_000_000, max_epochs=epochs), parts, MODEL, str(tmp_path)).metrics["tokens"] > 9e6


def test_a_share_that_cannot_be_met_names_a_tolerance_that_works(tmp_path):
    rows = [sample(number, 200, policy="node", group="code" if number % 2 else "text") for number in range(40)]
    parts = shards(tmp_path, [*rows, sample(99, 50, split="valid")])
    with pytest.raises(DataError, match="off its weight") as error:
        mix.build(section(tokens=3_100), parts, MODEL, str(tmp_path))
    tolerance = float(re.findall(r"set mix\.tolerance to ([\d.]+)", str(error.value))[0])
    assert mix.build(section(tokens=3_100, tolerance=tolerance), parts, MODEL, str(tmp_path)).metrics["tokens"] < 3_100


def test_a_share_below_one_sample_names_a_budget_that_works(tmp_path):
    rows = [sample(number, 100, policy="node", group="code" if number % 2 else "text") for number in range(80)]
    parts = shards(tmp_path, [*rows, sample(99, 50, split="valid")])
    weights = {"code": 0.95, "text": 0.05}
    with pytest.raises(DataError, match="group 'text' gets no sample") as error:
        mix.build(section(tokens=1_000, weights=weights), parts, MODEL, str(tmp_path))
    tokens = int(re.findall(r"mix\.tokens to at least ([\d,]+)", str(error.value))[0].replace(",", ""))
    assert mix.build(section(tokens=tokens, weights=weights), parts, MODEL, str(tmp_path)).metrics["tokens"] == tokens


@pytest.mark.parametrize(
    ("rows", "fields", "message"),
    [
        (corpus(50), {"weights": {"code": 0.5, "books": 0.5}}, r"group 'books'.*groups with samples: code, text"),
        ([row for row in corpus() if row["split"] == "train"], {}, r"raise curate\.valid"),
        (corpus(), {"valid_tokens": 1}, r"set mix\.valid_tokens to at least 256"),
        ([*corpus(), sample(1_000, 300)], {}, r"set mix\.sequence to at least 300"),
        ([*corpus(), corpus()[5]], {}, "same sample twice"),
        ([{**row, "ids": [1_000] * 30} for row in corpus()], {"max_epochs": 50}, "another model"),
        ([], {}, "no samples"),
    ],
    ids=["no group", "no valid", "small valid", "long sample", "twice", "other model", "empty"],
)
def test_data_that_cannot_be_mixed_is_refused_with_the_fix(tmp_path, rows, fields, message):
    with pytest.raises(DataError, match=message):
        mix.build(section(**fields), shards(tmp_path, rows), MODEL, str(tmp_path))
    assert not list((tmp_path / "mix").glob("*/manifest.json"))


def test_shards_with_wide_ids_give_the_same_files(tmp_path, monkeypatch):
    narrow = mix.build(section(), shards(tmp_path, corpus()), MODEL, str(tmp_path / "narrow"))
    monkeypatch.setattr(f"{__name__}.FORMAT", "<u4")
    wide = mix.build(section(), shards(tmp_path / "shards", corpus()), MODEL, str(tmp_path / "wide"))
    assert contents(wide) == contents(narrow)


@pytest.mark.parametrize("damage", ["missing", "cut", "inside"])
def test_a_damaged_shard_is_refused_by_name(tmp_path, damage):
    parts = shards(tmp_path, corpus(), 2)
    path = parts[0].folder / "samples.parquet"
    data = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(data[:-100])
    if damage == "inside":
        path.write_bytes(data[:4] + bytes(len(data) // 2) + data[4 + len(data) // 2 :])
    with pytest.raises(StorageError, match=f"{path.parent.name}.*run fim again"):
        mix.build(section(), parts, MODEL, str(tmp_path))
