"""fimsmith.train.save: the configuration beside the weights."""

import json
from pathlib import Path

import pytest
from transformers import AutoConfig, LlamaConfig

from fimsmith.train import save


@pytest.mark.parametrize("scaling", [None, {"rope_type": "linear", "factor": 4.0}])
@pytest.mark.parametrize("legacy", [True, False])
def test_positions_are_the_same_for_new_and_old_servers(tmp_path: Path, scaling: dict | None, legacy: bool):
    base, made = tmp_path / "base", tmp_path / "made"
    rope = {"rope_theta": 7e4, **(scaling or {"rope_type": "default"})}
    LlamaConfig(hidden_size=64, num_attention_heads=2, rope_parameters=rope, use_cache=False).save_pretrained(base)
    if legacy:
        settings = json.loads((base / "config.json").read_bytes())
        del settings["rope_parameters"]
        old = {"type": "linear", "factor": 4.0} if scaling else None
        (base / "config.json").write_text(json.dumps({**settings, "rope_theta": 7e4, "rope_scaling": old}))
    AutoConfig.from_pretrained(base).save_pretrained(made)
    save.complete(base, made)

    written = json.loads((made / "config.json").read_bytes())
    assert (written["rope_theta"], written["use_cache"]) == (7e4, True)
    assert written["rope_scaling"] is None or written["rope_scaling"]["type"] == "linear"
    assert bool(written["rope_scaling"]) == bool(scaling)
    read = AutoConfig.from_pretrained(made).rope_parameters
    assert {name: read[name] for name in rope} == rope


def test_what_belongs_to_the_tokenizer_and_the_licence_is_copied_and_weights_are_not(tmp_path: Path):
    base, made = tmp_path / "base", tmp_path / "made"
    for folder in (base, made):
        folder.mkdir()
        (folder / "config.json").write_text("{}")
    for name in ("tokenizer.json", "merges.txt", "LICENSE-MODEL", "model.safetensors", "model.safetensors.index.json"):
        (base / name).write_text(name)
    save.complete(base, made)
    assert {path.name for path in made.iterdir()} == {"config.json", "tokenizer.json", "merges.txt", "LICENSE-MODEL"}
