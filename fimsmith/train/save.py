"""Write the trained model as a Hugging Face folder that every server reads as the base model's."""

import json
import shutil
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from peft import PeftModel
from transformers import AutoModelForCausalLM
from transformers.integrations.deepspeed import unset_hf_deepspeed_config

from fimsmith import config, model
from fimsmith.manifest import Manifest
from fimsmith.progress import say
from fimsmith.train import prepare
from fimsmith.train.trainer import PackedTrainer

# what belongs to the tokenizer and the licence is copied: saving it again changes it
_COPIED = (
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "chat_template*",
    "generation_config.json",
    "LICENSE*",
    "NOTICE*",
)


def save(trainer: PackedTrainer, section: config.Train, base: Manifest, folder: Path) -> None:
    """Gather the weights from all ranks and write `model/`, for LoRA also `adapter/`, below the folder."""
    state = _gather(trainer, section)
    if trainer.is_world_process_zero():
        say("train", "writing the model")
        source, partial = model.weights(base), folder / "model.partial"
        for name in ("model", "model.partial", "adapter"):
            shutil.rmtree(folder / name, ignore_errors=True)
        tuned: Any = trainer.model
        if section.method == "lora":
            _save_adapter(tuned, state, folder / "adapter")
            tuned, state = _merged(source, folder / "adapter", prepare.DTYPES[section.precision]), None
        tuned.save_pretrained(partial, state_dict=state)
        complete(source, partial)
        partial.rename(folder / "model")
    dist.barrier()


def _gather(trainer: PackedTrainer, section: config.Train) -> Any:
    """Return whole weights on rank 0; of LoRA only the adapter's."""
    engine: Any = trainer.model_wrapped
    if section.zero_stage == 3:
        return engine._zero3_consolidated_16bit_state_dict(exclude_frozen_parameters=section.method == "lora")
    return trainer.accelerator.get_state_dict(engine)


def _save_adapter(tuned: Any, state: Any, folder: Path) -> None:
    tuned.save_pretrained(folder, state_dict=state)
    (folder / "README.md").unlink(missing_ok=True)  # a model card full of blanks
    path = folder / "adapter_config.json"
    settings = json.loads(path.read_bytes())
    # a path of this machine, and a set in the order of this process' string hashes
    settings |= {"base_model_name_or_path": None, "target_modules": sorted(settings["target_modules"])}
    _write(path, settings)


def _merged(source: Path, adapter: Path, dtype: torch.dtype) -> Any:
    """Add the adapter to the base weights in fp32, so that they are rounded once."""
    unset_hf_deepspeed_config()  # or rank 0 alone would load the base in parts
    base = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    merged: Any = PeftModel.from_pretrained(base, adapter)
    return merged.merge_and_unload().to(dtype)


def complete(source: Path, folder: Path) -> None:
    """Copy the base's tokenizer files, and add to config.json what transformers 5 leaves out.

    Servers on transformers 4 read rope_theta and rope_scaling and ignore rope_parameters: without
    these keys they would run the model with other positions, and say nothing.
    """
    for path in sorted({path for pattern in _COPIED for path in source.glob(pattern) if path.is_file()}):
        shutil.copyfile(path, folder / path.name)
    path = folder / "config.json"
    settings, before = json.loads(path.read_bytes()), json.loads((source / "config.json").read_bytes())
    rope = settings.get("rope_parameters") or {}
    if "rope_theta" in rope:
        scaling = {name: value for name, value in rope.items() if name != "rope_theta"}
        legacy = {**scaling, "type": scaling.get("rope_type")} if scaling.get("rope_type") != "default" else None
        settings |= {"rope_theta": rope["rope_theta"], "rope_scaling": before.get("rope_scaling", legacy)}
    _write(path, settings | {"use_cache": True})


def _write(path: Path, settings: dict[str, Any]) -> None:
    path.write_text(json.dumps(settings, indent=2, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8")
