"""Where the pipeline runs: the root of all results, the launcher of the jobs, their pods."""

from typing import Literal

from pydantic import Field

from fimsmith import __version__
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


class Run(Section):
    """Where and on what the pipeline runs; no result depends on it."""

    root: str = Field(
        default="fimsmith-data",
        description="Folder or s3://bucket/prefix that holds all stages' results; a second run reuses what lies there.",
    )
    launcher: Literal["local", "pytorchjob"] = Field(
        default="local",
        description="What starts the jobs of train, evaluate and export: this machine, or a cluster's training operator.",
    )
    nodes: Count = Field(default=1, description="Machines that train together.")
    processes: Count = Field(
        default=1, description="Training processes per machine: GPUs, or CPU processes where there is no GPU."
    )
    kubernetes: Kubernetes = Kubernetes()
