"""Run a job on Amazon SageMaker as a training job.

A name is used up once a job had it, so that the attempts at the same work are numbered: a launcher follows the newest
one while it runs, takes its results when it has completed, and else starts the next. All attempts share the checkpoints.
Another launcher of the same work may be faster: the work is done when its outcome is at its destination.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from fimsmith import config, sagemaker, storage, task
from fimsmith.errors import JobError, StorageError
from fimsmith.jobspec import OUTCOME, JobSpec
from fimsmith.launch import aws, diagnosis, sagemaker_reasons, sagemaker_request, sagemaker_step, stopping
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
_GAP = 4  # numbers of attempts that may be missing before one that is there: training jobs can be deleted
_STOPS = 5  # times to ask for a job's end: one that is just beginning may refuse


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

    @cached_property
    def watch(self) -> Watch:
        """What sees the attempt through, once it is there."""
        return Watch(self.account, self.name, self.place.sagemaker, self.output)

    @property
    def name(self) -> str:
        """The training job of the present attempt."""
        return sagemaker_request.name(self.job, self.number)

    def run(self) -> None:
        """Make or find the job and see it through."""
        with self._step() as (step, run_id), stopping.watching(step) as stop:
            try:
                found = self._follow(stop, run_id)
            except KeyboardInterrupt:  # a second signal: nothing is waited for, but no job goes on unseen
                self._end()
                raise
        self.left = None
        if found is None or self._is_done():
            self.output.say("another launcher has put the results where they belong")
        elif found["TrainingJobStatus"] == "Completed":
            self._collect()
        else:
            raise self._worded(sagemaker_reasons.failure(found, self.job.stage, self.place.sagemaker))

    def _follow(self, stop: stopping.Stop, run_id: str | None) -> Description | None:
        """Return the description of a job that has ended, None when the work is done; raises JobError when it is to stop."""
        self.account.stop = stop
        try:
            if not self._ensure(stop, run_id):
                return None
            found = self.watch.until_done(stop)
        except aws.ERRORS:
            if not stop:  # else it is the request that a signal interrupted
                raise
            found = None
        if found is not None:
            return found
        self._stop()
        by = diagnosis.status_name(-stop.received[0])
        text = f"{self.job.stage} was stopped by {by}; run the same command again to go on"
        raise JobError(f"{text}\n  log: {self.job.log}")

    def _stop(self) -> None:
        """End the job, if there is one, and wait until it has ended."""
        if self.left:
            self.output.say(f"stopped: stopping job {self.left}, which may write a checkpoint first")
        if self._end():
            self.watch.until_done(stopping.Stop())

    def _end(self) -> bool:
        """Ask SageMaker to end the job; returns whether there is one."""
        if self.left is None:
            return False
        self.account.stop = stopping.Stop()  # this request may take its time
        for number in range(1, _STOPS + 1):
            try:
                self.account.call("stop_training_job", TrainingJobName=self.left)
                return True
            except ClientError as error:
                if aws.code(error) != "ValidationException" and not aws.is_missing(error):
                    raise
                found = self._describe(self.number)
                if found is not None and found["TrainingJobStatus"] != "InProgress":
                    return True
                if found is not None and number == _STOPS:
                    raise
            time.sleep(INTERVAL)  # it may not be there yet, or just begin
        return False

    @contextlib.contextmanager
    def _step(self) -> Iterator[tuple[stopping.Step | None, str | None]]:
        """Yield the step of a KFP run that this process is, if it is one, and the run's id."""
        run_id = os.environ.get(task.RUN)
        if not stopping.in_step():
            yield None, run_id
            return
        stops, name = aws.Account(self.output.say), sagemaker_request.name(self.job, 1)
        with sagemaker_step.ready(stops, name, lambda: self.left) as (step, of_kfp):
            yield step, run_id or of_kfp

    def _is_done(self) -> bool:
        """Whether the work is done, by whichever launcher."""
        return storage.read(self.job.outcome) is not None

    def _ensure(self, stop: stopping.Stop, run_id: str | None) -> bool:
        """Find the newest attempt, and start another unless that one runs or has results; False: the work is done."""
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
            return True
        if self._is_done():  # the results were there, and have been cleared away
            return False
        self.number += 1
        self._create(stop, run_id)
        return True

    def _newest(self) -> Description | None:
        found, number = None, 1
        while number <= self.number + _GAP:
            if (later := self._describe(number)) is not None:
                self.number, found = number, later
            number += 1
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
                if aws.is_refused(error):
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
        """Copy the results from where SageMaker put them, unless another launcher does and clears them away."""
        try:
            self._copy()
        except (JobError, StorageError):
            if not self._is_done():
                raise

    def _copy(self) -> None:
        """Copy the results, the outcome last."""
        source = sagemaker_request.results(self.job, self.number)
        answer = storage.read(f"{source}/{OUTCOME}")
        if answer is None:
            raise self._worded(Cause(f"it ended without a result: there is no {source}/{OUTCOME}"))
        files, _ = json.loads(answer)["published"]
        if _lost(source, files):
            time.sleep(INTERVAL)
        if lost := _lost(source, files):
            if not self._is_done():
                storage.erase(source)  # or every later launcher would find these results
            raise JobError(f"{self.job.stage} failed: {source} lacks {lost[0]}; run the same command again")
        self.output.say(f"copying {len(files)} files to {self.job.destination}")
        storage.copy(source, str(self.job.destination), files)
        storage.write(f"{self.job.destination}/{OUTCOME}", answer)


def _lost(source: str, files: dict[str, int]) -> list[str]:
    """Name the files that are not there as they should be."""
    there = storage.list_files(source)
    return [name for name, size in files.items() if there.get(name, (-1, ""))[0] != size]


def _occupied(error: ClientError) -> bool:
    """Whether the quota is large enough, but other jobs use it."""
    found = _QUOTA.search(error.response["Error"].get("Message", ""))
    return bool(found) and float(found["used"]) > 0 and float(found["limit"]) >= float(found["more"])
