"""What became of the files and tokens on their way to the training set."""

from collections import Counter
from typing import Any

from fimsmith.report import charts
from fimsmith.report.stages import Data
from fimsmith.report.wording import count, decimals, share, spaced

COLOURS = 6  # of the groups in page.css


def funnel(stages: Data) -> dict[str, Any]:
    """Files at each step, why the others were dropped, and what may leak between the splits."""
    found = sum(each.metrics["files_found"] for each in stages.ingest)
    taken = sum(each.metrics["files"] for each in stages.ingest)
    curate = stages.curate.metrics
    steps = [("found", found), ("accepted", taken), ("after duplicates and decontamination", curate["files"])]
    splits = [
        (name, curate[f"{key}_files"])
        for name, key in (("training", "train"), ("validation", "valid"), ("test", "test"))
    ]
    rows = [{"name": name, "files": files, "split": False} for name, files in steps]
    rows += [{"name": name, "files": files, "split": True} for name, files in splits]
    for row in rows:
        row["share"] = 100 * row["files"] / found
    return {"steps": rows, "dropped": bars(_dropped(stages)), "notes": _closest(stages) + _cutoffs(stages)}


def _dropped(stages: Data) -> Counter[str]:
    total: Counter[str] = Counter()
    for each in stages.ingest:
        total.update(each.details["rejected"])
    total.update(stages.curate.details["dropped"])
    return total


def bars(counts: Counter[str]) -> list[dict[str, Any]]:
    """Rows of a bar chart, the largest first."""
    most = max(counts.values(), default=0)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [
        {"name": spaced(name), "number": number, "share": 100 * number / most} for name, number in ordered if number
    ]


def _closest(stages: Data) -> list[str]:
    """What may leak: the test file that is most like a training file."""
    pair = stages.curate.details["most_similar"]
    if not pair:
        return []
    return [
        f"Most similar pair of a test and a training file: {pair['test']} and {pair['train']}, "
        f"Jaccard similarity {decimals(pair['jaccard'], 2)} (estimated {decimals(pair['estimate'], 2)}) of at most 1."
    ]


def _cutoffs(stages: Data) -> list[str]:
    """From when on code was held out, where the split was by time."""
    found = stages.curate.details.get("cutoffs", {})
    names = {"test": "test", "valid": "validation"}
    return [f"Code last changed at or after {time} was held out for {names[split]}." for split, time in found.items()]


def sources(stages: Data) -> list[dict[str, Any]]:
    """One row per source."""
    return [
        {
            **{name: each.details[name] for name in ("source", "group", "kind")},
            **{name: each.metrics[name] for name in ("files_found", "files", "bytes", "repositories")},
            **{name: _listed(each.details[name]) for name in ("licences", "encodings", "scripts")},
        }
        for each in stages.ingest
    ]


def _listed(counts: dict[str, int]) -> str:
    """Names with their counts, the most frequent first."""
    return ", ".join(f"{name} {count(number)}" for name, number in Counter(counts).most_common())


def mix(stages: Data) -> dict[str, Any]:
    """Shares of the groups as wanted and as reached, and how the samples' targets were chosen."""
    metrics, groups = stages.mix.metrics, stages.mix.details["groups"]
    names = sorted(groups, key=lambda name: (-groups[name]["weight"], name))
    return {
        "lead": f"{count(metrics['tokens'])} training tokens in {count(metrics['sequences'])} packed sequences, "
        f"{share(metrics['fill'])} full; {count(metrics['valid_tokens'])} tokens for validation.",
        "bars": {
            title: charts.stack({name: groups[name][key] for name in names})
            for title, key in (("wanted", "weight"), ("reached", "share"))
        },
        "colours": {name: index % COLOURS + 1 for index, name in enumerate(names)},
        "groups": [{"name": name, **groups[name]} for name in names],
        "policies": bars(Counter(stages.mix.details["policies"])),
        "levels": stages.mix.details["levels"],
    }
