"""Say in one message why the API server did not do what was asked."""

from __future__ import annotations

import json

from kubernetes.client import ApiException

from fimsmith.errors import JobError

_OPERATOR = "the Kubeflow training operator v1 (PyTorchJob, kubeflow.org/v1)"


def explain(stage: str, error: Exception, namespace: str, server: str) -> JobError:
    """Make the error of a request that was refused or got no answer."""
    text, fix = _reason(error, namespace, server)
    return JobError(f"{stage} failed: {text}\n  fix: {fix}")


def _reason(error: Exception, namespace: str, server: str) -> tuple[str, str]:
    if not isinstance(error, ApiException):
        return (
            f"no answer from the API server at {server}: {_innermost(error)}",
            "kubectl cluster-info must work here; check the network, or choose a context (kubectl config use-context NAME)",
        )
    status, message = error.status, _message(error)
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


def _message(error: ApiException) -> str:
    """What the server says, without the object around it."""
    body = error.body.decode("utf-8", "replace") if isinstance(error.body, bytes) else str(error.body or "")
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.strip() or str(error.reason)


def _innermost(error: BaseException) -> str:
    while reason := (getattr(error, "reason", None) if isinstance(getattr(error, "reason", None), Exception) else None):
        error = reason
    return str(error) or type(error).__name__
