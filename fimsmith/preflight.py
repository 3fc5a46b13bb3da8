"""Refuse what is bound to fail before anything is spent.

fimsmith preflight config.yaml
"""

import platform
from importlib import metadata
from pathlib import Path

from fimsmith import __version__, config, model, storage
from fimsmith.errors import ConfigError, DataError
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
    check_places(configuration)
    base = model.describe(configuration.model)
    context = base.details["context"]
    if context and configuration.mix.sequence > context:
        raise ConfigError(
            f"mix.sequence {configuration.mix.sequence} is longer than the model's context of {context} tokens; "
            f"set mix.sequence and fim.sequence to at most {context}"
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


def check_places(configuration: config.Config) -> None:
    """Check that the root can be written and that the sources are there."""
    storage.probe(configuration.run.root)
    _check_sources(configuration)


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
        if source.location.startswith(("git+", "maven:")):
            continue
        path = Path(source.location).expanduser()
        if not path.exists():
            raise DataError(
                f"source {source.name!r}: there is nothing at {path.absolute()}; mend sources.{index}.location "
                f"(or --set sources.{index}.location=/path/to/code)"
            )
    for name in configuration.curate.decontaminate:
        if not Path(name).expanduser().is_file():
            raise DataError(f"curate.decontaminate: there is no file {name}; mend the path or remove it")


def _size(base: Manifest) -> str:
    return f"{base.metrics['weights_bytes'] / 1e6:,.0f} MB"
