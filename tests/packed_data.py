"""Packed data from the example corpus, small enough to train on in seconds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fimsmith import config, launch
from fimsmith.manifest import Manifest, Outcome, produce
from fimsmith.packed import PackedWriter
from fimsmith.tokenizer import SourceTokenizer

SEQUENCE = 96  # tokens
LONG: dict[str, Any] = {"max_steps": 40, "micro_batch": 2}  # long enough to be interrupted


@pytest.fixture(scope="session")
def packed(shop: Path, tiny_manifest: Manifest, tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """48 training and 5 validation sequences of two samples each; of every third sample the second half is learned."""
    tokenizer = SourceTokenizer(tiny_manifest.folder)
    start, stop = tokenizer.format.start, tokenizer.format.stop
    texts = [
        tokenizer.encode(path.read_text(encoding="utf-8", errors="replace")) for path in sorted(shop.rglob("*.java"))
    ]
    texts = [ids for ids in texts if len(ids) > 140][:53]

    def build(work: Path) -> Outcome:
        for split, ids in (("train", texts[:48]), ("valid", texts[48:])):
            rows = [[40 + index % 7, 41] for index in range(len(ids))]
            shape = (SEQUENCE, tiny_manifest.details["vocabulary"], tokenizer.format.pad)
            with PackedWriter(work, split, rows, shape) as writer:
                for row, (first, _) in enumerate(rows):
                    text = ids[row]
                    whole = [*start, *text[: first - len(start) - 1], stop]
                    writer.put(row, 0, np.array(whole), 0 if row % 3 else first // 2)
                    writer.put(row, first, np.array([*start, *text[100 : 140 - len(start)], stop]), 0)
        return Outcome()

    return produce("mix", ["test"], [], str(tmp_path_factory.mktemp("packed")), build)


@pytest.fixture(scope="session")
def section() -> Callable[..., config.Train]:
    """Make a train section: 12 steps of 4 sequences in fp32, a checkpoint every 4."""

    def make(**changes: object) -> config.Train:
        usual = {"precision": "fp32", "batch": 4, "max_steps": 12, "learning_rate": 3e-3, "save_steps": 4}
        usual |= {"eval_steps": 6, "gradient_checkpointing": False, "lora": {"rank": 4, "alpha": 8.0}}
        return config.Train.model_validate(usual | changes)

    return make


@pytest.fixture(scope="session")
def alone(packed: Manifest, tiny_manifest: Manifest, section: Callable[..., config.Train], common: Path) -> Manifest:
    """40 steps by two processes of one machine, which others must equal; the second xdist worker finds it made."""
    place = config.Run(root=str(common / "alone"), processes=2)
    return launch.train(section(**LONG), place, tiny_manifest, packed)
