"""The page: what each part shows, and the template that draws it."""

from pathlib import PurePosixPath
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from fimsmith import config
from fimsmith.manifest import Manifest
from fimsmith.report import charts, comparison, data
from fimsmith.report.stages import Stages
from fimsmith.report.wording import FILTERS, count, counted, decimals, moment, short, shown, signed, size, span

METHODS = {"full": "full fine-tuning", "lora": "low-rank adapters"}


def render(section: config.Report, stages: Stages) -> str:
    """Return the HTML; every text from the data is escaped."""
    settings = stages.preflight.details["configuration"]
    return template("page.html.jinja").render(
        title=section.title,
        subtitle=_subtitle(stages),
        verdict=comparison.verdict(stages),
        figures=_figures(stages),
        flow=_flow(stages),
        funnel=data.funnel(stages),
        sources=data.sources(stages),
        mix=data.mix(stages),
        training=_training(stages),
        scores=comparison.scores(stages),
        kinds=comparison.kinds(stages),
        samples=comparison.samples(stages, section.samples),
        configuration=yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=100),
        receipt=_receipt(stages, settings),
    )


def template(name: str) -> Template:
    """Return one of the templates beside this file."""
    found = Environment(
        loader=PackageLoader("fimsmith.report", ""), autoescape=True, finalize=shown, undefined=StrictUndefined
    )
    found.filters |= FILTERS
    return found.get_template(name)


def _subtitle(stages: Stages) -> str:
    started = max(each.started for _, group in stages.named() for each in group)
    name = PurePosixPath(stages.model.uri.rstrip("/")).name
    parts = [f"base model {name}", stages.model.details["family"], METHODS[stages.train.details["method"]]]
    parts += [f"{str(moment(started))[:16]} UTC" if started else None, f"fimsmith {stages.preflight.version}"]
    return " · ".join(part for part in parts if part)


def _figures(stages: Stages) -> list[dict[str, Any]]:
    """The numbers that one looks for first."""
    train, curate = stages.train.metrics, stages.curate.metrics
    rows = comparison.scores(stages)["rows"][:3]
    figures = [_figure(row["metric"].name, _change(row), f"gain {signed(row['gain'].mean)}") for row in rows]
    # there are none without a validation split
    before, after = (decimals(train.get(name), 2) for name in ("eval_loss_before", "eval_loss"))
    return [
        *figures,
        _figure("Validation loss", f"{before} → {after}", "nats per token"),
        _figure("Trained on", f"{short(train['tokens'])} tokens", counted(train["steps"], "step")),
        _figure("Training time", span(stages.train.seconds), METHODS[stages.train.details["method"]]),
        _figure("Files", count(curate["files"]), f"{count(curate['test_files'])} of them held out for the test"),
        _figure(
            "Closest test file",
            decimals(curate["max_similarity_train_test"], 2),
            "similarity to a training file, at most 1",
        ),
    ]


def _figure(name: str, value: str, note: str) -> dict[str, str]:
    return {"name": name, "value": value, "note": note}


def _change(row: dict[str, Any]) -> str:
    return f"{decimals(row['base'].mean)} → {decimals(row['tuned'].mean)}"


def _flow(stages: Stages) -> dict[str, Any]:
    """The stages with their times and what each made."""
    named = stages.named()
    total = sum(each.seconds for _, group in named for each in group)
    made = _made(stages)
    steps = [{**_step(name, group, total), "made": made[name]} for name, group in named]
    return {"steps": steps, "total": total, "tasks": sum(step["tasks"] for step in steps)}


def _step(name: str, group: list[Manifest], total: float) -> dict[str, Any]:
    seconds = sum(each.seconds for each in group)
    share = 100 * seconds / total if total else 0
    return {"name": name.split()[0], "tasks": len(group), "seconds": seconds or None, "share": share}


def _made(stages: Stages) -> dict[str, str]:
    """A few words per stage on what it made."""
    samples, tokens = (sum(shard.metrics[name] for shard in stages.fim) for name in ("samples", "tokens"))
    base, tuned = (counted(each.metrics["samples"], "completion") for each in (stages.base, stages.tuned))
    return {
        "preflight": f"{counted(len(stages.ingest), 'source')}, {stages.model.details['family']}",
        "ingest": counted(sum(each.metrics["files"] for each in stages.ingest), "file"),
        "curate": f"{counted(stages.curate.metrics['train_files'], 'file')} to train on",
        "fim": f"{counted(samples, 'sample')}, {short(tokens)} tokens",
        "mix": counted(stages.mix.metrics["sequences"], "sequence"),
        "train": counted(stages.train.metrics["steps"], "step"),
        "evaluate base": f"base: {base}",
        "evaluate tuned": f"tuned: {tuned}",
        "gate": "passed" if stages.gate.details["passed"] else "not passed",
        "export": "withheld" if stages.export.details["withheld"] else stages.export.details["name"],
    }


def _training(stages: Stages) -> dict[str, Any]:
    """The two loss curves."""
    details, metrics = stages.train.details, stages.train.metrics
    before, after = (decimals(metrics.get(name), 3) for name in ("eval_loss_before", "eval_loss"))
    return {
        "lead": f"{METHODS[details['method']].capitalize()}, {counted(metrics['steps'], 'step')}, "
        f"{count(details['trainable'])} trained parameters.",
        "plot": charts.plot({"training": details["curve"], "validation": details["eval_curve"]}),
        "alt": f"Training and validation loss by step; validation from {before} to {after}",
    }


def _receipt(stages: Stages, settings: dict[str, Any]) -> dict[str, Any]:
    """What is needed to make the run again, or to see that it is the same."""
    every = [("model", stages.model), *((name, each) for name, group in stages.named() for each in group)]
    return {
        "stages": [_line(name, each) for name, each in every],
        "versions": _versions(stages),
        "export": _export(stages.export),
        "seeds": {
            name: section["seed"]
            for name, section in settings.items()
            if isinstance(section, dict) and "seed" in section
        },
    }


def _export(export: Manifest) -> dict[str, Any]:
    details = export.details
    if details["withheld"]:
        return {"withheld": "the gate did not pass"}
    return {
        "name": details["name"],
        "size": size(export.metrics["bytes"]),
        "parameters": count(export.metrics["parameters"]),
        "prompts that give the trained model's output": count(details["checked"]),
    }


def _line(name: str, each: Manifest) -> dict[str, Any]:
    return {
        "name": f"{name} {each.details['source']}" if name == "ingest" else name,
        "fingerprint": each.fingerprint,
        "digest": each.digest,
        "started": moment(each.started),
        "seconds": each.seconds,
        "folder": each.uri,
    }


def _versions(stages: Stages) -> dict[str, str]:
    """Versions seen by preflight; where a job had another one, both."""
    versions = dict(stages.preflight.details["versions"])
    for job, each in (("training", stages.train), ("evaluation", stages.tuned)):
        for name, version in each.details["versions"].items():
            first = versions.setdefault(name, version)
            if version not in first.split(" "):
                versions[name] = f"{first} ({job}: {version})"
    return versions
