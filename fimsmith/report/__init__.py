"""What came out of a whole run, how it was made, and how to make it again: one HTML page, and a card about the data.

fimsmith report config.yaml
"""

import json
from pathlib import Path

from fimsmith import config
from fimsmith.manifest import Manifest, Outcome, produce
from fimsmith.progress import say
from fimsmith.report import card, page
from fimsmith.report.stages import Stages

__all__ = ["build"]


def build(section: config.Report, manifests: list[Manifest], root: str) -> Manifest:
    """Write `report.html`, a single file without scripts that loads nothing, and `data-card.html` and `data-card.json`.

    Raises DataError when the manifest of a stage is missing.
    """
    ordered = sorted(manifests, key=lambda each: (each.stage, each.digest))

    def write(folder: Path) -> Outcome:
        stages = Stages.of(ordered)
        text = page.render(section, stages).encode()
        (folder / "report.html").write_bytes(text)
        (folder / "data-card.html").write_text(card.render(section, stages), encoding="utf-8")
        told = json.dumps(card.card(stages), indent=1, ensure_ascii=False)
        (folder / "data-card.json").write_text(f"{told}\n", encoding="utf-8")
        return Outcome({"bytes": len(text)})

    made = produce("report", [section], ordered, root, write)
    say("report", f"{made.uri}/report.html")
    return made
