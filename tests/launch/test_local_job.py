"""fimsmith.launch.local: jobs as processes of this machine, and how their failures read."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fimsmith import config
from fimsmith.errors import ConfigError, JobError
from fimsmith.launch import Job, local

Make = Callable[..., Job]
HERE = config.Run()
DONE = "pathlib.Path(sys.argv[1]).parents[1].joinpath('outcome.json').write_text('{}')\n"


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Make a job that runs the given Python code; its first argument is the specification."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def make(code: str, name: str = "work", **settings: object) -> Job:
        folder = tmp_path / name
        (folder / "log").mkdir(parents=True)
        (tmp_path / f"module_{name}.py").write_text("import os, pathlib, signal, sys, time\n" + code)
        return Job(name=name, stage="evaluate", module=f"module_{name}", folder=folder, **settings)  # type: ignore

    return make


def failure(job: Job) -> str:
    with pytest.raises(JobError) as caught:
        local.run(job, HERE)
    return str(caught.value)


def test_only_the_stages_progress_lines_are_shown_and_all_are_logged(job: Make, capfd: pytest.CaptureFixture[str]):
    made = job("print('evaluate  10 of 20')\nprint('noise')\nprint('more', file=sys.stderr)\n" + DONE)
    local.run(made, HERE)
    assert capfd.readouterr().out == "evaluate  10 of 20\n"
    assert sorted(made.log.read_text().splitlines()) == ["evaluate  10 of 20", "more", "noise"]


def test_the_message_of_a_refusal_is_all_that_is_said_of_it(job: Make):
    made = job(
        "pathlib.Path(sys.argv[1]).with_name('error.txt').write_text('no model at /x; set model.path\\n')\n"
        "print('chatter')\nsys.exit(1)"
    )
    assert failure(made) == f"evaluate failed: no model at /x; set model.path\n  log: {made.log}"


def test_a_crash_is_told_with_its_exit_code_its_last_lines_and_the_log(job: Make):
    made = job("for number in range(50):\n    print('line', number)\nraise ValueError('seven is odd')")
    text = failure(made)
    assert text.startswith(f"evaluate failed: exit code 1\n  log: {made.log}\n  last lines:\n")
    assert text.endswith("\n    ValueError: seven is odd")
    assert "line 49" in text
    assert "line 30" not in text


def test_a_kill_is_told_with_the_memory_there_was_and_what_to_lower(job: Make):
    text = failure(job("os.kill(os.getpid(), signal.SIGKILL)"))
    assert "killed by SIGKILL, probably for want of memory (it had" in text
    assert "GiB)\n  fix: lower evaluate.batch" in text


def test_a_job_that_ends_without_a_result_has_failed(job: Make):
    assert "it ended without a result" in failure(job("pass"))


def test_several_machines_are_refused_before_anything_starts(job: Make):
    made = job(DONE, nodes=2)
    with pytest.raises(ConfigError, match="set run.nodes to 1"):
        local.run(made, HERE)
    assert not (made.folder / "outcome.json").exists()


def test_cores_are_shared_among_the_processes(job: Make):
    made = job("print(os.environ['OMP_NUM_THREADS'])\n" + DONE, processes=os.cpu_count() or 1)
    local.run(made, HERE)
    assert made.log.read_text() == "1\n"


@pytest.mark.slow
def test_under_torchrun_the_worker_that_was_killed_is_named_and_only_its_own_lines_are_shown(job: Make):
    code = (
        "print('evaluate  step 3\\n', end='', flush=True)\n"
        "if os.environ['RANK'] == '1': time.sleep(1); os.kill(os.getpid(), signal.SIGKILL)\n"
        "time.sleep(60)"
    )
    text = failure(job(code, distributed=True, processes=2))
    assert "killed by SIGKILL" in text
    assert text.endswith("last lines:\n    evaluate  step 3\n    evaluate  step 3")


@pytest.mark.slow
def test_distributed_jobs_at_the_same_time_do_not_meet(job: Make):
    meet = (
        "import torch.distributed as dist\n"
        "dist.init_process_group('gloo')\n"
        "found = [None, None]\n"
        "dist.all_gather_object(found, os.environ['PYTEST_JOB'])\n"
        "assert len(set(found)) == 1, found\n"
    )
    made = [
        job(f"os.environ['PYTEST_JOB'] = '{name}'\n" + meet + DONE, name, distributed=True, processes=2)
        for name in ("one", "two")
    ]
    with ThreadPoolExecutor() as threads:
        list(threads.map(local.run, made, [HERE] * len(made)))  # raises what a job raised


def test_a_job_that_is_aborted_after_its_outcome_has_succeeded(job: Make):
    local.run(job(DONE + "os.abort()"), HERE)


DRIVER = """
import pathlib, signal, sys
from fimsmith import config
from fimsmith.launch import Job, local
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background processes ignore it, and their children
local.run(Job(name="x", stage="evaluate", module=sys.argv[1], folder=pathlib.Path(sys.argv[2])), config.Run())
"""
SLEEPER = (
    "def leave(*_):\n    pathlib.Path(sys.argv[1]).with_name('stopped').touch()\n    sys.exit(3)\n"
    "signal.signal(signal.SIGTERM, leave)\n"
    "pathlib.Path(sys.argv[1]).with_name('pid').write_text(str(os.getpid()))\n"
    "time.sleep(60)"
)


@pytest.fixture
def sleeper(job: Make):
    """A launcher in a process of its own, whose job sleeps and notes SIGTERM in log/stopped."""
    made = job(SLEEPER)
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, made.module, str(made.folder)], stderr=subprocess.PIPE, text=True
    )
    wait(lambda: (made.folder / "log" / "pid").exists())
    yield driver, made.folder / "log"
    driver.kill()
    driver.communicate()


def wait(happened: Callable[[], bool]) -> None:
    for _ in range(600):
        if happened():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen within 30 seconds")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_launcher_stops_its_job(sleeper, number: signal.Signals):
    driver, log = sleeper
    driver.send_signal(number)
    _, errors = driver.communicate(timeout=30)
    assert f"evaluate was stopped by {number.name}; run the same command again to go on" in errors
    assert (log / "stopped").exists() == (number == signal.SIGTERM)


@pytest.mark.skipif(sys.platform != "linux", reason="needs PR_SET_PDEATHSIG")
def test_a_job_dies_with_its_launcher(sleeper):
    driver, log = sleeper
    driver.kill()
    wait((log / "stopped").exists)
