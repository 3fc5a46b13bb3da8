"""DeepSpeed: the process group and the ZeRO configuration."""

import os
from typing import Any

import torch

from fimsmith import config


def begin() -> None:
    """Start the process group; must come before TrainingArguments, which starts none on a CPU."""
    gpu = torch.cuda.is_available()
    if not gpu:
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    import deepspeed  # reads DS_ACCELERATOR
    import deepspeed.ops

    # a shared-memory all-reduce for CPUs that would be compiled here, with a compiler that may be missing
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    if gpu:
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    deepspeed.init_distributed("nccl" if gpu else "gloo", auto_mpi_discovery=False, verbose=False)


def settings(section: config.Train) -> dict[str, Any]:
    """Return the DeepSpeed configuration; 'auto' is filled in from TrainingArguments.

    There is no optimizer section: DeepSpeed's own optimizers are compiled on first use.
    """
    zero = {
        "stage": section.zero_stage,
        "overlap_comm": True,
        "contiguous_gradients": True,
        "reduce_bucket_size": "auto",
    }
    if section.zero_stage == 3:
        zero |= {
            "stage3_prefetch_bucket_size": "auto",
            "stage3_param_persistence_threshold": "auto",
            "stage3_gather_16bit_weights_on_model_save": True,
            "sub_group_size": 1e9,
        }
    return {
        # summed in bf16, the gradients of many small batches would lose the later ones
        # each node keeps its own part until it is sent away
        "checkpoint": {"use_node_local_storage": True},
        "data_types": {"grad_accum_dtype": "fp32"},
        "bf16": {"enabled": section.precision == "bf16"},
        "zero_optimization": zero,
        "gradient_accumulation_steps": "auto",
        "gradient_clipping": "auto",
        "train_batch_size": "auto",
        "train_micro_batch_size_per_gpu": "auto",
        "steps_per_print": 10**9,
    }
