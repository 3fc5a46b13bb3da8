"""The finished export that is to be served."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fimsmith import config, storage
from fimsmith.errors import DeployError, StorageError
from fimsmith.manifest import NAME, Manifest

_ASIDE = ("run", "report")  # sections that do not make another model


@dataclass(frozen=True, slots=True)
class Exported:
    """An export in S3."""

    uri: str
    fim: dict[str, Any]  # fim.json: template, sentinels, stops, context

    @property
    def model(self) -> str:
        """The prefix of weights, settings and tokenizer; SageMaker wants the slash."""
        return f"{self.uri}/model/"


def at(uri: str) -> Exported:
    """Look at a folder that `export` wrote, wherever it was copied to; raises DeployError when it is not one."""
    uri = uri.rstrip("/")
    if not storage.is_remote(uri):
        raise DeployError(
            f"the export is the folder {uri}, but SageMaker reads models from S3 only: "
            f"aws s3 sync {uri} s3://BUCKET/fimsmith/export/NAME, then deploy with --export and that address (the policies "
            "in docs/iam allow what lies below s3://BUCKET/fimsmith/export/, no other place)"
        )
    told = storage.read(f"{uri}/fim.json")
    if told is None or "config.json" not in storage.list_files(f"{uri}/model"):
        what = "fim.json" if told is None else "model/config.json"
        raise DeployError(f"{uri} is no finished export: it has no {what}; {_why(uri)}")
    return Exported(uri, json.loads(told))


def _why(uri: str) -> str:
    if storage.read(f"{uri}/WITHHELD.txt") is not None:
        return f"the gate withheld the model, see {uri}/WITHHELD.txt"
    return "give --export the folder that `fimsmith run` named, without /model"


def find(configuration: config.Config) -> Exported:
    """Find the newest export that this configuration made; raises DeployError that lists what there is instead."""
    root = storage.absolute(configuration.run.root)
    manifests = sorted(_manifests(f"{root}/export"), key=lambda made: made.started, reverse=True)
    for made in manifests:
        if not made.details.get("withheld") and _settings(made) == _comparable(configuration.model_dump(mode="json")):
            return at(made.uri)
    raise DeployError("\n".join([f"{root} holds no finished export of this configuration", *_others(manifests)]))


def _manifests(place: str) -> Iterator[Manifest]:
    if storage.is_remote(place):
        names = [name for name in storage.list_files(place) if name.count("/") == 1]
    else:
        names = [f"{path.parent.name}/{NAME}" for path in storage.local(place).glob(f"*/{NAME}")]
    for name in names:
        folder, _, file = name.partition("/")
        if file == NAME and (found := storage.read(f"{place}/{name}")):
            yield Manifest.parse(found, f"{place}/{name}").model_copy(update={"uri": f"{place}/{folder}"})


def _settings(made: Manifest) -> dict[str, Any]:
    receipt = storage.read(f"{made.uri}/receipt.json")
    if receipt is None:
        raise StorageError(f"{made.uri} has no receipt.json, although its manifest names it; export again")
    return _comparable(json.loads(receipt)["configuration"])


def _comparable(settings: dict[str, Any]) -> dict[str, Any]:
    return {name: section for name, section in settings.items() if name not in _ASIDE}


def _others(manifests: list[Manifest]) -> list[str]:
    if not manifests:
        return ["run the pipeline first (fimsmith run), or name an export: --export s3://bucket/prefix/export/…"]
    lines = ["run the pipeline with it, or name one of these: --export URI"]
    for made in manifests:
        note = "withheld by the gate" if made.details.get("withheld") else made.details.get("name", "")
        lines.append(f"  {made.uri}  {note}")
    return lines
