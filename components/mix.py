"""mix: exact token budgets per group, packed into sequences."""

from typing import List  # noqa: UP035

from kfp import dsl

from components import images


@dsl.component(base_image=images.PIPELINE, install_kfp_package=False)
def mix(
    section: dict,
    root: str,
    samples: dsl.Input[List[dsl.Dataset]],  # noqa: UP006
    base: dsl.Input[dsl.Model],
    packed: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
):
    """Mix samples by exact token budgets and pack them into sequences."""
    from fimsmith import config, mix, task

    task.begin()
    made = mix.build(config.Mix(**section), task.read_all(samples), task.read(base), root)
    task.publish(made, packed, metrics)
