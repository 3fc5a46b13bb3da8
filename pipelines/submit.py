"""Start the pipeline on a Kubeflow Pipelines back end, and follow it.

fimsmith submit company.yaml --watch
"""

import contextlib
import io
import tempfile
import urllib.request
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kfp import Client, compiler
from kfp_server_api import ApiException

from fimsmith import config, preflight
from fimsmith.errors import JobError
from fimsmith.progress import say
from pipelines import variant, watch
from pipelines.backend import FORWARD, connect, explain, profile


@dataclass(frozen=True, slots=True)
class Destination:
    """Where runs are started and looked for."""

    endpoint: str | None  # of Kubeflow Pipelines; None: what kfp itself finds
    namespace: str | None  # of a run's pods; None: the profile of a back end with several users, or else kubeflow


def submit(configuration: config.Config, where: Destination, experiment: str, name: str) -> str:
    """Upload the pipeline and start a run; returns the run's id."""
    preflight.check_tasks(configuration.run)
    client = connect(where.endpoint)
    namespace = profile(client, where.namespace)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        package = str(Path(folder) / "pipeline.yaml")
        compiler.Compiler().compile(variant.chosen(configuration.run.launcher), package)
        arguments = configuration.parameters()
        try:
            run: Any = client.create_run_from_pipeline_package(
                package, arguments=arguments, run_name=name, experiment_name=experiment, namespace=namespace
            )
        except ApiException as error:
            raise JobError(f"Kubeflow Pipelines refused the run: {explain(error)}; run: fimsmith doctor") from error
    say("submit", f"{name}: {page(client, run.run_id)}")
    return run.run_id


def page(client: Client, run: str) -> str:
    """Return the address of a run's page, or how to come to it: the API's own address need not serve pages."""
    prefix, path = client._get_url_prefix(), f"/#/runs/details/{run}"
    with contextlib.suppress(OSError, ValueError), urllib.request.urlopen(f"{prefix}/", timeout=10) as answer:
        if "html" in answer.headers.get("Content-Type", ""):
            return prefix + path
    return f"run {run}; for its page: {FORWARD}, then http://localhost:8888{path}"


def follow(where: Destination, run: str) -> None:
    """Show a run until it ends; raises JobError, with the failed stage's own message, unless it succeeds."""
    client = connect(where.endpoint)
    try:
        watch.Watch(client, run, where.namespace or profile(client, None) or "kubeflow").run()
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
