"""gate: one boolean, whether the tuned model may be handed over, with its reasons."""

from kfp import dsl

from components import images


@dsl.component(base_image=images.PIPELINE, install_kfp_package=False)
def gate(
    section: dict,
    root: str,
    base: dsl.Input[dsl.Dataset],
    tuned: dsl.Input[dsl.Dataset],
    decision: dsl.Output[dsl.Artifact],
) -> bool:
    """Compare the tuned model's scores with the base's."""
    from fimsmith import config, gate, task

    task.begin()
    made = gate.decide(config.Gate(**section), task.read(base), task.read(tuned), root)
    task.publish(made, decision)
    return bool(made.details["passed"])
