"""What came out of a whole run, how it was made, and how to make it again: one HTML page, and a card about the data.

fimsmith report config.yaml
fimsmith card config.yaml       # the data alone
"""

import json
from pathlib import Path

from fimsmith import config
from fimsmith.manifest import Manifest, Outcome, produce
from fimsmith.progress import say
from fimsmith.report import card, page
from fimsmith.report.stages import Data, Stages

__all__ = ["build", "describe"]


def build(section: config.Report, manifests: list[Manifest], root: str) -> Manifest:
    """Write `report.html`, a single file without scripts that loads nothing, and `data-card.html` and `data-card.json`.

    Raises DataError when the manifest of a stage is missing.
    """
    ordered = sorted(manifests, key=lambda each: (each.stage, each.digest))

    def write(folder: Path) -> Outcome:
        stages = Stages.of(ordered)
        text = page.render(section, stages).encode()
        (folder / "report.html").write_bytes(text)
        _write_card(folder, section, stages)
        return Outcome({"bytes": len(text)})

    made = produce("report", [section], ordered, root, write)
    say("report", f"{made.uri}/report.html")
    return made


def describe(section: config.Report, manifests: list[Manifest], root: str) -> Manifest:
    """Write `data-card.html` and `data-card.json` about the data alone, before anything is trained on it.

    Raises DataError when the manifest of a stage up to mix is missing.
    """
    ordered = sorted(manifests, key=lambda each: (each.stage, each.digest))

    def write(folder: Path) -> Outcome:
        return Outcome({"bytes": _write_card(folder, section, Data.of(ordered))})

    made = produce("card", [section], ordered, root, write)
    say("card", f"{made.uri}/data-card.html")
    return made


def _write_card(folder: Path, section: config.Report, data: Data) -> int:
    """Write both forms of the card; return the bytes of the page."""
    text = card.render(section, data).encode()
    (folder / "data-card.html").write_bytes(text)
    told = json.dumps(card.card(data), indent=1, ensure_ascii=False)
    (folder / "data-card.json").write_text(f"{told}\n", encoding="utf-8")
    return len(text)
