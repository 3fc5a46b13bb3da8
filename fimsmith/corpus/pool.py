"""Spread work over processes so that the result does not depend on how many there are."""

import math
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import chain, islice
from pathlib import Path
from typing import TypeVar

from fimsmith.errors import ConfigError, JobError

Job = TypeVar("Job")
Result = TypeVar("Result")

_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # a container sees all cores of its machine, but may use fewer


def workers() -> int:
    """Return FIMSMITH_WORKERS, or the number of cores this process may use."""
    if wanted := os.environ.get("FIMSMITH_WORKERS"):
        if not wanted.isdigit() or int(wanted) < 1:
            raise ConfigError(f"FIMSMITH_WORKERS is {wanted!r}; set it to a number of processes from 1, or unset it")
        return int(wanted)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if _QUOTA.exists():
        allowed, period = _QUOTA.read_text().split()
        if allowed != "max":
            cores = min(cores, math.ceil(int(allowed) / int(period)))
    return max(cores, 1)


def ordered(function: Callable[[Job], Result], jobs: Iterable[Job]) -> Iterator[Result]:
    """Yield `function(job)` for each job, in order; few jobs wait in memory at a time.

    A single job is done in this process. Raises JobError when a worker process dies.
    """
    jobs, count = iter(jobs), workers()
    first = list(islice(jobs, 2))
    if count == 1 or len(first) < 2:
        yield from map(function, chain(first, jobs))
        return
    # spawned, not forked: this process may have threads
    with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
        pending = deque()
        try:
            for job in chain(first, jobs):
                pending.append(pool.submit(function, job))
                if len(pending) > 2 * count:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except BrokenProcessPool as error:
            raise JobError(
                "a worker process died, most likely because memory ran out; give this task more memory, "
                f"or set the environment variable FIMSMITH_WORKERS below {count}"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
