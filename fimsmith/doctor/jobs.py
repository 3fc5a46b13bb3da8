"""One short pod that is a job in small: its image, account, keys and security context, and the probe as its program."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fimsmith import __version__
from fimsmith.doctor import machine, nodes, probe, rights
from fimsmith.doctor.result import Result, Subject
from fimsmith.launch.answers import Refused
from fimsmith.launch.kube import PODS, home
from fimsmith.launch.waiting import UNMADE, UNPULLED
from fimsmith.progress import say

_CERTAIN = (UNPULLED | UNMADE) - {"ErrImagePull"}  # a first failed pull is tried again
_POLL = 1.0  # seconds
_ASKED_AGAIN = 30.0  # seconds between two lines for a person who waits


@dataclass(frozen=True, slots=True)
class Trial:
    """How the pod ended: what its program told, or else why there was none."""

    told: dict[str, Any] | None
    reason: str = ""
    fix: str = ""
    refused: bool = False  # this account may not make pods


def image(subject: Subject) -> Iterator[Result]:
    """Whether a pod of the jobs' image comes up, and whether the image holds this version of fimsmith."""
    wanted = subject.run.kubernetes.image
    trial = subject.found["trial"] = _try(subject)
    if trial.told is None:
        yield Result("image", None if trial.refused else False, trial.reason, trial.fix)
        return
    found, build = trial.told["fimsmith"], "make images; then set run.kubernetes.image to what it made"
    if found is None:
        yield Result("image", False, f"{wanted} starts, but holds no fimsmith", build)
    elif found != __version__:
        yield Result("image", False, f"{wanted} holds fimsmith {found}, this is {__version__}", build)
    else:
        yield Result("image", True, f"{wanted} with Python {trial.told['python']}, fimsmith {found}")


def store(subject: Subject) -> Iterator[Result]:
    """Write, read and delete below run.root as a job does: with its account, its keys, from its network."""
    name, settings, root = "S3 from a job", subject.run.kubernetes, subject.run.root
    if subject.model is None:
        yield Result(name, None, "no configuration given")
        return
    if not subject.on_s3:
        text = f"run.root {root} is a folder of this machine, which pods do not see"
        yield Result(name, False, text, "set run.root to s3://bucket/prefix, or run.launcher: local")
        return
    told = (subject.found["trial"].told or {}).get("store")
    if told is None:
        yield Result(name, None, "no pod came up to try it from")
        return
    who = f"account {settings.service_account}" + (f", secret {settings.secret}" if settings.secret else "")
    if told["code"] == "ok":
        yield Result(name, True, f"{told['message']} ({who})")
    else:
        fix = machine.fix(told, root, rights.remake(subject) if settings.secret else _identity(subject))
        yield Result(name, False, f"{told['message']} ({who})", fix)


def _identity(subject: Subject) -> str:
    account = subject.run.kubernetes.service_account
    return (
        f"aws eks create-pod-identity-association --cluster-name … --namespace {subject.namespace} "
        f"--service-account {account} --role-arn … (docs/eks.md)"
    )


def _try(subject: Subject) -> Trial:
    path = PODS.format(subject.namespace)
    body = pod(subject)
    name = body["metadata"]["name"]
    try:
        subject.api.request("POST", path, body)
    except Refused as error:
        return _not_made(subject, error)
    try:
        with _ended_by_exception():
            return _watch(subject, f"{path}/{name}")
    finally:
        subject.api.request("DELETE", f"{path}/{name}", gracePeriodSeconds="0")


@contextlib.contextmanager
def _ended_by_exception() -> Iterator[None]:
    """Let SIGTERM, which else ends this process at once, unwind it: the pod must not stay."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def pod(subject: Subject) -> dict[str, Any]:
    """Render the pod; it passes the restricted Pod Security Standard."""
    settings = subject.run.kubernetes
    code = Path(probe.__file__).read_text(encoding="utf-8")
    container: dict[str, Any] = {
        "name": "doctor",
        "image": settings.image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python3", "-c", code, *([subject.run.root] if subject.on_s3 else [])],
        "env": [{"name": "HOME", "value": "/tmp"}],
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
        "resources": {
            "requests": {"cpu": "10m", "memory": "64Mi"},
            "limits": {"cpu": "1", "memory": "256Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    if settings.secret:
        container["envFrom"] = [{"secretRef": {"name": settings.secret, "optional": True}}]
    spec = {
        "restartPolicy": "Never",
        "serviceAccountName": settings.service_account,
        "automountServiceAccountToken": False,
        "activeDeadlineSeconds": int(settings.patience) + 120,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "tolerations": settings.tolerations,
        "imagePullSecrets": [{"name": name} for name in settings.pull_secrets],
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}],
    }
    # only where such a node is up: the doctor must not make an autoscaler buy a GPU machine
    if nodes.matching(subject):
        spec["nodeSelector"] = settings.node_selector
    labels = {"app.kubernetes.io/name": "fimsmith", "app.kubernetes.io/component": "doctor"}
    metadata: dict[str, Any] = {
        "name": f"fimsmith-doctor-{uuid.uuid4().hex[:8]}",
        "labels": labels,
        "annotations": {"sidecar.istio.io/inject": "false"},
    }
    place = home(subject.api)
    if place.owner and place.namespace == subject.namespace:  # should it stay, it goes with the run
        metadata["ownerReferences"] = [place.owner]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def _not_made(subject: Subject, error: Refused) -> Trial:
    namespace, account = subject.namespace, subject.run.kubernetes.service_account
    if "error looking up service account" in error.message:
        make = f"kubectl -n {namespace} create serviceaccount {account}"
        return Trial(None, f"no pod can have the account {account!r}, which does not exist", make)
    if error.status == 403 and "cannot create resource" in error.message:
        return Trial(None, f"not allowed to start a pod: {error.message}", refused=True)
    return Trial(None, f"no pod can be made: {error.message}", f"kubectl -n {namespace} get resourcequota,limitrange")


def _watch(subject: Subject, path: str) -> Trial:
    """Wait until the pod has ended, or cannot start any more."""
    patience = subject.run.kubernetes.patience
    start = said = time.monotonic()
    told = ""  # the registry's own words, which a back-off no longer repeats
    while True:
        status = subject.api.request("GET", path)["status"]
        container = next(iter(status.get("containerStatuses") or []), {}).get("state", {})
        if ended := container.get("terminated"):
            return _ended(subject, ended)
        waiting = container.get("waiting") or {}
        reason, now = waiting.get("reason", ""), time.monotonic()
        if reason in UNPULLED | UNMADE:
            told = told if reason == "ImagePullBackOff" and told else waiting.get("message", "")
        if status.get("phase") == "Failed":
            return Trial(None, f"the pod was ended: {status.get('reason')}: {status.get('message')}")
        if reason in _CERTAIN or now - start > patience:
            return _stuck(subject, status, reason, told)
        if now - said > _ASKED_AGAIN:
            said = now
            say("doctor", f"waiting for the image since {now - start:.0f} s: {reason or status.get('phase')}")
        time.sleep(_POLL)


def _ended(subject: Subject, ended: dict[str, Any]) -> Trial:
    try:
        return Trial(json.loads(ended["message"]))
    except (KeyError, ValueError):
        words = ended.get("message") or ended.get("reason") or ""
        text = f"{subject.run.kubernetes.image} does not run python: exit code {ended.get('exitCode')} {words}".strip()
        return Trial(None, text, "make images; then set run.kubernetes.image to what it made")


def _stuck(subject: Subject, status: dict[str, Any], reason: str, told: str) -> Trial:
    settings, namespace = subject.run.kubernetes, subject.namespace
    if reason in UNPULLED:
        secret = f"kubectl -n {namespace} create secret docker-registry …; run.kubernetes.pull_secrets: […]"
        fix = f"mend run.kubernetes.image, or make the image and push it: make images; for a private registry: {secret}"
        return Trial(None, f"{settings.image} cannot be pulled: {reason}: {told}", fix)
    if reason in UNMADE:
        return Trial(
            None, f"{settings.image} cannot start: {reason}: {told}", "build it by `make images`: its user is a number"
        )
    conditions = status.get("conditions") or []
    words = next((item["message"] for item in conditions if item.get("reason") == "Unschedulable"), reason or "pending")
    text = f"no pod came up within {settings.patience:.0f} s (run.kubernetes.patience): {words}"
    return Trial(None, text, f"kubectl -n {namespace} get events --sort-by=.lastTimestamp")
