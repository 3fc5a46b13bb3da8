"""What happens at every step: numbers for people, a guard against NaN, and a stop that saves first."""

import signal
import time
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from fimsmith.progress import INTERVAL, duration, say
from fimsmith.train import isolation
from fimsmith.train.data import Schedule
from fimsmith.train.metrics import Journal
from fimsmith.train.trainer import PackedTrainer


class Report(TrainerCallback):
    """Write metrics.jsonl and show a progress line every few seconds; for rank 0."""

    def __init__(self, journal: Journal, schedule: Schedule):
        self.journal, self.schedule = journal, schedule
        self.seconds = 0.0  # spent in steps since the last line, without validation and checkpoints
        self.logged = self.first = 0  # steps
        self.begun = self.mark = self.shown = time.monotonic()

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Count from here, also after a restart."""
        self.logged = self.first = state.global_step
        self.begun = time.monotonic()

    def on_step_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Start the clock."""
        self.mark = time.monotonic()

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Stop the clock."""
        self.seconds += time.monotonic() - self.mark

    def on_log(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, logs: dict[str, float], **_: Any
    ) -> None:
        """Record what the Trainer says of the steps since the last line."""
        if "loss" not in logs:
            return
        step = state.global_step
        tokens = self.schedule.tokens(step)
        speed = (tokens - self.schedule.tokens(self.logged)) / max(self.seconds, 1e-9)
        self.journal.add(
            step,
            epoch=round(self.schedule.epoch(step), 4),
            train_loss=logs["loss"],
            learning_rate=logs["learning_rate"],
            grad_norm=logs["grad_norm"],
            tokens=tokens,
            tokens_per_second=round(speed, 1),
        )
        self.seconds, self.logged = 0.0, step
        now = time.monotonic()
        if now - self.shown >= INTERVAL or step in (self.first + 1, state.max_steps):
            self.shown = now
            say("train", self._line(state, logs, speed))

    def on_train_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Write the last line."""
        self.journal.flush()

    def _line(self, state: TrainerState, logs: dict[str, float], speed: float) -> str:
        done, left = state.global_step - self.first, state.max_steps - state.global_step
        parts = [
            f"step {state.global_step:,} of {state.max_steps:,}",
            f"loss {logs['loss']:.4f}",
            f"learning rate {logs['learning_rate']:.2e}",
            f"{speed:,.0f} tokens/s",
            f"{duration((time.monotonic() - self.begun) / done * left)} left",
        ]
        if torch.cuda.is_available():
            parts.append(f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")
        return ", ".join(parts)


class Guard(TrainerCallback):
    """Stop all ranks together: after a checkpoint when one of them gets a signal, at once on a loss that is NaN."""

    def __init__(self, trainer: PackedTrainer):
        self.trainer = trainer
        self.signal: signal.Signals | None = None
        self.stopped = False  # whether the training ended early

    def on_train_begin(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Check the model on real data, then catch signals; before there is something to save they end the process."""
        schedule: Any = self.trainer.train_dataset
        isolation.check(self.trainer.logits, schedule.reader, isolation.TOLERANCE["bf16" if args.bf16 else "fp32"])
        state.compute_steps(args, state.max_steps)  # the checkpoint's intervals may not be today's
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._receive)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Agree with the other ranks on whether to go on."""
        stop = self.trainer.agree(self.signal is not None)
        if stop and state.global_step < state.max_steps:
            self.stopped = control.should_save = control.should_training_stop = True
            control.should_evaluate = False
        if control.should_save:  # a resumed run averages the loss over the same steps
            control.should_log = True

    def _receive(self, number: int, _: object) -> None:
        self.signal = signal.Signals(number)
        signal.signal(number, signal.SIG_DFL)  # the second one ends the process
