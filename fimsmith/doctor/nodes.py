"""Whether the nodes have room for the jobs, and the sizes that go with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from fimsmith.config.quantity import amount
from fimsmith.doctor.result import Result, Subject
from fimsmith.launch import render
from fimsmith.launch.answers import Refused
from fimsmith.launch.placement import ANYWHERE

_GIB = 2**30


def needs(subject: Subject) -> dict[str, str]:
    """Return what one pod of a job asks for, by resource."""
    return render.resources(subject.run.kubernetes, ANYWHERE)["requests"]


def room(subject: Subject) -> Iterator[Result]:
    """Count the pods that the free part of the matching nodes takes: allocatable minus running pods' requests."""
    wanted = needs(subject)
    pods = subject.run.nodes
    shown = f"{pods} × ({', '.join(f'{value} {name}' for name, value in wanted.items())})"
    every = _nodes(subject)
    if every is None:
        yield Result("nodes", None, f"not allowed to look at nodes; a job needs {shown}")
        return
    used, seen = _used(subject)
    places, reasons = _count(subject, every, used)
    hint = "" if seen else " (what runs on them is not to be seen from here)"
    found = f"needs {shown}: room for {places}{hint}"
    why = "; ".join(f"{count} × {reason}" for reason, count in sorted(reasons.items()))
    if places >= pods:
        yield Result("nodes", True, found)
    elif subject.run.kubernetes.queue:
        yield Result("nodes", None, f"{found} now; the job waits in Kueue's queue. {why}")
    elif grower := _grower(subject):
        yield Result("nodes", None, f"{found} now; {grower} may add nodes. {why}")
    elif _count(subject, every, {})[0] >= pods:  # a job of this very configuration may be what runs there
        patience = subject.run.kubernetes.patience
        yield Result("nodes", None, f"{found} now; the job waits {patience:.0f} s for what runs there to end. {why}")
    else:
        yield Result("nodes", False, f"{found}. {why or 'there are no nodes'}", _fix(subject, why))


def _count(subject: Subject, every: list[dict[str, Any]], used: dict[str, Counter]) -> tuple[int, Counter]:
    """Return how many pods the nodes take beside what is used, and how many nodes take none for which reason."""
    wanted, places, reasons = needs(subject), 0, Counter()
    for node in every:
        reason = _excluded(subject, node)
        free = 0
        if not reason:
            free, reason = _fits(node, wanted, used.get(node["metadata"]["name"], Counter()))
        places += free
        if not free:
            reasons[reason] += 1
    return places, reasons


def matching(subject: Subject) -> bool:
    """Whether a node is up that the jobs' selector and tolerations allow."""
    every = _nodes(subject)
    return bool(every) and any(not _excluded(subject, node) for node in every)


def shm(subject: Subject) -> Iterator[Result]:
    """Compare /dev/shm with the memory that it counts in, and with what NCCL and data loaders want."""
    settings = subject.run.kubernetes
    size, memory = amount(settings.shm), amount(settings.memory)
    if size >= memory:
        text = f"{settings.shm} counts in the memory of {settings.memory}, and nothing is left for the processes"
        yield Result(
            "/dev/shm", False, text, f"set run.kubernetes.memory above {settings.shm}, or lower run.kubernetes.shm"
        )
    elif settings.gpus > 1 and size < settings.gpus * _GIB:
        text = f"{settings.shm} for {settings.gpus} GPUs; NCCL's rings want about 1Gi each"
        yield Result("/dev/shm", False, text, f"set run.kubernetes.shm: {settings.gpus}Gi")
    else:
        left = (memory - size) / _GIB
        yield Result("/dev/shm", True, f"{settings.shm} of {settings.memory}; {left:,.1f}Gi are left for the processes")


def storage(subject: Subject) -> Iterator[Result]:
    """Say which StorageClass is the default; jobs need none."""
    disk = subject.run.kubernetes.disk
    classes = subject.api.request("GET", "/apis/storage.k8s.io/v1/storageclasses")["items"]
    marked = "storageclass.kubernetes.io/is-default-class"
    default = [item for item in classes if (item["metadata"].get("annotations") or {}).get(marked) == "true"]
    if default:
        yield Result(
            "storage", True, f"default StorageClass {default[0]['metadata']['name']}; jobs use {disk} of local disk"
        )
    else:
        yield Result("storage", None, f"no default StorageClass; jobs do not need one, they use {disk} of local disk")


def _nodes(subject: Subject) -> list[dict[str, Any]] | None:
    if "nodes" not in subject.found:
        try:
            subject.found["nodes"] = subject.api.request("GET", "/api/v1/nodes")["items"]
        except Refused as error:
            if error.status != 403:
                raise
            subject.found["nodes"] = None
    return subject.found["nodes"]


def _used(subject: Subject) -> tuple[dict[str, Counter], bool]:
    """Return the requests of the running pods by node, and whether they could be seen."""
    used: dict[str, Counter] = {}
    try:
        running = "status.phase!=Succeeded,status.phase!=Failed"
        pods = subject.api.request("GET", "/api/v1/pods", fieldSelector=running)["items"]
    except Refused as error:
        if error.status != 403:
            raise
        return used, False
    for pod in pods:
        if node := pod["spec"].get("nodeName"):
            used.setdefault(node, Counter()).update(_requests(pod["spec"]))
    return used, True


def _requests(spec: dict[str, Any]) -> Counter:
    """What the scheduler counts for a pod: its containers together, or its largest init container."""
    total = Counter()
    for container in spec["containers"]:
        total.update(_of(container))
    for container in spec.get("initContainers") or []:
        total |= _of(container)
    total.update({name: amount(value) for name, value in (spec.get("overhead") or {}).items()})
    return total


def _of(container: dict[str, Any]) -> Counter:
    requests = (container.get("resources") or {}).get("requests") or {}
    return Counter({name: amount(value) for name, value in requests.items()})


def _excluded(subject: Subject, node: dict[str, Any]) -> str:
    """Say why a node takes no pod of the job whatever is free on it; empty when it does."""
    settings, labels = subject.run.kubernetes, node["metadata"].get("labels") or {}
    conditions = node["status"].get("conditions") or []
    if node["spec"].get("unschedulable"):
        return "cordoned"
    if not any(item["type"] == "Ready" and item["status"] == "True" for item in conditions):
        return "not ready"
    for name, value in settings.node_selector.items():
        if labels.get(name) != value:
            return f"without label {name}={value}"
    for taint in node["spec"].get("taints") or []:
        blocks = taint["effect"] in ("NoSchedule", "NoExecute")
        if blocks and not any(_tolerates(item, taint) for item in settings.tolerations):
            return f"taint {taint['key']}={taint.get('value', '')}:{taint['effect']}"
    return ""


def _tolerates(toleration: dict[str, Any], taint: dict[str, Any]) -> bool:
    if toleration.get("effect") not in (None, "", taint["effect"]):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint["key"])
    return toleration.get("key") == taint["key"] and str(toleration.get("value", "")) == taint.get("value", "")


def _fits(node: dict[str, Any], wanted: dict[str, str], used: Counter) -> tuple[int, str]:
    """Return how many pods a node takes, and what it is short of when none."""
    allocatable, places = node["status"].get("allocatable") or {}, []
    for name, value in wanted.items():
        if not amount(value):
            continue
        free = amount(allocatable.get(name, 0)) - used[name]
        if free < amount(value):
            return 0, f"{_plain(name, free)} of {value} {name} free"
        places.append(int(free / amount(value)))
    return min(places, default=1), ""


def _plain(name: str, free: Decimal) -> str:
    free = max(free, Decimal(0))
    if name == "cpu":
        return f"{free:.2f}"
    return f"{free / _GIB:.1f}Gi" if name in ("memory", "hugepages-2Mi") else f"{free:.0f}"


def _grower(subject: Subject) -> str:
    """Name what adds nodes when pods wait, if that can be seen."""
    if subject.api.find("/apis/karpenter.sh") is not None:
        return "Karpenter"
    try:
        told = subject.api.find("/api/v1/namespaces/kube-system/configmaps/cluster-autoscaler-status")
    except Refused:
        return ""
    return "" if told is None else "the cluster autoscaler"


def _fix(subject: Subject, why: str) -> str:
    settings = subject.run.kubernetes
    if "without label" in why:
        return "kubectl get nodes --show-labels; then set run.kubernetes.node_selector"
    if "taint " in why:
        return "kubectl describe nodes | grep -A3 Taints; then set run.kubernetes.tolerations"
    columns = "NAME:.metadata.name,GPU:.status.allocatable." + settings.gpu_resource.replace(".", r"\.")
    fewer = "add nodes, or lower run.nodes, run.kubernetes.gpus, .efa, .cpu or .memory"
    return f"kubectl get nodes -o custom-columns='{columns}'; {fewer}"
