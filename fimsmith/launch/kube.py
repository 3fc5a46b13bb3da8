"""The few requests to a Kubernetes API server that launching jobs and examining a cluster take.

Objects are plain JSON. Importing this does not import the Kubernetes client, which takes a second and may be missing.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from fimsmith.errors import ConfigError
from fimsmith.launch.answers import Refused, RequestError, answered, missing

JOBS = "/apis/kubeflow.org/v1/namespaces/{}/pytorchjobs"
_WORKFLOWS = "/apis/argoproj.io/v1alpha1/namespaces/{}/workflows"
PODS = "/api/v1/namespaces/{}/pods"
_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_CONNECT, _PATIENCE = 5.0, 20.0  # seconds to connect, and for an answer: an admission webhook may take ten
_SILENCE = 60.0  # seconds without a line, after which a log is asked for anew: the connection may be dead
_ABSENCE = 300.0  # seconds that the server may be away while a job runs
_PASSING = (401, 408, 429, 500, 502, 503, 504)  # answers that may be others in a while; logins are renewed
_WATCHED = 240  # seconds of one stream of changes
_CONTENT = {"PATCH": "application/merge-patch+json"}
Answer = TypeVar("Answer")


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
        from kubernetes import client
        from urllib3 import Retry

        self.configuration: Any = _configured(client.Configuration())
        # a request is tried again by the caller, who can say so
        self.configuration.retries = Retry(connect=1, read=0, other=0, redirect=0)
        self.api = client.ApiClient(self.configuration)

    @property
    def server(self) -> str:
        """The server's address, for messages."""
        return self.configuration.host

    def request(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Send one request and return the JSON object of its answer; raises RequestError."""
        return json.loads(self._open(method, path, query, body).data)

    def find(self, path: str) -> dict[str, Any] | None:
        """Read an object; None: there is none."""
        with missing():
            return self.request("GET", path)
        return None

    def create(self, manifest: dict[str, Any]) -> dict[str, Any]:
        """Create a PyTorchJob."""
        return self.request("POST", JOBS.format(self.namespace), manifest)

    def job(self, name: str) -> dict[str, Any] | None:
        """Read a PyTorchJob; None: there is none."""
        return self.find(f"{JOBS.format(self.namespace)}/{name}")

    def delete(self, job: dict[str, Any], propagation: Literal["Foreground", "Background"]) -> None:
        """Delete this very PyTorchJob with its pods, if it is there; another one of its name stays."""
        name, uid = job["metadata"]["name"], job["metadata"]["uid"]
        body = {"propagationPolicy": propagation, "preconditions": {"uid": uid}}
        with missing(404, 409):
            self.request("DELETE", f"{JOBS.format(self.namespace)}/{name}", body)

    def adopt(self, job: dict[str, Any], labels: dict[str, str], owner: dict[str, Any]) -> None:
        """Make a PyTorchJob belong to another owner, where this account may."""
        metadata = {"uid": job["metadata"]["uid"], "labels": labels, "ownerReferences": [owner]}
        with missing(403, 404, 409):
            path = f"{JOBS.format(self.namespace)}/{job['metadata']['name']}"
            self.request("PATCH", path, {"metadata": metadata})

    def pods(self, name: str) -> list[dict[str, Any]]:
        """Read the pods of a PyTorchJob."""
        chosen = f"training.kubeflow.org/job-name={name}"
        return self.request("GET", PODS.format(self.namespace), labelSelector=chosen)["items"]

    def look(self, name: str, say: Callable[[str], None]) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """Read a PyTorchJob and its pods, patiently."""
        return self.patiently(lambda: (self.job(name), self.pods(name)), say)

    def patiently(self, ask: Callable[[], Answer], say: Callable[[str], None]) -> Answer:
        """Ask, and wait some minutes for a server that does not answer, and say so."""
        begun, told = time.monotonic(), False
        while True:
            try:
                return ask()
            except RequestError as error:
                passing = not isinstance(error, Refused) or error.status in _PASSING
                if not passing or time.monotonic() - begun > _ABSENCE:
                    raise
                if not told:
                    told = True
                    say(f"no answer from {self.server} ({error}); the job goes on meanwhile")
            time.sleep(2.0)
            self._connect()

    def pod(self, name: str, namespace: str | None = None) -> dict[str, Any] | None:
        """Read one pod; None: there is none."""
        return self.find(f"{PODS.format(namespace or self.namespace)}/{name}")

    def end_pods(self, name: str, seconds: int) -> None:
        """End the pods of a PyTorchJob, where this account may.

        The first request to end a pod decides how long it has: the kubelet heeds no shorter time once it has begun
        (kubernetes/kubernetes#83916), so this comes before the job is deleted, which gives them their own.
        """
        with missing(403, 404, 409):
            chosen = f"training.kubeflow.org/job-name={name}"
            body = {"gracePeriodSeconds": seconds}
            self.request("DELETE", PODS.format(self.namespace), body, labelSelector=chosen)

    def forget(self, pod: str) -> None:
        """Delete a pod without waiting for its node, where this account may."""
        with missing(403, 404, 409):
            self.request("DELETE", f"{PODS.format(self.namespace)}/{pod}", {"gracePeriodSeconds": 0})

    def events(self, name: str) -> list[str]:
        """Read the warnings about an object, the newest last; none where this account may not."""
        with missing(403, 404):
            chosen = f"involvedObject.name={name},type=Warning"
            path = f"/api/v1/namespaces/{self.namespace}/events"
            found = self.request("GET", path, fieldSelector=chosen)["items"]
            found.sort(key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
            return [f"{event.get('reason')}: {event.get('message')}" for event in found]
        return []

    def follow(self, pod: str, container: str, since: str | None, *, wait: bool) -> Iterator[bytes]:
        """Yield pieces of a container's log, each line with its time; `wait` goes on until the container ends."""
        query = {"container": container, "timestamps": "true", "follow": str(wait).lower()}
        if since:
            query["sinceTime"] = since
        return self._pieces(f"{PODS.format(self.namespace)}/{pod}/log", _SILENCE, query)

    def tail(self, pod: str, container: str, lines: int) -> str:
        """Read the end of a container's log; empty when there is none."""
        with contextlib.suppress(RequestError):  # a log is gone with its node
            path = f"{PODS.format(self.namespace)}/{pod}/log"
            answer = self._open("GET", path, {"container": container, "tailLines": lines})
            return answer.data.decode("utf-8", "replace")
        return ""

    def workflow(self, home: Home) -> dict[str, Any]:
        """Read the Workflow that this pod belongs to."""
        return self.request("GET", f"{_WORKFLOWS.format(home.namespace)}/{home.workflow}")

    def watch_workflow(self, home: Home) -> Iterator[bytes]:
        """Yield pieces of the stream of changes of the Workflow that this pod belongs to: a JSON object per line."""
        query = {"watch": "true", "fieldSelector": f"metadata.name={home.workflow}", "timeoutSeconds": _WATCHED}
        return self._pieces(_WORKFLOWS.format(home.namespace), _WATCHED + 30.0, query)

    def _pieces(self, path: str, silence: float, query: dict[str, Any]) -> Iterator[bytes]:
        """Yield an answer as it comes; `silence` is how many seconds may pass between two pieces."""
        answer = self._open("GET", path, query, silence=silence)
        try:
            with answered():
                yield from answer.stream(65_536, decode_content=True)
        finally:
            answer.close()

    def _open(
        self, method: str, path: str, query: dict[str, Any], body: Any = None, silence: float | None = None
    ) -> Any:
        """Send a request by the client's own means: its generated methods lack a log's sinceTime.

        The answer is read, unless `silence` says how many seconds may pass between two pieces of it.
        """
        with answered():
            answer: Any = self.api.call_api(
                path,
                method,
                query_params=list(query.items()),
                header_params={
                    "Accept": "application/json, */*",
                    "Content-Type": _CONTENT.get(method, "application/json"),
                },
                body=body,
                auth_settings=["BearerToken"],
                _return_http_data_only=True,
                _preload_content=False,
                _request_timeout=(_CONNECT, silence or _PATIENCE),
            )
            if silence is None:
                answer.data  # noqa: B018  reads it and gives the connection back
            return answer


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
    with missing(403, 404):
        pod = cluster.pod(name, place.namespace) or {"metadata": {}}
        owner = next(iter(pod["metadata"].get("ownerReferences", [])), None)
        if owner is None or owner["kind"] != "Workflow":
            return place
        run_id = pod["metadata"].get("labels", {}).get("pipeline/runid")
        reference = {key: owner[key] for key in ("apiVersion", "kind", "name", "uid")}
        return Home(place.namespace, owner["name"], reference, run_id)
    return place


def inside() -> bool:
    """Whether requests are made as the account of the pod that this process runs in."""
    return (_ACCOUNT / "token").exists() and not _kubeconfig()


def _kubeconfig() -> str | None:
    return os.environ.get("KUBECONFIG") or None  # the client itself reads it only when it is imported


def _configured(settings: Any) -> Any:
    from kubernetes import config

    try:
        if inside():
            config.load_incluster_config(settings)
        else:
            config.load_kube_config(_kubeconfig(), client_configuration=settings)
    except config.ConfigException as error:
        raise ConfigError(
            f"no cluster to run jobs on: {error}; set KUBECONFIG to a kubeconfig file with a current context "
            "(kubectl config use-context NAME), or set run.launcher: local"
        ) from error
    return settings


def _context_namespace() -> str | None:
    from kubernetes import config

    with contextlib.suppress(config.ConfigException):
        return config.list_kube_config_contexts(_kubeconfig())[1]["context"].get("namespace")
    return None
