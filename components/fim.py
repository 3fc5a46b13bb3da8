"""fim: one shard of files becomes training samples and candidates of the FIM test set."""

from kfp import dsl

from components import images


@dsl.component(base_image=images.PIPELINE, install_kfp_package=False)
def fim(
    section: dict,
    shard: int,
    root: str,
    curated: dsl.Input[dsl.Dataset],
    base: dsl.Input[dsl.Model],
    samples: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
):
    """Cut fill-in-the-middle samples on syntax-tree spans."""
    from fimsmith import config, fim, task

    task.begin()
    made = fim.build(config.Fim(**section), int(shard), task.read(curated), task.read(base), root)
    task.publish(made, samples, metrics)
