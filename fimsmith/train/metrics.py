"""log/metrics.jsonl: one JSON object per line and logged step, read by people, launchers and the report."""

import json
import os
import time
from pathlib import Path
from typing import Any

from fimsmith import storage

SHOWN = "FIMSMITH_SHOW_METRICS"  # environment variable: print the lines, too, where metrics are read from the output
Point = tuple[int, float]
_POINTS = 500  # most points of a curve


class Journal:
    """Append one line per step; what is added twice for a step becomes one line."""

    def __init__(self, path: Path, step: int):
        """Continue the file after `step`: later lines are of steps that are done again."""
        kept = [line for line in read(path) if line["step"] <= step] if step else []
        path.parent.mkdir(parents=True, exist_ok=True)
        storage.write_atomically(path, "".join(json.dumps(line) + "\n" for line in kept))
        self._path = path
        self._line: dict[str, Any] = {}

    def add(self, step: int, **values: float) -> None:
        """Record values of a step; the line is written when another step begins."""
        if self._line and self._line["step"] != step:
            self.flush()
        self._line |= {"step": step, **values, "time": round(time.time(), 3)}

    def flush(self) -> None:
        """Write the line of the current step."""
        if self._line:
            text = json.dumps(self._line) + "\n"
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(text)
            if os.environ.get(SHOWN):
                print(text, end="", flush=True)
        self._line = {}


def read(path: Path) -> list[dict[str, Any]]:
    """Return the lines; a last line that was cut off is left out."""
    if not path.exists():
        return []
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    return [json.loads(line) for line in whole.splitlines()]


def curve(lines: list[dict[str, Any]], name: str) -> list[Point]:
    """Return (step, value) of the lines that have the value, thinned evenly; the last one is always in."""
    points = [(line["step"], line[name]) for line in lines if name in line]
    stride = -(-len(points) // _POINTS) or 1
    return points[::-1][::stride][::-1]


def summary(lines: list[dict[str, Any]]) -> dict[str, float | int]:
    """Return the numbers that the manifest shows; train_loss is the mean of the last tenth of the steps."""
    trained = [line for line in lines if "train_loss" in line]
    last = trained[-1]
    tail = [line["train_loss"] for line in trained if line["step"] > 0.9 * last["step"]]
    found = {"train_loss": sum(tail) / len(tail), "steps": last["step"], "tokens": last["tokens"]}
    if losses := curve(lines, "eval_loss"):
        found |= {"eval_loss": losses[-1][1], "eval_loss_before": losses[0][1]}
    return found
