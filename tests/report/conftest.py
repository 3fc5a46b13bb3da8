"""A whole run's manifests."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from fimsmith.manifest import Manifest

RUN = Path(__file__).parents[1] / "fixtures" / "report.json"


@pytest.fixture
def run() -> list[Manifest]:
    """The manifests of a run that passed its gate."""
    return TypeAdapter(list[Manifest]).validate_json(RUN.read_bytes())
