"""The chart, and the values that it cannot do without."""

from pathlib import Path

CHART = Path(__file__).parents[2] / "charts/fimsmith"
MINIMAL = {"images": {"pipeline": {"repository": "r.example/pipeline"}, "train": {"repository": "r.example/train"}}}
