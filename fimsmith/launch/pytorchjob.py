"""Run a job on Kubernetes as a PyTorchJob of the Kubeflow training operator (kubeflow.org/v1).

A job is found again by its name: a launcher that starts while the job runs follows it, one that
starts after it failed makes it anew. A job that lost a pod or a node is made anew, too. One that
succeeded is deleted when its log is here: a launcher that starts later finds the job's outcome instead.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

from fimsmith import config
from fimsmith.errors import JobError
from fimsmith.launch import diagnosis, kube, refusal, render, stopping, verdict
from fimsmith.launch.answers import Refused, RequestError
from fimsmith.launch.output import Output
from fimsmith.launch.step import WorkflowStep
from fimsmith.launch.verdict import Cause
from fimsmith.launch.watch import INTERVAL, Watch

if TYPE_CHECKING:
    from fimsmith.launch import Job

# seconds for the other pods of a failed job, which wait for one that is gone; those of a job that is stopped or lost a pod
# have their own time, because they may be writing a checkpoint
_FAILED = 15
_REPLACED = 10.0  # seconds in which another launcher may make the job anew
_LAST = 20  # seconds that the pods of a terminated run have to end
_MISSES = 5  # times that a job which is being made may not be there yet
_KILL = 60.0  # seconds after which a pod that was told to end belongs to a node that does not answer


def run(job: Job, place: config.Run) -> None:
    """Run the job and wait; raises JobError when it fails, and then leaves nothing on the cluster.

    Stopped by a signal, it deletes the job; in a step of a KFP run only when the run is terminated.
    """
    cluster = kube.Cluster(place.kubernetes.namespace)
    with open(job.log, "ab", buffering=0) as log:
        launcher = _Launcher(job, place, cluster, log)
        try:
            launcher.run()
        except RequestError as error:
            gone = launcher.withdraw()
            raise refusal.explain(job.stage, error, cluster, None if gone else launcher.name) from error


class _Launcher:
    """One job on one cluster, with as many starts as it takes."""

    def __init__(self, job: Job, place: config.Run, cluster: kube.Cluster, log: IO[bytes]):
        self.job, self.place, self.cluster, self.log = job, place, cluster, log
        self.name = render.name(job)
        self.output = Output(log, job.stage)
        self.home = kube.Home(cluster.namespace)
        self.asked = False  # whether there may be a job to be answered for

    def run(self) -> None:
        """Make or find the job and see it through."""
        self.home = kube.home(self.cluster)
        manifest = render.manifest(self.job, self.place, self.home, self.cluster.namespace)
        restarts = 0
        with stopping.watching(self._step()) as stop:
            while (cause := self._attempt(manifest, stop)) is not None:
                if cause.deleted and not stop and self._replaced():
                    continue
                if stop or not cause.lost or restarts == self.place.kubernetes.restarts:
                    raise self._error(cause, stop, restarts)
                restarts += 1
                allowed = self.place.kubernetes.restarts
                self.output.say(f"{cause.text}; starting again at the last checkpoint ({restarts} of {allowed})")

    def _step(self) -> WorkflowStep | None:
        """The step of a KFP run that this process is, if it is one."""
        if not stopping.in_step():
            return None
        # connections of its own: a signal's handler may interrupt a request that holds the others' lock
        cluster = kube.Cluster(self.cluster.namespace)
        misses = itertools.count(1)

        def withdraw() -> bool:
            with contextlib.suppress(RequestError):
                found = cluster.job(self.name)
                if found is None:
                    return not self.asked or next(misses) >= _MISSES
                if self._is_ours(found):  # else another run follows it now
                    cluster.end_pods(self.name, _LAST)  # a checkpoint would need more time than the end of a run leaves
                    cluster.delete(found, "Background")
                return True
            return False

        return WorkflowStep(cluster, self.home, withdraw)

    def withdraw(self) -> bool:
        """Delete the job without waiting, if it is this launcher's; returns whether it is known that none goes on."""
        if not self.asked:
            return True
        with contextlib.suppress(RequestError):
            found = self.cluster.job(self.name)
            if found is not None and self._is_ours(found):
                self.cluster.delete(found, "Foreground")
                return True
            return found is None
        return False

    def _attempt(self, manifest: dict[str, Any], stop: stopping.Stop) -> Cause | None:
        """See one start through; one that fails leaves nothing."""
        if stop:
            return Cause("it was stopped")
        made = self._ensure(manifest)
        watch = Watch(self.cluster, made, self.job, self.place.kubernetes, self.output)
        cause = watch.until_done(stop)
        if cause is None:
            watch.close()
            with contextlib.suppress(RequestError):  # if it cannot be deleted, it goes after a while
                self.cluster.delete(made, "Foreground")
            return None
        if stop and not self._is_ours(made):
            self.output.say(f"stopped: job {self.name} goes on, because it belongs to a run of Kubeflow")
            return cause
        failed = not (stop or cause.lost or cause.deleted)
        if stop:
            self.output.say(f"stopped: deleting job {self.name}, which may write a checkpoint first")
        elif failed:
            self.output.say(f"failed: deleting job {self.name}")
        written = watch.is_over()  # else what the pods print while they end belongs to the log
        if written:
            watch.close()
        watch.keep(cause)
        self._clear(made, failed=failed)
        if not written:
            watch.close()
        return cause

    def _ensure(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Create the job unless it is there, and return it; one that failed, or did its work elsewhere, is replaced."""
        where = f"job {self.name} in namespace {self.cluster.namespace}"
        while (found := self._ask(lambda: self.cluster.job(self.name))) is not None or not (
            found := self._ask(lambda: self._create(manifest))
        ):
            if found is None:  # another launcher was faster
                continue
            failed, succeeded = (verdict.condition(found, kind) for kind in ("Failed", "Succeeded"))
            ending = failed or found["metadata"].get("deletionTimestamp")
            same = found["metadata"].get("annotations", {}).get(render.ARGUMENT) == self.job.argument
            if same and (succeeded or not ending):
                self.output.say(f"{where} is there already: following it")
                self.log.truncate(0)  # its log is read from the beginning
                return self._adopt(found, manifest)
            if not succeeded and not ending:
                raise JobError(
                    f"{self.job.stage} failed: {where} does the same work for another run.root\n"
                    "  fix: wait until it is done, or set run.kubernetes.namespace"
                )
            self._clear(found, failed=failed is not None)
        self.output.say(where)
        return found

    def _ask(self, question: Callable[[], Any]) -> Any:
        """Ask the server, patiently once there may be a job whose work would be lost."""
        return self.cluster.patiently(question, self.output.say) if self.asked else question()

    def _create(self, manifest: dict[str, Any]) -> dict[str, Any] | None:
        self.asked = True
        try:
            return self.cluster.create(manifest)
        except Refused as error:
            if error.status == 409:
                return None
            raise

    def _adopt(self, found: dict[str, Any], manifest: dict[str, Any]) -> dict[str, Any]:
        """Let a job that is followed go with this run: the run that made it may be deleted before."""
        self.asked = True
        owners = manifest["metadata"].get("ownerReferences")
        if not owners or self._is_ours(found):
            return found
        self.cluster.adopt(found, {render.RUN: self.home.run_id or ""}, owners[0])
        return self.cluster.job(self.name) or found

    def _is_ours(self, found: dict[str, Any]) -> bool:
        return render.belongs(found, self.home.run_id)

    def _replaced(self) -> bool:
        """Whether the job is there again: another launcher that followed it saw first that it had lost a pod."""
        end = time.monotonic() + _REPLACED
        while time.monotonic() < end:
            if self._ask(lambda: self.cluster.job(self.name)) is not None:
                return True
            time.sleep(INTERVAL)
        return False

    def _clear(self, made: dict[str, Any], *, failed: bool) -> None:
        """Delete the job and wait until its pods are gone, too; those that no node ends are forgotten, where this account may."""
        grace = _FAILED if failed else render.grace(self.job)
        if failed:
            self._ask(lambda: self.cluster.end_pods(self.name, _FAILED))
        self._ask(lambda: self.cluster.delete(made, "Foreground"))
        overdue = time.monotonic() + grace + _KILL
        while True:
            job, found = self.cluster.look(self.name, self.output.say)
            pods = [pod for pod in found if _is_of(pod, made)]
            if not pods and (job is None or job["metadata"]["uid"] != made["metadata"]["uid"]):
                return
            if time.monotonic() > overdue + _KILL:
                raise self._stuck(pods)
            if time.monotonic() > overdue:
                for pod in pods:
                    self.cluster.forget(pod["metadata"]["name"])
            time.sleep(INTERVAL)

    def _stuck(self, pods: list[verdict.Pod]) -> JobError:
        names = " ".join(pod["metadata"]["name"] for pod in pods) or f"of job {self.name}"
        space = self.cluster.namespace
        return JobError(
            f"{self.job.stage} failed: the pods {names} do not end; their node may be gone\n"
            f"  fix: kubectl -n {space} delete pod {names} --force, then run the same command again"
        )

    def _error(self, cause: Cause, stop: stopping.Stop, restarts: int) -> JobError:
        """Word the end of the job."""
        if stop:
            by = diagnosis.status_name(-stop.received[0])
            text = f"{self.job.stage} was stopped by {by}; run the same command again to go on"
            return JobError(f"{text}\n  log: {self.job.log}")
        text = f"{self.job.stage} failed: {cause.text}"
        if not cause.explained and (step := self.output.step()):
            text += f" at step {step}"
        notes = list(cause.notes)
        fixes = [cause.fix] if cause.fix else []
        if cause.lost:
            notes.append(f"it was started {restarts + 1} times")
            fixes.insert(0, "run the same command again to go on, or raise run.kubernetes.restarts")
        where = f" (pod {self.cluster.namespace}/{cause.pod}, deleted by now)" if cause.pod else ""
        return diagnosis.word(text, notes, fixes, f"{self.job.log}{where}", cause.lines)


def _is_of(pod: verdict.Pod, made: dict[str, Any]) -> bool:
    owners = pod["metadata"].get("ownerReferences", [])
    return any(owner["uid"] == made["metadata"]["uid"] for owner in owners)
