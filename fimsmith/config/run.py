"""Where the pipeline runs: the root of all results, the launcher of the jobs, their pods or instances."""

from typing import Literal, Self

from pydantic import Field, model_validator

from fimsmith import __version__
from fimsmith.config.aws import Key, Role, Tags, TrainingPlan
from fimsmith.config.endpoint import Endpoint
from fimsmith.config.quantity import Quantity
from fimsmith.config.section import Count, Section


class Kubernetes(Section):
    """The pods of jobs, for the launcher `pytorchjob`; amounts are per pod, and a pod is one of run.nodes."""

    namespace: str | None = Field(
        default=None, description="Where jobs run; null: this pod's namespace, or else the current context's."
    )
    image: str = Field(
        default=f"fimsmith/train:{__version__}",
        description="Image of the jobs, by digest or by a tag that never moves.",
    )
    service_account: str = Field(
        default="fimsmith-job", description="Account of the pods: its cloud identity reads and writes run.root."
    )
    secret: str | None = Field(
        default="fimsmith-s3",
        description="Secret whose keys become environment variables (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, "
        "AWS_ENDPOINT_URL, AWS_REGION); it may be missing where the account has a cloud identity.",
    )
    cpu: Quantity = Field(
        default="4", description="CPUs that a pod is sure to get, as a Kubernetes quantity; it may use more."
    )
    memory: Quantity = Field(default="16Gi", description="Memory, as a Kubernetes quantity; /dev/shm counts in it.")
    shm: Quantity = Field(default="2Gi", description="Size of /dev/shm, as a Kubernetes quantity.")
    disk: Quantity = Field(
        default="50Gi", description="Local disk for weights, data and checkpoints, as a Kubernetes quantity."
    )
    gpus: int = Field(default=0, ge=0, description="GPUs; give run.processes the same number.")
    gpu_resource: str = Field(default="nvidia.com/gpu", description="Name under which nodes offer GPUs.")
    efa: int = Field(default=0, ge=0, description="EFA devices (vpc.amazonaws.com/efa): what the instance type has.")
    hugepages: Quantity | None = Field(
        default=None, description="2 MiB huge pages, as a Kubernetes quantity; EFA wants 5Gi or more."
    )
    node_selector: dict[str, str] = Field(default={}, description="Labels that a node must have.")
    tolerations: list[dict[str, str | int]] = Field(
        default=[], description="Taints that the pods put up with, in Kubernetes' own words."
    )
    queue: str | None = Field(default=None, description="Kueue LocalQueue; null: no Kueue.")
    priority_class: str | None = Field(default=None, description="PriorityClass of the pods.")
    pull_secrets: list[str] = Field(default=[], description="Secrets that let nodes pull the image.")
    patience: float = Field(
        default=600.0,
        gt=0,
        description="Seconds that a pod may wait for a node, its image or a volume; an image that is not there or wants "
        "a login is not waited for, a queued job without limit.",
    )
    deadline: float = Field(
        default=86_400.0, gt=0, description="Seconds after which a job is ended; each of its new starts has as many."
    )
    restarts: int = Field(
        default=3, ge=0, description="New starts after a lost pod or node; training goes on at its last checkpoint."
    )


class SageMaker(Section):
    """The training jobs of the launcher `sagemaker`; run.nodes is their number of instances."""

    role: Role | None = Field(
        default=None,
        description="ARN of the role that jobs take on: it reads and writes run.root. Required by this launcher.",
    )
    image: str | None = Field(
        default=None,
        description="Image of the jobs (images/train) in ECR, by digest or by a tag that never moves. Required by this launcher.",
    )
    instance_type: str = Field(
        default="ml.g6e.12xlarge",
        pattern=r"^ml\.",
        description="Instances that train; run.processes is the number of their GPUs.",
    )
    single_instance_type: str | None = Field(
        default=None,
        pattern=r"^ml\.",
        description="Instance of evaluate and export, which are one process on one GPU or none; null: as for training.",
    )
    volume: int = Field(
        default=200, ge=1, description="Disk of an instance without one of its own, for data and checkpoints, in GB."
    )
    subnets: list[str] = Field(
        default=[], max_length=16, description="Subnets of the VPC that instances join; none: no VPC."
    )
    security_groups: list[str] = Field(
        default=[],
        max_length=5,
        description="Security groups in that VPC; EFA wants all traffic allowed within them.",
    )
    kms_key: Key | None = Field(
        default=None,
        description="KMS key, by id or ARN, of disks, the endpoint's included, and of results as SageMaker writes them. All "
        "else in the bucket, checkpoints included, is encrypted as the bucket says: make the key its default "
        "(docs/sagemaker.md, Encryption).",
    )
    encrypt_between: bool = Field(
        default=False, description="Encrypt traffic between instances; slows training on several of them."
    )
    network_isolation: bool = Field(
        default=False, description="Cut containers off from any network but the one between a job's instances."
    )
    spot: bool = Field(default=False, description="Use spot instances; training goes on at its last checkpoint.")
    max_runtime: int = Field(default=86_400, ge=1, le=2_419_200, description="Seconds that a job may run.")
    max_wait: int = Field(
        default=172_800,
        ge=1,
        description="Seconds that a spot job may take in all, its waiting included; and that any job waits at most while "
        "others use up the quota.",
    )
    retries: int = Field(
        default=3, ge=0, le=30, description="Times that SageMaker starts a job anew after its own faults."
    )
    keep_alive: int = Field(
        default=0,
        ge=0,
        le=21_600,
        description="Seconds that instances of instance_type stay after a job for the next one (a warm pool, billed); not "
        "with spot. Another single_instance_type is never kept: the jobs that use it are the last of a run.",
    )
    training_plan: TrainingPlan | None = Field(
        default=None,
        description="ARN of a training plan, whose reserved instances jobs on instance_type take; null: on demand, or spot.",
    )
    input_mode: Literal["File", "FastFile"] = Field(
        default="File",
        description="How inputs arrive: copied before the job begins, or streamed from S3 as they are read.",
    )
    fsx: str | None = Field(
        default=None,
        pattern=r"^fs-[0-9a-f]{8,}$",
        description="FSx for Lustre file system that shows run.root, for inputs instead of input_mode; needs subnets.",
    )
    fsx_directory: str = Field(
        default="/", pattern="^/", description="What run.root is on that file system: /mount-name/path."
    )
    tags: Tags = Field(default={}, description="Tags of jobs and endpoints, for cost reports.")
    prices: dict[str, float] = Field(
        default={}, description="Price of an hour by instance type, which shows a job's cost so far."
    )
    endpoint: Endpoint = Endpoint()

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.spot and self.keep_alive:
            raise ValueError("a warm pool has no spot instances; set keep_alive to 0 or spot to false")
        if self.spot and self.max_wait < self.max_runtime:
            raise ValueError(
                f"max_wait {self.max_wait} is below max_runtime {self.max_runtime}, which it includes; raise it"
            )
        if bool(self.subnets) != bool(self.security_groups):
            raise ValueError("a VPC takes both, subnets and security_groups; set the other one, too")
        if self.fsx and not self.subnets:
            raise ValueError("fsx is reached through a VPC only; set subnets and security_groups")
        return self


class Run(Section):
    """Where and on what the pipeline runs; no result depends on it."""

    root: str = Field(
        default="fimsmith-data",
        description="Folder or s3://bucket/prefix that holds all stages' results; a second run reuses what lies there.",
    )
    launcher: Literal["local", "pytorchjob", "sagemaker"] = Field(
        default="local",
        description="What starts the jobs of train, evaluate and export: this machine, a cluster's training operator, or "
        "Amazon SageMaker.",
    )
    nodes: Count = Field(default=1, description="Machines that train together.")
    processes: Count = Field(
        default=1, description="Training processes per machine: GPUs, or CPU processes where there is no GPU."
    )
    kubernetes: Kubernetes = Kubernetes()
    sagemaker: SageMaker = SageMaker()
