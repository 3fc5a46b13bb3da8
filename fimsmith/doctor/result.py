"""What a check is given and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fimsmith import config, storage

if TYPE_CHECKING:
    from fimsmith.launch.answers import Refused
    from fimsmith.launch.kube import Cluster

WIDTH = 15  # columns for the name of a check
_MARKS = {True: "✓", False: "✗", None: "–"}


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found."""

    name: str
    ok: bool | None  # None: not applicable, or not to be seen from here
    text: str
    fix: str = ""  # for ok=False: the command, or the setting, that mends it
    later: bool = False  # of no matter to the run, but to what comes after it

    def __str__(self) -> str:
        indent = "\n" + " " * (WIDTH + 2)
        lines = self.text.strip().replace("\n", indent)
        fix = f"{indent}fix: " + self.fix.replace("\n", indent + "     ") if self.fix and self.ok is False else ""
        return f"{_MARKS[self.ok]} {self.name:<{WIDTH}}{lines}{fix}"

    @classmethod
    def refused(cls, name: str, error: Refused) -> Result:
        """Say why the API server did not answer; a lack of rights is no defect of what was looked for."""
        if error.status in (401, 403):
            return cls(name, None, f"not allowed to look: {error.message}")
        return cls(name, False, f"the API server answers {error}", "kubectl get --raw /readyz?verbose")


@dataclass(slots=True)
class Subject:
    """What is examined: where the pipeline shall run, with which model."""

    run: config.Run
    model: config.Model | None = None
    cluster: Cluster | None = None
    found: dict[str, Any] = field(default_factory=dict)  # what one check leaves for a later one

    @property
    def api(self) -> Cluster:
        """The cluster; checks that use it run only when there is one."""
        assert self.cluster is not None
        return self.cluster

    @property
    def namespace(self) -> str:
        """Where the jobs run."""
        return self.api.namespace

    @property
    def on_s3(self) -> bool:
        """Whether the results lie on S3."""
        return storage.is_remote(self.run.root)
