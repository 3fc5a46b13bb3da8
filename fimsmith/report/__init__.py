"""One HTML page about a whole run: what came out, how it was made, and how to make it again.

fimsmith report config.yaml
"""

from pathlib import Path

from fimsmith import config
from fimsmith.manifest import Manifest, Outcome, produce
from fimsmith.progress import say
from fimsmith.report import page
from fimsmith.report.stages import Stages

__all__ = ["build"]


def build(section: config.Report, manifests: list[Manifest], root: str) -> Manifest:
    """Write `report.html`, a single file without scripts that loads nothing.

    Raises DataError when the manifest of a stage is missing.
    """
    ordered = sorted(manifests, key=lambda each: (each.stage, each.digest))

    def write(folder: Path) -> Outcome:
        text = page.render(section, Stages.of(ordered)).encode()
        (folder / "report.html").write_bytes(text)
        return Outcome({"bytes": len(text)})

    made = produce("report", [section], ordered, root, write)
    say("report", f"{made.uri}/report.html")
    return made
