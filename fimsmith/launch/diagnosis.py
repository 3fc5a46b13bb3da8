"""Say in one message why a job failed, and what to change."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from fimsmith.errors import JobError

if TYPE_CHECKING:
    from fimsmith.launch import Job

SHOWN = 15  # last lines of the log
_TORCHRUN = re.compile(r"torch[./]distributed[./]elastic|^[EWI]\d{4} [\d:.]+ \d+ .*torch/distributed")
_WORKER = re.compile(r"exitcode\s*:\s*(-?\d+)")
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
# what the others of a host or process that failed say of it: the cause is elsewhere in the log
_PEER = re.compile(
    r"connection (?:was )?(?:closed|reset)|(?:closed|reset) by peer|broken pipe|\bNCCL\b|ProcessGroupNCCL|\bgloo\b|TCPStore",
    re.IGNORECASE,
)
SMALLER = {
    "train": "lower run.processes or train.micro_batch, set train.gradient_checkpointing: true, or train.method: lora",
    "evaluate": "lower evaluate.batch or evaluate.max_new_tokens, or set evaluate.precision: bf16",
    "export": "set export.precision: bf16, or export on a machine with more memory",
}


def explain(job: Job, status: int, received: list[int], lines: list[str]) -> JobError:
    """Make the error of a failed job.

    `status` is its exit code, or a signal's number below 0; `received` holds the signal that this
    process was asked to stop with, if any; `lines` are the last ones that the job printed.
    """
    log = f"  log: {job.log}"
    if job.error.exists():
        return JobError(f"{job.stage} failed: {job.error.read_text(encoding='utf-8').strip()}\n{log}")
    own, status = before_torchrun(lines), worker_status(status, lines)
    if received:
        text = f"{job.stage} was stopped by {status_name(-received[0])}; run the same command again to go on"
    elif status == -signal.SIGKILL:
        text = (
            f"{job.stage} failed: killed by SIGKILL, probably for want of memory (it had {_memory() / 2**30:.1f} GiB)\n"
            f"  fix: {SMALLER.get(job.stage, 'use a machine with more memory')}"
        )
    elif status:
        text = f"{job.stage} failed: {status_name(status)}"
    else:
        text = f"{job.stage} failed: it ended without a result; this is a defect of {job.module}"
    shown = "".join(f"\n    {line}" for line in own[-SHOWN:])
    return JobError(f"{text}\n{log}" + (f"\n  last lines:{shown}" if shown else ""))


def word(text: str, notes: list[str], fixes: list[str], log: str, own: list[str]) -> JobError:
    """Make the error of a job that ran elsewhere: what happened, what mends it, where its log is, how it ends."""
    parts = [text, *(f"  {note}" for note in notes), *(f"  fix: {fix}" for fix in fixes), f"  log: {log}"]
    shown = [f"    {line}" for line in own[-SHOWN:]]
    return JobError("\n".join([*parts, *(["  last lines:", *shown] if shown else [])]))


def blames_a_peer(message: str) -> bool:
    """Whether an error only says that another process, or the way to it, is gone."""
    return bool(_PEER.search(message))


def before_torchrun(lines: list[str]) -> list[str]:
    """The job's own last words, without torchrun's report of them."""
    for index, line in enumerate(lines):
        if _TORCHRUN.search(line):
            return lines[:index] or lines
    return lines


def worker_status(status: int, lines: list[str]) -> int:
    """The status of the process that failed first; torchrun itself always exits with 1."""
    found = next((match for line in lines if (match := _WORKER.search(line))), None)
    return int(found[1]) if found and status else status


def status_name(status: int) -> str:
    """Name an exit code, or a signal given as a number below 0."""
    if status >= 0:
        return f"exit code {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def _memory() -> int:
    """Bytes of memory that this machine or container has."""
    amounts = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in map(Path, _LIMITS):
        text = path.read_text().strip() if path.exists() else ""
        if text.isdigit():
            amounts.append(int(text))
    return min(amounts)
