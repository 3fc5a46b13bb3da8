"""preflight: check configuration, sources and model before anything is spent."""

from typing import List  # noqa: UP035  KFP wants typing's names

from kfp import dsl

from components import images


@dsl.component(base_image=images.PIPELINE, install_kfp_package=False)
def preflight(
    root: str,
    run: dict,
    model: dict,
    sources: list,
    ingest: dict,
    curate: dict,
    fim: dict,
    mix: dict,
    train: dict,
    evaluate: dict,
    gate: dict,
    export: dict,
    report: dict,
    receipt: dsl.Output[dsl.Artifact],
    base: dsl.Output[dsl.Model],
) -> List[int]:  # noqa: UP006
    """Check all sections together, and return the numbers of the shards that fim fans out over."""
    from fimsmith import configfile, preflight, task

    task.begin()
    sections = {
        "model": model,
        "sources": sources,
        "ingest": ingest,
        "curate": curate,
        "fim": fim,
        "mix": mix,
        "train": train,
        "evaluate": evaluate,
        "gate": gate,
        "export": export,
        "report": report,
    }
    checked = configfile.from_parameters(root, run, **sections)
    task.publish_all(preflight.check(checked), (receipt, base))
    return list(range(checked.curate.shards))
