"""The Hugging Face Trainer with the parts replaced that are wrong for packed sequences and restarts."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from transformers import Trainer

from fimsmith.errors import ModelError
from fimsmith.progress import say
from fimsmith.train import data
from fimsmith.train.metrics import Journal


class PackedTrainer(Trainer):
    """Train on a Schedule in its order; evaluate by tokens; seal checkpoints."""

    model_wrapped: Any  # the DeepSpeed engine, once training has begun
    eval_dataset: Any  # a PackedReader

    def __init__(self, seal: Callable[[Path], None], **arguments: Any):
        """`seal` marks a checkpoint as complete; all processes call it when all have written their files."""
        super().__init__(**arguments, data_collator=torch.utils.data.default_collate)
        self.seal = seal
        self.journal: Journal | None = None  # set on rank 0
        self.finite = torch.tensor(True, device=self.args.device)  # whether this rank's losses were, since the start

    def training_step(self, *arguments: Any, **named: Any) -> torch.Tensor:
        """Note whether the loss is finite, without waiting for it."""
        loss = super().training_step(*arguments, **named)
        self.finite &= torch.isfinite(loss)
        return loss

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Return the mean loss of all tokens of the validation split; the Trainer's own averages batches."""
        loss = self._validation_loss()
        if not math.isfinite(loss):
            raise ModelError(f"the validation loss is {loss} at step {self._where()}")
        metrics = {"eval_loss": loss}
        if self.journal:
            say("train", f"validation loss {loss:.4f} at step {self.state.global_step:,}")
            self.journal.add(self.state.global_step, **metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _validation_loss(self) -> float:
        total = torch.zeros(2, dtype=torch.float64, device=self.args.device)  # sum of losses, tokens
        self.model_wrapped.eval()
        one = torch.tensor(1, device=self.args.device)  # divides the sum: the model returns it as it is
        with torch.no_grad():
            micro_batch, rank, world = self.args.per_device_train_batch_size, dist.get_rank(), dist.get_world_size()
            for batch in data.validation(self.eval_dataset, micro_batch, rank, world):
                batch = self._prepare_inputs(batch)
                total[0] += self.model_wrapped(**batch, num_items_in_batch=one).loss.double()
                total[1] += (batch["labels"][:, 1:] != data.IGNORED).sum()
        dist.all_reduce(total)
        return (total[0] / total[1]).item()

    def logits(self, ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        """Return the logits of one packed sequence as training computes them; all ranks must call it alike."""
        self.model_wrapped.eval()
        with torch.no_grad():
            batch = self._prepare_inputs({"input_ids": ids, "position_ids": positions})
            return self.model_wrapped(**batch).logits

    def agree(self, stop: bool) -> bool:
        """Return whether any rank wants to stop; raises ModelError on all ranks if a loss of one was not finite."""
        norm = torch.as_tensor(self.model_wrapped.get_global_grad_norm(), device=self.args.device)
        broken = torch.logical_not(self.finite & torch.isfinite(norm))
        flags = torch.stack([broken, torch.tensor(stop, device=self.args.device)]).int()
        dist.all_reduce(flags, op=dist.ReduceOp.MAX)
        if flags[0]:
            raise ModelError(f"the loss or its gradient is not a finite number at step {self._where()}")
        return bool(flags[1])

    def _where(self) -> str:
        step = self.state.global_step
        if step == 0:
            return f"{step}; the base model's weights are broken, fetch it again"
        return (
            f"{step:,}; lower train.learning_rate (now {self.args.learning_rate:g}), raise train.warmup, "
            "or set train.precision: fp32"
        )

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Write nothing: a checkpoint holds DeepSpeed's parts, and save.py writes the result."""

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        if self.journal:
            self.journal.flush()
        super()._save_checkpoint(model, trial)
        dist.barrier()  # all ranks' files are there
        self.seal(Path(str(self.args.output_dir)) / f"checkpoint-{self.state.global_step}")
        if self.is_world_process_zero():
            say("train", f"checkpoint at step {self.state.global_step:,}")
        dist.barrier()
