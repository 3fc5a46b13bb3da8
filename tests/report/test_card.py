import json
from collections import Counter
from pathlib import Path

import pytest
from html_page import Page

from fimsmith import config, report
from fimsmith.errors import DataError
from fimsmith.manifest import Manifest
from fimsmith.report import card
from fimsmith.report.stages import Stages


def test_the_data_card_counts_what_the_manifests_count(run: list[Manifest], tmp_path: Path):
    made = report.build(config.Report(), run, str(tmp_path))
    card = json.loads(made.file("data-card.json").read_text(encoding="utf-8"))
    ingest = {each.details["source"]: each for each in run if each.stage == "ingest"}
    assert {each["source"]: each["counts"]["files"] for each in card["sources"]} == {
        name: each.metrics["files"] for name, each in ingest.items()
    }
    assert all(each["licences"] == ingest[each["source"]].details["licences"] for each in card["sources"])
    kinds: Counter[str] = Counter()
    for each in run:
        kinds.update(each.details["kind"] if each.stage == "fim" else {})
    assert card["samples"]["kind"] == kinds
    for name, count in card["samples"]["counts"].items():
        assert count == sum(each.metrics[name] for each in run if each.stage == "fim")
    (mix,) = (each for each in run if each.stage == "mix")
    assert card["mix"]["groups"] == mix.details["groups"]
    (curate,) = (each for each in run if each.stage == "curate")
    assert card["curation"]["dropped"] == curate.details["dropped"]


def test_the_card_needs_nothing_but_the_stages_of_data(run: list[Manifest], tmp_path: Path):
    whole = report.build(config.Report(), run, str(tmp_path))
    stages = ("preflight", "model", "ingest", "curate", "fim", "mix")
    alone = report.describe(config.Report(), [each for each in run if each.stage in stages], str(tmp_path))
    for name in ("data-card.json", "data-card.html"):
        assert alone.file(name).read_bytes() == whole.file(name).read_bytes()
    with pytest.raises(DataError, match="needs the manifest of mix"):
        report.describe(config.Report(), [each for each in run if each.stage in stages[:-1]], str(tmp_path))


def drawn(run: list[Manifest]) -> str:
    return Page(card.render(config.Report(title="Orders"), Stages.of(run))).text


def test_the_card_as_a_page_says_what_the_training_set_was_made_of(run: list[Manifest]):
    text = drawn(run)
    (mix,) = (each for each in run if each.stage == "mix")
    assert "Data card: Orders" in text
    assert f"{mix.metrics['tokens']:,.0f} training tokens" in text
    assert "Nothing was replaced." in text
    assert "Settings: ingest.personal redact, ingest.secrets drop." in text
    assert "No benchmark was named" in text
    assert all(each.digest in text for each in run if each.stage in ("ingest", "curate", "mix"))


def test_the_card_shows_a_hole_of_each_kind_whichever_shard_it_came_from(run: list[Manifest]):
    for manifests in (run, run[::-1]):
        examples = card.card(Stages.of(manifests))["samples"]["examples"]
        assert [(kind, each["middle"]) for kind, each in examples.items()] == [
            ("body", "{ g(); }"),
            ("statements", "y();"),
        ]
    assert "void f() { g(); }" in drawn(run)
    assert "return sum;" not in drawn(run)


def test_the_card_shows_the_order_of_training_and_what_each_level_holds(run: list[Manifest]):
    assert "Every epoch of training is shuffled." in drawn(run)
    (mix,) = (each for each in run if each.stage == "mix")
    mix.details["order"] = "easy_first"
    mix.details["levels"] = [
        {"sequences": 150, "tokens": 610_000, "middle": 8.25, "shares": {"business": 0.671, "public": 0.329}},
        {
            "sequences": 146,
            "tokens": 602_416,
            "middle": 61.0,
            "shares": {"business": 0.67, "public": 0.2, "text": 0.13},
        },
    ]
    text = drawn(run)
    assert "The first epoch of training goes through these levels" in text
    assert "18.2150610,00067.10 %32.90 %0.00 %" in text
    assert "261.0146602,41667.00 %20.00 %13.00 %" in text
    assert card.card(Stages.of(run))["mix"]["order"] == "easy_first"


def test_the_card_says_how_long_the_samples_and_middles_of_each_group_are(run: list[Manifest]):
    text = drawn(run)
    assert "businesssamples881804104,096" in text
    assert "businessmiddles317120256" in text
    assert "textsamples4001,1002,4004,096" in text
    assert "textmiddles" not in text


def test_what_was_replaced_and_the_benchmarks_are_named(run: list[Manifest]):
    for each in run:
        if each.stage == "ingest":
            each.details["redacted"] = {"emails": 3, "assigned-secret": 1}
        if each.stage == "preflight":
            each.details["configuration"]["curate"]["decontaminate"] = ["s3://bucket/HumanEval.jsonl.gz"]
        if each.stage == "curate":
            each.details["contaminated"] = [2]
    text = drawn(run)
    sources = len([each for each in run if each.stage == "ingest"])
    assert f"emails{3 * sources}" in text
    assert f"assigned secret{sources}" in text
    assert "s3://bucket/HumanEval.jsonl.gz: 2 files" in text
    assert "held parts of one of these benchmarks: 2 files." in text
