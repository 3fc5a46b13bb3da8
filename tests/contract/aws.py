"""An AWS account on this machine that the real boto3 client talks to: training jobs, endpoints, logs, and the rest.

    with FakeAws(store="http://127.0.0.1:5000", folder=tmp_path, capacity=False) as aws:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)

Requests are checked as the services check them (signature, model, patterns), training jobs run as real processes and
pass through the documented states, and everything that goes wrong in a real account can be asked for: see Behaviour.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from botocore import xform_name

from tests.contract import signing, validation, wire
from tests.contract.account import Identity, Quotas, Registry, Tags
from tests.contract.behaviour import Behaviour
from tests.contract.endpoints import Endpoints
from tests.contract.errors import AwsError, known
from tests.contract.logs import Logs
from tests.contract.store import Store
from tests.contract.training import Training

SERVICES = ("CLOUDWATCH_LOGS", "ECR", "IAM", "SAGEMAKER", "SAGEMAKER_RUNTIME", "SERVICE_QUOTAS", "STS")


class FakeAws:
    """The account; `store` is the URL of the S3 that its jobs use, `folder` holds the trees of their hosts."""

    account = "123456789012"
    region = "us-east-1"

    def __init__(self, store: str, folder: Path, **behaviour):
        self.behaviour = Behaviour(**behaviour)
        self.folder = folder
        self.store = Store(store, self.region)
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.tags: dict[str, list[dict]] = {}
        self.logs = Logs(self.behaviour)
        self.training = Training(self)
        endpoints = Endpoints(self)
        self.parts = {
            "ecr": [Registry(self)],
            "iam": [Identity(self)],
            "logs": [self.logs],
            "sagemaker": [self.training, endpoints, Tags(self)],
            "sagemaker-runtime": [endpoints],
            "service-quotas": [Quotas(self)],
            "sts": [Identity(self)],
        }

    def __enter__(self) -> "FakeAws":
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        return self

    def __exit__(self, *_) -> None:
        self.behaviour.grace = 0
        self.training.close()
        self.server.shutdown()
        self.server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """What makes boto3 use this account."""
        return {
            **{f"AWS_ENDPOINT_URL_{name}": self.url for name in SERVICES},
            "AWS_ENDPOINT_URL_S3": self.store.url,
            "AWS_ACCESS_KEY_ID": signing.ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": signing.SECRET_KEY,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
        }

    def arn(self, service: str, resource: str) -> str:
        """Name something of this account."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"

    def has_own_disk(self, kind: str) -> bool:
        """Say whether instances have local storage, for which no key can be given."""
        return kind.split(".")[1].startswith(("p3dn", "p4", "p5", "p6", "g4dn", "g5", "g6", "trn", "m5d", "c5d", "r5d"))

    def has_image(self, image: str) -> bool:
        """Say whether an image can be pulled; other accounts' registries hold everything."""
        registry, _, name = image.partition("/")
        images = self.behaviour.images
        return images is None or not registry.startswith(self.account) or name in images

    def check_role(self, arn: str) -> None:
        """Refuse a role that SageMaker cannot assume."""
        principal = self.behaviour.roles.get(arn.rsplit("/", 1)[-1])
        if principal != "sagemaker.amazonaws.com" or f"::{self.account}:" not in arn:
            raise AwsError(
                "ValidationException",
                f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
                "'sagemaker.amazonaws.com' to assume the role.",
            )
        self.allow("iam:PassRole", arn)

    def quota(self, name: str) -> float:
        """Say how many instances a quota allows."""
        return self.behaviour.quotas.get(name, 8)

    def check_quota(self, name: str, used: int, wanted: int) -> None:
        """Refuse more instances than the quota leaves."""
        limit = self.quota(name)
        if used + wanted > limit:
            raise AwsError(
                "ResourceLimitExceeded",
                f"The account-level service limit '{name}' is {limit:.0f} Instances, with current utilization of "
                f"{used} Instances and a request delta of {wanted} Instances. Please use AWS Service Quotas to request "
                "an increase for this quota. If AWS Service Quotas is not available, contact AWS support to request "
                "an increase for this quota.",
            )

    def allow(self, action: str, resource: str = "*") -> None:
        """Refuse an action that the caller's policy leaves out."""
        if action in self.behaviour.denied:
            message = (
                f"User: {self.behaviour.caller} is not authorized to perform: {action} on resource: {resource} "
                f"because no identity-based policy allows the {action} action"
            )
            raise AwsError("AccessDeniedException", message)

    def tag(self, arn: str, request: dict) -> None:
        """Keep the tags that a resource is made with; giving any takes the right to tag."""
        if request.get("Tags"):
            self.allow("sagemaker:AddTags", arn)
        self.tags[arn] = request.get("Tags", [])

    def handle(self, method: str, path: str, headers: Any, body: bytes) -> wire.Answer:
        """Answer one request."""
        service = None
        try:
            service = signing.signed_for(headers)
            call = wire.read(path, headers, body, service)
            service = call.service
            signing.verify(method, self.url + path, headers, body)
            return wire.answer(call, self._do(call))
        except AwsError as error:
            return wire.refusal(service, error)
        except Exception as error:  # a fault of the fake: the caller sees it instead of a closed connection
            return wire.refusal(service, AwsError("InternalFailure", f"the fake account broke: {error!r}", 500))

    def _do(self, call: wire.Call) -> dict[str, Any]:
        operation = call.operation.name
        self.calls.append((call.service, operation, call.parameters))
        if codes := self.behaviour.errors.get(operation):
            raise known(codes.pop(0))
        validation.check(call.service, call.operation.input_shape, call.parameters)
        self.allow(f"{wire.model(call.service).signing_name}:{operation}")
        for part in self.parts.get(call.service, []):
            if method := getattr(part, xform_name(operation), None):
                result = method(call.parameters)
                if self.behaviour.lost.get(operation, 0) > 0:
                    self.behaviour.lost[operation] -= 1
                    raise known("InternalFailure")
                return result
        raise AwsError("UnknownOperationException", f"the fake account does not know {operation}", 404)


def _handler(aws: FakeAws) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body go apart: the second would wait 40 ms for the client's kernel

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = aws.handle(self.command, self.path, self.headers, body)
            self.send_response(answer.status)
            headers = {**answer.headers, "Content-Length": str(len(answer.body)), "x-amzn-RequestId": "fake"}
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)

        def log_message(self, *_) -> None:
            """Say nothing: the calls are in aws.calls."""

    return Handler
