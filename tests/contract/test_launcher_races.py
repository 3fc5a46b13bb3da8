"""fimsmith.launch.sagemaker beside other launchers, deleted jobs, signals and answers that do not come."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from fimsmith import launch, storage
from fimsmith.errors import JobError
from fimsmith.launch import Job, aws, sagemaker, sagemaker_request, sagemaker_step, sagemaker_watch, stopping
from fimsmith.launch.output import Output
from tests.contract import jobs
from tests.contract.aws import FakeAws
from tests.contract.conftest import Start
from tests.contract.scripted import DONE, KIND, ROOT, SLEEP, Work, created, place

READY = f"open({ROOT} + '/output/ready', 'w')\n"


def background(action: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    return thread


def is_ready(account: FakeAws) -> bool:
    return any(account.folder.glob("*/life-1/algo-1/output/ready"))


def test_the_second_of_two_launchers_finds_the_work_done_while_it_copies(
    start_aws: Start, work: Work, monkeypatch: pytest.MonkeyPatch
):
    account = start_aws()
    first, second = work(DONE), work(DONE, machine="other")
    published, ends, copy = threading.Event(), [], storage.copy

    def slow(source: str, uri: str, files: Any) -> None:
        if threading.current_thread().name == "second":
            assert published.wait(60)
        copy(source, uri, files)

    def run(job: Job) -> None:
        try:
            ends.append(launch._finish(job, place(), {}, []))
        except JobError as error:
            ends.append(error)

    monkeypatch.setattr(storage, "copy", slow)
    threads = [
        threading.Thread(target=run, args=(job,), name=name) for name, job in (("first", first), ("second", second))
    ]
    for thread in threads:
        thread.start()
    threads[0].join(60)
    assert not [name for name in storage.list_files(str(first.destination)) if name.startswith("sagemaker/")]
    published.set()
    threads[1].join(60)
    assert [type(end) for end in ends] == [launch.Outcome] * 2, ends
    assert len(account.training.jobs) == 1


def test_a_launcher_that_comes_when_the_results_are_cleared_away_starts_nothing(start_aws: Start, work: Work):
    account = start_aws()
    launch._finish(work(DONE), place(), {}, [])
    sagemaker.run(work(DONE, machine="other"), place())
    assert len(created(account)) == 1


def test_an_attempt_that_runs_is_found_although_an_earlier_one_was_deleted(start_aws: Start, work: Work):
    account = start_aws()
    job = work("import time; time.sleep(1)\n" + DONE)
    client = boto3.client("sagemaker")
    for number in (1, 4):
        client.create_training_job(**sagemaker_request.request(job, [], place(), number, None))
    name = sagemaker_request.name(job, 1)
    jobs.wait(name, jobs.ENDED)
    client.delete_training_job(TrainingJobName=name)
    client.describe_training_job(TrainingJobName=name)
    sagemaker.run(job, place())
    assert [name[-2:] for name in created(account)] == ["-1", "-4"]


def test_a_job_that_is_deleted_while_it_is_followed_is_told(
    start_aws: Start, work: Work, monkeypatch: pytest.MonkeyPatch
):
    account = start_aws()
    monkeypatch.setattr(sagemaker_watch, "INTERVAL", 2.0)

    def delete() -> None:
        (job,) = jobs.until(account.training.jobs.values)
        jobs.until(lambda: job.status in jobs.ENDED)
        boto3.client("sagemaker").delete_training_job(TrainingJobName=job.name)
        boto3.client("sagemaker").describe_training_job(TrainingJobName=job.name)

    background(delete)
    with pytest.raises(JobError, match="it was deleted by someone else\n  fix: run the same command again"):
        sagemaker.run(work("import time; time.sleep(0.5)"), place())


def test_a_job_that_refuses_to_stop_at_first_is_asked_again(start_aws: Start, work: Work):
    account = start_aws(grace=0.1, errors={"StopTrainingJob": ["ValidationException"] * 2})

    def interrupt() -> None:
        jobs.until(lambda: is_ready(account))
        os.kill(os.getpid(), signal.SIGINT)

    background(interrupt)
    with pytest.raises(JobError, match="stopped by SIGINT"):
        sagemaker.run(work(READY + SLEEP), place())
    assert account.training.jobs[created(account)[0]].status == "Stopped"


def test_a_job_that_is_known_late_is_waited_for(start_aws: Start, work: Work):
    account = start_aws(known_late=3)
    sagemaker.run(work(DONE), place())
    assert len(created(account)) == 1


def test_a_job_that_stays_unknown_is_not_waited_for(start_aws: Start, work: Work, monkeypatch: pytest.MonkeyPatch):
    start_aws(known_late=1000)
    monkeypatch.setattr(sagemaker_watch, "_LATE", 0.3)
    with pytest.raises(JobError, match="Requested resource not found"):
        sagemaker.run(work(SLEEP), place())


def test_a_job_that_is_known_late_is_stopped_all_the_same(start_aws: Start, work: Work):
    account = start_aws(known_late=3, grace=0.1)
    job = work(SLEEP)
    with open(job.log, "wb") as log:
        launcher = sagemaker._Launcher(job, place(), Output(log, "train"))
        launcher.number = 1
        launcher._create(stopping.Stop(), None)
        assert launcher._end()
    assert jobs.wait(created(account)[0], jobs.ENDED)["TrainingJobStatus"] == "Stopped"
    assert len([name for _, name, _ in account.calls if name == "StopTrainingJob"]) > 1


def test_a_signal_ends_the_waiting_for_a_login_and_stops_the_job(
    start_aws: Start, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    account = start_aws(grace=0.1)
    job = work(READY + SLEEP)
    keys = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    lines = [f"{name.lower()} = {value}" for name, value in keys.items()]
    (tmp_path / "credentials").write_text("\n".join(["[default]", *lines]))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for name in keys:
        monkeypatch.delenv(name)
    monkeypatch.setattr(aws, "_PAUSE", 60.0)

    def interrupt() -> None:
        jobs.until(lambda: is_ready(account))
        codes = ["ExpiredTokenException"]
        account.behaviour.errors = {"DescribeTrainingJob": codes}
        jobs.until(lambda: not codes)
        time.sleep(0.3)
        os.kill(os.getpid(), signal.SIGINT)

    background(interrupt)
    begun = time.monotonic()
    with pytest.raises(JobError, match="stopped by SIGINT"):
        sagemaker.run(job, place())
    assert time.monotonic() - begun < 40
    assert account.training.jobs[created(account)[0]].status == "Stopped"


@pytest.mark.parametrize(("status", "may_run"), [(400, False), (503, True)])
def test_a_creation_that_fails_may_have_made_a_job_unless_it_was_refused(
    s3: str, work: Work, status: int, may_run: bool
):
    class Account:
        def call(self, *_: Any, **__: Any) -> None:
            answer = {"Error": {"Code": "Fault", "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ClientError(answer, "CreateTrainingJob")  # type: ignore[arg-type]

    job = work(DONE)
    with open(job.log, "wb") as log:
        launcher = sagemaker._Launcher(job, place(), Output(log, "train"))
        launcher.__dict__["account"] = Account()
        launcher.number = 1
        with pytest.raises(ClientError):
            launcher._create(stopping.Stop(), None)
    assert (launcher.left == launcher.name) is may_run


def test_results_that_are_listed_late_are_not_dropped(start_aws: Start, work: Work, monkeypatch: pytest.MonkeyPatch):
    account = start_aws()
    listed, late = storage.list_files, []

    def lacking(uri: str) -> dict[str, tuple[int, str]]:
        if uri.endswith("/output/model") and not late:
            late.append(uri)
            return {}
        return listed(uri)

    monkeypatch.setattr(storage, "list_files", lacking)
    sagemaker.run(work(DONE), place())
    assert late
    assert len(created(account)) == 1


def test_what_a_later_attempt_costs_is_told_as_its_own(start_aws: Start, work: Work, capfd):
    start_aws()
    with pytest.raises(JobError):
        sagemaker.run(work("raise SystemExit(1)"), place())
    sagemaker.run(work(DONE), place())
    lines = [line for line in capfd.readouterr().out.splitlines() if "hours of" in line]
    assert ["attempt" in line for line in lines] == [False, True]
    assert lines[1].startswith("train     attempt 2: 0.")


STEP = """
import pathlib, sys
from fimsmith import config
from fimsmith.launch import Job, sagemaker
job = Job(name="train-f", stage="train", module="fimsmith.train", distributed=True, folder=pathlib.Path(sys.argv[1]),
          destination=sys.argv[2])
sagemaker.run(job, config.Run.model_validate_json(sys.argv[3]))
"""


def test_a_step_that_is_ended_while_its_job_is_made_stops_the_job(start_aws: Start, work: Work, tmp_path: Path):
    account = start_aws(slow_creation=1.5, grace=0.1)
    job = work(SLEEP)
    shutil.rmtree(job.folder / "log")
    (job.folder / "log").mkdir()
    step = subprocess.Popen(
        [sys.executable, "-c", STEP, str(job.folder), str(job.destination), place().model_dump_json()],
        env={**os.environ, "KFP_POD_NAME": "pod", "KUBECONFIG": str(tmp_path / "none")},
    )
    jobs.until(lambda: created(account))
    step.terminate()
    assert step.wait(30) == 128 + signal.SIGTERM
    (name,) = created(account)
    assert jobs.wait(name, ("Stopped", "Failed", "Completed"))["TrainingJobStatus"] == "Stopped"


def test_the_way_to_stop_a_job_is_kept_open_as_long_as_the_step_lasts(
    start_aws: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    account = start_aws()
    monkeypatch.setattr(sagemaker_step, "_WARM", 0.05)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with sagemaker_step.ready(aws.Account(print), "job-1", lambda: None) as (step, _):
        jobs.until(lambda: len(account.calls) > 3)
        assert step.withdraw()
    time.sleep(0.3)
    asked = len(account.calls)
    time.sleep(0.3)
    assert len(account.calls) == asked


def test_instances_that_others_use_are_waited_for_as_long_as_max_wait_says(start_aws: Start, work: Work):
    start_aws(quotas={f"{KIND} for training job usage": 1})
    first = work(SLEEP)
    other = sagemaker_request.request(first, [], place(), 1, None)
    boto3.client("sagemaker").create_training_job(**{**other, "TrainingJobName": "other"})
    with pytest.raises(JobError, match="the account's quota is too small"):
        sagemaker.run(work(DONE), place(max_wait=1))
