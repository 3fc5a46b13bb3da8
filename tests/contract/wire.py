"""AWS's wire protocols from the server's side: JSON 1.1, query with XML, and the runtime's one REST call.

botocore's service models say which operation a request names and how its members are written.
"""

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import escape

import botocore.session
from botocore.model import OperationModel, ServiceModel, Shape

from tests.contract.errors import AwsError

SERVICES = ("ecr", "iam", "logs", "sagemaker", "sagemaker-runtime", "service-quotas", "sts")
OLDER = {  # what the query services call the same faults
    "ExpiredTokenException": "ExpiredToken",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "UnrecognizedClientException": "InvalidClientTokenId",
}
INVOCATION = re.compile(r"/endpoints/([^/]+)/invocations")


@dataclass(frozen=True, slots=True)
class Call:
    """One request: the service's name in botocore, the operation and its members."""

    service: str
    operation: OperationModel
    parameters: dict[str, Any]


@cache
def model(service: str) -> ServiceModel:
    """Load a service's model (the big ones take a second)."""
    return botocore.session.get_session().get_service_model(service)


def read(path: str, headers: Mapping[str, str], body: bytes, scope: str) -> Call:
    """Parse a request; `scope` is the service it was signed for."""
    call = _read(path, headers, body, scope)
    expected = model(call.service).signing_name
    if scope != expected:
        raise AwsError(
            "InvalidSignatureException", f"Credential should be scoped to correct service: '{expected}'.", 403
        )
    return call


def _read(path: str, headers: Mapping[str, str], body: bytes, scope: str) -> Call:
    if invocation := INVOCATION.fullmatch(path):
        return _invocation(unquote(invocation[1]), headers, body)
    prefix, _, name = headers.get("X-Amz-Target", "").partition(".")
    for service in SERVICES:
        if name and model(service).metadata.get("targetPrefix") == prefix:
            return Call(service, _operation(service, name), json.loads(body))
    form = dict(parse_qsl(body.decode(), keep_blank_values=True))
    if scope in ("iam", "sts") and "Action" in form:
        operation = _operation(scope, form["Action"])
        return Call(scope, operation, _unflatten(operation.input_shape, form))
    raise AwsError("UnknownOperationException", f"no operation for {path} {headers.get('X-Amz-Target')}", 404)


def _operation(service: str, name: str) -> OperationModel:
    if name not in model(service).operation_names:
        raise AwsError("UnknownOperationException", f"The requested operation {name} is not known", 404)
    return model(service).operation_model(name)


def _invocation(endpoint: str, headers: Mapping[str, str], body: bytes) -> Call:
    operation = model("sagemaker-runtime").operation_model("InvokeEndpoint")
    parameters = {"EndpointName": endpoint, "Body": body}
    for name, shape in operation.input_shape.members.items():
        if shape.serialization.get("location") == "header" and headers.get(shape.serialization["name"]):
            parameters[name] = headers[shape.serialization["name"]]
    return Call("sagemaker-runtime", operation, parameters)


def _unflatten(shape: Shape, form: Mapping[str, str], prefix: str = "") -> Any:
    """Rebuild a structure from the dotted names of the query protocol."""
    if shape.type_name == "structure":
        present = {name for name in shape.members if any(f"{key}.".startswith(f"{prefix}{name}.") for key in form)}
        return {name: _unflatten(shape.members[name], form, f"{prefix}{name}.") for name in present}
    if shape.type_name == "list":
        count = len({key.split(".")[prefix.count(".") + 1] for key in form if key.startswith(f"{prefix}member.")})
        return [_unflatten(shape.member, form, f"{prefix}member.{index}.") for index in range(1, count + 1)]
    text = form[prefix.rstrip(".")]
    return {"integer": int, "boolean": lambda value: value == "true"}.get(shape.type_name, str)(text)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: status, headers and body."""

    status: int
    headers: dict[str, str]
    body: bytes


def answer(call: Call, result: dict[str, Any]) -> Answer:
    """Write a result in the protocol of the call."""
    if call.service == "sagemaker-runtime":
        headers = {"Content-Type": result["ContentType"], "x-Amzn-Invoked-Production-Variant": "AllTraffic"}
        return Answer(200, headers, result["Body"])
    if model(call.service).metadata["protocol"] == "query":
        name = call.operation.name
        shape = call.operation.output_shape
        inner = "".join(_xml(key, shape.members[key], value) for key, value in result.items())
        text = f"<{name}Response><{name}Result>{inner}</{name}Result></{name}Response>"
        return Answer(200, {"Content-Type": "text/xml"}, text.encode())
    return _json(200, result)


def refusal(service: str | None, error: AwsError) -> Answer:
    """Write an error in the protocol of the service (JSON where none is known)."""
    if service in ("iam", "sts"):
        code = OLDER.get(error.code, error.code.removesuffix("Exception"))
        inner = f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(error.message)}</Message>"
        text = f"<ErrorResponse><Error>{inner}</Error><RequestId>fake</RequestId></ErrorResponse>"
        return Answer(error.status, {"Content-Type": "text/xml"}, text.encode())
    body = {"__type": error.code, "message": error.message, "Message": error.message, **error.fields}
    reply = _json(error.status, body)
    reply.headers["x-amzn-ErrorType"] = error.code
    return reply


def _json(status: int, body: dict[str, Any]) -> Answer:
    text = json.dumps(body, default=lambda value: value.timestamp())
    return Answer(status, {"Content-Type": "application/x-amz-json-1.1"}, text.encode())


def _xml(name: str, shape: Shape, value: Any) -> str:
    if shape.type_name == "structure":
        inner = "".join(_xml(key, shape.members[key], item) for key, item in value.items())
    elif shape.type_name == "list":
        inner = "".join(_xml("member", shape.member, item) for item in value)
    elif isinstance(value, dt.datetime):
        inner = value.isoformat()
    else:
        inner = escape(str(value).lower() if isinstance(value, bool) else str(value))
    return f"<{name}>{inner}</{name}>"
