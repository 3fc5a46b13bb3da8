"""The recurring run that starts a registered pipeline at set times."""

import argparse
import contextlib
import io
from typing import Any

from fimsmith.errors import ConfigError
from fimsmith.progress import say
from pipelines.backend import Place

# parameters without a default of the library, each with what stands for it in a command
GAPS = {"root": "s3://BUCKET/PREFIX", "model": '{"path": "…"}', "sources": "[…]", "mix": '{"weights": {…}}'}


def check(defaults: dict[str, Any]) -> None:
    """Raise ConfigError unless the defaults are all that a run needs."""
    if missing := [name for name in GAPS if name not in defaults]:
        names = ", ".join("config.run.root" if name == "root" else f"config.{name}" for name in missing)
        raise ConfigError(f"schedule.cron starts runs with the defaults alone, but {names} is not set; set it")


def set_up(place: Place, chosen: argparse.Namespace, version: tuple[str, str]) -> None:
    """Make the schedule, or replace one that has other times or another version of (pipeline, version)."""
    here = _existing(place)
    if len(here) == 1 and _same(here[0], chosen.cron, version[1]):
        say("register", f"the schedule {chosen.cron!r} is set up already")
        return
    with contextlib.redirect_stdout(io.StringIO()):  # an address that is of no use outside the cluster
        experiment = place.client.create_experiment(chosen.experiment, namespace=place.namespace)
    made = place.client.create_recurring_run(
        experiment_id=experiment.experiment_id,
        job_name=title(place.name),
        pipeline_id=version[0],
        version_id=version[1],
        cron_expression=chosen.cron,
        no_catchup=True,
        service_account=chosen.account,
    )
    # the old one goes last: no time is missed, and a failure leaves what was there
    for old in here:
        place.client.delete_recurring_run(old.recurring_run_id)
    say("register", f"runs start at {chosen.cron!r} in experiment {chosen.experiment}: {made.recurring_run_id}")


def remove(place: Place) -> None:
    """Remove the schedule of a pipeline, if there is one."""
    for old in _existing(place):
        place.client.delete_recurring_run(old.recurring_run_id)
        say("register", f"the schedule {old.recurring_run_id} is removed")


def title(name: str) -> str:
    """Return the name under which the schedule of a pipeline is kept."""
    return f"{name}-schedule"


def _existing(place: Place) -> list[Any]:
    listing = place.client.list_recurring_runs
    return place.named(listing, "recurring_runs", title(place.name), namespace=place.namespace)


def _same(schedule: Any, cron: str, version: str) -> bool:
    timed = schedule.trigger.cron_schedule
    return bool(timed) and timed.cron == cron and schedule.pipeline_version_reference.pipeline_version_id == version
