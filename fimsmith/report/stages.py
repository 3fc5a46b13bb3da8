"""The manifests of a run, each in its place."""

from dataclasses import dataclass
from typing import Any, Self

from fimsmith.errors import DataError
from fimsmith.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Data:
    """The manifests of the stages that make the training set; `ingest` and `fim` have several."""

    preflight: Manifest
    ingest: list[Manifest]
    curate: Manifest
    fim: list[Manifest]
    mix: Manifest

    @classmethod
    def of(cls, manifests: list[Manifest]) -> Self:
        """Sort manifests by stage; raises DataError for a stage without one."""
        return cls(**_data(manifests))


@dataclass(frozen=True, slots=True)
class Stages(Data):
    """The manifests of a whole run."""

    model: Manifest
    train: Manifest
    base: Manifest  # evaluation of the base model
    tuned: Manifest  # evaluation of the tuned model
    gate: Manifest
    export: Manifest

    @classmethod
    def of(cls, manifests: list[Manifest]) -> Self:
        """Sort manifests by stage; raises DataError for a stage without one."""
        model, train = (_one(manifests, name) for name in ("model", "train"))
        return cls(
            **_data(manifests),
            model=model,
            train=train,
            base=_one(manifests, "evaluate", model.digest),
            tuned=_one(manifests, "evaluate", train.digest),
            gate=_one(manifests, "gate"),
            export=_one(manifests, "export"),
        )

    def named(self) -> list[tuple[str, list[Manifest]]]:
        """All manifests under the names that the page uses, in the order of the pipeline."""
        return [
            ("preflight", [self.preflight]),
            ("ingest", self.ingest),
            ("curate", [self.curate]),
            ("fim", self.fim),
            ("mix", [self.mix]),
            ("train", [self.train]),
            ("evaluate base", [self.base]),
            ("evaluate tuned", [self.tuned]),
            ("gate", [self.gate]),
            ("export", [self.export]),
        ]


def _data(manifests: list[Manifest]) -> dict[str, Any]:
    """The fields of Data."""
    ingested = [each for each in manifests if each.stage == "ingest"]
    return {
        "preflight": _one(manifests, "preflight"),
        "ingest": sorted(ingested, key=lambda each: str(each.details.get("source"))),
        "curate": _one(manifests, "curate"),
        "fim": [each for each in manifests if each.stage == "fim"],
        "mix": _one(manifests, "mix"),
    }


def _one(manifests: list[Manifest], stage: str, model: str | None = None) -> Manifest:
    """The manifest of a stage; `model` is the digest of the evaluated model."""
    for each in manifests:
        if each.stage == stage and (model is None or each.details.get("model") == model):
            return each
    of = f" of model {model}" if model else ""
    raise DataError(f"the report needs the manifest of {stage}{of}, which is missing; run all stages: fimsmith run")
