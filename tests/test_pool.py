import os
import subprocess
import sys
import time
from itertools import count, islice
from pathlib import Path

import pytest

from fimsmith import pool
from fimsmith.errors import ConfigError, DataError, JobError


def square(number: int) -> int:
    return number * number


def where(number: int) -> int:
    return os.getpid()


def die(number: int) -> int:
    os._exit(9)


def refuse(number: int) -> int:
    raise DataError(f"job {number} is wrong")


def running(process: int) -> bool:
    """Whether a process lives and is not just waiting for its exit status to be read."""
    status = Path(f"/proc/{process}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


class Remembering:
    """Answers where it is and how many jobs it was given there."""

    def __init__(self):
        self.seen = 0

    def __call__(self, number: int) -> tuple[int, int]:
        self.seen += 1
        return os.getpid(), self.seen


@pytest.mark.parametrize("workers", ["1", "3"])
def test_results_come_in_the_order_of_the_jobs(workers: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FIMSMITH_WORKERS", workers)
    assert list(pool.ordered(square, range(40))) == [number * number for number in range(40)]


def test_jobs_are_taken_as_they_are_needed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FIMSMITH_WORKERS", "2")
    endless = count()
    assert list(islice(pool.ordered(square, endless), 5)) == [0, 1, 4, 9, 16]
    assert next(endless) < 15


def test_a_single_job_is_done_in_this_process(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FIMSMITH_WORKERS", "4")
    assert list(pool.ordered(where, [0])) == [os.getpid()]


def test_a_worker_that_dies_is_explained(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FIMSMITH_WORKERS", "2")
    with pytest.raises(JobError, match="a worker process died.*set the environment variable FIMSMITH_WORKERS below 2"):
        list(pool.ordered(die, range(4)))


def test_an_error_of_a_job_reaches_the_caller_as_it_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FIMSMITH_WORKERS", "2")
    with pytest.raises(DataError, match="job 0 is wrong"):
        list(pool.ordered(refuse, range(4)))


def test_what_a_function_keeps_stays_in_its_process(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FIMSMITH_WORKERS", "2")
    seen: dict[int, list[int]] = {}
    for process, number in pool.ordered(Remembering(), range(20)):
        seen.setdefault(process, []).append(number)
    assert os.getpid() not in seen
    for numbers in seen.values():
        assert numbers == list(range(1, len(numbers) + 1))


def test_workers_end_when_their_parent_is_killed(tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, time\n"
        "from fimsmith import pool\n"
        "def where(number):\n"
        "    return os.getpid()\n"
        "if __name__ == '__main__':\n"
        "    for process in pool.ordered(where, iter(int, 1)):\n"
        "        print(process, flush=True)\n"
        "        time.sleep(600)\n"
    )
    environment = {"FIMSMITH_WORKERS": "2", "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout
        worker = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 10
    while running(worker):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_wrong_number_of_workers_is_refused(value: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FIMSMITH_WORKERS", value)
    with pytest.raises(ConfigError, match="FIMSMITH_WORKERS"):
        pool.workers()


def test_the_quota_of_a_container_limits_the_workers(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.delenv("FIMSMITH_WORKERS", raising=False)
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    monkeypatch.setattr(pool, "_QUOTA", tmp_path / "cpu.max")
    assert pool.workers() == 1


@pytest.mark.parametrize(("most", "count"), [(None, 6), (4, 4), (1, 1), (0, 1)])
def test_no_more_workers_start_than_are_worth_it(most: int | None, count: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("FIMSMITH_WORKERS", raising=False)
    monkeypatch.setattr(pool.os, "sched_getaffinity", lambda _: set(range(6)), raising=False)
    monkeypatch.setattr(pool, "_QUOTA", Path("missing"))
    assert pool.workers(most) == count


def test_the_environment_overrules_how_many_workers_are_worth_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FIMSMITH_WORKERS", "3")
    assert pool.workers(most=1) == 3
