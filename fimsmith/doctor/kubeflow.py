"""Kubeflow Pipelines, the training operator and Kueue."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator

from fimsmith.doctor.result import Result, Subject
from fimsmith.launch.answers import Refused
from fimsmith.launch.kube import JOBS, inside

_TESTED = "2.17.0"
_LOGS = "kubectl -n kubeflow logs deployment/ml-pipeline"
OPERATOR = "kubectl apply --server-side -k 'github.com/kubeflow/trainer.git/manifests/overlays/standalone?ref=v1.9.4'"


def reachable(subject: Subject) -> Iterator[Result]:
    """Whether Kubeflow Pipelines answers at KFP_ENDPOINT, and its version."""
    endpoint = os.environ.get("KFP_ENDPOINT")
    if not endpoint:
        yield Result("KFP", None, "KFP_ENDPOINT is not set: runs by Kubeflow Pipelines are not checked")
        return
    forward = "kubectl -n kubeflow port-forward svc/ml-pipeline-ui 8888:80 & export KFP_ENDPOINT=http://127.0.0.1:8888"
    if inside():  # the chart's `helm test`
        forward = (
            "set KFP_ENDPOINT to what pods reach (in the chart kfp.endpoint), or leave it out where there is no KFP"
        )
    request = urllib.request.Request(endpoint.rstrip("/") + "/apis/v2beta1/healthz")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            told = json.loads(answer.read())
        version = told.get("tag_name") or told.get("apiServerTagName") or "unknown"  # of the API, of the pages
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            yield Result("KFP", None, f"{endpoint} wants a login (HTTP {error.code}): version not seen")
        else:
            yield Result("KFP", False, f"{endpoint} answers HTTP {error.code}", forward)
    except (OSError, ValueError, AttributeError) as error:
        reason = getattr(error, "reason", None) or error
        reason = "not KFP's API but something else, perhaps a login page" if isinstance(error, ValueError) else reason
        yield Result("KFP", False, f"{endpoint} does not answer: {reason}", forward)
    else:
        if told.get("apiServerReady") is False:
            yield Result("KFP", False, f"the pages at {endpoint} do not reach KFP's API", _LOGS)
            return
        users = "multi-user" if told.get("multi_user") else "single-user"
        tested = "" if version == _TESTED else f"; tested with {_TESTED}"
        yield Result("KFP", True, f"version {version}, {users}, at {endpoint}{tested}")


def artifacts(subject: Subject) -> Iterator[Result]:
    """Where KFP puts its artifacts."""
    told = subject.api.find(f"/api/v1/namespaces/{subject.namespace}/configmaps/kfp-launcher")
    root = ((told or {}).get("data") or {}).get("defaultPipelineRoot")
    if root:
        yield Result("KFP artifacts", True, f"{root} (ConfigMap kfp-launcher)")
    else:
        what = "has no defaultPipelineRoot" if told else f"is not in namespace {subject.namespace}"
        yield Result(
            "KFP artifacts",
            None,
            f"ConfigMap kfp-launcher {what}: KFP's built-in root is used; for another store see docs/kubernetes.md",
        )


def kind(subject: Subject) -> Iterator[Result]:
    """Whether the API server knows PyTorchJobs."""
    served = subject.api.find("/apis/kubeflow.org/v1") or {"resources": []}
    subject.found["kind"] = any(resource["name"] == "pytorchjobs" for resource in served["resources"])
    if subject.found["kind"]:
        yield Result("PyTorchJob", True, "kubeflow.org/v1")
    else:
        yield Result("PyTorchJob", False, "the kind pytorchjobs.kubeflow.org is not installed", OPERATOR)


def operator(subject: Subject) -> Iterator[Result]:
    """Whether the training operator is at work.

    A job that its webhook must refuse is offered as a dry run: the refusal proves the operator, and
    needs no right to look into the namespace that the operator lives in.
    """
    if not subject.found.get("kind"):
        yield Result("operator", None, "nothing to ask without the kind PyTorchJob")
        return
    try:
        subject.api.request("POST", JOBS.format(subject.namespace), _refusable(), dryRun="All")
    except Refused as error:
        yield _operator(error)
    else:
        yield Result(
            "operator", False, "the kind is there, but no training operator (1.8 or newer) looks at its jobs", OPERATOR
        )


def _operator(error: Refused) -> Result:
    if "denied the request" in error.message:
        return Result("operator", True, "its webhook answers")
    if "failed calling webhook" in error.message or "no endpoints available" in error.message:
        look = "kubectl get pods -A | grep training-operator"
        return Result("operator", False, f"its webhook does not answer: {error.message}", f"{look}\n{OPERATOR}")
    return Result.refused("operator", error)


def _refusable() -> dict:
    """A PyTorchJob whose container has a name that the operator does not accept."""
    container = {"name": "doctor", "image": "none"}
    replica = {"replicas": 1, "restartPolicy": "Never", "template": {"spec": {"containers": [container]}}}
    return {
        "apiVersion": "kubeflow.org/v1",
        "kind": "PyTorchJob",
        "metadata": {"name": "fimsmith-doctor"},
        "spec": {"pytorchReplicaSpecs": {"Master": replica}},
    }


def queue(subject: Subject) -> Iterator[Result]:
    """Whether the Kueue queue that the configuration names takes jobs."""
    name = subject.run.kubernetes.queue
    if not name:
        yield Result("Kueue", None, "run.kubernetes.queue is not set")
        return
    group = subject.api.find("/apis/kueue.x-k8s.io")
    if group is None:
        install = "install Kueue (docs/eks.md), or set run.kubernetes.queue: null"
        yield Result("Kueue", False, f"queue {name!r} is named, but Kueue is not installed", install)
        return
    queues = f"/apis/{group['preferredVersion']['groupVersion']}/namespaces/{subject.namespace}/localqueues"
    found = subject.api.find(f"{queues}/{name}")
    if found is None:
        there = [item["metadata"]["name"] for item in subject.api.request("GET", queues)["items"]]
        text = f"namespace {subject.namespace} has no LocalQueue {name!r}; it has {', '.join(there) or 'none'}"
        yield Result(
            "Kueue", False, text, f"kubectl -n {subject.namespace} get localqueues; then set run.kubernetes.queue"
        )
        return
    conditions = (found.get("status") or {}).get("conditions") or []
    active = next((condition for condition in conditions if condition["type"] == "Active"), {})
    if active.get("status") == "True":
        yield Result("Kueue", True, f"LocalQueue {name} is active")
    else:
        reason = active.get("message") or "Kueue has not looked at it yet"
        yield Result(
            "Kueue",
            False,
            f"LocalQueue {name} is not active: {reason}",
            f"kubectl -n {subject.namespace} describe localqueue {name}; kubectl describe clusterqueues",
        )
