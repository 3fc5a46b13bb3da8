"""Make the Trainer's arguments and the model from the configuration."""

from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, TrainingArguments, set_seed

from fimsmith import config, model
from fimsmith.errors import ConfigError, ModelError
from fimsmith.manifest import Manifest
from fimsmith.train import zero

DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}


def arguments(
    section: config.Train, checkpoints: Path, steps: int, *, measured: bool, fresh: bool
) -> TrainingArguments:
    """Return the Trainer's arguments; once they are made, ZeRO-3 loads models in parts.

    `measured` says whether there is a validation split, `fresh` that there is no checkpoint.
    """
    gpu = torch.cuda.is_available()
    return TrainingArguments(
        output_dir=str(checkpoints),
        max_steps=steps,
        per_device_train_batch_size=section.micro_batch,
        gradient_accumulation_steps=_accumulation(section),
        train_sampling_strategy="sequential",  # the Schedule has the order
        learning_rate=section.learning_rate,
        warmup_steps=section.warmup if section.warmup < 1 else steps,  # below 1 it is a share of the steps
        lr_scheduler_type=section.schedule,
        weight_decay=section.weight_decay,
        max_grad_norm=section.max_grad_norm,
        optim="adamw_torch_fused" if gpu else "adamw_torch",
        bf16=section.precision == "bf16",
        deepspeed=zero.settings(section),
        use_cpu=not gpu,
        ddp_backend="nccl" if gpu else "gloo",
        gradient_checkpointing=section.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        use_cache=False,  # with a cache, packed samples see one another
        eval_strategy="steps" if measured else "no",
        eval_steps=section.eval_steps,
        eval_on_start=measured and fresh,
        save_strategy="steps",
        save_steps=section.save_steps,
        logging_steps=section.log_steps,
        logging_first_step=True,
        logging_nan_inf_filter=False,  # it logs NaN as 0
        dataloader_pin_memory=gpu,
        remove_unused_columns=False,
        prediction_loss_only=True,
        disable_tqdm=True,
        report_to=[],
        log_level="error",
        seed=section.seed,
    )


def _accumulation(section: config.Train) -> int:
    """Forward passes per optimizer step and process, so that the global batch is the same on any number of them."""
    at_once = section.micro_batch * dist.get_world_size()
    if section.batch % at_once:
        raise ConfigError(
            f"train.batch {section.batch} cannot be split over {dist.get_world_size()} processes with a micro batch of "
            f"{section.micro_batch}; set train.batch to {(section.batch // at_once + 1) * at_once}"
        )
    return section.batch // at_once


def load(section: config.Train, base: Manifest) -> Any:
    """Load the base model for training, with new adapters for LoRA."""
    set_seed(section.seed)
    try:
        loaded = AutoModelForCausalLM.from_pretrained(
            model.weights(base), dtype=DTYPES[section.precision], attn_implementation=base.details["attention"]
        )
    except ImportError as error:
        reason = str(error).splitlines()[0]
        raise ModelError(
            f"model.attention {base.details['attention']!r} cannot be used here ({reason}); set model.attention: sdpa"
        ) from error
    return _with_adapters(loaded, section) if section.method == "lora" else loaded


def _with_adapters(loaded: Any, section: config.Train) -> Any:
    names = {name.rpartition(".")[2] for name, part in loaded.named_modules() if isinstance(part, torch.nn.Linear)}
    if unknown := [name for name in section.lora.targets if name not in names]:
        raise ConfigError(
            f"train.lora.targets names {unknown[0]!r}, but the model's linear modules are {', '.join(sorted(names))}"
        )
    settings = LoraConfig(
        r=section.lora.rank,
        lora_alpha=section.lora.alpha,  # type: ignore[arg-type]  # a fraction works as well
        lora_dropout=section.lora.dropout,
        target_modules=section.lora.targets,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(loaded, settings)


def trainable(tuned: Any) -> int:
    """Return the number of parameters that are trained; under ZeRO-3 each process holds only a part of them."""
    return sum(getattr(p, "ds_numel", p.numel()) for p in tuned.parameters() if p.requires_grad)
