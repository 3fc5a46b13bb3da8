"""A test set and a model that knows part of it by heart."""

from pathlib import Path
from typing import Any

import handmade
import pytest

from fimsmith.manifest import Manifest
from fimsmith.tokenizer import SourceTokenizer


@pytest.fixture(scope="session")
def rows(shop: Path, tiny: Path) -> list[dict[str, Any]]:
    """Twenty-four test samples, in order of priority."""
    return handmade.test_rows(shop, SourceTokenizer(tiny), 24)


@pytest.fixture(scope="session")
def taught(tiny_manifest: Manifest, rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """A training's manifest: the tiny model after learning the first few samples."""
    return handmade.teach(tiny_manifest, rows[: handmade.LEARNED], tmp_path_factory.mktemp("taught"))
