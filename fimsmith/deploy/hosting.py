"""One deployment on SageMaker: an endpoint, its configuration and its model, all of one name."""

import contextlib
import datetime
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import ClientError

from fimsmith.deploy.refusal import existing, explained, missing
from fimsmith.deploy.request import ATTEMPT, OWNER
from fimsmith.errors import DeployError
from fimsmith.launch import aws
from fimsmith.progress import duration, say

BUSY = ("Creating", "Updating", "SystemUpdating", "RollingBack")  # SageMaker refuses to delete it meanwhile
POLL = 10.0  # seconds between two looks at the endpoint
_INTERVAL = 30.0  # seconds between two lines about an unchanged state
_LATE = 5  # times that a thing just made may be unknown yet: SageMaker's reads are eventually consistent
_FRESH = 30.0  # seconds in which a deployment that has made its model makes its endpoint
_LINES = 20  # of the log, where an endpoint failed


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of thing that SageMaker keeps by name."""

    label: str
    shape: str  # in the names of its fields
    verb: str  # in the names of the client's methods


ENDPOINT = Kind("endpoint", "Endpoint", "endpoint")
CONFIG = Kind("endpoint configuration", "EndpointConfig", "endpoint_config")
MODEL = Kind("model", "Model", "model")
KINDS = (ENDPOINT, CONFIG, MODEL)  # each needs the next one, so this is the order of removal


class Hosting:
    """What there is under the deployment's name; what this object makes bears its token."""

    def __init__(self, name: str):
        self.name, self.token = name, secrets.token_hex(8)
        with explained("cannot use SageMaker"):
            self.session = Session(region_name=aws.region())
            self.client = self.connect("sagemaker")

    @property
    def region(self) -> str:
        """Where everything of this deployment lies."""
        return self.client.meta.region_name

    def account(self) -> str:
        """Return the number of the account; of no importance, so nothing is said when it cannot be learnt."""
        with contextlib.suppress(*aws.ERRORS):
            settings = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=5)
            return self.session.client("sts", config=settings).get_caller_identity()["Account"]
        return "(unknown)"

    def connect(self, service: str) -> Any:
        """Make a client; a model may think for a minute."""
        settings = Config(retries={"mode": "standard", "total_max_attempts": 8}, connect_timeout=10, read_timeout=70)
        return self.session.client(service, config=settings)

    def find(self, kind: Kind) -> dict[str, Any] | None:
        """Describe the deployment's endpoint, configuration or model, if there is one."""
        with explained(f"cannot look at {kind.label} {self.name}"):
            try:
                return getattr(self.client, f"describe_{kind.verb}")(**{f"{kind.shape}Name": self.name})
            except ClientError as error:
                if missing(error):
                    return None
                raise

    def coming(self) -> dict[str, Any] | None:
        """Describe the endpoint, if there is one; that of another deployment which has just begun is waited for."""
        end, told = time.monotonic() + _FRESH, False
        while (found := self.find(ENDPOINT)) is None and time.monotonic() < end:
            model = self.find(MODEL)
            now = datetime.datetime.now(datetime.UTC)
            if model is None or (now - model["CreationTime"]).total_seconds() > _FRESH:
                return None
            if not told:
                told = True
                say("deploy", f"model {self.name} was made just now: waiting whether its endpoint follows")
            time.sleep(POLL / 5)
        return found

    def tags(self, kind: Kind, found: dict[str, Any]) -> dict[str, str]:
        """Return the tags of something that was found."""
        with explained(f"cannot read the tags of {kind.label} {self.name}"):
            told = self.client.list_tags(ResourceArn=found[f"{kind.shape}Arn"])["Tags"]
        return {tag["Key"]: tag["Value"] for tag in told}

    def create(self, kind: Kind, request: dict[str, Any]) -> None:
        """Make one of them; raises DeployError where another deployment was faster."""
        say("deploy", f"creating {kind.label} {self.name}")
        request = {**request, "Tags": [*request["Tags"], {"Key": ATTEMPT, "Value": self.token}]}
        with explained(f"cannot create {kind.label} {self.name}"):
            for attempt in range(1, _LATE + 1):
                try:
                    getattr(self.client, f"create_{kind.verb}")(**request)
                    return
                except ClientError as error:
                    if existing(error):
                        self._check_own(kind)  # else the answer to this request was lost, and the SDK repeated it
                        return
                    if kind is MODEL or not missing(error) or attempt == _LATE:
                        raise
                    time.sleep(POLL / 5)

    def _check_own(self, kind: Kind) -> None:
        if (found := self.find(kind)) is None or not self._is_own(kind, found):
            raise DeployError(
                f"another deployment of {self.name} is under way: it has made the {kind.label}\n"
                "  fix: wait until it is done and run the same command again, which then only tries the endpoint"
            )

    def _is_own(self, kind: Kind, found: dict[str, Any]) -> bool:
        return self.tags(kind, found).get(ATTEMPT) == self.token

    def undo(self) -> None:
        """Delete what this object made, and nothing else."""
        self.remove(own=True)

    def settle(self, states: Collection[str]) -> dict[str, Any] | None:
        """Wait while the endpoint is in one of these states, and return what it is then; None: it is gone."""
        start = told = time.monotonic()
        shown = ""
        while (found := self.find(ENDPOINT)) and (state := found["EndpointStatus"]) in states:
            if state != shown or time.monotonic() - told >= _INTERVAL:
                shown, told = state, time.monotonic()
                say("deploy", f"endpoint {self.name}: {state}, {duration(told - start)}")
            time.sleep(POLL)
        return found

    def remove(self, own: bool = False) -> list[str]:
        """Delete endpoint, configuration and model, or what this object made of them; returns which there were.

        Raises DeployError for one that fimsmith did not make. An endpoint in creation can only be waited for.
        """
        removed = []
        for kind in KINDS:
            if (found := self.find(kind)) is None or (own and not self._is_own(kind, found)):
                continue
            if self.tags(kind, found).get(OWNER) != self.name:
                raise DeployError(
                    f"{kind.label} {self.name} was not made by fimsmith: it lacks the tag {OWNER}; delete it yourself "
                    f"({self._command(kind)}), or choose another export.name"
                )
            if kind is ENDPOINT and found["EndpointStatus"] in BUSY:
                say("deploy", "an endpoint in creation cannot be deleted: waiting for its end")
                found = self.settle(BUSY)
            if kind is not ENDPOINT or (found and found["EndpointStatus"] != "Deleting"):
                self._delete(kind)
            if kind is ENDPOINT:
                self.settle((*BUSY, "Deleting"))
            removed.append(kind.label)
            say("deploy", f"deleted {kind.label} {self.name}")
        return removed

    def _command(self, kind: Kind) -> str:
        verb = kind.verb.replace("_", "-")
        return f"aws sagemaker delete-{verb} --region {self.region} --{verb}-name {self.name}"

    def _delete(self, kind: Kind) -> None:
        with explained(f"cannot delete {kind.label} {self.name}"):
            try:
                getattr(self.client, f"delete_{kind.verb}")(**{f"{kind.shape}Name": self.name})
            except ClientError as error:
                if not missing(error):
                    raise

    @property
    def log_group(self) -> str:
        """The log of the endpoint's containers; SageMaker makes it, and it outlives the endpoint."""
        return f"/aws/sagemaker/Endpoints/{self.name}"

    def last_lines(self) -> list[str]:
        """Return the end of the newest container's log; empty when there is none or it may not be read."""
        with contextlib.suppress(*aws.ERRORS):
            logs = self.connect("logs")
            order = {"orderBy": "LastEventTime", "descending": True, "limit": 1}
            streams = logs.describe_log_streams(logGroupName=self.log_group, **order)["logStreams"]
            for stream in streams:
                place = {"logGroupName": self.log_group, "logStreamName": stream["logStreamName"]}
                return [event["message"].rstrip() for event in logs.get_log_events(**place, limit=_LINES)["events"]]
        return []
