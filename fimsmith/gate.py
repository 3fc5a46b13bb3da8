"""Decide whether the tuned model may be handed over: what it gained over the base, sample by sample.

fimsmith gate config.yaml
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fimsmith import config, records, statistics, storage
from fimsmith.errors import DataError
from fimsmith.manifest import Manifest, Outcome, produce
from fimsmith.progress import say

FILE = "decision.json"
SCORES = "scores.parquet"
Row = dict[str, Any]


def decide(section: config.Gate, base: Manifest, tuned: Manifest, root: str) -> Manifest:
    """Compare two evaluations of the same test set.

    `details` holds `passed`, a sentence per criterion in `reasons`, the paired `gains` (tuned - base,
    so that a lower loss is a negative gain), overall and `by_kind`, and the p-value `mcnemar` of the change
    in exact matches; unlike the intervals it takes samples of one file as independent.
    Raises DataError when the two were not made from the same samples.
    """
    return produce("gate", [section], [base, tuned], root, lambda work: _decide(section, base, tuned, work))


def _decide(section: config.Gate, base: Manifest, tuned: Manifest, work: Path) -> Outcome:
    before, after = _joined(base, tuned)
    gains = _gains(before, after)
    criteria = list(_criteria(section, gains))
    kinds = sorted({row["kind"] for row in before})
    details = {
        "passed": all(met for met, _ in criteria),
        "reasons": [sentence for _, sentence in criteria],
        "gains": gains,
        "mcnemar": statistics.mcnemar(*([row["exact_match"] > 0 for row in rows] for rows in (before, after))),
        "by_kind": {kind: _kind(before, after, kind) for kind in kinds},
    }
    storage.write_atomically(work / FILE, json.dumps(details, indent=1))
    say("gate", "passed" if details["passed"] else "not passed")
    for reason in details["reasons"]:
        say("gate", f"  {reason}")
    return Outcome({"passed": int(details["passed"]), "samples": len(before)}, details)


def _joined(base: Manifest, tuned: Manifest) -> tuple[list[Row], list[Row]]:
    """The scores of both models in the same order."""
    before, after = ({row["priority"]: row for row in records.read(each.file(SCORES))} for each in (base, tuned))
    if before.keys() != after.keys():
        raise DataError(
            f"the base was evaluated on {len(before):,} samples and the tuned model on {len(after):,}, of which "
            f"{len(before.keys() & after.keys()):,} are the same; evaluate both with the same evaluate.samples and test set"
        )
    order = sorted(before)
    return [before[key] for key in order], [after[key] for key in order]


def _gains(before: Sequence[Row], after: Sequence[Row]) -> dict[str, dict[str, float | None]]:
    """Return {measure: {base, tuned, gain, low, high}}."""
    old, new = (np.array([[row[name] for name in records.MEASURES] for row in rows]) for rows in (before, after))
    found = statistics.bootstrap_mean(new - old, [row["file"] for row in before])
    means = zip(old.mean(axis=0).round(6).tolist(), new.mean(axis=0).round(6).tolist(), strict=True)
    return {
        name: {"base": base, "tuned": tuned, "gain": gain.mean, "low": gain.low, "high": gain.high}
        for name, (base, tuned), gain in zip(records.MEASURES, means, found, strict=True)
    }


def _kind(before: Sequence[Row], after: Sequence[Row], kind: str) -> dict[str, Any]:
    chosen = [place for place, row in enumerate(before) if row["kind"] == kind]
    return {"samples": len(chosen), **_gains([before[place] for place in chosen], [after[place] for place in chosen])}


def _criteria(section: config.Gate, gains: dict[str, dict[str, Any]]) -> Iterator[tuple[bool, str]]:
    """Yield whether each criterion is met, and the sentence that says so."""
    for name, least in section.min_gain.items():
        gain = gains[name]
        met = gain["low"] is not None and gain["low"] > least
        yield met, _sentence(name, gain, f"the lower end must exceed {least:g}", met)
    if section.lower_loss:
        gain = gains["loss"]
        met = gain["high"] is not None and gain["high"] < 0
        yield met, _sentence("loss", gain, "the upper end must be below 0", met)


def _sentence(name: str, gain: dict[str, Any], rule: str, met: bool) -> str:
    """One criterion with its numbers."""
    interval = (
        f"no interval from fewer than {statistics.FEWEST} test files"
        if gain["low"] is None
        else f"95 % interval {gain['low']:+.4g} to {gain['high']:+.4g}"
    )
    change = f"{name} {gain['base']:.4g} -> {gain['tuned']:.4g}, gain {gain['gain']:+.4g} ({interval})"
    return f"{change}; {rule}: {'met' if met else 'not met'}"
