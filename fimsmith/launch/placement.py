"""What was set on a KFP task and is meant for its job: resources, nodes, environment, volumes."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Placement:
    """Parts of a pod in Kubernetes' own words; what is set here wins over run.kubernetes.

    Resources, environment, volumes and mounts are merged by name (mounts by path); node selector,
    tolerations and affinity are replaced as a whole.
    """

    resources: dict[str, dict[str, str]] = field(default_factory=dict)  # limits and requests
    tolerations: list[dict[str, Any]] = field(default_factory=list)
    node_selector: dict[str, str] = field(default_factory=dict)
    affinity: dict[str, Any] = field(default_factory=dict)
    env: list[dict[str, Any]] = field(default_factory=list)
    volumes: list[dict[str, Any]] = field(default_factory=list)
    volume_mounts: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, task: Any) -> Placement:
        """Take over a `dsl.TaskConfig`: any object with these attributes, each of which may be None."""
        given = {each.name: getattr(task, each.name, None) for each in fields(cls)}
        return cls(**{name: value for name, value in given.items() if value})


ANYWHERE = Placement()  # nothing besides run.kubernetes
