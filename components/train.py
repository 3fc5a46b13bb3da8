"""train: launch the fine-tuning job and wait for its model."""

from kfp import dsl

from components import images


@dsl.component(base_image=images.PIPELINE, install_kfp_package=False, task_config_passthroughs=images.TO_JOB)
def train(
    section: dict,
    run: dict,
    root: str,
    base: dsl.Input[dsl.Model],
    packed: dsl.Input[dsl.Dataset],
    tuned: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    pod: dsl.TaskConfig = None,  # type: ignore[assignment]  # filled in by KFP
):
    """Fine-tune the base model on the packed sequences."""
    from fimsmith import config, launch, task

    task.begin()
    place = config.Run(root=root, **run)
    made = launch.train(config.Train(**section), place, task.read(base), task.read(packed), launch.Placement.of(pod))
    task.publish(made, tuned, metrics)
