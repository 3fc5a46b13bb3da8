"""report: one HTML page about the whole run."""

from typing import List  # noqa: UP035

from kfp import dsl

from components import images


@dsl.component(base_image=images.PIPELINE, install_kfp_package=False)
def report(
    section: dict,
    root: str,
    receipt: dsl.Input[dsl.Artifact],
    base: dsl.Input[dsl.Model],
    files: dsl.Input[List[dsl.Dataset]],  # noqa: UP006
    curated: dsl.Input[dsl.Dataset],
    samples: dsl.Input[List[dsl.Dataset]],  # noqa: UP006
    packed: dsl.Input[dsl.Dataset],
    tuned: dsl.Input[dsl.Model],
    base_scores: dsl.Input[dsl.Dataset],
    tuned_scores: dsl.Input[dsl.Dataset],
    decision: dsl.Input[dsl.Artifact],
    model: dsl.Input[dsl.Model],
    result: dsl.Output[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
):
    """Draw curves, tables and sample completions from the manifests of all stages."""
    from fimsmith import config, report, task

    task.begin()
    data = [receipt, base, *files, curated, *samples, packed]
    outcome = [tuned, base_scores, tuned_scores, decision, model]
    made = report.build(config.Report(**section), task.read_all([*data, *outcome]), root)
    task.publish_page(made, result, page)
