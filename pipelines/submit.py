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
from urllib3.exceptions import HTTPError

from fimsmith import config, storage
from fimsmith.errors import ConfigError, JobError
from fimsmith.progress import say
from pipelines import watch
from pipelines.finetune import finetune


def connect(endpoint: str | None) -> Client:
    """Return a client of the back end; raises JobError when it does not answer."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            client = Client(host=endpoint)
            client.get_kfp_healthz(sleep_duration=0)
        return client
    except (ApiException, HTTPError, OSError, RuntimeError, TimeoutError) as error:
        raise JobError(
            f"Kubeflow Pipelines does not answer at {endpoint or 'the current cluster'} ({_short(error)}); "
            "set KFP_ENDPOINT or --endpoint to its address, for example http://localhost:8888 after "
            "kubectl -n kubeflow port-forward svc/ml-pipeline 8888:8888"
        ) from error


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
        compiler.Compiler().compile(finetune, package)  # type: ignore[arg-type]
        arguments = configuration.parameters()
        try:
            run: Any = client.create_run_from_pipeline_package(
                package, arguments=arguments, run_name=name, experiment_name=experiment
            )
        except ApiException as error:
            raise JobError(f"Kubeflow Pipelines refused the run: {_short(error)}; run: fimsmith doctor") from error
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
        raise JobError(f"the run {run} cannot be ended: {_short(error)}") from error
    say("submit", f"asked Kubeflow to end {run}")


def _short(error: Any) -> str:
    """The one sentence of an API error that a person can use."""
    text = getattr(error, "body", None) or getattr(error, "reason", None) or str(error)
    text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    return " ".join(text.split())[:300]
