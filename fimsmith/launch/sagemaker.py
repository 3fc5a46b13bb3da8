"""Run a job on Amazon SageMaker as a training job.

A name is used up once a job had it, so that the attempts at the same work are numbered: a launcher follows the newest
one while it runs, takes its results when it has completed, and else starts the next. All attempts share the checkpoints.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fimsmith import config, sagemaker, storage, task
from fimsmith.errors import JobError
from fimsmith.jobspec import OUTCOME, JobSpec
from fimsmith.launch import aws, diagnosis, sagemaker_reasons, sagemaker_request, stopping
from fimsmith.launch.cloudwatch import GROUP
from fimsmith.launch.output import Output
from fimsmith.launch.sagemaker_reasons import Description
from fimsmith.launch.sagemaker_watch import INTERVAL, Watch
from fimsmith.launch.verdict import Cause

if TYPE_CHECKING:
    from fimsmith.launch import Job

_QUOTA = re.compile(
    r"service limit '.+?' is (?P<limit>[\d.]+) .*utilization of (?P<used>[\d.]+) .*delta of (?P<more>[\d.]+) "
)
_QUOTA_PAUSE = 60.0  # seconds before asking again for instances that other jobs still use


def run(job: Job, place: config.Run) -> None:
    """Run the job and wait, then put its results where they belong; raises JobError when it fails.

    Stopped by a signal, it stops the job; in a step of a KFP run only when the run is terminated.
    """
    with open(job.log, "ab", buffering=0) as log:
        launcher = _Launcher(job, place, Output(log, job.stage))
        try:
            launcher.run()
        except aws.ERRORS as error:
            raise aws.explain(job.stage, error, launcher.left) from error


class _Launcher:
    """One job on one account, with as many attempts as it took."""

    def __init__(self, job: Job, place: config.Run, output: Output):
        self.job, self.place, self.output = job, place, output
        self.number = 0  # of the attempt
        self.left: str | None = None  # the training job that may be running

    @cached_property
    def account(self) -> aws.Account:
        """Where the job runs."""
        return aws.Account(self.output.say)

    @property
    def name(self) -> str:
        """The training job of the present attempt."""
        return sagemaker_request.name(self.job, self.number)

    def run(self) -> None:
        """Make or find the job and see it through."""
        step, run_id = self._step()
        with stopping.watching(step) as stop:
            try:
                found = self._follow(stop, run_id)
            except KeyboardInterrupt:  # a second signal: nothing is waited for, but no job goes on unseen
                self._stop()
                raise
        self.left = None
        if found["TrainingJobStatus"] != "Completed":
            raise self._worded(sagemaker_reasons.failure(found, self.job.stage, self.place.sagemaker))
        self._collect()

    def _follow(self, stop: stopping.Stop, run_id: str | None) -> Description:
        """Return the description of a job that has ended; raises JobError when it is to stop."""
        self._ensure(stop, run_id)
        watch = Watch(self.account, self.name, self.place.sagemaker, self.output)
        found = watch.until_done(stop)
        if found is not None:
            return found
        if self.left:
            self.output.say(f"stopped: stopping job {self.name}, which may write a checkpoint first")
            self._stop()
            watch.until_done(stopping.Stop())
        by = diagnosis.status_name(-stop.received[0])
        text = f"{self.job.stage} was stopped by {by}; run the same command again to go on"
        raise JobError(f"{text}\n  log: {self.job.log}")

    def _stop(self) -> None:
        """Ask SageMaker to end the job, if there is one."""
        if self.left is None:
            return
        try:
            self.account.call("stop_training_job", TrainingJobName=self.left)
        except ClientError as error:
            if aws.code(error) != "ValidationException":  # it has ended, or is being stopped already
                raise

    def _step(self) -> tuple[stopping.Step | None, str | None]:
        """The step of a KFP run that this process is, if it is one, and the run's id."""
        run_id = os.environ.get(task.RUN)
        if not stopping.in_step():
            return None, run_id
        # a client of its own: a signal's handler may interrupt a request that holds the other's lock
        client = aws.Account(self.output.say).clients["sagemaker"]
        with contextlib.suppress(*aws.ERRORS):  # the handshake is over before it counts
            client.describe_training_job(TrainingJobName=sagemaker_request.name(self.job, 1))

        def withdraw() -> None:
            if self.left:
                with contextlib.suppress(*aws.ERRORS):
                    client.stop_training_job(TrainingJobName=self.left)

        try:
            from fimsmith.launch import step
        except ImportError:  # a pipeline that knows no Kubernetes
            return stopping.Step(withdraw), run_id
        here, of_kfp = step.here(withdraw)
        return here, run_id or of_kfp

    def _ensure(self, stop: stopping.Stop, run_id: str | None) -> None:
        """Find the newest attempt, and start another unless that one runs or has results."""
        found = self._newest()
        if found and found["TrainingJobStatus"] == "Stopping":
            self.output.say(f"waiting until job {self.name} has stopped")
        while found and found["TrainingJobStatus"] == "Stopping" and not stop:
            stop.wait(INTERVAL)
            found = self._describe(self.number)
        if found and self._goes_on(found):
            self.left = self.name
            self.output.say(f"job {self.name} is there already: following it")
            self.output.log.truncate(0)  # its log is read from the beginning
            return
        self.number += 1
        self._create(stop, run_id)

    def _newest(self) -> Description | None:
        found = None
        while (later := self._describe(self.number + 1)) is not None:
            self.number += 1
            found = later
        return found

    def _describe(self, number: int) -> Description | None:
        try:
            return self.account.call("describe_training_job", TrainingJobName=sagemaker_request.name(self.job, number))
        except aws.ERRORS as error:
            if aws.is_missing(error):
                return None
            raise

    def _goes_on(self, found: Description) -> bool:
        if found["TrainingJobStatus"] == "Completed":
            return storage.read(f"{sagemaker_request.results(self.job, self.number)}/{OUTCOME}") is not None
        return found["TrainingJobStatus"] == "InProgress"

    def _create(self, stop: stopping.Stop, run_id: str | None) -> None:
        """Start the attempt; waits while other jobs use up the quota, because some of them may be this run's own."""
        document = self._document(run_id)
        begun, told = time.monotonic(), False
        while not stop:
            self.left = self.name  # also when the answer is lost
            try:
                self.account.call("create_training_job", **document)
                resources = document["ResourceConfig"]
                self.output.say(f"job {self.name} on {resources['InstanceCount']} x {resources['InstanceType']}")
                return
            except ClientError as error:
                if aws.code(error) == "ResourceInUse":  # an answer that was lost, or another launcher was faster
                    return
                self.left = None
                if not _occupied(error) or time.monotonic() - begun > self.place.sagemaker.max_wait:
                    raise
                if not told:
                    told = True
                    self.output.say(f"waiting until other jobs end: {error.response['Error']['Message']}")
            stop.wait(_QUOTA_PAUSE)

    def _document(self, run_id: str | None) -> dict[str, Any]:
        spec = JobSpec.model_validate_json(storage.read(self.job.argument) or b"")
        if more := spec.inputs[sagemaker.OWN :]:
            storage.write(
                sagemaker_request.rest(self.job), json.dumps(sagemaker_request.listing(more, self.place.root))
            )
        return sagemaker_request.request(self.job, spec.inputs, self.place, self.number, run_id)

    def _worded(self, cause: Cause) -> JobError:
        """Make the error of a job that ended badly."""
        text = f"{self.job.stage} failed: {cause.text}"
        if not cause.explained and (step := self.output.step()):
            text += f" at step {step}"
        fixes = [cause.fix] if cause.fix else []
        own = [] if cause.explained else diagnosis.before_torchrun(list(self.output.lines))
        return diagnosis.word(text, [], fixes, f"{self.job.log} (in CloudWatch: {GROUP}, {self.name})", own)

    def _collect(self) -> None:
        """Copy the results from where SageMaker put them, the outcome last."""
        source = sagemaker_request.results(self.job, self.number)
        answer = storage.read(f"{source}/{OUTCOME}")
        if answer is None:
            raise self._worded(Cause(f"it ended without a result: there is no {source}/{OUTCOME}"))
        files, _ = json.loads(answer)["published"]
        there = storage.list_files(source)
        if lost := [name for name, size in files.items() if there.get(name, (-1, ""))[0] != size]:
            storage.erase(source)  # or every later launcher would find these results
            raise JobError(f"{self.job.stage} failed: {source} lacks {lost[0]}; run the same command again")
        self.output.say(f"copying {len(files)} files to {self.job.destination}")
        storage.copy(source, str(self.job.destination), files)
        storage.write(f"{self.job.destination}/{OUTCOME}", answer)


def _occupied(error: ClientError) -> bool:
    """Whether the quota is large enough, but other jobs use it."""
    found = _QUOTA.search(error.response["Error"].get("Message", ""))
    return bool(found) and float(found["used"]) > 0 and float(found["limit"]) >= float(found["more"])
