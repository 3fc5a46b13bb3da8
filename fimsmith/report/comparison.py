"""The base model against the tuned one: scores with their intervals, kinds of holes, sample completions."""

from dataclasses import dataclass
from typing import Any

from rapidfuzz.distance import Levenshtein

from fimsmith.report import excerpt
from fimsmith.report.stages import Stages
from fimsmith.report.wording import count, decimals, signed, spaced

LEADING = "edit_similarity"  # the metric of the verdict and of the kinds


@dataclass(frozen=True, slots=True)
class Metric:
    """How a score is named and read."""

    name: str
    unit: str = ""
    better: int = 0  # 1: higher, -1: lower, 0: neither
    points: bool = True  # on the scale 0-100
    digits: int = 1
    part: bool = False  # of the one above


METRICS = {  # records.MEASURES in the order of the page
    "edit_similarity": Metric("Edit similarity", better=1),
    "exact_match": Metric("Exact match", "%", better=1),
    "codebleu": Metric("CodeBLEU", better=1),
    "codebleu_strict": Metric("CodeBLEU, strict", better=1),
    "ngram": Metric("n-grams", better=1, part=True),
    "weighted_ngram": Metric("weighted n-grams", better=1, part=True),
    "syntax": Metric("syntax", better=1, part=True),
    "dataflow": Metric("data flow", better=1, part=True),
    "parses": Metric("Parses", "%", better=1),
    "stopped": Metric("Stops by itself", "%", better=1),
    "length_ratio": Metric("Length", "of the expected", points=False, digits=2),
    "loss": Metric("Loss", "nats per token", better=-1, points=False, digits=3),
}


@dataclass(frozen=True, slots=True)
class Score:
    """A mean, or the mean of a gain, with its 95 % interval; there is none for too few test files."""

    mean: float
    low: float | None
    high: float | None

    @classmethod
    def of(cls, value: dict[str, Any], key: str = "mean") -> "Score":
        """Read `{mean, low, high}`, or with another key for the mean."""
        return cls(value[key], value["low"], value["high"])


def verdict(stages: Stages) -> dict[str, Any]:
    """The gate's answer and the sentence that carries the key number."""
    details = stages.gate.details
    return {"passed": details["passed"], "sentence": _sentence(stages), "reasons": details["reasons"]}


def _sentence(stages: Stages) -> str:
    gain, metric = stages.gate.details["gains"][LEADING], METRICS[LEADING]
    interval = "" if gain["low"] is None else f", 95 % {decimals(gain['low'])}…{decimals(gain['high'])}"
    change = f"{decimals(gain['base'])} → {decimals(gain['tuned'])} ({signed(gain['gain'])}{interval})"
    return f"{metric.name} {change} on {count(stages.tuned.metrics['samples'])} held-out samples"


def scores(stages: Stages) -> dict[str, Any]:
    """Every metric before and after."""
    chance = stages.gate.details["mcnemar"]
    return {
        "lead": f"{count(stages.tuned.metrics['samples'])} held-out samples, greedy decoding. Small figures: 95 % intervals "
        "of a bootstrap clustered by file; the gain's interval is paired. The ceiling is what the expected text scores "
        "against itself.",
        "rows": [_row(stages, name) for name in METRICS],
        "note": f"Exact matches, McNemar's exact test: {'p < 0.001' if chance < 0.001 else f'p = {chance:.3f}'}; "
        "unlike the intervals it takes samples of one file as independent.",
    }


def _row(stages: Stages, name: str) -> dict[str, Any]:
    gain = Score.of(stages.gate.details["gains"][name], "gain")
    return {
        "metric": METRICS[name],
        "base": Score.of(stages.base.details["overall"][name]),
        "tuned": Score.of(stages.tuned.details["overall"][name]),
        "gain": gain,
        "effect": _effect(METRICS[name], gain),
        "ceiling": stages.tuned.details["ceiling"].get(name),
    }


def _effect(metric: Metric, gain: Score) -> str:
    """Whether the whole interval lies on one side of zero, and which side is good."""
    if gain.low is None or gain.high is None or gain.low <= 0 <= gain.high:
        return ""
    return {1: "better", -1: "worse", 0: ""}[metric.better * (1 if gain.low > 0 else -1)]


def kinds(stages: Stages) -> dict[str, Any]:
    """The leading metric for every kind of hole, the most frequent kind first."""
    rows = [_kind(stages, kind) for kind in stages.tuned.details["by_kind"]]
    return {
        "lead": f"{METRICS[LEADING].name} by what was cut out. Kinds with few samples say little on their own.",
        "rows": sorted(rows, key=lambda row: (-row["samples"], row["name"])),
    }


def _kind(stages: Stages, kind: str) -> dict[str, Any]:
    before, after = (each.details["by_kind"][kind] for each in (stages.base, stages.tuned))
    gain = Score.of(stages.gate.details["by_kind"][kind][LEADING], "gain")
    return {
        "name": spaced(kind),
        "samples": after["samples"],
        "base": Score.of(before[LEADING]),
        "tuned": Score.of(after[LEADING]),
        "gain": gain,
        "effect": _effect(METRICS[LEADING], gain),
    }


def samples(stages: Stages, limit: int) -> dict[str, Any]:
    """The examples that the evaluations kept, with both models' completions side by side."""
    base = {_key(each): each for each in stages.base.details["examples"]}
    pairs = [(base[_key(each)], each) for each in stages.tuned.details["examples"] if _key(each) in base]
    return {
        "lead": "Taken in turn over the kinds of holes in the order of the fixed test set, not by score. The marked part is the "
        "hole: the models saw what is around it. Tinted words of an answer are not in the expected text.",
        "rows": [_sample(*pair) for pair in pairs[:limit]],
    }


def _key(example: dict[str, str]) -> tuple[str, ...]:
    return example["path"], example["kind"], example["middle"]


def _sample(base: dict[str, str], tuned: dict[str, str]) -> dict[str, Any]:
    return {
        "path": tuned["path"],
        "kind": spaced(tuned["kind"]),
        **excerpt.around(tuned),
        "base": _answer(base),
        "tuned": _answer(tuned),
    }


def _answer(example: dict[str, str]) -> dict[str, Any]:
    """A completion with its scores as the evaluation defines them."""
    expected, completion = example["middle"], example["completion"]
    cut = excerpt.head(completion, *excerpt.MIDDLE)
    return {
        "runs": excerpt.compare(excerpt.head(expected, *excerpt.MIDDLE).text, cut.text),
        "hidden": cut.hidden,
        "exact": completion.strip() == expected.strip(),
        "similarity": 100 * Levenshtein.normalized_similarity(completion.strip(), expected.strip()),
    }
