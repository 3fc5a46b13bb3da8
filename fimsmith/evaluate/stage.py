"""One evaluation from the job specification to the numbers."""

from importlib import metadata
from pathlib import Path
from typing import Any

from fimsmith import __version__, config, held_out, model, records
from fimsmith.evaluate import generate, scores, summary
from fimsmith.family import Format
from fimsmith.jobspec import JobSpec
from fimsmith.manifest import Outcome
from fimsmith.progress import say

FILE = "scores.parquet"
_VERSIONS = ("torch", "transformers", "tokenizers", "tree-sitter", "tree-sitter-java", "rapidfuzz")


def build(spec: JobSpec) -> Outcome:
    """Write generations.jsonl and scores.parquet for the model on the test set of the FIM shards."""
    section = config.Evaluate(**spec.section)
    tested, shards = spec.inputs[0], spec.inputs[1:]
    rows = held_out.test_set(shards, section.samples)
    which = "tuned" if tested.stage == "train" else "base"
    say("evaluate", f"{len(rows):,} test samples, {which} model {model.weights(tested)}")
    if len(rows) < section.samples:
        say("evaluate", f"evaluate.samples asks for {section.samples:,}; the test set holds no more")
    subject = generate.Subject(model.weights(tested), Format(**tested.details["format"]))
    generations = generate.complete(subject, section, rows, Path(spec.folder))
    results = scores.score(rows, generations)
    columns = [{name: row[name] for name in ("priority", "file", "group", "policy", "kind")} for row in rows]
    scored = [{**column, **score} for column, (score, _) in zip(columns, results, strict=True)]
    records.write(Path(spec.folder) / FILE, records.SCORES, scored)
    details: dict[str, Any] = {
        **summary.summarise(scored, section),
        "ceiling": summary.ceiling([best for _, best in results]),
        "examples": summary.examples(rows, generations),
        "model": tested.digest,
        "versions": {"fimsmith": __version__, **{name: metadata.version(name) for name in _VERSIONS}},
    }
    _conclude(details)
    return Outcome(summary.flat(details["overall"], len(rows)), details)


def _conclude(details: dict[str, Any]) -> None:
    overall = details["overall"]
    names = ("exact_match", "edit_similarity", "codebleu", "codebleu_strict")
    text = ", ".join(f"{name} {overall[name]['mean']:.2f}" for name in names)
    say("evaluate", f"{text} (perfect: {details['ceiling']['codebleu']:.2f}), loss {overall['loss']['mean']:.4f}")
