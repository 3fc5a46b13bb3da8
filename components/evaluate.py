"""evaluate: one model's completions of the fixed FIM test set, and their scores."""

from typing import List  # noqa: UP035

from kfp import dsl

from components import images


@dsl.component(base_image=images.PIPELINE, install_kfp_package=False, task_config_passthroughs=images.TO_JOB)
def evaluate(
    section: dict,
    run: dict,
    root: str,
    model: dsl.Input[dsl.Model],
    samples: dsl.Input[List[dsl.Dataset]],  # noqa: UP006
    scores: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
    pod: dsl.TaskConfig = None,  # type: ignore[assignment]  # filled in by KFP
):
    """Generate and score completions; runs once for the base and once for the tuned model."""
    from fimsmith import config, launch, task

    task.begin()
    place = config.Run(root=root, **run)
    made = launch.evaluate(
        config.Evaluate(**section), place, task.read(model), task.read_all(samples), launch.Placement.of(pod)
    )
    task.publish(made, scores, metrics)
