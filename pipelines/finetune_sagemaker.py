"""The whole fine-tuning as one Kubeflow pipeline whose GPU jobs run on Amazon SageMaker.

    kfp dsl compile --py pipelines/finetune_sagemaker.py --output pipeline.yaml

Graph, components and parameters are those of finetune.py; `run` has another default, and needs `sagemaker.role` and
`sagemaker.image`. The CPU stages stay where Kubeflow runs them.
"""

import functools
import inspect

from kfp import dsl

from pipelines.finetune import dag

_RUN = {"launcher": "sagemaker"}


@functools.wraps(dag)
def _on_sagemaker(*arguments, **named):
    return dag(*arguments, **named)


_parameters = inspect.signature(dag).parameters
_changed = {**_parameters, "run": _parameters["run"].replace(default=_RUN)}
_on_sagemaker.__signature__ = inspect.Signature(list(_changed.values()))  # type: ignore[attr-defined]  # KFP reads it

finetune_sagemaker = dsl.pipeline(
    name="fimsmith-sagemaker", description="Fine-tune a code model on a company's own Java, with SageMaker's GPUs."
)(_on_sagemaker)
