"""The Kubernetes API by paths: what the doctor asks is small, and its answers can be recorded as they are."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_PATIENCE = 20.0  # seconds for one answer: an admission webhook may take ten


class Refused(Exception):  # noqa: N818  an answer, not a failure of ours
    """The API server's answer is an error."""

    def __init__(self, status: int, message: str):
        super().__init__(f"{status}: {message}")
        self.status, self.message = status, message


class Cluster:
    """One API server, as one account, seen from one namespace."""

    def __init__(self, client: Any, namespace: str):
        self._client, self.namespace = client, namespace

    @classmethod
    def connect(cls, namespace: str | None) -> Cluster:
        """Connect as this pod's account, or else as the current context says."""
        from kubernetes import client, config

        settings: Any = client.Configuration()
        if inside():
            config.load_incluster_config(client_configuration=settings)
            own = (_ACCOUNT / "namespace").read_text().strip()
        else:
            file = os.environ.get("KUBECONFIG")  # the client itself reads it only when it is imported
            config.load_kube_config(config_file=file, client_configuration=settings)
            own = config.list_kube_config_contexts(file)[1]["context"].get("namespace", "default")
        settings.retries = 1
        return cls(client.ApiClient(settings), namespace or own)

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return an object; raises Refused."""
        return self._call("GET", path, query)

    def find(self, path: str) -> dict[str, Any] | None:
        """Return an object, or None when there is none; raises Refused for any other error."""
        try:
            return self.get(path)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def post(self, path: str, body: dict[str, Any], **query: str) -> dict[str, Any]:
        """Create an object; raises Refused."""
        return self._call("POST", path, query, body)

    def delete(self, path: str, **query: str) -> dict[str, Any]:
        """Delete an object; raises Refused."""
        return self._call("DELETE", path, query)

    def _call(self, method: str, path: str, query: dict[str, str], body: dict[str, Any] | None = None) -> Any:
        from kubernetes.client import ApiException

        try:
            return self._client.call_api(
                path,
                method,
                query_params=list(query.items()),
                header_params={"Accept": "application/json", "Content-Type": "application/json"},
                body=body,
                response_type="object",
                auth_settings=["BearerToken"],
                _return_http_data_only=True,
                _request_timeout=_PATIENCE,
            )
        except ApiException as error:
            raise Refused(error.status or 0, _message(error)) from error


def inside() -> bool:
    """Whether this process is in a pod with an account of its own."""
    return (_ACCOUNT / "token").exists()


def _message(error: Any) -> str:
    try:
        return json.loads(error.body)["message"]
    except (KeyError, TypeError, ValueError):
        return str(error.reason)
