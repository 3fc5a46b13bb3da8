"""fimsmith.train.prepare: what is refused before the training begins."""

from collections.abc import Callable

import pytest

from fimsmith import config
from fimsmith.errors import ConfigError, ModelError
from fimsmith.manifest import Manifest
from fimsmith.train import prepare

pytestmark = pytest.mark.slow


def test_an_unknown_adapter_target_is_refused_with_those_there_are(
    tiny_manifest: Manifest, section: Callable[..., config.Train]
):
    wanted = section(method="lora", lora={"targets": ["q_proj", "c_attn"]})
    with pytest.raises(ConfigError, match=r"names 'c_attn', but the model's linear modules are .*down_proj.* v_proj"):
        prepare.load(wanted, tiny_manifest)


def test_an_attention_that_is_not_installed_is_refused_with_one_that_is(
    tiny_manifest: Manifest, section: Callable[..., config.Train]
):
    base = tiny_manifest.model_copy(update={"details": {**tiny_manifest.details, "attention": "flash_attention_2"}})
    with pytest.raises(ModelError, match=r"'flash_attention_2' cannot be used here .* set model.attention: sdpa"):
        prepare.load(section(), base)


def test_only_adapters_are_trained_with_lora(tiny_manifest: Manifest, section: Callable[..., config.Train]):
    full, lora = (prepare.trainable(prepare.load(section(method=m), tiny_manifest)) for m in ("full", "lora"))
    assert 0 < lora < full / 10
