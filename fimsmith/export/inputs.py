"""What an export is made from, by name."""

from dataclasses import dataclass
from typing import Any

from fimsmith import config
from fimsmith.jobspec import JobSpec
from fimsmith.manifest import Manifest

_RECEIPT = "receipt"  # in the job's section, beside the fields of config.Export


@dataclass(frozen=True, slots=True)
class Inputs:
    """The section and the manifests of one export."""

    section: config.Export
    receipt: dict[str, Any]  # configuration, versions, fingerprints
    base: Manifest
    tuned: Manifest
    gate: Manifest
    base_scores: Manifest
    tuned_scores: Manifest
    shards: list[Manifest]

    @classmethod
    def of(cls, spec: JobSpec) -> "Inputs":
        """Read a job specification."""
        base, tuned, gate, base_scores, tuned_scores, *shards = spec.inputs
        settings = {name: value for name, value in spec.section.items() if name != _RECEIPT}
        section = config.Export.model_validate(settings)
        return cls(section, spec.section[_RECEIPT], base, tuned, gate, base_scores, tuned_scores, shards)

    def digests(self) -> dict[str, str | list[str]]:
        """Return what identifies each input."""
        names = ("base", "tuned", "gate", "base_scores", "tuned_scores")
        return {**{name: getattr(self, name).digest for name in names}, "fim": [shard.digest for shard in self.shards]}
