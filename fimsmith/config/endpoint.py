"""How the exported model is served on Amazon SageMaker."""

from typing import Annotated

from pydantic import Field

from fimsmith.config.section import Count, Section

Seconds = Annotated[int, Field(ge=60, le=3600)]


class Endpoint(Section):
    """The endpoint that `fimsmith deploy sagemaker` makes; role, VPC and isolation are those of run.sagemaker."""

    image: str | None = Field(
        default=None, description="LMI container (DJL Serving with vLLM) 15 or newer in this region; docs/sagemaker.md."
    )
    instance_type: str = Field(default="ml.g6e.2xlarge", pattern=r"^ml\.", description="Instances that serve.")
    instances: Count = Field(default=1, description="How many of them.")
    ami: str | None = Field(
        default=None,
        description="InferenceAmiVersion, which decides on the GPU driver; null: the instance type's default.",
    )
    download: Seconds = Field(default=1800, description="Seconds that an instance may take to fetch the model.")
    startup: Seconds = Field(default=1800, description="Seconds that the container may take until it is healthy.")
    environment: dict[str, str] = Field(
        default={}, description="More variables of the container, such as OPTION_GPU_MEMORY_UTILIZATION."
    )
