"""Run a job on Kubernetes as a PyTorchJob of the Kubeflow training operator (kubeflow.org/v1).

A job is found again by its name: a launcher that starts while the job runs follows it, one that
starts after it failed makes it anew. A job that lost a pod or a node is made anew, too.
"""

from __future__ import annotations

import contextlib
import time
from typing import IO, TYPE_CHECKING, Any

from kubernetes.client import ApiException

from fimsmith import config
from fimsmith.errors import JobError
from fimsmith.launch import diagnosis, kube, refusal, render, stopping, verdict
from fimsmith.launch.output import Output
from fimsmith.launch.step import WorkflowStep
from fimsmith.launch.verdict import Cause
from fimsmith.launch.watch import INTERVAL, Watch

if TYPE_CHECKING:
    from fimsmith.launch import Job

# seconds for the other pods, once one has ended: those of a failed job wait for it in vain, those of
# a job that is stopped may still be writing a checkpoint
_FAILED, _STOPPED = 15.0, 60.0
_LAST = 20  # seconds that the pods of a terminated run have to end
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
        except (ApiException, *kube.UNREACHABLE) as error:
            gone = launcher.withdraw()
            raise refusal.explain(job.stage, error, cluster, None if gone else launcher.name) from error


class _Launcher:
    """One job on one cluster, with as many starts as it takes."""

    def __init__(self, job: Job, place: config.Run, cluster: kube.Cluster, log: IO[bytes]):
        self.job, self.place, self.cluster, self.log = job, place, cluster, log
        self.name = render.name(job)
        self.output = Output(log, job.stage)
        self.made = False  # whether the job is this launcher's

    def run(self) -> None:
        """Make or find the job and see it through."""
        home = kube.home(self.cluster)
        manifest = render.manifest(self.job, self.place, home, self.cluster.namespace)
        restarts = 0
        with stopping.watching(self._step(home)) as stop:
            while (cause := self._attempt(manifest, stop)) is not None:
                if stop or not cause.lost or restarts == self.place.kubernetes.restarts:
                    raise self._error(cause, stop, restarts)
                restarts += 1
                allowed = self.place.kubernetes.restarts
                self.output.say(f"{cause.text}; starting again at the last checkpoint ({restarts} of {allowed})")

    def _step(self, home: kube.Home) -> WorkflowStep | None:
        """The step of a KFP run that this process is, if it is one."""
        if not stopping.in_step():
            return None
        # connections of its own: a signal's handler may interrupt a request that holds the others' lock
        cluster = kube.Cluster(self.cluster.namespace)

        def withdraw() -> None:
            cluster.delete(self.name, "Background")
            cluster.end_pods(self.name, _LAST)  # a checkpoint would need more time than the end of a run leaves

        return WorkflowStep(cluster, home, withdraw)

    def withdraw(self) -> bool:
        """Delete the job without waiting, if this launcher made it; returns whether it leaves none."""
        if not self.made:
            return True
        with contextlib.suppress(ApiException, *kube.UNREACHABLE):
            self.cluster.delete(self.name, "Foreground")
            return True
        return False

    def _attempt(self, manifest: dict[str, Any], stop: stopping.Stop) -> Cause | None:
        """See one start through; one that fails leaves nothing."""
        self._ensure(manifest)
        watch = Watch(self.cluster, self.name, self.job, self.place.kubernetes, self.output)
        cause = watch.until_done(stop)
        if cause is None:
            watch.close()
            return None
        if stop:
            self.output.say(f"stopped: deleting job {self.name}, which may write a checkpoint first")
        elif not cause.lost:
            self.output.say(f"failed: deleting job {self.name}")
        written = watch.is_over()  # else what the pods print while they end belongs to the log
        if written:
            watch.close()
        watch.keep(cause)
        self._clear(_STOPPED if stop or cause.lost else _FAILED)
        if not written:
            watch.close()
        return cause

    def _ensure(self, manifest: dict[str, Any]) -> None:
        """Create the job unless it is there; one that failed, or did its work elsewhere, is replaced."""
        where = f"job {self.name} in namespace {self.cluster.namespace}"
        while (found := self.cluster.job(self.name)) is not None or not self._create(manifest):
            if found is None:  # another launcher was faster
                continue
            failed, succeeded = (verdict.condition(found, kind) for kind in ("Failed", "Succeeded"))
            same = found["metadata"].get("annotations", {}).get(render.ARGUMENT) == self.job.argument
            if found["metadata"].get("deletionTimestamp") or failed or (succeeded and not same):
                self._clear(_FAILED if failed else _STOPPED)
            elif same:
                self.output.say(f"{where} is there already: following it")
                self.log.truncate(0)  # its log is read from the beginning
                return
            else:
                raise JobError(
                    f"{self.job.stage} failed: {where} does the same work for another run.root\n"
                    "  fix: wait until it is done, or set run.kubernetes.namespace"
                )
        self.output.say(where)

    def _create(self, manifest: dict[str, Any]) -> bool:
        try:
            self.cluster.create(manifest)
        except ApiException as error:
            if error.status == 409:
                return False
            raise
        self.made = True
        return True

    def _clear(self, patience: float) -> None:
        """Delete the job and wait until its pods are gone, too.

        Once one of them has ended the others have `patience` seconds. Pods that do not end in time are
        killed, where this account may; else Kubernetes does it after their own time.
        """
        self.cluster.delete(self.name, "Foreground")
        begun, broken, grace = time.monotonic(), None, render.grace(self.job)
        while True:
            job, pods = self.cluster.look(self.name, self.output.say)
            if job is None and not pods:
                return
            now = time.monotonic()
            if broken is None and (len(pods) < self.job.nodes or any(map(verdict.over, pods))):
                broken = now
            end = min(begun + grace, (broken or now) + patience)
            if now > end + _KILL + grace:
                raise self._stuck(pods)
            if now > end:
                for pod in pods:
                    self.cluster.hurry(pod["metadata"]["name"], 0 if now > end + _KILL else 1)
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
