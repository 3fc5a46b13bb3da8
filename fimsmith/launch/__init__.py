"""Run train, evaluate and export as jobs: processes of their own, wherever there are GPUs.

A stage's inputs and section become one file, a job is the command that reads it, and a launcher
runs that command and waits. All launchers run the same job, so none of a machine's details is in it.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fimsmith import config, storage
from fimsmith.errors import JobError
from fimsmith.jobspec import OUTCOME, JobSpec
from fimsmith.launch import local
from fimsmith.launch.placement import ANYWHERE, Placement
from fimsmith.manifest import Manifest, Outcome, produce


def _pytorchjob(job: "Job", run: config.Run) -> None:
    from fimsmith.launch import pytorchjob  # importing kubernetes takes a second

    pytorchjob.run(job, run)


def _sagemaker(job: "Job", run: config.Run) -> None:
    from fimsmith.launch import sagemaker  # importing boto3 takes a second

    sagemaker.run(job, run)


# a launcher runs the job and waits; it raises JobError unless the job finished
LAUNCHERS: dict[str, Callable[["Job", config.Run], None]] = {
    "local": local.run,
    "pytorchjob": _pytorchjob,
    "sagemaker": _sagemaker,
}

# these change where, how fast and how safely the training runs, not what is trained
_PLACEMENT = {"micro_batch", "gradient_checkpointing", "save_steps", "keep_checkpoints"}


_ASIDE = ("run", "report")  # sections of the receipt that no exported byte but its own depends on

_ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONWARNINGS": "ignore",
    "TOKENIZERS_PARALLELISM": "false",
    # how long torchrun lets its processes write a checkpoint after SIGTERM, in seconds
    "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": "600",
}


@dataclass(frozen=True, slots=True)
class Job:
    """One stage's work as a command: `python -m module spec`, under torchrun when it is distributed."""

    name: str  # the same work has the same name, so that a launcher can find a job again
    stage: str
    module: str
    folder: Path  # work folder: the job puts its files here
    distributed: bool = False
    nodes: int = 1
    processes: int = 1  # per node
    env: dict[str, str] = field(default_factory=_ENVIRONMENT.copy)
    destination: str | None = None  # s3:// folder of the results, where the job does not share this machine's disk
    placement: Placement = ANYWHERE  # what a pod gets besides run.kubernetes

    @property
    def spec(self) -> Path:
        """The JobSpec; below log/, because it names folders of this machine."""
        return self.folder / "log" / "job.json"

    @property
    def argument(self) -> str:
        """What the job's command is given: where it finds its JobSpec."""
        return f"{self.destination}/log/job.json" if self.destination else str(self.spec)

    @property
    def log(self) -> Path:
        """Everything that the job prints."""
        return self.folder / "log" / f"{self.stage}.log"

    @property
    def error(self) -> Path:
        """The message of the FimsmithError that ended the job, if one did."""
        return self.folder / "log" / "error.txt"


def train(
    section: config.Train, run: config.Run, model: Manifest, packed: Manifest, placement: Placement = ANYWHERE
) -> Manifest:
    """Fine-tune the base model on packed sequences; an interrupted training continues at its last checkpoint."""
    key = [section.model_dump(mode="json", exclude=_PLACEMENT)]

    def build(work: Path) -> Outcome:
        job = Job(
            name=f"train-{work.stem}",
            stage="train",
            module="fimsmith.train",
            folder=work,
            distributed=True,
            nodes=run.nodes,
            processes=run.processes,
            destination=_destination(run, "train", work),
            placement=placement,
        )
        outcome = _finish(job, run, section.model_dump(mode="json"), [model, packed])
        shutil.rmtree(work / "checkpoints", ignore_errors=True)  # not before the outcome is there
        return outcome

    return produce("train", key, [model, packed], run.root, build)


def evaluate(
    section: config.Evaluate, run: config.Run, model: Manifest, tests: list[Manifest], placement: Placement = ANYWHERE
) -> Manifest:
    """Generate completions of the test samples with a model and score them."""
    return _single("evaluate", (run, placement), section.model_dump(mode="json"), [model, *tests])


def export(
    section: config.Export,
    run: config.Run,
    inputs: list[Manifest],
    receipt: dict[str, Any],
    placement: Placement = ANYWHERE,
) -> Manifest:
    """Write the tuned model as it is handed over; `receipt` becomes a field of the job's section."""
    plain = section.model_dump(mode="json")
    # where the run was made and what its page is called do not make it another model
    settings = {name: part for name, part in receipt.get("configuration", {}).items() if name not in _ASIDE}
    key = [plain, {**receipt, "configuration": settings}]
    return _single("export", (run, placement), {**plain, "receipt": receipt}, inputs, key)


def _single(
    stage: str,
    place: tuple[config.Run, Placement],
    section: dict[str, Any],
    inputs: list[Manifest],
    key: list[Any] | None = None,
) -> Manifest:
    """Run a stage that is one process; `key` is what its result depends on besides the inputs, where not the section."""
    run, placement = place

    def build(work: Path) -> Outcome:
        job = Job(
            name=f"{stage}-{work.stem}",
            stage=stage,
            module=f"fimsmith.{stage}",
            folder=work,
            destination=_destination(run, stage, work),
            placement=placement,
        )
        return _finish(job, run, section, inputs)

    return produce(stage, key or [section], inputs, run.root, build)


def _finish(job: Job, run: config.Run, section: dict[str, Any], inputs: list[Manifest]) -> Outcome:
    """Run the job, unless it finished when its launcher was killed, and read what it says of its result."""
    outcome = f"{job.destination or job.folder}/{OUTCOME}"
    if storage.read(outcome) is None:
        job.log.parent.mkdir(parents=True, exist_ok=True)
        job.error.unlink(missing_ok=True)
        folder = str(job.folder)
        spec = JobSpec(stage=job.stage, section=section, inputs=inputs, folder=folder, destination=job.destination)
        storage.write(job.argument, spec.model_dump_json(indent=1))
        LAUNCHERS[run.launcher](job, run)
    answer = storage.read(outcome)
    if answer is None:
        raise JobError(f"{job.stage} ended without a result: there is no {outcome}; its log: {job.log}")
    if job.destination:
        _keep_log(job, job.destination)
    return Outcome(**json.loads(answer))


def _keep_log(job: Job, destination: str) -> None:
    """Put what this machine has collected of the job's output beside its results; clear what it needed to go on."""
    if job.log.exists():
        storage.send(job.folder, destination, [job.log.relative_to(job.folder).as_posix()])
    for passing in ("checkpoints", "sagemaker"):
        storage.erase(f"{destination}/{passing}")


def _destination(run: config.Run, stage: str, work: Path) -> str | None:
    """Where the job itself has to put its results: it runs elsewhere, and the root is on no disk that it shares."""
    if run.launcher == "local" or not storage.is_remote(run.root):
        return None
    return f"{run.root.rstrip('/')}/{stage}/{work.stem}"
