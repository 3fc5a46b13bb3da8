"""Spread work over processes so that the result does not depend on how many there are."""

import math
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, TypeVar

from fimsmith.errors import ConfigError, JobError

Job = TypeVar("Job")
Result = TypeVar("Result")

_WORKERS = "FIMSMITH_WORKERS"  # environment variable: processes to use
_AHEAD = 2  # jobs per process that are taken before the oldest result is asked for
_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # a container sees all cores of its machine, but may use fewer


def workers(most: int | None = None) -> int:
    """Return FIMSMITH_WORKERS, or else the number of cores this process may use, but no more than `most`.

    Raises ConfigError when FIMSMITH_WORKERS is no number from 1.
    """
    if wanted := os.environ.get(_WORKERS):
        if not wanted.isdecimal() or int(wanted) < 1:
            raise ConfigError(f"{_WORKERS} is {wanted!r}; set it to a number of processes from 1, or unset it")
        return int(wanted)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if _QUOTA.exists():
        allowed, period = _QUOTA.read_text().split()
        if allowed != "max":
            cores = min(cores, math.ceil(int(allowed) / int(period)))
    return max(1, cores if most is None else min(cores, most))


def ordered(function: Callable[[Job], Result], jobs: Iterable[Job], most: int | None = None) -> Iterator[Result]:
    """Yield `function(job)` for each job, in order; few jobs per process wait in memory at a time.

    `most` is the number of processes that are worth their start, see workers(). The function is sent
    to each process once, so what it keeps (a tokenizer, say) stays there for the next job.
    A single job is done in this process. Raises JobError when a worker process dies.
    """
    jobs, count = iter(jobs), workers(most)
    first = list(islice(jobs, 2))
    jobs = chain(first, jobs)
    if count == 1 or len(first) < 2:
        yield from map(function, jobs)
        return
    # spawned, not forked: a forked copy of a process that uses threads or a GPU can hang
    pool = ProcessPoolExecutor(count, get_context("spawn"), _start, (function,))
    waiting: deque[Future[Result]] = deque()
    try:
        for job in jobs:
            waiting.append(pool.submit(_do, job))
            if len(waiting) > _AHEAD * count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise JobError(
            "a worker process died, most likely because memory ran out; give this task more memory, "
            f"or set the environment variable {_WORKERS} below {count}"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_function: Callable[[Any], Any]  # of a worker process


def _start(function: Callable[[Any], Any]) -> None:
    global _function
    _function = function
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # one core per process
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _do(job: Any) -> Any:
    return _function(job)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work forever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
