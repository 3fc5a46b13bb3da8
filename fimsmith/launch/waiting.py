"""Read from a pod that does not run yet what it waits for, and what is wrong when that lasts."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from fimsmith import config
from fimsmith.launch.verdict import Cause, Pod, containers, replica, statuses

UNPULLED = {
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
}
UNMADE = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError"}
_UNPULLABLE = re.compile(r"not ?found|manifest unknown|unauthorized|authorization failed|access denied|forbidden", re.I)
_MAKE_PATIENCE = 30.0  # seconds; the kubelet tries again, seldom with another result
# what the scheduler says is short, and the fields that ask for it
_FIELDS = {
    "node affinity/selector": "node_selector",
    "untolerated taint": "tolerations",
    "Insufficient cpu": "cpu",
    "Insufficient memory": "memory",
    "Insufficient vpc.amazonaws.com/efa": "efa",
    "Insufficient hugepages": "hugepages",
    "Insufficient ephemeral-storage": "disk",
}


@dataclass(frozen=True, slots=True)
class Wait:
    """What a job waits for, and what is wrong when that lasts."""

    kind: str
    text: str
    limit: float  # seconds
    cause: Cause


def waiting(pod: Pod, settings: config.Kubernetes) -> Wait | None:
    """Say what keeps a pod from running, if something does."""
    status = pod.get("status", {})
    if status.get("phase") not in (None, "Pending"):
        return None
    for each in status.get("conditions") or []:
        if each["type"] == "PodScheduled" and each["status"] == "False":
            return _unscheduled(pod, each.get("message", ""), settings)
    for each in statuses(pod):
        reason = each.get("state", {}).get("waiting", {}).get("reason")
        if reason in UNPULLED:
            return _unpulled(pod, each, settings)
        if reason in UNMADE:
            message = each["state"]["waiting"].get("message", "")
            text = f"{replica(pod)} cannot start: {reason}: {message}"
            fix = "make what it names, or run.kubernetes.secret, image, placement: name what is there"
            return Wait("make", text, _MAKE_PATIENCE, Cause(text, fix, pod=pod["metadata"]["name"]))
        if "running" in each.get("state", {}):
            return None
    text = f"{replica(pod)} is being started: its image is pulled, its volumes are mounted"
    cause = Cause(
        f"{replica(pod)} did not start within {settings.patience:,.0f} seconds on {pod['spec'].get('nodeName')}",
        "see the events below; run.kubernetes.patience: "
        f"{math.ceil(settings.patience * 2)} where a large image only needs longer",
        pod=pod["metadata"]["name"],
    )
    return Wait("start", text, settings.patience, cause)


def _unscheduled(pod: Pod, message: str, settings: config.Kubernetes) -> Wait:
    message = message.split(" preemption:")[0].strip().rstrip(".") or "not scheduled yet"
    fields = {words: name for words, name in _FIELDS.items() if words in message}
    if f"Insufficient {settings.gpu_resource}" in message:
        fields[settings.gpu_resource] = "gpus"
    named = [f"run.kubernetes.{name} (it is {getattr(settings, name)})" for name in fields.values()]
    if "volume" in message.lower() or "persistentvolumeclaim" in message:
        named.append("the volumes set on the task")
    fix = f"change {' or '.join(named) or 'what the pods ask for'}, or add a node that fits"
    cause = Cause(
        f"no node took {replica(pod)} within {settings.patience:,.0f} seconds: {message}",
        fix,
        pod=pod["metadata"]["name"],
    )
    return Wait("node", f"{replica(pod)} waits for a node: {message}", settings.patience, cause)


def _unpulled(pod: Pod, status: dict[str, Any], settings: config.Kubernetes) -> Wait:
    state, name = status["state"]["waiting"], status["name"]
    image = next((each["image"] for each in containers(pod) if each["name"] == name), settings.image)
    message = state.get("message", state["reason"])
    final = state["reason"] in ("InvalidImageName", "ErrImageNeverPull") or _UNPULLABLE.search(message)
    fix = "run.kubernetes.image: one that the nodes can pull"
    if not settings.pull_secrets:
        fix += ", or run.kubernetes.pull_secrets where the registry wants a login"
    return Wait(
        "image",
        f"{replica(pod)} waits for image {image}: {message}",
        0.0 if final else settings.patience,
        Cause(
            f"image {image} cannot be pulled: {message}",
            fix,
            pod=pod["metadata"]["name"],
        ),
    )
