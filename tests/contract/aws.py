"""An AWS account on this machine that the real boto3 client talks to: training jobs, endpoints, logs, and the rest.

    with FakeAws(store="http://127.0.0.1:5000", folder=tmp_path, capacity=False) as aws:
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)

Requests are checked as the services check them (signature, model, patterns), training jobs run as real processes and
pass through the documented states, and everything that goes wrong in a real account can be asked for: see Behaviour.
"""

import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from botocore import xform_name

from tests.contract import signing, validation, wire
from tests.contract.behaviour import Behaviour
from tests.contract.errors import AwsError, known
from tests.contract.logs import Logs
from tests.contract.store import Store
from tests.contract.training import Training

ACCOUNT = "123456789012"
REGION = "us-east-1"
CALLER = f"arn:aws:iam::{ACCOUNT}:user/tester"


class FakeAws:
    """The account; `store` is the URL of the S3 that its jobs use, `folder` holds the trees of their hosts."""

    region = REGION

    def __init__(self, store: str, folder: Path, **behaviour):
        self.behaviour = Behaviour(**behaviour)
        self.folder = folder
        self.store = Store(store, REGION)
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.counts: Counter[str] = Counter()
        self.tags: dict[str, list[dict]] = {}
        self.logs = Logs()
        self.training = Training(self)
        self.parts = {"logs": [self.logs], "sagemaker": [self.training]}

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
        services = ["CLOUDWATCH_LOGS", "ECR", "IAM", "SAGEMAKER", "SAGEMAKER_RUNTIME", "SERVICE_QUOTAS", "STS"]
        return {
            **{f"AWS_ENDPOINT_URL_{name}": self.url for name in services},
            "AWS_ENDPOINT_URL_S3": self.store.url,
            "AWS_ACCESS_KEY_ID": signing.ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": signing.SECRET_KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def arn(self, service: str, resource: str) -> str:
        """Name something of this account."""
        return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"

    def has_image(self, image: str) -> bool:
        """Say whether the registry holds an image."""
        images = self.behaviour.images
        return images is None or image.split("/", 1)[-1] in images

    def check_role(self, arn: str) -> None:
        """Refuse a role that SageMaker cannot assume."""
        if arn.rsplit("/", 1)[-1] not in self.behaviour.roles or f"::{ACCOUNT}:" not in arn:
            raise AwsError(
                "ValidationException",
                f"Could not assume role {arn}. Please ensure that the role exists and allows principal "
                "'sagemaker.amazonaws.com' to assume the role.",
            )
        self.allow("iam:PassRole", arn)

    def check_quota(self, name: str, used: int, wanted: int) -> None:
        """Refuse more instances than the quota leaves."""
        limit = self.behaviour.quotas.get(name, 8)
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
                f"User: {CALLER} is not authorized to perform: {action} on resource: {resource} "
                f"because no identity-based policy allows the {action} action"
            )
            raise AwsError("AccessDeniedException", message)

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

    def _do(self, call: wire.Call) -> dict[str, Any]:
        operation = call.operation.name
        self.calls.append((call.service, operation, call.parameters))
        codes = self.behaviour.errors.get(operation, ())
        self.counts[operation] += 1
        if self.counts[operation] <= len(codes):
            raise known(codes[self.counts[operation] - 1])
        validation.check(call.service, call.operation.input_shape, call.parameters)
        self.allow(f"{wire.model(call.service).signing_name}:{operation}")
        for part in self.parts.get(call.service, []):
            if method := getattr(part, xform_name(operation), None):
                return method(call.parameters)
        raise AwsError("UnknownOperationException", f"the fake account does not know {operation}", 404)


def _handler(aws: FakeAws) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # noqa: N802 (http.server's name)
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
