"""Read from the states of a job and its pods why it failed.

Pure functions of the objects that the API server returns, so that recorded ones can test them.
"""

from __future__ import annotations

import math
import re
import signal
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from fimsmith import config
from fimsmith.config.quantity import amount
from fimsmith.launch import diagnosis
from fimsmith.launch.render import FETCH, MAIN

Pod = dict[str, Any]

LOST = "lost: "  # a termination message that begins so says that another process or node went away
_FALLBACK = 2048  # bytes of the log that Kubernetes takes for the last words of a container without any
_SIGNALLED = (128 + signal.SIGKILL, 128 + signal.SIGTERM)
_UNSTARTED = {"StartError", "ContainerCannotRun"}


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a job ended; `lost` means that nothing is wrong with it and a new start helps."""

    text: str  # follows "train failed: "
    fix: str | None = None
    notes: list[str] = field(default_factory=list)
    pod: str | None = None
    lines: list[str] = field(default_factory=list)  # the replica's last ones
    lost: bool = False
    explained: bool = False  # the job said so itself, in full
    deleted: bool = False  # the job went away without a reason of its own

    def noting(self, notes: list[str]) -> Cause:
        """Add what else is known."""
        return replace(self, notes=[*self.notes, *notes])


def replica(pod: Pod) -> str:
    """Name a pod as people speak of it: worker-1."""
    labels = pod["metadata"].get("labels", {})
    kind, index = (labels.get(f"training.kubeflow.org/replica-{part}") for part in ("type", "index"))
    return f"{kind}-{index}" if kind else pod["metadata"]["name"]


def condition(job: dict[str, Any], kind: str) -> dict[str, Any] | None:
    """Find a condition of the job that is true: Created, Running, Suspended, Succeeded, Failed."""
    found = job.get("status", {}).get("conditions") or []
    return next((each for each in found if each["type"] == kind and each["status"] == "True"), None)


def failure(pod: Pod, logs: dict[str, str], settings: config.Kubernetes) -> Cause | None:
    """Say why a pod failed, or None when it did not; `logs` holds the end of its containers' logs."""
    status = pod.get("status", {})
    if status.get("phase") == "Failed" and status.get("reason"):
        return _removed(pod, settings)  # the containers' states only show that they were killed
    found = ended(pod)
    if found:
        return _container(pod, found, logs.get(found["name"], ""), settings)
    if status.get("phase") == "Failed":
        return Cause(f"{replica(pod)} was lost: nothing is known of its end", pod=pod["metadata"]["name"], lost=True)
    return None


def _removed(pod: Pod, settings: config.Kubernetes) -> Cause:
    """Say why the node put an end to a pod."""
    reason, message = pod["status"]["reason"], pod["status"].get("message", "").strip()
    name = pod["metadata"]["name"]
    if re.search(r"EmptyDir volume|local ephemeral storage", message):
        field_ = "shm" if 'volume "shm"' in message else "disk"
        size = getattr(settings, field_)
        fix = f"run.kubernetes.{field_}: {_larger(size)} (it is {size})"
        return Cause(f"{replica(pod)} was evicted: {message}", fix, pod=name)
    return Cause(f"{replica(pod)} was lost: {reason}: {message}".rstrip(": "), pod=name, lost=True)


def loss(pod: Pod) -> Cause:
    """Say why a pod that was running is going away or gone."""
    found = pod.get("status", {}).get("conditions") or []
    told = next((each for each in found if each["type"] == "DisruptionTarget"), {})
    why = told.get("reason", "it was deleted")
    node = pod.get("spec", {}).get("nodeName", "no node")
    return Cause(f"{replica(pod)} was lost on {node}: {why}", pod=pod["metadata"]["name"], lost=True)


def choose(causes: list[Cause]) -> Cause | None:
    """Take the failure that made the others: what the job says itself, then what Kubernetes says, then losses."""
    return min(causes, key=lambda cause: (cause.lost, not cause.explained, cause.fix is None), default=None)


def suspended(job: dict[str, Any]) -> bool:
    """Whether Kueue holds the job back."""
    return bool(job["spec"].get("runPolicy", {}).get("suspend"))


def overdue(job: dict[str, Any], pods: Iterable[Pod]) -> bool:
    """Whether the job was ended because of its deadline."""
    if "deadline" in (condition(job, "Failed") or {}).get("message", "").lower():
        return True
    return any(pod.get("status", {}).get("reason") == "DeadlineExceeded" for pod in pods)


def deadline(settings: config.Kubernetes) -> Cause:
    """Say that a job took too long."""
    return Cause(
        f"it was not done within {settings.deadline:,.0f} seconds",
        f"run.kubernetes.deadline: {math.ceil(settings.deadline * 2)}; a new start goes on at the last checkpoint",
    )


def ended_job(job: dict[str, Any]) -> Cause:
    """Say why a job failed that has no failed pod."""
    message = (condition(job, "Failed") or {}).get("message", "without a reason")
    return Cause(f"the training operator ended it: {message}")


def unmade(job: dict[str, Any], made: str, events: list[str]) -> Cause:
    """Say why a job lacks pods; `made` tells how many of how many there are."""
    name = job["metadata"]["name"]
    if not job.get("status", {}).get("conditions") and not events:
        return Cause(
            f"job {name} was made, but the training operator takes no notice of it",
            "kubectl get pods -A -l control-plane=kubeflow-training-operator must show it running",
        )
    told = [event for event in events if event.startswith("FailedCreate")] or events
    fix = "mend what keeps pods from being made: run.kubernetes.service_account is missing, a quota, a policy"
    hint = f"kubectl -n {job['metadata']['namespace']} describe pytorchjob {name} tells why"
    return Cause(f"the training operator made only {made} pods", fix, notes=told[-1:] or [hint])


def ended(pod: Pod) -> dict[str, Any] | None:
    """Find the first container that ended badly: its name and how."""
    for each in statuses(pod):
        state = each.get("state", {}).get("terminated")
        if state and (state["exitCode"] or state.get("reason") == "OOMKilled"):
            return {"name": each["name"], **state}
    return None


def over(pod: Pod) -> bool:
    """Whether a pod has ended, well or badly."""
    return pod.get("status", {}).get("phase") in ("Failed", "Succeeded")


def _container(pod: Pod, ended: dict[str, Any], log: str, settings: config.Kubernetes) -> Cause:
    """Say why a container ended."""
    who, name = replica(pod), pod["metadata"]["name"]
    code, lines = ended["exitCode"], log.splitlines()
    message = str(ended.get("message") or "").strip()
    told = bool(message) and not _is_log(message, log)
    if pod["metadata"].get("deletionTimestamp") and not log:  # it may be the log's end: the log is gone with the pod
        told = message.startswith(LOST)
    where = "" if ended["name"] == MAIN else f" in its container {ended['name']}"
    if ended.get("reason") == "OOMKilled":
        return _out_of_memory(pod, ended, lines, settings)
    if ended.get("reason") in _UNSTARTED:
        fix = f"run.kubernetes.image: one that fits this version (it is {settings.image})"
        return Cause(f"{who} could not start{where}: {message}", fix, pod=name)
    if told and message.startswith(LOST):
        return Cause(f"{who}: {message}", pod=name, lines=lines, lost=True)
    if told:
        text = f"{who} could not fetch its inputs: {message}" if ended["name"] == FETCH else message
        return Cause(text, pod=name, explained=True)
    status = diagnosis.worker_status(-(code - 128) if code in _SIGNALLED else code, lines)
    return Cause(
        f"{who} ended{where} with {diagnosis.status_name(status)}",
        pod=name,
        lines=diagnosis.before_torchrun([str(line) for line in lines or message.splitlines()]),
        lost=ended["name"] == MAIN and status in (-signal.SIGKILL, -signal.SIGTERM),
    )


def _is_log(message: str, log: str) -> bool:
    """Whether a termination message is only the log's end, which Kubernetes takes when a container leaves none."""
    end = log.encode()[-_FALLBACK:].decode("utf-8", "ignore").strip()
    return message == end or (len(message) >= _FALLBACK // 2 and log.strip().endswith(message))


def _out_of_memory(pod: Pod, ended: dict[str, Any], lines: list[str], settings: config.Kubernetes) -> Cause:
    spec = next(each for each in containers(pod) if each["name"] == ended["name"])
    limit = spec.get("resources", {}).get("limits", {}).get("memory", settings.memory)
    smaller = diagnosis.SMALLER.get(pod["metadata"].get("labels", {}).get("fimsmith.dev/stage", ""), "")
    return Cause(
        f"{replica(pod)} was OOMKilled (exit {ended['exitCode']})",
        f"run.kubernetes.memory: {_larger(limit)}" + (f", or {smaller}" if smaller else ""),
        notes=[f"memory limit {limit}; /dev/shm ({settings.shm}) and files in it count against it"],
        pod=pod["metadata"]["name"],
        lines=diagnosis.before_torchrun(lines),
    )


def statuses(pod: Pod) -> list[dict[str, Any]]:
    """What Kubernetes says of a pod's containers, in the order in which they run."""
    status = pod.get("status", {})
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def containers(pod: Pod) -> list[dict[str, Any]]:
    """A pod's containers as they were asked for."""
    return [*(pod["spec"].get("initContainers") or []), *pod["spec"]["containers"]]


def _larger(size: str) -> str:
    """Half as much again, in the same unit: 64Gi becomes 96Gi."""
    unit = size.lstrip("0123456789.")
    return f"{math.ceil(amount(size) / amount(f'1{unit}') * 3 / 2)}{unit}"
