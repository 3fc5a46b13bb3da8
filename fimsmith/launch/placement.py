"""What was set on a KFP task and is meant for its job: resources, nodes, environment, volumes."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

# the pipeline names here the Secret whose keys every task gets; the jobs' own is run.kubernetes.secret
SECRET = "FIMSMITH_SECRET"


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
        given["env"] = _wished(given["env"] or [])
        return cls(**{name: value for name, value in given.items() if value})


def _wished(env: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a person set on the task: not the store's keys, which the pipeline gives to every task."""
    common = next((each.get("value") for each in env if each["name"] == SECRET), None)
    return [each for each in env if each["name"] != SECRET and not (common and _is_key(each, common))]


def _is_key(variable: dict[str, Any], secret: str) -> bool:
    source = variable.get("valueFrom") or {}
    return variable["name"].startswith("AWS_") and source.get("secretKeyRef", {}).get("name") == secret


ANYWHERE = Placement()  # nothing besides run.kubernetes
