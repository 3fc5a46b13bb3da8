"""The data card: what the training set was made of, as JSON for programs and as a page for people."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from fimsmith import config
from fimsmith.manifest import Manifest
from fimsmith.report import data, excerpt
from fimsmith.report.page import template
from fimsmith.report.stages import Data
from fimsmith.report.wording import count, counted, decimals, short, spaced

_SOURCE = ("source", "group", "kind", "rejected", "redacted", "licences", "encodings", "scripts", "repositories")
_SAMPLES = ("samples", "tokens", "context_samples", "context_tokens")


def card(stages: Data) -> dict[str, Any]:
    """Return sources, losses, splits, samples and shares as plain JSON values."""
    curate, mix = stages.curate, stages.mix
    return {
        "fimsmith": mix.version,
        "sources": [
            {"digest": each.digest, "counts": each.metrics, **{name: each.details[name] for name in _SOURCE}}
            for each in stages.ingest
        ],
        "curation": {"digest": curate.digest, "counts": curate.metrics, **curate.details},
        "samples": {
            "digests": [each.digest for each in stages.fim],
            "counts": {name: sum(each.metrics[name] for each in stages.fim) for name in _SAMPLES},
            **{name: _sum(stages.fim, name) for name in ("policy", "kind", "cut", "split", "skipped")},
            "examples": _examples(stages.fim),
        },
        "mix": {"digest": mix.digest, "counts": mix.metrics, **mix.details},
    }


def render(section: config.Report, stages: Data) -> str:
    """Return the card as HTML in the look of the report; every text from the data is escaped."""
    settings, curate, mix = stages.preflight.details["configuration"], stages.curate, stages.mix
    return template("card.html.jinja").render(
        title=f"Data card: {section.title}",
        subtitle=f"{counted(len(stages.ingest), 'source')} · fimsmith {mix.version}",
        figures={
            "Files": count(curate.metrics["files"]),
            "Files to train on": count(curate.metrics["train_files"]),
            "Samples": short(sum(each.metrics["samples"] for each in stages.fim)),
            "Training tokens": short(mix.metrics["tokens"]),
        },
        funnel=data.funnel(stages),
        sources=data.sources(stages),
        mix=data.mix(stages),
        replaced=data.bars(Counter(_sum(stages.ingest, "redacted"))),
        rules={name: settings["ingest"][name] for name in ("personal", "secrets")},
        apart=_apart(curate, settings["curate"]["decontaminate"]),
        benchmarks=[
            f"{benchmark}: {counted(files, 'file')}"
            for benchmark, files in zip(
                settings["curate"]["decontaminate"], curate.details["contaminated"], strict=True
            )
        ],
        samples={
            title: data.bars(Counter(_sum(stages.fim, name)))
            for title, name in (("Target", "policy"), ("Kind of hole", "kind"), ("Cut", "cut"), ("Split", "split"))
        },
        examples=[
            {"path": each["path"], "kind": spaced(kind), **excerpt.around(each)}
            for kind, each in _examples(stages.fim).items()
        ],
        digests=[
            *((f"ingest {each.details['source']}", each.digest) for each in stages.ingest),
            ("curate", curate.digest),
            ("mix", mix.digest),
        ],
    )


def _apart(curate: Manifest, benchmarks: list[str]) -> str:
    """What keeps the test honest."""
    closest = decimals(curate.metrics["max_similarity_train_test"], 2)
    said = f"No test file is more similar to a training file than {closest} of at most 1 (Jaccard, estimated)."
    if not benchmarks:
        return f"{said} No benchmark was named to keep out of the training set."
    found = counted(curate.metrics["contaminated"], "file")
    return f"{said} Left out because they held parts of one of these benchmarks: {found}."


def _examples(shards: Iterable[Manifest]) -> dict[str, dict[str, str]]:
    """A hole of each kind; which one does not depend on the number of shards."""
    found: dict[str, dict[str, str]] = {}
    for each in shards:
        for kind, example in each.details["examples"].items():
            if kind not in found or example["file"] < found[kind]["file"]:
                found[kind] = example
    return dict(sorted(found.items()))


def _sum(shards: Iterable[Manifest], name: str) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in shards:
        total.update(each.details[name])
    return dict(sorted(total.items()))
