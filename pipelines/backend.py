"""A Kubeflow Pipelines back end: connect to it, find things by name, word its refusals."""

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kfp import Client
from kfp_server_api import ApiException
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


def connect(endpoint: str | None, credentials: Any = None) -> Client:
    """Return a client of the back end; raises JobError when it does not answer."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            client = Client(host=endpoint, credentials=credentials)
            client.get_kfp_healthz(sleep_duration=0)
        return client
    except (ApiException, HTTPError, OSError, RuntimeError, TimeoutError) as error:
        raise JobError(
            f"Kubeflow Pipelines does not answer at {endpoint or 'the current cluster'} ({explain(error)}); "
            "set KFP_ENDPOINT or --endpoint to its address, for example http://localhost:8888 after "
            "kubectl -n kubeflow port-forward svc/ml-pipeline 8888:8888"
        ) from error


def explain(error: Any) -> str:
    """The one sentence of an API error that a person can use."""
    text = getattr(error, "body", None) or getattr(error, "reason", None) or str(error)
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return " ".join(text.split())[:300]
