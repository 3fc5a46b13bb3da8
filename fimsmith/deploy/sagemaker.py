"""Serve the exported model as a SageMaker endpoint, try it, and remove it.

fimsmith deploy sagemaker company.yaml
fimsmith deploy sagemaker company.yaml --delete
"""

import contextlib
from collections.abc import Iterator

from fimsmith import config, storage
from fimsmith.deploy import exported, refusal, request, trial
from fimsmith.deploy.hosting import BUSY, CONFIG, ENDPOINT, MODEL, Hosting
from fimsmith.errors import ConfigError, DeployError
from fimsmith.progress import say


def deploy(configuration: config.Config, export: str | None = None, keep: bool = False) -> str:
    """Make the endpoint, try it, and return how to call it; what failed is removed unless it is to be kept.

    An endpoint that serves this export already is only tried. Raises DeployError.
    """
    settings = configuration.run.sagemaker
    _check(settings)
    chosen = exported.at(export) if export else exported.find(configuration)
    hosting = Hosting(_name(configuration, export))
    present = _present(hosting, chosen)
    with _kept(hosting) if keep or present else _undone(hosting):
        if present is None:
            hosting.create(MODEL, request.model(hosting.name, settings, chosen))
            hosting.create(CONFIG, request.endpoint_config(hosting.name, settings, chosen))
            hosting.create(ENDPOINT, request.endpoint(hosting.name, settings, chosen))
        _await(hosting)
        trial.run(hosting, chosen.fim)
    return _usage(hosting, chosen)


def delete(configuration: config.Config, export: str | None = None) -> None:
    """Remove all that `deploy` made for the same arguments; it is no fault when there is nothing."""
    hosting = Hosting(_name(configuration, export))
    if hosting.remove():
        named = f"--region {hosting.region} --log-group-name {hosting.log_group}"
        say("deploy", f"its log stays: aws logs delete-log-group {named}")
        return
    place = f"{hosting.region} of account {hosting.account()}"
    say("deploy", f"nothing to delete: there is no endpoint, configuration or model {hosting.name} in {place}")


def _name(configuration: config.Config, export: str | None) -> str:
    return request.named(configuration.export.name, export or storage.absolute(configuration.run.root))


def _check(settings: config.SageMaker) -> None:
    if settings.role is None:
        raise ConfigError(f"run.sagemaker.role is not set: the ARN of a role that SageMaker takes on ({refusal.GUIDE})")
    if settings.endpoint.image is None:
        raise ConfigError(
            "run.sagemaker.endpoint.image is not set: AWS's LMI container in your region, such as 763104351884.dkr.ecr"
            ".us-east-1.amazonaws.com/djl-inference:0.35.0-lmi17.0.0-cu128; the newest: "
            "https://aws.github.io/deep-learning-containers/reference/available_images/"
        )


def _present(hosting: Hosting, chosen: exported.Exported) -> str | None:
    """Return the state of an endpoint that serves the export already; None: there is room for a new one."""
    found = hosting.coming()
    if found is not None and found["EndpointStatus"] in (*BUSY, "InService"):
        tags = hosting.tags(ENDPOINT, found)
        if tags.get(request.OWNER) == hosting.name and tags.get(request.SOURCE) == request.source(chosen):
            say("deploy", f"endpoint {hosting.name} is there already")
            return found["EndpointStatus"]
        raise DeployError(
            f"endpoint {hosting.name} serves {tags.get(request.SOURCE, 'something else')}, not {chosen.uri}; "
            "remove it first (the same command with --delete), or choose another export.name"
        )
    hosting.remove()  # what failed, or what an interrupted deployment left
    return None


def _await(hosting: Hosting) -> None:
    """Wait until the endpoint is in service; raises DeployError with the reason and the last lines of its log."""
    found = hosting.settle(BUSY)
    if found is not None and found["EndpointStatus"] == "InService":
        say("deploy", f"endpoint {hosting.name} is in service")
        return
    reason = "somebody deleted it" if found is None else found.get("FailureReason", found["EndpointStatus"])
    lines = [f"  | {line}" for line in hosting.last_lines()]
    told = [*lines, f"  log: {hosting.log_group} in CloudWatch"] if lines else []
    fix = f"  fix: {refusal.failed(reason)}"
    raise DeployError("\n".join([f"endpoint {hosting.name} failed: {reason}", *told, fix]))


@contextlib.contextmanager
def _undone(hosting: Hosting) -> Iterator[None]:
    """Remove everything when the deployment fails or is interrupted: an instance costs as much without a use."""
    try:
        yield
    except BaseException as error:
        say("deploy", "removing what was made (Ctrl-C leaves it: the same command with --delete removes it later)")
        try:
            hosting.undo()
        except DeployError as fault:
            raise DeployError(
                f"{str(error) or 'stopped'}\n  and what was made is still there, and billed: {fault}"
            ) from error
        raise


@contextlib.contextmanager
def _kept(hosting: Hosting) -> Iterator[None]:
    try:
        yield
    except BaseException:
        say("deploy", f"what there is of {hosting.name} is kept, and billed: the same command with --delete removes it")
        raise


def _usage(hosting: Hosting, chosen: exported.Exported) -> str:
    region = hosting.region
    return "\n".join(
        [
            f"endpoint  {hosting.name} in {region}, billed until it is deleted",
            f"call      aws sagemaker-runtime invoke-endpoint --region {region} --endpoint-name {hosting.name} \\",
            "            --content-type application/json --body fileb://request.json answer.json",
            f"request   {trial.Client(chosen.fim).example()}",
            "answer    choices[0].text; write the prefix and the suffix as JSON strings",
        ]
    )
