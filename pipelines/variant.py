"""Which of the pipelines a configuration runs."""

from typing import Any


def chosen(launcher: str) -> Any:
    """Return the pipeline whose jobs go where the launcher says."""
    if launcher == "sagemaker":  # importing a pipeline compiles it, which takes a second
        from pipelines.finetune_sagemaker import finetune_sagemaker

        return finetune_sagemaker
    from pipelines.finetune import finetune

    return finetune
