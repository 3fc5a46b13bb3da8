"""Run a job on this machine: torchrun, or one plain process, that ends when this process ends."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING

import fimsmith
from fimsmith import config, progress
from fimsmith.errors import ConfigError
from fimsmith.launch import diagnosis

if TYPE_CHECKING:
    from fimsmith.launch import Job

_KEPT = 1_000  # lines, for the error message
_PATIENCE = 60.0  # seconds for what outlives torchrun to end


def run(job: Job, _: config.Run) -> None:
    """Run the job, show its progress lines and wait; raises JobError when it ends without an outcome.

    SIGTERM and SIGINT are passed on, and a second one kills the job.
    """
    if job.nodes > 1:
        raise ConfigError(
            f"run.nodes is {job.nodes}, but the local launcher has only this machine; set run.nodes to 1 "
            "and run.processes to its number of GPUs"
        )
    lines: deque[str] = deque(maxlen=_KEPT)
    with open(job.log, "ab", buffering=0) as log:
        child = _start(job)
        relay = threading.Thread(target=_relay, args=(child.stdout, log, lines, job.stage), daemon=True)
        relay.start()
        with _forwarding(child) as received:
            status = child.wait()
        _kill_group(child)  # what the job left behind would hold the pipe open
        relay.join(_PATIENCE)
    # the outcome is written last: a library that aborts the process while it ends does no harm to it
    if not (job.folder / "outcome.json").exists():
        raise diagnosis.explain(job, status, received[:1], list(lines))


def _start(job: Job) -> subprocess.Popen[bytes]:
    source = str(Path(fimsmith.__file__).parents[1])  # the job must import this fimsmith, from any folder
    path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    tether = [sys.executable, "-IS", str(Path(__file__).with_name("tether.py")), str(os.getpid())]
    return subprocess.Popen(
        [*tether, *_command(job)],
        env={**os.environ, **job.env, "PYTHONPATH": path, "OMP_NUM_THREADS": str(max(1, _cores() // job.processes))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches this process only, which passes it on once
    )


def _command(job: Job) -> list[str]:
    """The job's command; `--standalone` takes a free port, so that jobs do not meet."""
    prefix = [sys.executable, "-m"]
    if job.distributed:
        prefix += ["torch.distributed.run", "--standalone", "--local-addr=localhost"]
        prefix += [f"--nproc-per-node={job.processes}", "-m"]
    return [*prefix, job.module, job.argument]


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _relay(pipe: IO[bytes], log: IO[bytes], lines: deque[str], stage: str) -> None:
    """Write all lines to the log and show the stage's progress lines."""
    prefix = f"{stage:<{progress.WIDTH}}"
    for raw in pipe:
        log.write(raw)
        line = raw.decode("utf-8", errors="replace").rstrip()
        lines.append(line)
        if line.startswith(prefix):
            print(line, flush=True)


@contextlib.contextmanager
def _forwarding(child: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Pass SIGTERM and SIGINT on to the child and yield the list of those received."""
    received: list[int] = []

    def forward(number: int, _: object) -> None:
        received.append(number)
        with contextlib.suppress(ProcessLookupError):
            child.send_signal(number if len(received) == 1 else signal.SIGKILL)

    if threading.current_thread() is not threading.main_thread():  # signals go to the main thread
        yield received
        return
    before = {number: signal.signal(number, forward) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
