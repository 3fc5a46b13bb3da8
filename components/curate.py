"""curate: duplicates, benchmark leakage, the split, and the shards."""

from typing import List  # noqa: UP035

from kfp import dsl

from components import images


@dsl.component(base_image=images.PIPELINE, install_kfp_package=False)
def curate(
    section: dict,
    root: str,
    files: dsl.Input[List[dsl.Dataset]],  # noqa: UP006
    curated: dsl.Output[dsl.Dataset],
    metrics: dsl.Output[dsl.Metrics],
):
    """Remove duplicates and leaked benchmarks, then split by near-duplicate cluster."""
    from fimsmith import config, corpus, task

    task.begin()
    made = corpus.curate(config.Curate(**section), task.read_all(files), root)
    task.publish(made, curated, metrics)
