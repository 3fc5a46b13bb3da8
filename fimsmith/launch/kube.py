"""The few requests to a Kubernetes API server that launching a job takes; objects are plain JSON."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import urllib3
from kubernetes import client
from kubernetes import config as kubeconfig
from kubernetes.client import ApiException
from kubernetes.client.rest import RESTResponse

from fimsmith.errors import ConfigError

JOBS = "/apis/kubeflow.org/v1/namespaces/{}/pytorchjobs"
_WORKFLOWS = "/apis/argoproj.io/v1alpha1/namespaces/{}/workflows"
_PODS = "/api/v1/namespaces/{}/pods"
_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_TIMEOUT = (5.0, 20.0)  # seconds to connect, and between two packets
_SILENCE = 60.0  # seconds without a line, after which a log is asked for anew: the connection may be dead

_ABSENCE = 300.0  # seconds that the server may be away while a job runs
_PASSING = (401, 408, 429, 500, 502, 503, 504)  # answers that may be others in a while; logins are renewed

_WATCHED = 240  # seconds of one stream of changes

# what a request raises when no answer came; ApiException is an answer
UNREACHABLE = (urllib3.exceptions.HTTPError, OSError)


@dataclass(frozen=True, slots=True)
class Home:
    """Where this process runs, if it is a pod."""

    namespace: str
    workflow: str | None = None  # Argo's object of the KFP run
    owner: dict[str, Any] | None = None  # the reference to it that this pod has
    run_id: str | None = None  # of KFP


class Cluster:
    """An API server and a namespace."""

    def __init__(self, namespace: str | None = None):
        self._connect()
        self.namespace = namespace or own_namespace() or _context_namespace() or "default"

    def _connect(self) -> None:
        self.configuration: Any = _configuration()
        # a request is tried again by the caller, who can say so
        self.configuration.retries = urllib3.Retry(connect=1, read=0, other=0, redirect=0)
        self.api = client.ApiClient(self.configuration)

    @property
    def server(self) -> str:
        """The server's address, for messages."""
        return self.configuration.host

    def request(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Send one request and return the JSON object of its answer; raises ApiException or one of UNREACHABLE."""
        answer = self._open(method, path, _TIMEOUT, body, query)
        return json.loads(answer.data)

    def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Create a PyTorchJob."""
        return self.request("POST", JOBS.format(self.namespace), manifest)

    def job(self, name: str) -> dict[str, Any] | None:
        """Read a PyTorchJob; None: there is none."""
        with _missing():
            return self.request("GET", f"{JOBS.format(self.namespace)}/{name}")
        return None

    def delete(self, name: str, propagation: Literal["Foreground", "Background"]) -> None:
        """Delete a PyTorchJob with its pods, if it is there."""
        with _missing():
            self.request("DELETE", f"{JOBS.format(self.namespace)}/{name}", {"propagationPolicy": propagation})

    def pods(self, name: str) -> list[dict[str, Any]]:
        """Read the pods of a PyTorchJob."""
        chosen = f"training.kubeflow.org/job-name={name}"
        return self.request("GET", _PODS.format(self.namespace), labelSelector=chosen)["items"]

    def look(self, name: str, say: Callable[[str], None]) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """Read a PyTorchJob and its pods; waits some minutes for a server that does not answer, and says so."""
        begun, told = time.monotonic(), False
        while True:
            try:
                return self.job(name), self.pods(name)
            except (ApiException, *UNREACHABLE) as error:
                passing = not isinstance(error, ApiException) or error.status in _PASSING
                if not passing or time.monotonic() - begun > _ABSENCE:
                    raise
                if not told:
                    told = True
                    say(f"no answer from {self.server} ({_short(error)}); the job goes on meanwhile")
            time.sleep(2.0)
            self._connect()

    def pod(self, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        """Read one pod; None: there is none."""
        with _missing():
            return self.request("GET", f"{_PODS.format(namespace or self.namespace)}/{name}")
        return None

    def end_pods(self, name: str, seconds: int) -> None:
        """Give the pods of a PyTorchJob less time to end, where this account may."""
        with _missing(403, 404, 409):
            chosen = f"training.kubeflow.org/job-name={name}"
            body = {"gracePeriodSeconds": seconds}
            self.request("DELETE", _PODS.format(self.namespace), body, labelSelector=chosen)

    def hurry(self, pod: str, seconds: int) -> None:
        """Give a pod that is being deleted less time, where this account may."""
        with _missing(403, 404, 409):
            self.request("DELETE", f"{_PODS.format(self.namespace)}/{pod}", {"gracePeriodSeconds": seconds})

    def events(self, name: str) -> list[str]:
        """Read the warnings about an object, the newest last; none where this account may not."""
        with _missing(403, 404):
            chosen = f"involvedObject.name={name},type=Warning"
            path = f"/api/v1/namespaces/{self.namespace}/events"
            found = self.request("GET", path, fieldSelector=chosen)["items"]
            found.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
            return [f"{event.get('reason')}: {event.get('message')}" for event in found]
        return []

    def follow(self, pod: str, container: str, since: str | None, *, wait: bool) -> urllib3.BaseHTTPResponse:
        """Open a container's log, each line with its time; `wait` keeps it open until the container ends."""
        query = {"container": container, "timestamps": "true", "follow": str(wait).lower()}
        if since:
            query["sinceTime"] = since
        path = f"{_PODS.format(self.namespace)}/{pod}/log"
        return self._open("GET", path, (_TIMEOUT[0], _SILENCE), None, query, read=False)

    def tail(self, pod: str, container: str, lines: int) -> str:
        """Read the end of a container's log; empty when there is none."""
        with _missing(400, 403, 404, 500):
            path = f"{_PODS.format(self.namespace)}/{pod}/log"
            answer = self._open("GET", path, _TIMEOUT, None, {"container": container, "tailLines": lines})
            return answer.data.decode("utf-8", "replace")
        return ""

    def workflow(self, home: Home) -> dict[str, Any]:
        """Read the Workflow that this pod belongs to."""
        return self.request("GET", f"{_WORKFLOWS.format(home.namespace)}/{home.workflow}")

    def watch_workflow(self, home: Home) -> urllib3.BaseHTTPResponse:
        """Open the stream of changes of the Workflow that this pod belongs to: a JSON object per line."""
        query = {"watch": "true", "fieldSelector": f"metadata.name={home.workflow}", "timeoutSeconds": _WATCHED}
        path = _WORKFLOWS.format(home.namespace)
        return self._open("GET", path, (_TIMEOUT[0], _WATCHED + 30.0), None, query, read=False)

    def _open(
        self,
        method: str,
        path: str,
        timeout: tuple[float, float],
        body: Any,
        query: dict[str, Any],
        *,
        read: bool = True,
    ) -> urllib3.BaseHTTPResponse:
        """Send a request by the client's own means; its generated methods lack a log's sinceTime."""
        answer: Any = self.api.call_api(
            path,
            method,
            query_params=list(query.items()),
            header_params={"Accept": "application/json, */*", "Content-Type": "application/json"},
            body=body,
            auth_settings=["BearerToken"],
            _return_http_data_only=True,
            _preload_content=False,
            _request_timeout=timeout,
        )
        if not 200 <= answer.status <= 299:
            raise ApiException(http_resp=RESTResponse(answer))
        if read:
            answer.data  # noqa: B018  reads it and gives the connection back
        return answer


@contextlib.contextmanager
def _missing(*codes: int) -> Iterator[None]:
    """Pass over the answer that there is no such thing."""
    try:
        yield
    except ApiException as error:
        if error.status not in (codes or (404,)):
            raise


def own_namespace() -> str | None:
    """The namespace of the pod that this process runs in, if it does."""
    path = _ACCOUNT / "namespace"
    return path.read_text().strip() if path.exists() else None


def home(cluster: Cluster) -> Home:
    """Find out which KFP run this process belongs to; outside a pod, or where it may not ask, to none."""
    place = Home(own_namespace() or cluster.namespace)
    name = os.environ.get("KFP_POD_NAME") or (os.environ.get("HOSTNAME") if own_namespace() else None)
    if not name:
        return place
    with _missing(403, 404):
        pod = cluster.pod(name, place.namespace) or {"metadata": {}}
        owner = next(iter(pod["metadata"].get("ownerReferences", [])), None)
        if owner is None or owner["kind"] != "Workflow":
            return place
        run_id = pod["metadata"].get("labels", {}).get("pipeline/runid")
        reference = {key: owner[key] for key in ("apiVersion", "kind", "name", "uid")}
        return Home(place.namespace, owner["name"], reference, run_id)
    return place


def _short(error: Exception) -> str:
    return f"{error.status} {error.reason}" if isinstance(error, ApiException) else type(error).__name__


def _configuration() -> client.Configuration:
    found = client.Configuration()
    try:
        if (_ACCOUNT / "token").exists() and "KUBECONFIG" not in os.environ:
            kubeconfig.load_incluster_config(found)
        else:
            kubeconfig.load_kube_config(client_configuration=found)
    except kubeconfig.ConfigException as error:
        raise ConfigError(
            f"no cluster to run jobs on: {error}; set KUBECONFIG to a kubeconfig file with a current context "
            "(kubectl config use-context NAME), or set run.launcher: local"
        ) from error
    return found


def _context_namespace() -> str | None:
    with contextlib.suppress(kubeconfig.ConfigException):
        return kubeconfig.list_kube_config_contexts()[1]["context"].get("namespace")
    return None
