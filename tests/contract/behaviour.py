"""What a test may ask of the fake account: keyword arguments of FakeAws, all with a healthy account as default."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Behaviour:
    """How the account answers, fails and interrupts; a test may change fields while it runs."""

    # operation -> codes given to its next calls, such as {"DescribeTrainingJob": ["ThrottlingException"] * 2}
    errors: dict[str, list[str]] = field(default_factory=dict)
    # operation -> how many of its next answers are lost after the deed, such as {"CreateModel": 1}
    lost: dict[str, int] = field(default_factory=dict)
    # IAM actions that the caller may not do, such as {"iam:PassRole"}
    denied: frozenset[str] | set[str] = frozenset()
    caller: str = "arn:aws:iam::123456789012:user/tester"
    # roles that exist, with the service that may assume them
    roles: Mapping[str, str] = field(default_factory=lambda: {"fimsmith": "sagemaker.amazonaws.com"})
    # images in the registry as "repository:tag"; None: every image asked for exists
    images: Sequence[str] | None = None
    # quotas by name, such as {"ml.p5.48xlarge for training job usage": 0}; every other quota is 8
    quotas: Mapping[str, float] = field(default_factory=dict)
    # quotas that nobody has changed and that are listed among AWS's defaults only
    unlisted: frozenset[str] | set[str] = frozenset()

    capacity: bool = True  # False: no instance is ever found
    # for the n-th life of a spot job: a glob below its tree (checkpoints/step-2/*); a match interrupts that life
    interrupt_at: Sequence[str] = ()
    torn: bool = False  # an interruption cuts the upload of the newest checkpoint's largest file in half
    server_faults: int = 0  # lives that end with InternalServerError
    grace: float = 120.0  # seconds between SIGTERM and SIGKILL
    pace: float = 0.02  # seconds that the steps before and after training last
    slow_creation: float = 0.0  # seconds until a training job that was asked for is there
    known_late: int = 0  # requests for a training job that was just made which do not find it yet
    log_delay: float = 0.0  # seconds until a printed line can be read from CloudWatch
    empty_pages: bool = False  # before each page with log events comes one without
    file_systems: Mapping[str, Path] = field(default_factory=dict)  # FSx file system id -> the folder it shares

    slow_deletion: int = 1  # looks during which a deleted endpoint is still there
    healthy: bool = True  # False: endpoints fail their ping health check
    # what a deployed model answers; raising makes InvokeEndpoint fail as ModelError
    model: Callable[[bytes], bytes] = lambda body: body
