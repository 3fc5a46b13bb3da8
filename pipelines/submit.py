"""Start the pipeline on a Kubeflow Pipelines back end, and follow it.

fimsmith submit company.yaml --watch
"""

import contextlib
import io
import tempfile
import warnings
from pathlib import Path
from typing import Any

from kfp import Client, compiler
from kfp_server_api import ApiException

from fimsmith import config, storage
from fimsmith.errors import ConfigError, JobError
from fimsmith.progress import say
from pipelines import variant, watch
from pipelines.backend import connect, explain


def submit(configuration: config.Config, endpoint: str | None, experiment: str, name: str) -> str:
    """Upload the pipeline and start a run; returns the run's id."""
    root = configuration.run.root
    if not storage.is_remote(root):
        raise ConfigError(
            f"run.root {root!r} is a folder, but the tasks of a cluster share no disk; set run.root to s3://bucket/prefix"
        )
    client = connect(endpoint)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        package = str(Path(folder) / "pipeline.yaml")
        compiler.Compiler().compile(variant.chosen(configuration.run.launcher), package)
        arguments = configuration.parameters()
        try:
            run: Any = client.create_run_from_pipeline_package(
                package, arguments=arguments, run_name=name, experiment_name=experiment
            )
        except ApiException as error:
            raise JobError(f"Kubeflow Pipelines refused the run: {explain(error)}; run: fimsmith doctor") from error
    say("submit", f"{name}: {page(client, run.run_id)}")
    return run.run_id


def page(client: Client, run: str) -> str:
    """Return the address of a run's page in KFP's user interface."""
    return f"{client._get_url_prefix()}/#/runs/details/{run}"


def follow(endpoint: str | None, run: str, namespace: str) -> None:
    """Show a run until it ends; raises JobError, with the failed stage's own message, unless it succeeds."""
    client = connect(endpoint)
    try:
        watch.Watch(client, run, namespace).run()
    except KeyboardInterrupt:
        say(
            "submit",
            f"no longer watching; the run goes on. To see it: fimsmith watch {run}; to end it: fimsmith stop {run}",
        )
        raise


def stop(endpoint: str | None, run: str) -> None:
    """Terminate a run; its jobs are deleted by the step that watches them."""
    client = connect(endpoint)
    try:
        client.terminate_run(run)
    except ApiException as error:
        raise JobError(f"the run {run} cannot be ended: {explain(error)}") from error
    say("submit", f"asked Kubeflow to end {run}")
