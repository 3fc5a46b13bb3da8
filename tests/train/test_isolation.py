"""fimsmith.train.isolation: packed samples do not see one another."""

from pathlib import Path

import pytest
import torch

from fimsmith.errors import ModelError
from fimsmith.manifest import Manifest
from fimsmith.packed import PackedReader
from fimsmith.train import isolation

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def reader(packed: Manifest) -> PackedReader:
    return PackedReader(packed.folder, "train")


def forward(tiny: Path, attention: str = "sdpa", dtype: str = "float32", leak: str = "") -> isolation.Forward:
    from transformers import AutoModelForCausalLM

    loaded = AutoModelForCausalLM.from_pretrained(tiny, dtype=dtype, attn_implementation=attention)

    def run(ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
        arguments = {"input_ids": ids, "position_ids": positions, "use_cache": False}
        if leak == "mask":
            arguments["attention_mask"] = torch.ones_like(ids)
        if leak == "positions":
            arguments["position_ids"] = torch.arange(ids.shape[1])[None]
        if leak == "cache":
            arguments["use_cache"] = True
        with torch.no_grad():
            return loaded(**arguments).logits

    return run


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_packed_logits_are_the_separate_ones(tiny: Path, reader: PackedReader, attention: str):
    assert isolation.check(forward(tiny, attention), reader, 1e-4) < 1e-4


def test_rounding_to_bf16_is_no_leak(tiny: Path, reader: PackedReader):
    isolation.check(forward(tiny, dtype="bfloat16"), reader, isolation.TOLERANCE["bf16"])


@pytest.mark.parametrize("leak", ["mask", "positions", "cache"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_model_that_leaks_is_refused(tiny: Path, reader: PackedReader, leak: str, precision: str):
    dtype = {"fp32": "float32", "bf16": "bfloat16"}[precision]
    with pytest.raises(ModelError, match="packed samples see one another"):
        isolation.check(forward(tiny, dtype=dtype, leak=leak), reader, isolation.TOLERANCE[precision])
