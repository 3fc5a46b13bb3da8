"""The manifests of real stages hold what the page reads; the slow test of the whole pipeline covers the others."""

from pathlib import Path

from html_page import Page

from fimsmith import config, corpus, gate, records
from fimsmith.evaluate import summary
from fimsmith.manifest import Manifest, Outcome, produce
from fimsmith.report import page
from fimsmith.report.stages import Stages


def read(run: list[Manifest]) -> str:
    return Page(page.render(config.Report(), Stages.of(run))).text


def test_the_page_reads_what_ingest_and_curate_write(run: list[Manifest], shop: Path, tmp_path: Path):
    sources = [config.Source(name=name, location=str(shop / name)) for name in ("orders", "members")]
    ingested = [corpus.ingest(config.Ingest(), source, str(tmp_path)) for source in sources]
    curated = corpus.curate(config.Curate(test=0.2, valid=0.1), ingested, str(tmp_path))
    text = read([each for each in run if each.stage not in ("ingest", "curate")] + [*ingested, curated])
    assert f"found{sum(each.metrics['files_found'] for each in ingested)}" in text.replace("\n", "")
    assert f"training{curated.metrics['train_files']}" in text.replace("\n", "")
    assert curated.details["most_similar"]["test"] in text
    for each in ingested:
        assert all(reason.replace("_", " ") in text for reason in each.details["rejected"])


def test_the_page_reads_what_evaluate_and_gate_write(run: list[Manifest], tmp_path: Path):
    stages = Stages.of(run)
    base, tuned = (evaluation(each, 10.0 * place, tmp_path) for place, each in enumerate((stages.base, stages.tuned)))
    decision = gate.decide(config.Gate(), base, tuned, str(tmp_path))
    text = read([each for each in run if each.stage not in ("evaluate", "gate")] + [base, tuned, decision])
    assert "Gate not passed Edit similarity 0.0 → 10.0 (+10.0, 95 % 10.0…10.0) on 12 held-out samples" in text
    assert all(reason in text for reason in decision.details["reasons"])


def evaluation(like: Manifest, value: float, root: Path) -> Manifest:
    """An evaluation of twelve samples in six files whose measures are all the same."""
    names = {"group": "business", "policy": "node"}
    rows = [
        {
            "priority": f"{n:02}",
            "file": str(n % 6),
            "kind": ("body", "line")[n % 2],
            **names,
            **dict.fromkeys(records.MEASURES, value),
        }
        for n in range(12)
    ]

    def build(work: Path) -> Outcome:
        records.write(work / gate.SCORES, records.SCORES, rows)
        summed = summary.summarise(rows, config.Evaluate(bootstrap=100))
        return Outcome(summary.flat(summed["overall"], len(rows)), {**like.details, **summed})

    return produce("evaluate", [value], [], str(root), build)
