"""Register the pipeline on a Kubeflow Pipelines back end, with defaults of its own: what the Helm chart's hook runs.

    python -m pipelines.register --name fimsmith --config defaults.json

The same defaults and images are the same version: to register them again changes nothing. Images and the Secret come
from the environment, as components/images.py says; the back end's address is KFP_ENDPOINT.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import shlex
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kfp_server_api
import yaml
from kfp import compiler
from kfp.client import set_volume_credentials
from kfp_server_api import ApiException
from urllib3.exceptions import HTTPError

from fimsmith import __version__, config, configfile, storage
from fimsmith.errors import FimsmithError, JobError
from fimsmith.progress import duration, say
from pipelines import schedule, variant
from pipelines.backend import Place, connect, explain

_PAUSE = 5.0  # seconds between two tries
_VERSIONS = "pipeline_versions"
_DESCRIPTION = "Fine-tune a code model on a company's own Java."


def main(arguments: list[str] | None = None) -> None:
    """Register the pipeline, and its schedule if there is one; ends with exit code 1 and one message on failure."""
    chosen = _parse(arguments)
    try:
        if chosen.remove:
            _patiently(chosen, schedule.remove)
        else:
            parts = configfile.load_parts(chosen.config)
            _patiently(chosen, lambda place: register(place, chosen, parts))
    except FimsmithError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)


def register(place: Place, chosen: argparse.Namespace, parts: dict[str, Any]) -> None:
    """Make pipeline, version and schedule unless they are there, and say how to start a run."""
    defaults = parameters(parts)
    if chosen.cron:
        schedule.check(defaults)
    pipeline = _pipeline(place)
    version = _version(place, pipeline, defaults)
    if chosen.cron:
        schedule.set_up(place, chosen, (pipeline, version))
    else:
        schedule.remove(place)
    print("\nstart a run:\n  " + command(chosen.name, version, defaults), flush=True)


def parameters(parts: dict[str, Any]) -> dict[str, Any]:
    """Return the defaults of the pipeline's parameters: every field of a complete section, what is there of others."""
    plain = {name: _plain(value) for name, value in parts.items()}
    root = plain["run"].pop("root")
    # the library's own default is a folder of this machine, which no other task would see
    return {**plain, "root": root} if storage.is_remote(root) else plain


def command(name: str, version: str, defaults: dict[str, Any]) -> str:
    """Return the line that starts a run of a version, with a gap for each parameter that has no default."""
    gaps = {"root": "s3://BUCKET/PREFIX", "model": '{"path": "…"}', "sources": "[…]", "mix": '{"weights": {…}}'}
    needed = [f"{gap}={text}" for gap, text in gaps.items() if gap not in defaults]
    return shlex.join(["kfp", "run", "create", "-e", "demo", "-n", name, "-v", version, *needed])


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.register", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--name", default="fimsmith", help="name of the pipeline")
    parser.add_argument("--config", type=Path, help="configuration that gives the defaults; it may be incomplete")
    parser.add_argument("--wait", type=float, default=0.0, help="seconds to wait for the back end")
    parser.add_argument("--namespace", help="where a multi-user back end keeps pipeline and runs")
    parser.add_argument("--cron", default="", help="start a run at these times: second minute hour day month weekday")
    parser.add_argument("--experiment", default="fimsmith", help="experiment of the runs started by --cron")
    parser.add_argument("--account", help="service account of the runs started by --cron")
    parser.add_argument("--remove", action="store_true", help="only remove the schedule")
    chosen = parser.parse_args(arguments)
    if not (chosen.config or chosen.remove):
        parser.error("give --config, or --remove")
    return chosen


def _patiently(chosen: argparse.Namespace, act: Callable[[Place], None]) -> None:
    """Try again while the back end is not there yet: it may be starting beside us."""
    endpoint, end = os.environ.get("KFP_ENDPOINT"), time.monotonic() + chosen.wait
    while True:
        try:
            client = connect(endpoint, _credentials())
            several = client.get_kfp_healthz().multi_user
            return act(Place(client, chosen.name, chosen.namespace if several else None))
        except (ApiException, HTTPError, JobError) as error:
            passing = not isinstance(error, ApiException) or not error.status or error.status >= 500
            if not passing or time.monotonic() > end:
                raise _refusal(error, chosen, passing) from error
            say("register", f"waiting for Kubeflow Pipelines at {endpoint} ({duration(end - time.monotonic())} left)")
            time.sleep(_PAUSE)


def _refusal(error: Exception, chosen: argparse.Namespace, passing: bool) -> JobError:
    waited = f"; waited {duration(chosen.wait)} for it" if passing and chosen.wait else ""
    if isinstance(error, JobError):
        return JobError(f"{error}{waited}")
    return JobError(f"Kubeflow Pipelines refused to register {chosen.name!r}: {explain(error)}{waited}")


def _credentials() -> Any:
    """A pod's token for Kubeflow's API, where there is one; a single-user back end does not ask for it."""
    file = os.environ.get("KF_PIPELINES_SA_TOKEN_PATH")
    if file and Path(file).exists():
        return set_volume_credentials.ServiceAccountTokenVolumeCredentials(path=file)
    return None


def _pipeline(place: Place) -> str:
    """Return the id of the pipeline, which is made if it is not there."""
    if known := place.named(place.client.list_pipelines, "pipelines", place.name, namespace=place.namespace):
        return known[0].pipeline_id
    made = kfp_server_api.V2beta1Pipeline(
        display_name=place.name, name=place.name, description=_DESCRIPTION, namespace=place.namespace
    )
    # the client itself makes a pipeline only together with a version that has the pipeline's name
    made = place.client._pipelines_api.pipeline_service_create_pipeline(pipeline=made)
    say("register", f"pipeline {place.name} is new: {made.pipeline_id}")
    return made.pipeline_id


def _version(place: Place, pipeline: str, defaults: dict[str, Any]) -> str:
    """Return the id of the version with these defaults and images, which is uploaded if it is not there."""
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "pipeline.yaml"
        name = f"{__version__}-{compiled(package, defaults)[:10]}"
        if known := place.named(place.client.list_pipeline_versions, _VERSIONS, name, pipeline_id=pipeline):
            say("register", f"version {name} is registered already: {known[0].pipeline_version_id}")
            return known[0].pipeline_version_id
        with contextlib.redirect_stdout(io.StringIO()):  # an address that is of no use outside the cluster
            made = place.client.upload_pipeline_version(str(package), name, pipeline_id=pipeline)
    say("register", f"version {name} of pipeline {pipeline} is registered: {made.pipeline_version_id}")
    return made.pipeline_version_id


def compiled(package: Path, defaults: dict[str, Any]) -> str:
    """Compile the pipeline and return the hash of what it means: the text itself differs from time to time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pipeline = variant.chosen(defaults["run"].get("launcher", ""))
        compiler.Compiler().compile(pipeline, str(package), pipeline_parameters=defaults)
    documents = list(yaml.safe_load_all(package.read_text(encoding="utf-8")))
    return hashlib.sha256(json.dumps(documents, sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:
    """A section as KFP takes it: there is no null, what lacks is the default."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.model_dump(mode="json", exclude_none=True) if isinstance(value, config.Section) else value


if __name__ == "__main__":
    main()
