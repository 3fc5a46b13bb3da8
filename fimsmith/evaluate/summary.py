"""What an evaluation says at the end: means with intervals, tables by kind, and samples to look at."""

from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any

import numpy as np

from fimsmith import config, records, statistics

_FLAT = ("exact_match", "edit_similarity", "codebleu", "codebleu_strict", "loss", "length_ratio", "stopped")
_EXAMPLES = 10
_BEFORE, _AFTER = 12, 8  # lines around the hole of an example
Row = Mapping[str, Any]


def summarise(scores: Sequence[Row], section: config.Evaluate) -> dict[str, Any]:
    """Return `overall`, `by_kind` and `by_policy`: a mean and interval per measure."""
    return {
        "overall": intervals(scores, section),
        "by_kind": _split(scores, "kind", section),
        "by_policy": _split(scores, "policy", section),
    }


def intervals(scores: Sequence[Row], section: config.Evaluate) -> dict[str, Any]:
    """Return {measure: {mean, low, high}}; the bounds are None for samples of too few files."""
    values = np.array([[row[name] for name in records.MEASURES] for row in scores])
    found = statistics.bootstrap_mean(values, [row["file"] for row in scores], section.bootstrap, section.seed)
    return {name: each.plain() for name, each in zip(records.MEASURES, found, strict=True)}


def flat(overall: Mapping[str, Any], samples: int) -> dict[str, float | int]:
    """Return the main numbers as KFP metrics; a bound that does not exist is left out."""
    metrics: dict[str, float | int] = {"samples": samples}
    for name in _FLAT:
        metrics[name] = overall[name]["mean"]
        metrics.update(
            {f"{name}_{end}": overall[name][end] for end in ("low", "high") if overall[name][end] is not None}
        )
    return metrics


def ceiling(best: Sequence[Row]) -> dict[str, float]:
    """Return the mean scores of the true middles against themselves."""
    return {name: float(np.mean([row[name] for row in best])) for name in best[0]}


def examples(rows: Sequence[Row], generations: Sequence[Row]) -> list[dict[str, str]]:
    """Return ten completions in turn over the kinds: the same ones for every model on the same test set."""
    kinds: dict[str, list[tuple[Row, Row]]] = {}
    for row, generation in zip(rows, generations, strict=True):
        kinds.setdefault(row["kind"], []).append((row, generation))
    turns = chain.from_iterable(zip_longest(*(kinds[kind] for kind in sorted(kinds))))
    return [_example(*pair) for pair in turns if pair is not None][:_EXAMPLES]


def _example(row: Row, generation: Row) -> dict[str, str]:
    return {
        "path": row["path"],
        "kind": row["kind"],
        "prefix": "".join(row["prefix"].splitlines(keepends=True)[-_BEFORE:]),
        "middle": row["middle"],
        "suffix": "".join(row["suffix"].splitlines(keepends=True)[:_AFTER]),
        "completion": generation["completion"],
    }


def _split(scores: Sequence[Row], column: str, section: config.Evaluate) -> dict[str, Any]:
    parts: dict[str, list[Row]] = {}
    for row in scores:
        parts.setdefault(row[column], []).append(row)
    return {value: {"samples": len(parts[value]), **intervals(parts[value], section)} for value in sorted(parts)}
