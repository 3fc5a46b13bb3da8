"""Write a job as a PyTorchJob (kubeflow.org/v1): a pure function of the job, the configuration and where we are.

The operator and we tell torchrun its nodes, processes and first node by PET_* variables, so that the command is
the same on every node.
"""

from __future__ import annotations

import hashlib
import math
import re
from typing import TYPE_CHECKING, Any

from fimsmith import config
from fimsmith.config.quantity import amount

if TYPE_CHECKING:
    from fimsmith.launch import Job
    from fimsmith.launch.kube import Home
    from fimsmith.launch.placement import Placement

_LONGEST = 50  # characters of a name: "-worker-63" is added, and a label holds 63
_CHECKPOINT, _END = 300, 30  # seconds after SIGTERM: for a checkpoint (a spot instance gives 120), for others to end
_KEPT = 3_600  # seconds that a finished job stays whose launcher is gone, for the next one or kubectl logs

FIRST = "worker-0"  # the replica of node rank 0
MAIN, FETCH = "pytorch", "fetch"  # the operator knows the main container by this name
ARGUMENT = "fimsmith.dev/spec"  # annotation: the JobSpec that the job reads
RUN = "fimsmith.dev/run"  # label: the KFP run that the job belongs to


def name(job: Job) -> str:
    """Name the PyTorchJob: the same work has the same name, fit for DNS (RFC 1035) with a replica's suffix."""
    text = re.sub(r"[^a-z0-9-]+", "-", f"fimsmith-{job.name.lower()}").strip("-")
    if len(text) <= _LONGEST:
        return text
    digest = hashlib.sha256(job.name.encode()).hexdigest()[:8]
    return f"{text[: _LONGEST - 9].rstrip('-')}-{digest}"


def belongs(made: dict[str, Any], run_id: str | None) -> bool:
    """Whether a PyTorchJob is this KFP run's, or with None nobody's but the laptop's that made it."""
    return made["metadata"].get("labels", {}).get(RUN) == run_id


def grace(job: Job) -> int:
    """How long its pods have after SIGTERM, in seconds: only training writes something before it ends."""
    return _CHECKPOINT if job.distributed else _END


def manifest(job: Job, place: config.Run, home: Home, namespace: str) -> dict[str, Any]:
    """Render the PyTorchJob for a namespace; it goes with the KFP run that made it."""
    settings = place.kubernetes
    labels = {
        "app.kubernetes.io/name": "fimsmith",
        "app.kubernetes.io/component": job.stage,
        "app.kubernetes.io/managed-by": "fimsmith",
        "fimsmith.dev/stage": job.stage,
        **({RUN: home.run_id} if home.run_id else {}),
    }
    queue = {"kueue.x-k8s.io/queue-name": settings.queue} if settings.queue else {}
    template = {"metadata": {"labels": labels, "annotations": dict(_UNDISTURBED)}, "spec": _pod(job, place)}
    metadata: dict[str, Any] = {"name": name(job), "labels": labels | queue, "annotations": {ARGUMENT: job.argument}}
    # an owner in another namespace does not exist for the garbage collector, which would delete the job
    if home.owner and namespace == home.namespace:
        metadata["ownerReferences"] = [home.owner]
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "PyTorchJob",
        "metadata": metadata,
        "spec": {
            "nprocPerNode": str(job.processes if job.distributed else 1),
            "runPolicy": {
                "cleanPodPolicy": "Running",  # pods that ended keep their logs and their reasons
                "ttlSecondsAfterFinished": _KEPT,
                # the operator counts from the job's creation, and looks only when something happens: the pods'
                # own deadline is the one that holds
                "activeDeadlineSeconds": math.ceil(settings.deadline + settings.patience),
                "backoffLimit": 0,
                **({"suspend": True} if settings.queue else {}),
            },
            # Workers only: to those of a Master the operator adds an init container that Pod Security refuses and
            # whose image comes from a public registry; and the job has succeeded when all of them have
            "pytorchReplicaSpecs": {"Worker": {"replicas": job.nodes, "restartPolicy": "Never", "template": template}},
        },
    }


_UNDISTURBED = {
    "sidecar.istio.io/inject": "false",  # a sidecar that goes on would keep the pod from ending
    "karpenter.sh/do-not-disrupt": "true",
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
}
# The Restricted Pod Security Standard; the image's own user is a numeric one. EFA needs no IPC_LOCK where the
# nodes' container runtime leaves locked memory unlimited, as EKS images do; other nodes have to be set so.
_CONTAINER_SECURITY = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
_POD_SECURITY = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, "fsGroup": 1000}


def _pod(job: Job, place: config.Run) -> dict[str, Any]:
    settings, wish = place.kubernetes, job.placement
    module = ["torchrun", "-m", job.module] if job.distributed else ["python3", "-m", job.module]
    asked = resources(settings, wish)
    volumes, mounts = _volumes(settings, wish)
    common: dict[str, Any] = {
        "image": settings.image,
        "env": _environment(job, asked),
        **({"envFrom": [{"secretRef": {"name": settings.secret, "optional": True}}]} if settings.secret else {}),
        "resources": asked,
        "volumeMounts": mounts,
        "securityContext": _CONTAINER_SECURITY,
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    return {
        "restartPolicy": "Never",
        "serviceAccountName": settings.service_account,
        "automountServiceAccountToken": False,
        "activeDeadlineSeconds": math.ceil(settings.deadline),
        "terminationGracePeriodSeconds": grace(job),
        # the first process of a PID namespace ignores SIGTERM until it has a handler: a fetch, a torchrun that just loads
        "shareProcessNamespace": True,
        "securityContext": _POD_SECURITY,
        "initContainers": [{"name": FETCH, "command": ["python3", "-m", "fimsmith.fetch", job.argument], **common}],
        "containers": [{"name": MAIN, "command": [*module, job.argument], **common}],
        "volumes": volumes,
        **_nodes(settings, wish),
    }


def _nodes(settings: config.Kubernetes, wish: Placement) -> dict[str, Any]:
    """Where the pods may run, and how urgently; what is not set is left out."""
    parts = {
        "nodeSelector": wish.node_selector or settings.node_selector,
        "tolerations": wish.tolerations or settings.tolerations,
        "affinity": wish.affinity,
        "priorityClassName": settings.priority_class,
        "imagePullSecrets": [{"name": each} for each in settings.pull_secrets],
    }
    return {name: value for name, value in parts.items() if value}


def resources(settings: config.Kubernetes, wish: Placement) -> dict[str, dict[str, str]]:
    """Requests equal limits, so that a pod gets what it was planned with; a wish replaces both of its resource.

    CPUs alone have no limit unless one is wished: what a node has to spare may be used.
    """
    own = {
        "cpu": settings.cpu,
        "memory": settings.memory,
        settings.gpu_resource: str(settings.gpus) if settings.gpus else None,
        "vpc.amazonaws.com/efa": str(settings.efa) if settings.efa else None,
        "hugepages-2Mi": settings.hugepages,
    }
    requests = {name: size for name, size in own.items() if size}
    limits = {name: size for name, size in requests.items() if name != "cpu"}
    wished, asked = wish.resources.get("limits") or {}, wish.resources.get("requests") or {}
    for each in wished.keys() | asked.keys():
        requests[each] = str(asked.get(each, wished.get(each)))
        if each in wished or each != "cpu":
            limits[each] = str(wished.get(each, asked.get(each)))
    return {"limits": dict(sorted(limits.items())), "requests": dict(sorted(requests.items()))}


def _environment(job: Job, resources: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    cores = amount(resources["limits"].get("cpu") or resources["requests"]["cpu"])
    values = {
        **job.env,
        "OMP_NUM_THREADS": str(max(1, int(cores // job.processes))),
        # torchrun has to kill what hangs before the pod's own time is over
        "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": str(_CHECKPOINT - 30),
        "PET_MASTER_ADDR": f"{name(job)}-{FIRST}" if job.nodes > 1 else "localhost",
        "PET_MASTER_PORT": "23456",  # which the operator's services pass on
        "HOME": "/tmp",
        "FIMSMITH_CACHE": "/scratch/cache",
    }
    index = {"fieldRef": {"fieldPath": "metadata.labels['training.kubeflow.org/replica-index']"}}
    named: dict[str, dict[str, Any]] = {key: {"name": key, "value": value} for key, value in values.items()}
    named["PET_NODE_RANK"] = {"name": "PET_NODE_RANK", "valueFrom": index}
    named |= {each["name"]: each for each in job.placement.env}
    return list(named.values())


def _volumes(settings: config.Kubernetes, wish: Placement) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Volumes and mounts; one of ours makes room for a wished one at its path."""
    own = {
        "/scratch": {"name": "scratch", "emptyDir": {"sizeLimit": settings.disk}},
        "/tmp": {"name": "tmp", "emptyDir": {}},
        "/dev/shm": {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": settings.shm}},
    }
    taken = {each["mountPath"].rstrip("/") for each in wish.volume_mounts}
    kept = {path: volume for path, volume in own.items() if path not in taken}
    mounts = [{"name": volume["name"], "mountPath": path} for path, volume in kept.items()]
    return [*kept.values(), *wish.volumes], [*mounts, *wish.volume_mounts]
