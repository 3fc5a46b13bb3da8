"""The life of one training job: real processes, and the states that the service documents.

Starting > Pending > Downloading > Training > Uploading > Completed
Training > Interrupted > Restarting > Starting > Downloading > …    managed spot (a fault of the service restarts too)
anything > Stopping > Stopped, MaxRuntimeExceeded or MaxWaitTimeExceeded
anything > Failed
"""

import contextlib
import datetime as dt
import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.contract import host as hosting
from tests.contract.checkpoints import Mirror
from tests.contract.host import Host

if TYPE_CHECKING:
    from tests.contract.aws import FakeAws

GROUP = "/aws/sagemaker/TrainingJobs"
SPOT_PRICE = 0.3  # of the price on demand: what makes BillableTimeInSeconds less than TrainingTimeInSeconds
NO_CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a different ML instance type."
)
SERVER_FAULT = "InternalServerError: We encountered an internal error. Please try again."
NO_IMAGE = (
    "ClientError: Cannot pull algorithm container. Either the image does not exist or its permissions are incorrect."
)
MESSAGES = {
    "Completed": "Training job completed",
    "Downloading": "Downloading input data",
    "Failed": "Training job failed",
    "Interrupted": "Managed spot training instances were interrupted",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job wait time exceeded MaxWaitTimeInSeconds provided",
    "Pending": "Training job waiting for capacity",
    "Restarting": "Restarting the training job",
    "Starting": "Starting the training job",
    "Stopped": "Training job stopped",
    "Stopping": "Stopping the training job",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
}
IN_PROGRESS = ("Pending", "Starting", "Downloading", "Training", "Uploading", "Interrupted", "Restarting")


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class Job:
    """One training job, run by a thread of its own."""

    def __init__(self, aws: "FakeAws", request: dict, arn: str):
        self.aws = aws
        self.request = request
        self.name = request["TrainingJobName"]
        self.arn = arn
        self.created = self.modified = now()
        self.started: dt.datetime | None = None
        self.ended: dt.datetime | None = None
        self.status = "InProgress"
        self.reason: str | None = None
        self.transitions: list[dict] = []
        self.metrics: dict[str, dict] = {}
        self.lives = 0
        self.unseen = aws.behaviour.known_late  # requests that do not find it yet
        self.faults = 0  # of the service, met so far
        self.ran = 0.0  # seconds of training in all lives
        self.lock = threading.RLock()
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self._enter("Starting")

    @property
    def secondary(self) -> str:
        return self.transitions[-1]["Status"]

    @property
    def spot(self) -> bool:
        return self.request.get("EnableManagedSpotTraining", False)

    def tree(self, name: str) -> Path:
        """Say where a host of the present life has its /opt/ml."""
        return self.aws.folder / self.name / f"life-{self.lives}" / name

    def stop(self) -> None:
        """Ask the job to end, as StopTrainingJob does."""
        with self.lock:
            self.status = "Stopping"
            self._enter("Stopping")
            self.stopping.set()

    def _run(self) -> None:
        try:
            why = self._lives()
        except Exception as error:  # a bucket that is gone, say: the job fails and nobody waits for it
            why = f"ClientError: {error}"
        self.ended = now()
        if why in ("Completed", "Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded"):
            self._finish("Completed" if why == "Completed" else "Stopped", why)
        else:
            self.reason = why
            self._finish("Failed", "Failed")

    def _lives(self) -> str:
        """Let instances do the job, one set after another; give the reason for the end."""
        why = self._wait_for_instances()
        while why is None:
            self.lives += 1
            why = self._live()
            if why in ("Interrupted", SERVER_FAULT):
                why = self._restart(why)
        return why

    def _finish(self, status: str, secondary: str) -> None:
        with self.lock:
            self._enter(secondary)
            self.transitions[-1]["EndTime"] = self.modified
            self.status = status

    def _wait_for_instances(self) -> str | None:
        self.stopping.wait(self.aws.behaviour.pace)
        self._enter("Pending")
        if why := self._wait_for_capacity():
            return why
        if not self.aws.behaviour.capacity:
            return NO_CAPACITY
        return None if self.aws.has_image(self.request["AlgorithmSpecification"]["TrainingImage"]) else NO_IMAGE

    def _wait_for_capacity(self) -> str | None:
        """Let a spot job wait until there are instances; give the reason for an end before."""
        while not self.aws.behaviour.capacity and self.spot:
            if self.stopping.wait(0.02):
                break
            if self._waited_too_long():
                self.stop()
                return "MaxWaitTimeExceeded"
        self.stopping.wait(self.aws.behaviour.pace)
        return "Stopped" if self.stopping.is_set() else None

    def _restart(self, why: str) -> str | None:
        """Go back to the start when the request allows it; otherwise say why the job ends."""
        if why == SERVER_FAULT:
            self.faults += 1
            if self.faults > self.request.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0):
                return SERVER_FAULT
        else:
            self._enter("Interrupted")
        if why := self._wait_for_capacity():
            return why
        self._enter("Restarting")
        self._enter("Starting")
        return None

    def _live(self) -> str:
        """Let one set of instances do the job; give the reason for its end."""
        self._enter("Downloading")
        self.started = self.started or now()
        names = hosting.hosts(self.request)
        running = [Host(name, self.request, self.tree(name), self._logger(name)) for name in names]
        for host in running:
            host.prepare(self.aws.store, self.aws.behaviour.file_systems)
        mirrors = self._mirrors(running)
        self.stopping.wait(self.aws.behaviour.pace)
        self._enter("Training")
        began = time.monotonic()
        try:
            for host in running:
                host.start(hosting.environment(self.name, self.arn, self.request, self.aws.store))
            why = self._watch(running, began)
            self._end(why, running, mirrors)
        finally:
            for host in running:
                host.kill()
        self.ran += time.monotonic() - began
        return why

    def _mirrors(self, running: list[Host]) -> list[Mirror]:
        config = self.request.get("CheckpointConfig")
        if config is None:
            return []
        local = config.get("LocalPath", f"{hosting.ROOT}/checkpoints").removeprefix(hosting.ROOT).strip("/")
        mirrors = [Mirror(self.aws.store, config["S3Uri"], host.tree / local) for host in running]
        for mirror in mirrors:
            mirror.start()
        return mirrors

    def _watch(self, running: list[Host], began: float) -> str:
        while True:
            codes = [host.poll() for host in running]
            if failed := [host for host in running if host.code]:
                return failed[0].failure()
            if all(code == 0 for code in codes):
                return "Stopped" if self.stopping.is_set() else "Completed"
            if why := self._cause(running, began):
                return why
            time.sleep(0.02)

    def _cause(self, running: list[Host], began: float) -> str | None:
        """Give what ends the training from outside, if anything does."""
        limit = self.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 86_400)
        globs = self.aws.behaviour.interrupt_at
        if self.stopping.is_set():
            return "Stopped"
        if self.ran + time.monotonic() - began > limit:
            return "MaxRuntimeExceeded"
        if self._waited_too_long():
            return "MaxWaitTimeExceeded"
        if self.aws.behaviour.server_faults > self.faults:
            return SERVER_FAULT
        if self.spot and self.lives <= len(globs):
            glob = globs[self.lives - 1]
            return "Interrupted" if any(any(host.tree.glob(glob)) for host in running) else None
        return None

    def _waited_too_long(self) -> bool:
        limit = self.request.get("StoppingCondition", {}).get("MaxWaitTimeInSeconds")
        return self.spot and limit is not None and (now() - self.created).total_seconds() > limit

    def _end(self, why: str, running: list[Host], mirrors: list[Mirror]) -> None:
        """End the containers as the reason asks for and keep what it lets keep."""
        asked = why in ("Stopped", "MaxRuntimeExceeded", "MaxWaitTimeExceeded")
        if asked and not self.stopping.is_set():
            self.stop()
        hosting.end(running, self.aws.behaviour.grace if asked or why == "Interrupted" else 0)
        for mirror in mirrors:
            mirror.finish()
        if why == "Interrupted" and self.aws.behaviour.torn and mirrors:
            mirrors[0].tear()
        if why == "Completed":
            self._enter("Uploading")
        if asked or why == "Completed":
            self._upload(running, "model")
        if why not in ("Interrupted", SERVER_FAULT):
            self._upload(running, "output/data")

    def _upload(self, running: list[Host], part: str) -> None:
        """Put every host's files under one name; of two with the same name the last stays."""
        plain = self.request["OutputDataConfig"].get("CompressionType") == "NONE"
        target = self.output()
        if plain:
            for host in running:
                self.aws.store.upload(host.tree / part, f"{target}/{part.removeprefix('output/')}")
        else:
            name = "model.tar.gz" if part == "model" else "output.tar.gz"
            self.aws.store.archive([host.tree / part for host in running], f"{target}/{name}")

    def output(self) -> str:
        """Say where the job's results go."""
        return f"{self.request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{self.name}/output"

    def _logger(self, host: str):
        stream = self.aws.logs.fresh(GROUP, f"{self.name}/{host}")

        def log(line: str) -> None:
            self.aws.logs.write(GROUP, stream, line)
            for metric in self.request["AlgorithmSpecification"].get("MetricDefinitions", []):
                match = re.search(metric["Regex"], line)
                with contextlib.suppress(ValueError, IndexError, TypeError):  # not there, no group, or not a number
                    value = float(match[1])
                    self.metrics[metric["Name"]] = {"MetricName": metric["Name"], "Value": value, "Timestamp": now()}

        return log

    def _enter(self, secondary: str) -> None:
        with self.lock:
            if self.stopping.is_set() and secondary in IN_PROGRESS:
                return  # a job that is stopping does not go back to work
            self.modified = now()
            if self.transitions:
                self.transitions[-1].setdefault("EndTime", self.modified)
            step = {"Status": secondary, "StartTime": self.modified, "StatusMessage": MESSAGES[secondary]}
            self.transitions.append(step)
