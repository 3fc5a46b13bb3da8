"""The texts that go with the model: model card, receipt, and what serves it."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from fimsmith.export.inputs import Inputs
from fimsmith.export.prompting import Prompting
from fimsmith.export.weights import NAMES, write_json

_TEMPLATES = {
    "README.md": "model_card.md.jinja",
    "Modelfile": "Modelfile.jinja",
    "serve-vllm.sh": "serve-vllm.sh.jinja",
}
_SHOWN = {  # measure -> what the card calls it
    "exact_match": "Exact match",
    "edit_similarity": "Edit similarity",
    "codebleu": "CodeBLEU (as codebleu 0.7.0)",
    "codebleu_strict": "CodeBLEU (strict)",
    "parses": "File still parses",
    "stopped": "Ended by itself",
    "length_ratio": "Length / length of the true middle",
    "loss": "Loss per token (lower is better)",
}
_TRAINING = ("method", "learning_rate", "schedule", "warmup", "epochs", "max_steps", "batch", "precision", "seed")


def write(folder: Path, inputs: Inputs, prompts: Prompting, parameters: int) -> None:
    """Write README.md, Modelfile, serve-vllm.sh and receipt.json; none of them holds any training or test code."""
    configuration = inputs.receipt.get("configuration", {})
    settings = configuration.get("train", {})
    values = {
        "name": inputs.section.name,
        "dtype": NAMES[inputs.section.precision],
        "inputs": inputs,
        "prompts": prompts,
        "parameters": parameters,
        "measures": _SHOWN,
        "training": {name: settings[name] for name in _TRAINING if settings.get(name) is not None},
        "weights": configuration.get("mix", {}).get("weights", {}),
    }
    loader = FileSystemLoader(Path(__file__).parent)
    environment = Environment(loader=loader, undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True)
    for name, template in _TEMPLATES.items():
        (folder / name).write_text(environment.get_template(template).render(values), encoding="utf-8")
    (folder / "serve-vllm.sh").chmod(0o755)
    receipt = {**inputs.receipt, "export": inputs.section.model_dump(mode="json"), "digests": inputs.digests()}
    write_json(folder / "receipt.json", receipt)
