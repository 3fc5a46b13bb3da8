"""Refuse what is bound to fail before anything is spent.

fimsmith preflight config.yaml
"""

import os
import platform
from importlib import metadata
from pathlib import Path

from fimsmith import __version__, config, family, model, storage
from fimsmith.corpus import decontaminate
from fimsmith.errors import ConfigError, DataError
from fimsmith.fim import samples
from fimsmith.manifest import Manifest, fingerprint
from fimsmith.progress import say

_RECORDED = (
    "torch",
    "transformers",
    "deepspeed",
    "peft",
    "tokenizers",
    "tree-sitter",
    "tree-sitter-java",
    "numpy",
    "pyarrow",
)


def check(configuration: config.Config) -> tuple[Manifest, Manifest]:
    """Check root, sources and base model; return the run's own manifest and the model's.

    The run's manifest holds the configuration and the versions: the receipt of all that follows.
    """
    if os.environ.get("KFP_POD_NAME"):  # KFP gives it to the pods of tasks, and to nothing else
        check_tasks(configuration.run)
    check_places(configuration)
    _check_held_out(configuration)
    base = model.describe(configuration.model)
    _check_targets(configuration, base)
    if configuration.run.launcher != "local":
        _check_launcher(configuration)
    context = base.details["context"]
    if context and configuration.mix.sequence > context:
        raise ConfigError(
            f"mix.sequence {configuration.mix.sequence} is longer than the model's context of {context} tokens; "
            f"set mix.sequence and fim.sequence to at most {context}"
        )
    if configuration.fim.spm and base.details["family"] not in family.SUFFIX_FIRST:
        say(
            "preflight",
            f"{base.details['family']} was not trained suffix first, as fim.spm {configuration.fim.spm:g} asks",
        )
    settings = configuration.model_dump(mode="json")
    science = {name: section for name, section in settings.items() if name != "run"}
    digest = fingerprint("preflight", science, base.digest)
    say(
        "preflight",
        f"{base.details['family']} model of {_size(base)} at {base.uri}; {len(configuration.sources)} sources",
    )
    receipt = Manifest(
        stage="preflight",
        fingerprint=digest,
        digest=digest,
        uri=storage.absolute(configuration.run.root),
        files={},
        metrics={"sources": len(configuration.sources)},
        details={"configuration": settings, "versions": versions()},
    )
    return receipt, base


def check_tasks(run: config.Run) -> None:
    """Check that a run does not need more than the tasks of Kubeflow Pipelines have: they share no disk, and no torch."""
    if not storage.is_remote(run.root):
        raise ConfigError(
            f"run.root {run.root!r} is a folder, but the tasks of a cluster share no disk; set run.root to s3://bucket/prefix"
        )
    if run.launcher == "local":
        raise ConfigError(
            "run.launcher is local, but a task's pod can neither train nor generate; set run.launcher: pytorchjob "
            "(a pipeline's parameter replaces the whole section: give all fields of run that are not the default)"
        )


def check_places(configuration: config.Config) -> None:
    """Check that the root can be written and that the sources are there."""
    storage.probe(configuration.run.root)
    _check_sources(configuration)


def _check_held_out(configuration: config.Config) -> None:
    """Training needs a validation set, and the evaluation holes to ask for."""
    for split in ("valid", "test"):
        if not getattr(configuration.curate, split):
            raise ConfigError(f"curate.{split} is 0, but mix and evaluate need that split; set it to 0.01 or more")
    shares = configuration.fim.shares.model_dump()
    if not any(shares[policy] for policy in samples.FIM):
        raise ConfigError(
            f"fim.shares makes no holes, of which the test set is made; give one of {', '.join(samples.FIM)} a share"
        )


def _check_targets(configuration: config.Config, base: Manifest) -> None:
    """Adapters must have something to be added to; weights that lie in S3 are not looked into."""
    if configuration.train.method != "lora" or storage.is_remote(base.uri):
        return
    files = [name for name in base.files if name.endswith(".safetensors")]
    modules = {name.split(".")[-2] for file in files for name in model.tensors(base.file(file)) if "." in name}
    if unknown := [name for name in configuration.train.lora.targets if name not in modules]:
        raise ConfigError(
            f"train.lora.targets names {unknown[0]!r}, but the model's modules are {', '.join(sorted(modules))}"
        )


def _check_launcher(configuration: config.Config) -> None:
    """Refuse a cluster or an account in which the jobs cannot run; raises ConfigError with every fault and what mends it."""
    from fimsmith import doctor  # importing kubernetes and boto3 takes seconds

    faults = [result for result in doctor.check(configuration) if result.ok is False and not result.later]
    if faults:
        raise ConfigError(
            "\n".join(["what runs the jobs is not ready (fimsmith doctor shows all):", *map(str, faults)])
        )


def versions() -> dict[str, str]:
    """Return the versions that a result may depend on."""
    found = {"fimsmith": __version__, "python": platform.python_version()}
    for name in _RECORDED:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _check_sources(configuration: config.Config) -> None:
    for index, source in enumerate(configuration.sources):
        if source.location.startswith(("git+", "maven:", "hf:", "s3://")):
            continue
        if source.location.startswith(("http://", "https://", "ssh://", "git@")):
            raise DataError(f"source {source.name!r}: write a repository's address as git+{source.location}")
        path = storage.local(source.location).absolute()
        if not _there(path):
            raise DataError(
                f"source {source.name!r}: there is nothing at {path}, or no permission to see it; mend "
                f"sources.{index}.location (or --set sources.{index}.location=/path/to/code)"
            )
    for location in configuration.curate.decontaminate:
        decontaminate.check(location)


def _there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # a folder above it may not be entered, or the name is too long
        return False


def _size(base: Manifest) -> str:
    return f"{base.metrics['weights_bytes'] / 1e6:,.0f} MB"
