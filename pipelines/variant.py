"""Which of the pipelines a configuration runs."""

from typing import Any

from pipelines.finetune import finetune
from pipelines.finetune_sagemaker import finetune_sagemaker


def chosen(launcher: str) -> Any:
    """Return the pipeline whose jobs go where the launcher says."""
    return finetune_sagemaker if launcher == "sagemaker" else finetune
