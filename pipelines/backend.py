"""A Kubeflow Pipelines back end: connect to it, find things by name, word its refusals."""

import contextlib
import io
import json
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfp import Client
from kfp.client import set_volume_credentials
from kfp_server_api import ApiException
from kubernetes import config as kubeconfig
from urllib3.exceptions import HTTPError

from fimsmith.errors import JobError

_EQUALS = 1  # KFP's number for this comparison


@dataclass(frozen=True, slots=True)
class Place:
    """A pipeline's name on a back end."""

    client: Any  # a Client; its models declare every field as one that may be None
    name: str
    namespace: str | None  # what a multi-user back end wants with every request; a single-user one refuses it

    def named(self, listing: Callable[..., Any], field: str, name: str, **where: Any) -> list[Any]:
        """Return what a listing of the client has under a name."""
        predicate = {"operation": _EQUALS, "key": "display_name", "stringValue": name}
        found = listing(filter=json.dumps({"predicates": [predicate]}), page_size=100, **where)
        return getattr(found, field) or []


FORWARD = "kubectl -n kubeflow port-forward svc/ml-pipeline-ui 8888:80"  # serves the pages, and passes the API on


def connect(endpoint: str | None) -> Client:
    """Return a client of the back end; raises JobError when it does not answer."""
    hint = f"set KFP_ENDPOINT or --endpoint to its address, for example http://localhost:8888 after {FORWARD}"
    if not (endpoint or _is_findable()):
        raise JobError(f"nothing says where Kubeflow Pipelines is; {hint}")
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            client = Client(host=endpoint, credentials=_credentials())
            client.get_kfp_healthz(sleep_duration=0)
        return client
    except (ApiException, HTTPError, OSError, RuntimeError, TimeoutError) as error:
        where = endpoint or "the current cluster"
        raise JobError(f"Kubeflow Pipelines does not answer at {where} ({explain(error)}); {hint}") from error


def _is_findable() -> bool:
    """Whether kfp has a way of its own to an address; where it has none it takes localhost."""
    if os.environ.get("KF_PIPELINES_ENDPOINT") or os.environ.get("KUBERNETES_SERVICE_HOST"):
        return True
    try:
        kubeconfig.list_kube_config_contexts()
    except kubeconfig.ConfigException:
        return False
    return True


def _credentials() -> Any:
    """A pod's token for Kubeflow's API, where there is one; a single-user back end does not ask for it."""
    file = os.environ.get("KF_PIPELINES_SA_TOKEN_PATH")
    if file and Path(file).exists():
        return set_volume_credentials.ServiceAccountTokenVolumeCredentials(path=file)
    return None


def profile(client: Client, namespace: str | None) -> str | None:
    """Return the namespace that a multi-user back end wants with a new run; a single-user one refuses any."""
    if not client.get_kfp_healthz().multi_user:
        return None
    if found := namespace or client.get_user_namespace():
        return found
    raise JobError("this Kubeflow has several users, whose runs are apart; name your own namespace: --namespace NAME")


def explain(error: Any) -> str:
    """The one sentence of an API error that a person can use."""
    text = getattr(error, "body", None) or getattr(error, "reason", None) or str(error)
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return " ".join(text.split())[:300]
