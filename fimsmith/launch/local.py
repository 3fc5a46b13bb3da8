"""Run a job on this machine: torchrun, or one plain process, that ends when this process ends."""

from __future__ import annotations

import sys
from collections import deque
from typing import IO, TYPE_CHECKING

from fimsmith import config, progress
from fimsmith.errors import ConfigError
from fimsmith.launch import diagnosis, process

if TYPE_CHECKING:
    from fimsmith.launch import Job

_KEPT = 1_000  # lines, for the error message


def run(job: Job, _: config.Run) -> None:
    """Run the job, show its progress lines and wait; raises JobError when it ends without an outcome."""
    if job.nodes > 1:
        raise ConfigError(
            f"run.nodes is {job.nodes}, but the local launcher has only this machine; set run.nodes to 1 "
            "and run.processes to its number of GPUs"
        )
    lines: deque[str] = deque(maxlen=_KEPT)
    env = {**job.env, "OMP_NUM_THREADS": str(max(1, process.cores() // job.processes))}
    with open(job.log, "ab", buffering=0) as log:
        status, received = process.attend(_command(job), env, lambda raw: _take(raw, log, lines, job.stage))
    # the outcome is written last: a library that aborts the process while it ends does no harm to it
    if not (job.folder / "outcome.json").exists():
        raise diagnosis.explain(job, status, received[:1], list(lines))


def _command(job: Job) -> list[str]:
    """The job's command; `--standalone` takes a free port, so that jobs do not meet."""
    prefix = [sys.executable, "-m"]
    if job.distributed:
        prefix += ["torch.distributed.run", "--standalone", "--local-addr=localhost"]
        prefix += [f"--nproc-per-node={job.processes}", "-m"]
    return [*prefix, job.module, job.argument]


def _take(raw: bytes, log: IO[bytes], lines: deque[str], stage: str) -> None:
    """Write a line to the log and show it if it is one of the stage's progress lines."""
    log.write(raw)
    line = raw.decode("utf-8", errors="replace").rstrip()
    lines.append(line)
    if line.startswith(f"{stage:<{progress.WIDTH}}"):
        print(line, flush=True)
