"""Run a job on this machine: torchrun, or one plain process, that ends when this process ends."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from fimsmith import config
from fimsmith.errors import ConfigError
from fimsmith.launch import diagnosis, process
from fimsmith.launch.output import Output

if TYPE_CHECKING:
    from fimsmith.launch import Job


def run(job: Job, _: config.Run) -> None:
    """Run the job, show its progress lines and wait; raises JobError when it ends without an outcome."""
    if job.nodes > 1:
        raise ConfigError(
            f"run.nodes is {job.nodes}, but the local launcher has only this machine; set run.nodes to 1 "
            "and run.processes to its number of GPUs"
        )
    env = {**job.env, "OMP_NUM_THREADS": str(max(1, process.cores() // job.processes))}
    with open(job.log, "ab", buffering=0) as log:
        output = Output(log, job.stage)
        status, received = process.attend(_command(job), env, output.take)
    # the outcome is written last: a library that aborts the process while it ends does no harm to it
    if not (job.folder / "outcome.json").exists():
        raise diagnosis.explain(job, status, received[:1], list(output.lines))


def _command(job: Job) -> list[str]:
    """The job's command; `--standalone` takes a free port, so that jobs do not meet."""
    prefix = [sys.executable, "-m"]
    if job.distributed:
        prefix += ["torch.distributed.run", "--standalone", "--local-addr=localhost"]
        prefix += [f"--nproc-per-node={job.processes}", "-m"]
    return [*prefix, job.module, job.argument]
