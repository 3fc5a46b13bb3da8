"""export: the tuned model as servers and IDEs take it, or the reasons why it is withheld."""

from typing import List  # noqa: UP035

from kfp import dsl

from components import images


@dsl.component(base_image=images.PIPELINE, install_kfp_package=False, task_config_passthroughs=images.TO_JOB)
def export(
    section: dict,
    run: dict,
    root: str,
    receipt: dsl.Input[dsl.Artifact],
    base: dsl.Input[dsl.Model],
    tuned: dsl.Input[dsl.Model],
    decision: dsl.Input[dsl.Artifact],
    base_scores: dsl.Input[dsl.Dataset],
    tuned_scores: dsl.Input[dsl.Dataset],
    samples: dsl.Input[List[dsl.Dataset]],  # noqa: UP006
    model: dsl.Output[dsl.Model],
    pod: dsl.TaskConfig = None,  # type: ignore[assignment]  # filled in by KFP
):
    """Write, check and document the model that is handed over."""
    from fimsmith import config, launch, task

    task.begin()
    inputs = task.read_all([base, tuned, decision, base_scores, tuned_scores, *samples])
    place = config.Run(root=root, **run)
    made = launch.export(config.Export(**section), place, inputs, task.read(receipt).details, launch.Placement.of(pod))
    task.publish(made, model)
