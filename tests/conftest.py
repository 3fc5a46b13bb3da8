"""Fixtures that several stages' tests share."""

import fcntl
import os
from pathlib import Path

import pytest

from fimsmith import config, model
from fimsmith.manifest import Manifest

pytest_plugins = ["tests.s3_server", "tests.packed_data"]
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the other core belongs to the other worker


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin both halves of the list with tests that train, of tests/contract and of the others, which take equally long.

    Each of two xdist workers begins with one half, and what is quick is left to be shared in the end.
    """
    slow, quick = [], []
    for item in items:
        (slow if item.get_closest_marker("slow") else quick).append(item)
    contract = [item for item in slow if "contract" in item.path.parts]
    half = max(0, len(items) // 2 - len(contract))
    items[:] = contract + quick[:half] + [item for item in slow if item not in contract] + quick[half:]


@pytest.fixture(scope="session")
def shop() -> Path:
    """The embedded example corpus."""
    return Path(__file__).parents[1] / "examples" / "shop"


@pytest.fixture(scope="session")
def common(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all xdist workers."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def tiny(shop: Path, common: Path) -> Path:
    """A tiny model folder: 1,024 embedding rows, hidden size 64, 2 layers; made once for all xdist workers."""
    from fimsmith.train import tiny_model  # imports torch: only for tests that need it

    with open(common / "tiny.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        texts = [path.read_bytes().decode("utf-8", "replace") for path in sorted(shop.rglob("*.java"))]
        return tiny_model.build(texts, common / "tiny", vocabulary=1024, hidden=64, layers=2)


@pytest.fixture(scope="session")
def tiny_manifest(tiny: Path) -> Manifest:
    """What the model module says about the tiny model."""
    return model.describe(config.Model.model_validate({"path": str(tiny)}))
