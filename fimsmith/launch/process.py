"""Run a command as a process that ends with this one, and see to it while it runs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

import fimsmith

_PATIENCE = 60.0  # seconds for what outlives torchrun to end


def attend(command: list[str], env: Mapping[str, str], take: Callable[[bytes], None]) -> tuple[int, list[int]]:
    """Run a command to its end and hand over each line that it prints; returns its status and the signals received.

    SIGTERM and SIGINT are passed on, and a second one kills the command.
    """
    child = _start(command, env)
    relay = threading.Thread(target=_relay, args=(child.stdout, take), daemon=True)
    relay.start()
    with _forwarding(child) as received:
        status = child.wait()
    _kill_group(child)  # what the command left behind would hold the pipe open
    relay.join(_PATIENCE)
    return status, received


def cores() -> int:
    """Return the number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _start(command: list[str], env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    source = str(Path(fimsmith.__file__).parents[1])  # the command must import this fimsmith, from any folder
    path = os.pathsep.join(filter(None, [source, os.environ.get("PYTHONPATH")]))
    tether = [sys.executable, "-IS", str(Path(__file__).with_name("tether.py")), str(os.getpid())]
    return subprocess.Popen(
        [*tether, *command],
        env={**os.environ, **env, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches this process only, which passes it on once
    )


def _relay(pipe: IO[bytes], take: Callable[[bytes], None]) -> None:
    for raw in pipe:
        take(raw)


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
