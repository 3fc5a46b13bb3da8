"""Say in one message why the API server did not do what was asked."""

from __future__ import annotations

from fimsmith.errors import JobError
from fimsmith.launch.answers import Refused
from fimsmith.launch.kube import Cluster

_OPERATOR = "the Kubeflow training operator v1 (PyTorchJob, kubeflow.org/v1)"


def explain(stage: str, error: Exception, cluster: Cluster, left: str | None) -> JobError:
    """Make the error of a request that was refused or got no answer; `left` names a job that may still run."""
    text, fix = _reason(error, cluster.namespace, cluster.server)
    lines = [f"{stage} failed: {text}", f"  fix: {fix}"]
    if left:
        lines.insert(
            1, f"  job {left} may go on: the same command follows it, kubectl delete pytorchjob {left} ends it"
        )
    return JobError("\n".join(lines))


def _reason(error: Exception, namespace: str, server: str) -> tuple[str, str]:
    if not isinstance(error, Refused):
        return (
            f"no answer from the API server at {server}: {error}",
            "kubectl cluster-info must work here; check the network, or choose a context (kubectl config use-context NAME)",
        )
    status, message = error.status, error.message
    if status == 404 and f'namespaces "{namespace}"' in message:
        return (
            f"there is no namespace {namespace}",
            f"kubectl create namespace {namespace}, or set run.kubernetes.namespace",
        )
    if status == 404:
        return (
            f"this cluster knows no PyTorchJob: {_OPERATOR} is not installed",
            "install it; fimsmith doctor checks it",
        )
    if status == 500 and "failed calling webhook" in message:
        return (
            f"{_OPERATOR} does not answer: {message}",
            "kubectl get pods -A -l control-plane=kubeflow-training-operator must show it running",
        )
    if status == 401:
        return (
            f"the API server at {server} refuses this login: {message}",
            "log in again; kubectl get pods must work here",
        )
    if status == 403 and "denied the request" not in message and "exceeded quota" not in message:
        return (
            f"missing right: {message}",
            "install the chart's roles for this account; fimsmith doctor shows what is missing",
        )
    if status == 403 and "exceeded quota" in message:
        return f"the namespace's quota is used up: {message}", "ask for less in run.kubernetes, or raise the quota"
    return f"the API server refused the job ({status}): {message}", "run.kubernetes: change what the message names"
