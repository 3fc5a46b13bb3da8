"""ingest: one source becomes a parquet of decoded files; every rejected file is counted."""

from kfp import dsl

from components import images


@dsl.component(base_image=images.PIPELINE, install_kfp_package=False)
def ingest(section: dict, source: dict, root: str, files: dsl.Output[dsl.Dataset], metrics: dsl.Output[dsl.Metrics]):
    """Take the files of one source that pass the filters."""
    from fimsmith import config, corpus, task

    task.begin()
    made = corpus.ingest(config.Ingest(**section), config.Source(**source), root)
    task.publish(made, files, metrics)
