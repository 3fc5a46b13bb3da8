"""What becomes of a request to a Kubernetes API server that fails."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any


class RequestError(Exception):
    """A request did not do what it was to do."""


class Refused(RequestError):  # noqa: N818  an answer, not a failure of ours
    """The API server's answer is an error."""

    def __init__(self, status: int, message: str):
        super().__init__(f"{status}: {message}")
        self.status, self.message = status, message


class Unreachable(RequestError):  # noqa: N818
    """No answer came."""


@contextlib.contextmanager
def answered() -> Iterator[None]:
    """Turn what the client raises into a RequestError."""
    from kubernetes.client import ApiException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except ApiException as error:
        if not error.status:  # it did not come to a request
            raise Unreachable(str(error.reason)) from error
        raise Refused(error.status, _message(error)) from error
    except (HTTPError, OSError) as error:
        raise Unreachable(_innermost(error)) from error


def _message(error: Any) -> str:
    """What the server says, without the object around it."""
    body = error.body.decode("utf-8", "replace") if isinstance(error.body, bytes) else str(error.body or "")
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.strip() or str(error.reason)


def _innermost(error: BaseException) -> str:
    while isinstance(reason := getattr(error, "reason", None), Exception):
        error = reason
    return str(error) or type(error).__name__


@contextlib.contextmanager
def missing(*codes: int) -> Iterator[None]:
    """Pass over the answer that there is no such thing."""
    try:
        yield
    except Refused as error:
        if error.status not in (codes or (404,)):
            raise
