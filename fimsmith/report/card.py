"""The data card: what the training set was made of, for programs and auditors; the page shows the same to people."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from fimsmith.manifest import Manifest
from fimsmith.report.stages import Stages

_SOURCE = ("source", "group", "kind", "rejected", "redacted", "licences", "encodings", "repositories")
_SAMPLES = ("samples", "tokens", "context_samples", "context_tokens")


def card(stages: Stages) -> dict[str, Any]:
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
        },
        "mix": {"digest": mix.digest, "counts": mix.metrics, **mix.details},
    }


def _sum(shards: Iterable[Manifest], name: str) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in shards:
        total.update(each.details[name])
    return dict(sorted(total.items()))
