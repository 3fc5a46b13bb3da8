"""Load the export again, from its folder alone, and compare it with the trained model."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, PreTrainedTokenizerBase

from fimsmith.errors import ModelError
from fimsmith.export import weights
from fimsmith.export.prompting import Prompting
from fimsmith.progress import Progress

_TOKENS = 32  # new tokens per prompt; what is wrong with a model shows in its first words
Row = dict[str, Any]


def verify(package: Path, trained: Path, precision: str, prompts: Prompting, rows: Sequence[Row]) -> int:
    """Compare weights, prompts and greedy completions; return the number of prompts.

    Raises ModelError that says which tensor or prompt differs.
    """
    weights.compare(trained, package / "model", precision)
    check_template(package, prompts, rows)
    progress = Progress("export", "prompts checked", 2 * len(rows))
    stops = {"eos_token_id": prompts.stop_ids, "pad_token_id": prompts.ids["pad"]}
    settings = GenerationConfig(do_sample=False, **stops)
    expected = _completions(trained, weights.TYPES[precision], rows, settings, progress)
    found = _completions(package / "model", "auto", rows, None, progress)
    for row, before, after in zip(rows, expected, found, strict=True):
        if before != after:
            raise ModelError(
                f"the exported model completes {_place(row)} differently from the trained one, from token "
                f"{_differs(before, after)} on; the settings in {package / 'model'} are wrong: export again"
            )
    return len(rows)


def check_template(package: Path, prompts: Prompting, rows: Sequence[Row]) -> None:
    """Raise ModelError unless fim.json's template, encoded as a client does it, gives the trained prompts' ids."""
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(package / "model", local_files_only=True)
    template = json.loads((package / "fim.json").read_bytes())["template"]
    if template != prompts.template:
        raise ModelError(
            f"the template in {package / 'fim.json'} is {template!r}, not {prompts.template!r}; export again"
        )
    for row in rows:
        # source text that spells a sentinel is protected in training; a text template cannot do that
        if any(mark in row["prefix"] + row["suffix"] for mark in prompts.special.values()):
            continue
        ids = tokenizer.encode(prompts.render(row["prefix"], row["suffix"]), add_special_tokens=False)
        if ids != row["prompt"]:
            raise ModelError(
                f"the template of {prompts.family} gives other ids than training used for {_place(row)}, from token "
                f"{_differs(ids, row['prompt'])} on; this tokenizer cannot be prompted by text"
            )


@torch.inference_mode()
def _completions(
    folder: Path, dtype: Any, rows: Sequence[Row], settings: GenerationConfig | None, progress: Progress
) -> list[list[int]]:
    """Complete each prompt by itself; without settings, as the folder's own generation_config.json says."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model: Any = AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="sdpa", local_files_only=True
    )
    model.eval().to(device)
    if settings is not None:
        model.generation_config = settings
    made = []
    for row in rows:
        ids = torch.tensor([row["prompt"]], device=device)
        made.append(model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=_TOKENS)[0].tolist())
        progress.add()
    return made


def _differs(one: Sequence[int], other: Sequence[int]) -> int:
    """The first place at which two lists differ."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def _place(row: Row) -> str:
    return f"test sample {row['priority']} ({row['path']}, bytes {row['start']} to {row['end']})"
