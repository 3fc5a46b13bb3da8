"""The model folder: weights in the wanted precision, and settings that old and new servers read alike."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from fimsmith.errors import ModelError
from fimsmith.export.prompting import Prompting

TYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
NAMES = {"bf16": "bfloat16", "fp32": "float32"}
_INDEX = "model.safetensors.index.json"
_TWO_FIELDS = ("linear", "dynamic")  # rope types of which transformers before 4.43 allows `type` and `factor` only


def convert(source: Path, target: Path, precision: str) -> int:
    """Write all weights in the precision, one file at a time, and return the number of parameters."""
    target.mkdir(parents=True)
    count = size = 0
    for path in sorted(source.glob("*.safetensors")):
        tensors = dict(_tensors(path, precision))
        count += sum(tensor.numel() for tensor in tensors.values())
        size += sum(tensor.nbytes for tensor in tensors.values())
        save_file(tensors, target / path.name, metadata={"format": "pt"})
    if (source / _INDEX).exists():
        index = json.loads((source / _INDEX).read_bytes())
        write_json(target / _INDEX, {**index, "metadata": {"total_size": size}})
    return count


def compare(source: Path, target: Path, precision: str) -> None:
    """Raise ModelError unless the exported weights, read again, are the trained ones bit for bit."""
    for path in sorted(source.glob("*.safetensors")):
        written = dict(_tensors(target / path.name, precision))
        for name, tensor in _tensors(path, precision):
            if name not in written or not torch.equal(tensor, written.pop(name)):
                raise ModelError(
                    f"tensor {name} in {target / path.name} is not what was trained; "
                    "the disk or a copy of the model is damaged: check the disk, then export again"
                )
        if written:
            raise ModelError(f"{target / path.name} holds {min(written)}, which was not trained; export again")


def _tensors(path: Path, precision: str) -> Iterator[tuple[str, torch.Tensor]]:
    with safe_open(path, framework="pt") as file:
        for name in sorted(file.keys()):
            tensor = file.get_tensor(name)
            yield name, tensor.to(TYPES[precision]) if tensor.is_floating_point() else tensor


def write_settings(source: Path, base: Path, target: Path, prompts: Prompting, precision: str) -> None:
    """Write config, generation defaults and tokenizer; the latter is the base's, byte for byte."""
    settings = with_both_ropes(json.loads((source / "config.json").read_bytes()))
    # transformers 4 reads torch_dtype, and a trainer leaves the cache off
    settings |= {"dtype": NAMES[precision], "torch_dtype": NAMES[precision], "use_cache": True}
    write_json(target / "config.json", settings)
    write_json(target / "generation_config.json", _generation(prompts))
    shutil.copyfile(base / "tokenizer.json", target / "tokenizer.json")
    write_json(target / "tokenizer_config.json", _tokenizer(prompts))
    for path in sorted([*base.glob("LICENSE*"), *base.glob("NOTICE*")]):
        shutil.copyfile(path, target / path.name)


def with_both_ropes(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with the rotary embedding in the words of transformers 4 and of transformers 5.

    A reader that finds only the other's words runs the model with wrong positions, and says nothing.
    """
    if rope := settings.get("rope_parameters"):
        kind = rope.get("rope_type", "default")
        scaling: dict[str, Any] | None = {name: value for name, value in rope.items() if name != "rope_theta"}
        if kind == "default":
            scaling = None
        elif kind in _TWO_FIELDS:
            scaling = {"type": kind, "factor": rope["factor"]}
        return settings | {"rope_theta": rope["rope_theta"], "rope_scaling": scaling}
    if "rope_theta" not in settings:
        return settings
    scaling = dict(settings.get("rope_scaling") or {})
    kind = scaling.pop("type", "default")
    return settings | {"rope_parameters": {"rope_type": kind, **scaling, "rope_theta": settings["rope_theta"]}}


def _generation(prompts: Prompting) -> dict[str, Any]:
    """Greedy decoding that ends at every sentinel."""
    marks = {f"{name}_token_id": prompts.ids[name] for name in ("bos", "pad") if name in prompts.ids}
    return {**marks, "do_sample": False, "eos_token_id": prompts.stop_ids}


def _tokenizer(prompts: Prompting) -> dict[str, Any]:
    """A class name that every version of transformers knows; the base's may be read wrongly by some."""
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **{f"{name}_token": prompts.special[name] for name in ("bos", "eos", "pad") if name in prompts.special},
        "add_bos_token": "bos" in prompts.special,  # Ollama adds it only if told so
        "clean_up_tokenization_spaces": False,
        **({"model_max_length": prompts.context} if prompts.context else {}),
    }


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write readable JSON with sorted keys."""
    path.write_text(json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
