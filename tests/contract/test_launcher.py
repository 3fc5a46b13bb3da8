"""fimsmith.launch.sagemaker against an account that behaves as a real one does; the containers run small scripts."""

import contextlib
import os
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
from botocore.config import Config

from fimsmith import storage
from fimsmith.errors import JobError
from fimsmith.jobspec import JobSpec
from fimsmith.launch import Job, aws, sagemaker, sagemaker_request, sagemaker_watch
from fimsmith.manifest import Manifest
from tests.contract import jobs
from tests.contract.aws import FakeAws
from tests.contract.scripted import DONE, KIND, ROOT, SLEEP, created, place

Start = Callable[..., FakeAws]
FAIL = f"open({ROOT} + '/output/failure', 'w').write('seven is odd'); raise SystemExit(1)\n"


def failure(job: Job, **settings: Any) -> str:
    with pytest.raises(JobError) as caught:
        sagemaker.run(job, place(**settings))
    return str(caught.value)


def test_results_are_where_the_stage_wants_them_and_the_log_is_shown(
    start_aws: Start, work: Callable[..., Job], capfd: pytest.CaptureFixture[str]
):
    start_aws()
    job = work("print('train     step 1 of 2, loss 1.5')\nprint('noise')\n" + DONE)
    sagemaker.run(job, place(prices={KIND: 2.0}))
    assert storage.read(f"{job.destination}/weights") == b"wwww"
    assert storage.read(f"{job.destination}/outcome.json")
    shown = capfd.readouterr().out
    assert "train     step 1 of 2, loss 1.5\n" in shown
    assert "noise" not in shown
    for state in ("Starting", "Pending", "Downloading", "Training", "Uploading", "Completed: Training job completed"):
        assert f"train     {state}" in shown
    assert f"hours of {KIND}, cost 0.00" in shown
    assert job.log.read_text().splitlines() == ["train     step 1 of 2, loss 1.5", "noise"]


def test_lines_of_all_hosts_are_in_the_log(start_aws: Start, work: Callable[..., Job]):
    start_aws()
    job = work("print('hello')\n" + DONE, nodes=2)
    sagemaker.run(job, place())
    assert sorted(job.log.read_text().splitlines()) == ["algo-2: hello", "hello"]


def test_no_line_of_the_log_is_lost_or_doubled(
    start_aws: Start, work: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
):
    start_aws(log_delay=0.1)
    monkeypatch.setattr(sagemaker_watch, "_QUIET", 3.0)  # far more than the delay, also on a busy machine
    job = work("import time\nfor number in range(200): print(number, flush=True); time.sleep(0.005)\n" + DONE)
    sagemaker.run(job, place())
    assert job.log.read_text().split() == [str(number) for number in range(200)]


def test_a_container_finds_all_of_very_many_inputs(start_aws: Start, work: Callable[..., Job], s3: str):
    start_aws()
    job = work(
        "import pathlib; from fimsmith import sagemaker\n"
        f"spec = sagemaker._spec(sagemaker.Host.read(pathlib.Path({ROOT})))\n"
        "print(*[pathlib.Path(each.uri, 'a/b').read_text() for each in spec.inputs])\n" + DONE
    )
    inputs = []
    for number in range(24):
        uri = f"{s3}/root/fim/{number:016x}"
        storage.write(f"{uri}/a/b", str(number))
        size = {"a/b": len(str(number))}
        inputs.append(Manifest(stage="fim", fingerprint="f", digest="d", uri=uri, files=size, metrics={}, details={}))
    spec = JobSpec(stage="train", section={}, inputs=inputs, folder="/", destination=job.destination)
    storage.write(job.argument, spec.model_dump_json())
    sagemaker.run(job, place().model_copy(update={"root": f"{s3}/root"}))
    assert job.log.read_text().split() == [str(number) for number in range(24)]


def test_a_job_that_runs_is_followed_and_one_that_has_results_is_not_run_again(
    start_aws: Start, work: Callable[..., Job], s3: str, capfd: pytest.CaptureFixture[str]
):
    account = start_aws()
    job = work("import time; time.sleep(1); print('train     late')\n" + DONE)
    document = sagemaker_request.request(job, [], place(), 1, None)
    boto3.client("sagemaker").create_training_job(**document)
    job.log.write_text("what an earlier launcher had\n")
    sagemaker.run(job, place())
    assert "is there already: following it" in capfd.readouterr().out
    assert job.log.read_text() == "train     late\n"
    sagemaker.run(job, place())
    assert len(created(account)) == 1


def test_a_job_that_ends_without_a_result_has_failed_and_is_made_anew(start_aws: Start, work: Callable[..., Job]):
    account = start_aws()
    text = failure(work("print('that was all')"))
    assert text.startswith("train failed: it ended without a result")
    assert text.endswith("that was all")
    sagemaker.run(work(DONE), place())
    assert len(created(account)) == 2


def test_a_name_is_not_used_again_after_a_failure(start_aws: Start, work: Callable[..., Job]):
    account = start_aws()
    assert failure(work(FAIL)).startswith("train failed: seven is odd\n  log: ")
    sagemaker.run(work(DONE), place())
    assert [name[-2:] for name in created(account)] == ["-1", "-2"]


def test_what_stops_a_job_is_told_with_what_mends_it(start_aws: Start, work: Callable[..., Job]):
    start_aws(images=["other:1"])
    text = failure(work(DONE))
    assert "train failed: the image" in text
    assert "fix: run.sagemaker.image" in text


@pytest.mark.parametrize(
    ("behaviour", "settings", "script", "cause", "fix"),
    [
        ({"capacity": False}, {}, DONE, f"AWS has no {KIND} to give", "run.sagemaker.spot waits"),
        ({"server_faults": 2}, {"retries": 1}, SLEEP, "SageMaker itself failed", "run.sagemaker.retries"),
        ({"grace": 0.1}, {"max_runtime": 1}, SLEEP, "not done within 1 seconds", "run.sagemaker.max_runtime: 2"),
        (
            {"capacity": False},
            {"spot": True, "max_runtime": 1, "max_wait": 1},
            DONE,
            "spot instances were not there",
            "run.sagemaker.max_wait: 2, or spot: false",
        ),
        ({}, {}, "os.kill(os.getpid(), 9)", "killed, probably for want of memory", "a larger instance"),
        (
            {"quotas": {f"{KIND} for training job usage": 0}},
            {},
            DONE,
            "quota is too small",
            "larger quota of that name",
        ),
        ({"roles": {}}, {}, DONE, "cannot take on the role", "trust policy names sagemaker.amazonaws.com"),
        ({"denied": {"iam:PassRole"}}, {}, DONE, "missing right", "docs/sagemaker.md has the policy"),
    ],
    ids=["capacity", "fault", "runtime", "spot", "memory", "quota", "role", "right"],
)
def test_every_refusal_and_end_has_its_fix(
    start_aws: Start, work: Callable[..., Job], behaviour: dict, settings: dict, script: str, cause: str, fix: str
):
    start_aws(**behaviour)
    text = failure(work(script), **settings)
    assert cause in text
    assert fix in text.partition("fix: ")[2]


def test_faults_of_the_service_are_met_by_its_own_retries(start_aws: Start, work: Callable[..., Job]):
    account = start_aws(server_faults=1)
    sagemaker.run(work("import time; time.sleep(0.5)\n" + DONE), place(retries=1))
    assert len(created(account)) == 1


def test_spot_interruptions_are_counted_and_the_bill_is_told(
    start_aws: Start, work: Callable[..., Job], capfd: pytest.CaptureFixture[str]
):
    start_aws(interrupt_at=["output/one", "output/two"], grace=0.1)
    job = work(
        f"import pathlib, time; life = {ROOT}\n"
        "if 'life-1' in life: pathlib.Path(life, 'output/one').touch(); time.sleep(60)\n"
        "if 'life-2' in life: pathlib.Path(life, 'output/two').touch(); time.sleep(60)\n" + DONE
    )
    sagemaker.run(job, place(spot=True, prices={KIND: 3600.0}))
    shown = capfd.readouterr().out
    assert "train     Interrupted: Managed spot training instances were interrupted" in shown
    assert ", 2 spot interruptions, cost " in shown
    assert "billed as" in shown


def test_the_log_of_a_life_that_was_interrupted_is_kept(start_aws: Start, work: Callable[..., Job]):
    start_aws(interrupt_at=["output/one"], grace=0.1)
    job = work(
        f"import pathlib, time; life = {ROOT}; print(os.path.basename(os.path.dirname(life)), flush=True)\n"
        "if 'life-1' in life: pathlib.Path(life, 'output/one').touch(); time.sleep(60)\n" + DONE
    )
    sagemaker.run(job, place(spot=True))
    assert job.log.read_text().splitlines() == ["life-1", "life-2"]


@pytest.mark.parametrize("code", ["ThrottlingException", "ServiceUnavailable"])
def test_a_service_that_is_busy_for_longer_than_the_sdk_tries_is_asked_again(
    start_aws: Start, work: Callable[..., Job], monkeypatch: pytest.MonkeyPatch, capfd, code: str
):
    monkeypatch.setattr(aws, "_SETTINGS", Config(retries={"total_max_attempts": 1}))
    account = start_aws(errors={"DescribeTrainingJob": [code], "CreateTrainingJob": [code] * 2})
    sagemaker.run(work(DONE), place())
    assert capfd.readouterr().out.count("waiting for AWS: ") == 2
    assert len(created(account)) == 3


def test_a_login_that_expires_is_explained_and_the_job_is_left(
    start_aws: Start, work: Callable[..., Job], monkeypatch: pytest.MonkeyPatch
):
    account = start_aws()
    job = work("import time; time.sleep(1)\n" + DONE)
    seen = sagemaker_watch.Watch._show

    def expire(self: Any, found: Any) -> None:
        account.behaviour.errors = {"DescribeTrainingJob": ["ExpiredTokenException"] * 1000}
        seen(self, found)

    monkeypatch.setattr(sagemaker_watch.Watch, "_show", expire)
    text = failure(job)
    assert text.startswith("train failed: the AWS login is missing or no longer valid (ExpiredTokenException: ")
    (name,) = created(account)
    stop = f"aws sagemaker stop-training-job --region us-east-1 --training-job-name {name} ends it"
    assert f"job {name} may go on: the same command follows it, {stop}" in text
    assert "secret" not in text.lower()
    monkeypatch.undo()


def test_a_login_in_a_file_may_be_renewed_meanwhile(
    start_aws: Start, work: Callable[..., Job], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd
):
    start_aws(errors={"DescribeTrainingJob": ["ExpiredTokenException"] * 3})
    job = work(DONE)
    keys = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    (tmp_path / "credentials").write_text(
        "[default]\n" + "".join(f"{name.lower()} = {value}\n" for name, value in keys.items())
    )
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for name in keys:
        monkeypatch.delenv(name)
    sagemaker.run(job, place())
    assert "waiting for AWS: the AWS login is missing or no longer valid" in capfd.readouterr().out


def test_instances_that_other_jobs_use_are_waited_for(start_aws: Start, work: Callable[..., Job], capfd):
    start_aws(quotas={f"{KIND} for training job usage": 1})
    first = work("import time; time.sleep(1)")
    other = sagemaker_request.request(first, [], place(), 1, None)
    boto3.client("sagemaker").create_training_job(**{**other, "TrainingJobName": "other"})
    sagemaker.run(work(DONE), place())
    assert "waiting until other jobs end: The account-level service limit" in capfd.readouterr().out


def test_without_the_right_to_read_logs_a_job_is_followed_all_the_same(
    start_aws: Start, work: Callable[..., Job], capfd
):
    start_aws(denied={"logs:GetLogEvents"})
    sagemaker.run(work("print('train     step 1 of 2')\n" + DONE), place())
    assert capfd.readouterr().out.count("its log stays in CloudWatch") == 1


def test_a_result_that_is_not_whole_is_dropped(start_aws: Start, work: Callable[..., Job]):
    account = start_aws()
    assert "lacks weights; run the same command again" in failure(work(DONE.replace("'wwww'", "'w'")))
    sagemaker.run(work(DONE), place())
    assert len(created(account)) == 2


@contextlib.contextmanager
def signalled(number: signal.Signals, account: FakeAws):
    """Send this process a signal once a container has made its file `ready`."""

    def look() -> None:
        while not any(account.folder.glob("*/life-1/algo-1/output/ready")):
            time.sleep(0.02)
        os.kill(os.getpid(), number)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    yield
    thread.join()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_launcher_stops_its_job(start_aws: Start, work: Callable[..., Job], number: signal.Signals):
    account = start_aws(grace=5)
    job = work(
        "import signal; signal.signal(15, lambda *_: (print('bye', flush=True), os._exit(0)))\n"
        f"open({ROOT} + '/output/ready', 'w')\n{SLEEP}"
    )
    with signalled(number, account):
        text = failure(job)
    assert text.startswith(f"train was stopped by {number.name}; run the same command again to go on")
    assert account.training.jobs[created(account)[0]].status == "Stopped"
    assert job.log.read_text() == "bye\n"


STEP = """
import pathlib, sys
from fimsmith import config
from fimsmith.launch import Job, sagemaker
job = Job(name="train-f", stage="train", module="fimsmith.train", distributed=True, folder=pathlib.Path(sys.argv[1]),
          destination=sys.argv[2])
if sys.argv[4] == "without": sys.modules["kubernetes"] = None
sagemaker.run(job, config.Run.model_validate_json(sys.argv[3]))
"""


@pytest.mark.parametrize("kubernetes", ["with", "without"])
def test_a_step_of_kubeflow_that_can_ask_nobody_stops_its_job(
    start_aws: Start, work: Callable[..., Job], kubernetes: str, tmp_path: Path
):
    start_aws(grace=0.1)
    job = work(SLEEP)
    document = sagemaker_request.request(job, [], place(), 1, None)
    boto3.client("sagemaker").create_training_job(**document)
    jobs.wait(document["TrainingJobName"], ("InProgress",), "Training")
    step = subprocess.Popen(
        [sys.executable, "-c", STEP, str(job.folder), str(job.destination), place().model_dump_json(), kubernetes],
        env={**os.environ, "KFP_POD_NAME": "pod", "KUBECONFIG": str(tmp_path / "none")},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert step.stdout
    for line in step.stdout:
        if "Training" in line:
            break
    step.terminate()
    assert step.wait(30) == 128 + signal.SIGTERM
    assert jobs.wait(document["TrainingJobName"], jobs.ENDED)["TrainingJobStatus"] == "Stopped"
