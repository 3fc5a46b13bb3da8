"""A causal language model in memory, and batches for it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, GenerationConfig, PreTrainedModel

from fimsmith.errors import ModelError

_TYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}


def load(folder: Path, precision: str) -> PreTrainedModel:
    """Load a Hugging Face folder for inference, on the GPU if there is one.

    Raises ModelError when it cannot be read or lacks weights, which transformers would make up.
    """
    try:
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=_TYPES[precision],
            attn_implementation="sdpa",
            local_files_only=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(f"cannot load the model in {folder}: {error}; make it anew or correct model.path") from error
    model, report = loaded
    if lost := sorted(str(name) for key in ("missing_keys", "mismatched_keys") for name in report[key]):
        raise ModelError(f"the weights in {folder} lack {len(lost)} tensors, such as {lost[0]}; the model is not whole")
    model.generation_config = GenerationConfig()  # a folder may ask for sampling
    return model.eval().to("cuda" if torch.cuda.is_available() else "cpu")


def pad_left(rows: Sequence[Sequence[int]], pad: int, device: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return ids and attention mask, both (batch, sequence), with every row ending at the right edge.

    A decoder goes on from the last column, so padding on the right would be taken for the prompt's end.
    """
    width = max(map(len, rows))
    ids = [[pad] * (width - len(row)) + list(row) for row in rows]
    mask = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)
