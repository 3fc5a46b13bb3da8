"""The training job of one process, from the specification to the outcome."""

from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from transformers import PrinterCallback

from fimsmith import config
from fimsmith.errors import ConfigError, JobError, StoppedError
from fimsmith.jobspec import JobSpec
from fimsmith.manifest import Manifest, Outcome
from fimsmith.packed import PackedReader
from fimsmith.progress import say
from fimsmith.train import checkpoint, metrics, prepare, save, zero
from fimsmith.train.callbacks import Guard, Report
from fimsmith.train.data import Schedule
from fimsmith.train.mirrored import Mirrored
from fimsmith.train.offsite import Offsite
from fimsmith.train.trainer import PackedTrainer

_RECORDED = ("torch", "transformers", "deepspeed", "peft", "accelerate")


def run(spec: JobSpec) -> None:
    """Train, then write the model and the outcome; an interrupted training continues at its newest checkpoint."""
    zero.begin()
    section, folder = config.Train.model_validate(spec.section), Path(spec.folder)
    base, packed = spec.inputs
    checkpoints = Path(spec.mirrored) if spec.mirrored else checkpoint.home(folder)
    seal, start = _resume(spec, checkpoints, section.keep_checkpoints)
    try:
        trainer = _trainer(section, (base, packed), checkpoints, start, seal)
        _train(trainer, _journal(folder, start), start)
    except torch.OutOfMemoryError as error:
        raise JobError(
            f"the GPU's memory is too small: {str(error).splitlines()[0]}; set train.micro_batch lower, "
            "train.gradient_checkpointing: true, train.zero_stage: 3 or train.method: lora"
        ) from error
    save.save(trainer, section, base, folder)
    if dist.get_rank() == 0:
        spec.finish(_outcome(trainer, section, base, folder))
    dist.barrier()  # when rank 0 ends, the job counts as done


def _resume(spec: JobSpec, checkpoints: Path, keep: int) -> tuple[Callable[[Path], None], Path | None]:
    """Return what makes a checkpoint count and the newest one that does; one that lies elsewhere is brought here."""
    folder = Path(spec.folder)
    if spec.mirrored:
        mirrored = Mirrored(checkpoints, folder, keep, spec.origin or str(checkpoints))
        return mirrored.seal, mirrored.newest()
    if spec.destination:
        offsite = Offsite(spec.destination, folder, keep)
        offsite.bring()
        return offsite.send, _newest_checkpoint(checkpoints)

    def seal(made: Path) -> None:
        if dist.get_rank() == 0:
            checkpoint.seal(made, dist.get_world_size())
            checkpoint.rotate(made.parent, keep)

    return seal, _newest_checkpoint(checkpoints)


def _newest_checkpoint(checkpoints: Path) -> Path | None:
    """Let rank 0 tidy up and choose, so that all ranks start at the same step; its error is everyone's."""
    found: list[Path | JobError | None] = [None]
    if dist.get_rank() == 0:
        try:
            found = [checkpoint.newest(checkpoints, dist.get_world_size())]
        except JobError as error:
            found = [error]
    dist.broadcast_object_list(found)
    if isinstance(found[0], JobError):
        raise found[0]
    return found[0]


def _trainer(
    section: config.Train,
    inputs: tuple[Manifest, Manifest],
    checkpoints: Path,
    start: Path | None,
    seal: Callable[[Path], None],
) -> PackedTrainer:
    base, packed = inputs
    levels = [level["sequences"] for level in packed.details.get("levels", [])]
    schedule = Schedule(PackedReader(packed.folder, "train"), section, levels)
    context = base.details["context"]
    if context and schedule.reader.sequence > context:
        raise ConfigError(
            f"the packed sequences hold {schedule.reader.sequence} tokens, the model takes {context}; "
            f"set mix.sequence and fim.sequence to at most {context}"
        )
    valid = PackedReader(packed.folder, "valid") if "valid.tokens" in packed.files else None
    arguments = prepare.arguments(section, checkpoints, schedule.steps, measured=valid is not None, fresh=start is None)
    tuned = prepare.load(section, base)  # after the arguments: under ZeRO-3 they make each rank load its part
    if dist.get_rank() == 0:
        say(
            "train",
            f"{section.method}, {prepare.trainable(tuned):,} parameters, {section.precision}, ZeRO-{section.zero_stage}: "
            f"{schedule.steps:,} steps of {section.batch} x {schedule.reader.sequence:,} tokens "
            f"on {dist.get_world_size()} processes" + (f", from step {checkpoint.step(start):,}" if start else ""),
        )
    return PackedTrainer(seal, model=tuned, args=arguments, train_dataset=schedule, eval_dataset=valid)


def _journal(folder: Path, start: Path | None) -> metrics.Journal | None:
    """Rank 0's metrics.jsonl."""
    if dist.get_rank():
        return None
    return metrics.Journal(folder / "log" / "metrics.jsonl", checkpoint.step(start) if start else 0)


def _train(trainer: PackedTrainer, journal: metrics.Journal | None, start: Path | None) -> None:
    """Run the steps; raises JobError when a signal ended them early."""
    guard = Guard(trainer)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(guard)
    schedule: Any = trainer.train_dataset
    if journal:
        trainer.journal = journal
        trainer.add_callback(Report(journal, schedule))
    trainer.train(resume_from_checkpoint=str(start) if start else None)
    if guard.stopped:
        raise StoppedError(
            f"stopped at step {trainer.state.global_step:,} as asked, after a checkpoint; "
            "run the same command again to go on"
        )


def _outcome(trainer: PackedTrainer, section: config.Train, base: Manifest, folder: Path) -> Outcome:
    lines = metrics.read(folder / "log" / "metrics.jsonl")
    details = {
        **base.details,
        "method": section.method,
        "base": base.digest,
        "trainable": prepare.trainable(trainer.model),
        "curve": metrics.curve(lines, "train_loss"),
        "eval_curve": metrics.curve(lines, "eval_loss"),
        "versions": {name: metadata.version(name) for name in _RECORDED},
    }
    return Outcome(metrics.summary(lines), details)
