"""Look at this machine, the cluster or the AWS account, and the store, and say what is missing and what mends it.

    fimsmith doctor config.yaml

A check is a function that returns Results; it may look everywhere, changes nothing that stays, and never raises.
"""

import os
from collections.abc import Callable, Iterable, Iterator

from fimsmith import config
from fimsmith.doctor import jobs, kubeflow, machine, nodes, rights, sagemaker
from fimsmith.doctor.result import Result, Subject
from fimsmith.launch.answers import Refused
from fimsmith.launch.kube import Cluster

__all__ = ["Result", "check", "results"]

Check = Callable[[Subject], Iterable[Result]]

_HERE: list[tuple[str, Check]] = [
    ("Python", machine.python),
    ("S3 from here", machine.store),
    ("model", machine.sentinels),
    ("KFP", kubeflow.reachable),
]
_KFP: list[tuple[str, Check]] = [("KFP artifacts", kubeflow.artifacts)]
_JOBS: list[tuple[str, Check]] = [
    ("PyTorchJob", kubeflow.kind),
    ("operator", kubeflow.operator),
    ("rights", rights.reviewed),
    ("account", rights.account),
    ("secret", rights.secret),
    ("image", jobs.image),
    ("S3 from a job", jobs.store),
    ("storage", nodes.storage),
    ("nodes", nodes.room),
    ("/dev/shm", nodes.shm),
    ("Kueue", kubeflow.queue),
]


def check(configuration: config.Config | None = None) -> list[Result]:
    """Return what all checks find; without a configuration, what can be said of its defaults."""
    return list(results(configuration))


def results(configuration: config.Config | None = None) -> Iterator[Result]:
    """Yield what each check finds as soon as it is found."""
    run = configuration.run if configuration else config.Run(launcher="pytorchjob")
    subject = Subject(run=run, model=configuration.model if configuration else None)
    yield from _made(_HERE, subject)
    if run.launcher == "sagemaker":
        yield from sagemaker.looked(subject)
    checks = (_KFP if os.environ.get("KFP_ENDPOINT") else []) + (_JOBS if run.launcher == "pytorchjob" else [])
    if not checks:
        yield Result("cluster", None, f"not needed: run.launcher is {run.launcher} and KFP_ENDPOINT is not set")
        return
    try:
        subject.cluster = Cluster(run.kubernetes.namespace)
        version = subject.cluster.request("GET", "/version")["gitVersion"]
    except Exception as error:  # whatever a kubeconfig or its credential plugin can do wrong
        yield _unreachable(error)
        return
    if _no_namespace(subject):
        make = f"kubectl create namespace {subject.namespace}, or mend run.kubernetes.namespace"
        yield Result("cluster", False, f"namespace {subject.namespace} does not exist", make)
        return
    yield Result("cluster", True, f"Kubernetes {version}, namespace {subject.namespace}")
    yield from _made(checks, subject)


def _made(checks: list[tuple[str, Check]], subject: Subject) -> Iterator[Result]:
    for name, made in checks:
        try:
            yield from made(subject)
        except Refused as error:
            yield Result.refused(name, error)
        except Exception as error:  # one broken check must not hide the others
            yield Result(name, False, f"the check itself failed: {type(error).__name__}: {error}")


def _no_namespace(subject: Subject) -> bool:
    try:
        return subject.api.find(f"/api/v1/namespaces/{subject.namespace}") is None
    except Refused:  # to look at a namespace is a right of its own, which a pod seldom has
        return False


def _unreachable(error: Exception) -> Result:
    if isinstance(error, ImportError):
        return Result("cluster", False, f"{error.name} is not installed", "pip install 'fimsmith[cluster]'")
    return Result(
        "cluster",
        False,
        f"Kubernetes does not answer: {error}",
        "kubectl config get-contexts; kubectl config use-context NAME; on EKS: aws eks update-kubeconfig --name CLUSTER",
    )
