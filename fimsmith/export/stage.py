"""One export from the job specification to a checked package, or to the reasons why there is none."""

import shutil
from pathlib import Path

from fimsmith import held_out, model
from fimsmith.export import check, documents, weights
from fimsmith.export.inputs import Inputs
from fimsmith.export.prompting import Prompting, prompting
from fimsmith.family import Format
from fimsmith.jobspec import JobSpec
from fimsmith.manifest import Outcome
from fimsmith.progress import say


def build(spec: JobSpec) -> Outcome:
    """Write the package, unless the gate says no; raises ModelError when it is not what was trained."""
    inputs = Inputs.of(spec)
    section, folder, decision = inputs.section, Path(spec.folder), inputs.gate.details
    _clear(folder)
    if section.require_gate and not decision["passed"]:
        return _withhold(folder, decision["reasons"])
    prompts = prompting(
        model.weights(inputs.base), Format(**inputs.base.details["format"]), inputs.base.details["context"]
    )
    say("export", f"writing {section.name} in {section.precision}")
    parameters = _package(folder, inputs, prompts)
    documents.write(folder, inputs, prompts, parameters)
    rows = held_out.test_set(inputs.shards, section.check_prompts)
    checked = check.verify(folder, model.weights(inputs.tuned), section.precision, prompts, rows)
    files = _files(folder)
    size = sum(files.values())
    say("export", f"{section.name}: {size / 1e6:,.1f} MB; {checked} prompts give what the trained model gives")
    return Outcome(
        {"bytes": size, "parameters": parameters},
        {"withheld": False, "name": section.name, "files": files, "checked": checked},
    )


def _package(folder: Path, inputs: Inputs, prompts: Prompting) -> int:
    """Write model/, adapter/ and fim.json and return the number of parameters."""
    source, base, target = model.weights(inputs.tuned), model.weights(inputs.base), folder / "model"
    parameters = weights.convert(source, target, inputs.section.precision)
    weights.write_settings(source, base, target, prompts, inputs.section.precision)
    adapter = inputs.tuned.folder / "adapter"
    if adapter.is_dir():
        shutil.copytree(adapter, folder / "adapter")
    weights.write_json(folder / "fim.json", prompts.plain())
    return parameters


def _withhold(folder: Path, reasons: list[str]) -> Outcome:
    text = "\n".join(["The gate did not pass, so the model is not exported:", *(f"- {reason}" for reason in reasons)])
    advice = "Train longer or on more data, change the gate section, or set export.require_gate: false."
    (folder / "WITHHELD.txt").write_text(f"{text}\n{advice}\n", encoding="utf-8")
    say("export", "withheld: the gate did not pass")
    return Outcome({}, {"withheld": True, "reasons": reasons})


def _clear(folder: Path) -> None:
    """Remove what an interrupted export left; the launcher's log stays."""
    for entry in folder.iterdir():
        if entry.name != "log":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _files(folder: Path) -> dict[str, int]:
    """Return path -> bytes of the package."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path.stat().st_size for path in paths}
    return {name: size for name, size in names.items() if not name.startswith("log/")}
