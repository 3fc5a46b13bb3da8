"""Make samples in several processes, in the order of the files and in bounded memory."""

import math
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from pathlib import Path

from fimsmith import config
from fimsmith.errors import ConfigError, JobError
from fimsmith.fim import samples
from fimsmith.tokenizer import SourceTokenizer

WORKERS = "FIMSMITH_WORKERS"  # environment variable: processes to use
_SMALL = 4_000_000  # bytes of source up to which starting processes costs more than it saves
_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # a container sees all cores of its machine, but may use fewer

Work = tuple[config.Fim, str, str]  # section, the model's folder and family


def each(work: Work, batches: Iterable[list[samples.Row]], size: int) -> Iterator[samples.Made]:
    """Make the samples of batches of files that hold `size` bytes together, in order."""
    count = workers()
    if count == 1 or (size < _SMALL and WORKERS not in os.environ):
        section, folder, family = work
        tokenizer = SourceTokenizer(folder, family)
        return (samples.make(section, tokenizer, batch) for batch in batches)
    return _in_processes(work, batches, count)


def workers() -> int:
    """Return how many processes to use: FIMSMITH_WORKERS, or one per core this process may run on."""
    text = os.environ.get(WORKERS, "")
    if text and not (text.isdigit() and int(text)):
        raise ConfigError(f"{WORKERS}={text!r} is not a number of processes; set it to 1 or more, or unset it")
    if text:
        return int(text)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    allowed, period = _QUOTA.read_text().split() if _QUOTA.exists() else ("max", "")
    return cores if allowed == "max" else max(1, min(cores, math.ceil(int(allowed) / int(period))))


def _in_processes(work: Work, batches: Iterable[list[samples.Row]], count: int) -> Iterator[samples.Made]:
    # spawn: forking a process in which pyarrow or the tokenizer runs threads can deadlock
    pool = ProcessPoolExecutor(count, get_context("spawn"), _start, work)
    waiting: deque[Future[samples.Made]] = deque()
    try:
        for batch in batches:
            waiting.append(pool.submit(_make, batch))
            if len(waiting) > 2 * count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise JobError(
            "a worker process of the fim stage died, most likely because memory ran out; give the task more memory, "
            f"or set the environment variable {WORKERS} below {count}"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


_local: tuple[config.Fim, SourceTokenizer]


def _start(section: config.Fim, folder: str, family: str) -> None:
    global _local
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # one core per process
    _local = section, SourceTokenizer(folder, family)


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work forever."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _make(batch: list[samples.Row]) -> samples.Made:
    return samples.make(*_local, batch)
