import os
from itertools import count, islice

import pytest

from fimsmith.corpus import pool
from fimsmith.errors import ConfigError, JobError


def square(number: int) -> int:
    return number * number


def where(number: int) -> int:
    return os.getpid()


def die(number: int) -> int:
    os._exit(9)


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
