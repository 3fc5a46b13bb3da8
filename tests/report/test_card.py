import json
from collections import Counter
from pathlib import Path

from fimsmith import config, report
from fimsmith.manifest import Manifest


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
