"""See one PyTorchJob through: show what it waits for and what it prints, and find out how it ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from fimsmith import config, storage
from fimsmith.launch import verdict, waiting
from fimsmith.launch.follow import Follower
from fimsmith.launch.kube import Cluster
from fimsmith.launch.output import KEPT, Output
from fimsmith.launch.render import FIRST
from fimsmith.launch.stopping import Stop
from fimsmith.launch.verdict import Cause, Pod

if TYPE_CHECKING:
    from fimsmith.launch import Job

INTERVAL = 1.0  # seconds between two looks
_START = 60.0  # seconds in which the operator makes pods, and tells of those that ended
_CONFIRM = 4.0  # seconds in which a pod that goes away may turn out to belong to a job that ended
_DRAIN = 30.0  # seconds for the rest of the log


class Watch:
    """One start of a job, from its creation to its end."""

    def __init__(self, cluster: Cluster, made: dict[str, Any], job: Job, settings: config.Kubernetes, output: Output):
        self.cluster, self.job, self.settings, self.output = cluster, job, settings, output
        self.name, self.uid = made["metadata"]["name"], made["metadata"]["uid"]
        self.follower: Follower | None = None
        self.pods: dict[str, Pod] = {}  # all that were seen, by their uid, as they were last
        self.since: dict[tuple[str, str], float] = {}  # when something began, by its kind and its pod
        self.gone: Pod | None = None  # the first pod that went away while none had failed
        self.said = ""

    def until_done(self, stop: Stop) -> Cause | None:
        """Wait until the job has succeeded, or say why it did not; a signal ends the waiting, too."""
        while not stop:
            job, pods = self.cluster.look(self.name, self.output.say)
            if job and job["metadata"]["uid"] != self.uid:  # another launcher made it anew
                job = None
            if job and verdict.condition(job, "Succeeded"):
                self._follow(pods)  # it may have ended before it was seen
                return None
            if job is None or job["metadata"].get("deletionTimestamp"):
                if storage.read(self.job.outcome) is not None:  # another launcher saw the end first
                    return None
                text = f"job {self.name} was deleted by someone else"
                return Cause(text, "run the same command again to go on", deleted=True)
            cause = self._failed(job, pods) or self._waiting(job, pods)
            if cause:
                return cause
            if self._lasts("done", self.name, any(self._is_done(pod) for pod in pods), _START):
                return None  # the operator is not there to say so
            time.sleep(INTERVAL)
        return Cause("it was stopped")

    def is_over(self) -> bool:
        """Whether the log that is followed is complete."""
        return any(verdict.replica(pod) == FIRST and verdict.over(pod) for pod in self.pods.values())

    def close(self) -> None:
        """Take the rest of the log."""
        if self.follower:
            self.follower.close(_DRAIN)

    def keep(self, cause: Cause) -> None:
        """Put the failed replica's last lines into the log, which else holds only the first one's."""
        if cause.pod and cause.lines and not cause.pod.endswith(FIRST):
            text = "\n".join([f"--- the end of the log of {cause.pod}", *cause.lines, "---", ""])
            self.output.log.write(text.encode())

    def _failed(self, job: dict[str, Any], pods: list[Pod]) -> Cause | None:
        """Note the pods' states and find out whether the job failed or lost one of them."""
        if verdict.suspended(job):  # Kueue took its pods away and gives them back
            self.close()
            self.pods, self.gone, self.follower = {}, None, None
            return None
        seen = {pod["metadata"]["uid"]: pod for pod in pods}
        going = [pod for uid, pod in self.pods.items() if uid not in seen]
        going += [pod for pod in pods if pod["metadata"].get("deletionTimestamp")]
        self.pods |= seen
        self._follow(pods)
        failed = any(map(verdict.ended, pods))
        if going and not failed and self.gone is None:  # else the operator clears up after the failed one
            self.gone = going[0]
        if verdict.condition(job, "Failed") or self._lasts("failed", self.name, failed, _START):
            return self._diagnose(job)
        if self._lasts("going", self.name, self.gone is not None, _CONFIRM):
            return self._diagnose(job)
        return None

    def _diagnose(self, job: dict[str, Any]) -> Cause:
        found = verdict.choose(self._causes())
        if found is None or found.lost:  # a replica that knows more may not have been heard yet
            time.sleep(_CONFIRM)
            _, pods = self.cluster.look(self.name, self.output.say)
            self.pods |= {pod["metadata"]["uid"]: pod for pod in pods}
            found = verdict.choose(self._causes())
        if verdict.overdue(job, self.pods.values()):
            return verdict.deadline(self.settings)
        if self.gone and not (found and (found.explained or found.fix)):  # others fail when one goes
            return verdict.loss(self.gone)
        return found or verdict.ended_job(job)

    def _causes(self) -> list[Cause]:
        found = [verdict.failure(pod, self._logs(pod), self.settings) for pod in self.pods.values()]
        return [cause for cause in found if cause]

    def _logs(self, pod: Pod) -> dict[str, str]:
        """The ends of the logs of a pod's containers that ended badly."""
        ended = verdict.ended(pod)
        if ended is None:
            return {}
        return {ended["name"]: self.cluster.tail(pod["metadata"]["name"], ended["name"], KEPT)}

    def _follow(self, pods: list[Pod]) -> None:
        first = next((pod for pod in pods if verdict.replica(pod) == FIRST), None)
        if first and self.follower is None:
            self.follower = Follower(self.cluster, first["metadata"]["name"], self.output.take)
            self.follower.start()

    def _waiting(self, job: dict[str, Any], pods: list[Pod]) -> Cause | None:
        """Say once what the job waits for; a wait that lasts too long has a cause."""
        if verdict.suspended(job):
            self._say(f"queued by Kueue in {self.settings.queue}: waiting for quota")
            return None
        if self._lasts("made", self.name, len(pods) < self.job.nodes, _START):
            return verdict.unmade(job, f"{len(pods)} of {self.job.nodes}", self.cluster.events(self.name))
        waits = [(pod, wait) for pod in pods if (wait := waiting.waiting(pod, self.settings))]
        held = {self.name, *(pod["metadata"]["uid"] for pod, _ in waits)}
        self.since = {key: begun for key, begun in self.since.items() if key[1] in held}
        if waits:
            others = f" (and {len(waits) - 1} more)" if waits[1:] else ""
            self._say(f"{waits[0][1].text}{others}")
        for pod, wait in waits:
            if self._lasts(wait.kind, pod["metadata"]["uid"], True, wait.limit):
                return wait.cause.noting(self.cluster.events(pod["metadata"]["name"])[-3:])
        running = [pod for pod in pods if pod.get("status", {}).get("phase") == "Running"]
        if not waits and len(running) == self.job.nodes:
            self._say("running: " + ", ".join(f"{verdict.replica(p)} on {p['spec']['nodeName']}" for p in running))
        return None

    def _lasts(self, kind: str, whom: str, holds: bool, limit: float) -> bool:
        """Whether something has held for longer than a limit, in seconds."""
        if not holds:
            self.since.pop((kind, whom), None)
            return False
        return time.monotonic() - self.since.setdefault((kind, whom), time.monotonic()) > limit

    def _is_done(self, pod: Pod) -> bool:
        return verdict.replica(pod) == FIRST and pod.get("status", {}).get("phase") == "Succeeded"

    def _say(self, text: str) -> None:
        if text != self.said:
            self.said = text
            self.output.say(text)
