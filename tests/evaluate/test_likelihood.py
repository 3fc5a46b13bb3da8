from typing import Any

import handmade
import pytest
import torch

from fimsmith import model
from fimsmith.evaluate import causal, likelihood
from fimsmith.manifest import Manifest

pytestmark = pytest.mark.slow


def measured(manifest: Manifest, rows: list[dict[str, Any]], size: int) -> list[float]:
    subject = causal.load(model.weights(manifest), "fp32")
    pad, found = manifest.details["format"]["pad"], []
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        found += likelihood.losses(subject, pad, [row["prompt"] for row in part], [row["target"] for row in part])
    return found


def test_the_loss_is_the_cross_entropy_of_the_target_tokens(tiny_manifest: Manifest, rows: list[dict[str, Any]]):
    subject, row = causal.load(model.weights(tiny_manifest), "fp32"), rows[0]
    ids = torch.tensor([[*row["prompt"], *row["target"]]])
    labels = torch.tensor([[-100] * len(row["prompt"]) + row["target"]])
    with torch.inference_mode():
        expected = subject(input_ids=ids, labels=labels).loss.item()
    assert measured(tiny_manifest, [row], 1) == pytest.approx([expected], abs=1e-5)


def test_the_loss_does_not_depend_on_the_batch(taught: Manifest, rows: list[dict[str, Any]]):
    assert measured(taught, rows, 12) == pytest.approx(measured(taught, rows, 1), abs=1e-4)


def test_training_lowers_the_loss_of_what_was_learned(
    tiny_manifest: Manifest, taught: Manifest, rows: list[dict[str, Any]]
):
    before, after = measured(tiny_manifest, rows[: handmade.LEARNED], 8), measured(taught, rows[: handmade.LEARNED], 8)
    assert max(after) < 0.5 < min(before)
