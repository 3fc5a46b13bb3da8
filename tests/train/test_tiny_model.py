"""The tiny model is a DeepSeek-Coder look-alike that is made once and never written over something else."""

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from fimsmith import config, model
from fimsmith.errors import DataError, ModelError
from fimsmith.tokenizer import SourceTokenizer
from fimsmith.train import tiny_model

JAVA = """
package com.example.orders;

/** Counts items {number} of an order. */
public final class Counter{number} {{
    private final int start = {number};

    public int add(int first, int second) {{
        return start + first * second - "naïve 订单".length();
    }}
}}
"""
SMALL = {"vocabulary": 448, "hidden": 32, "layers": 1}


@pytest.fixture
def corpus() -> list[str]:
    return [JAVA.format(number=number) for number in range(30)]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_corpus_gives_the_same_bytes(corpus, tmp_path):
    torch.manual_seed(7)
    first = contents(tiny_model.build(corpus, tmp_path / "first", **SMALL))
    torch.manual_seed(8)
    assert contents(tiny_model.build(corpus, tmp_path / "second", **SMALL)) == first


def test_the_seed_changes_the_weights_and_not_the_tokenizer(corpus, tmp_path):
    first = contents(tiny_model.build(corpus, tmp_path / "first", **SMALL))
    second = contents(tiny_model.build(corpus, tmp_path / "second", seed=1, **SMALL))
    assert first["model.safetensors"] != second["model.safetensors"]
    assert first["tokenizer.json"] == second["tokenizer.json"]


def test_building_leaves_the_random_state_of_the_process_alone(corpus, tmp_path):
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    tiny_model.build(corpus, tmp_path / "model", **SMALL)
    assert torch.equal(torch.rand(4), expected)


def test_the_defaults_give_three_to_eight_million_parameters(shop, tmp_path):
    texts = [path.read_text(encoding="utf-8") for path in shop.rglob("orders/**/*.java")]
    folder = tiny_model.build(texts, tmp_path / "model")
    loaded = AutoModelForCausalLM.from_pretrained(folder)
    assert 3e6 <= loaded.num_parameters() <= 8e6


def test_transformers_loads_what_was_written(tiny, tiny_manifest):
    loaded = AutoModelForCausalLM.from_pretrained(tiny)
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    marks = tiny_manifest.details["format"]
    assert isinstance(loaded, LlamaForCausalLM)
    rope = dict(loaded.config.rope_parameters or {})
    assert (rope["rope_theta"], rope["rope_type"], rope["factor"]) == (100000, "linear", 4.0)
    assert loaded.lm_head.weight is not loaded.model.embed_tokens.weight
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id) == (marks["bos"], marks["eos"])
    assert torch.isfinite(loaded(torch.tensor([[marks["bos"], 5, 6]])).logits).all()


def test_source_survives_the_tokenizer(tiny, shop):
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    for path in sorted(shop.rglob("*.java"))[:10]:
        text = path.read_bytes().decode("utf-8", errors="replace") + "\r\n\t 订单 naïve 😀"
        assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_it_is_recognised_as_deepseek_coder_with_an_exact_line_tokenizer(tiny, tiny_manifest):
    assert tiny_manifest.details["family"] == "deepseek-coder"
    assert tiny_manifest.details["context"] == 4096
    assert SourceTokenizer(tiny).by_line


def test_only_bos_and_eos_are_special(tiny):
    added = json.loads((tiny / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
    assert [token["content"] for token in added if token["special"]] == [tiny_model.BOS, tiny_model.EOS]
    assert [token["content"] for token in added if not token["special"]] == list(tiny_model.PLAIN)


def test_some_embedding_rows_belong_to_no_token(tiny, tiny_manifest):
    used = Tokenizer.from_file(str(tiny / "tokenizer.json")).get_vocab_size()
    assert used < tiny_manifest.details["vocabulary"] == 1024


def test_a_finished_model_is_not_made_again(corpus, tmp_path, capsys):
    folder = tiny_model.build(corpus, tmp_path / "model", **SMALL)
    before = (folder / "model.safetensors").stat().st_mtime_ns
    tiny_model.build(corpus, folder, **SMALL)
    assert (folder / "model.safetensors").stat().st_mtime_ns == before
    assert "reusing" in capsys.readouterr().out


def test_another_tiny_model_is_replaced(corpus, tmp_path):
    folder = tiny_model.build(corpus, tmp_path / "model", **SMALL)
    before = contents(folder)
    tiny_model.build([*corpus, "class New {}"], folder, **SMALL)
    assert contents(folder) != before
    tiny_model.build(corpus, folder, **SMALL)
    assert contents(folder) == before


def test_a_folder_of_somebody_else_is_refused(corpus, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("irreplaceable")
    with pytest.raises(ModelError, match="not a tiny model"):
        tiny_model.build(corpus, tmp_path / "mine", **SMALL)
    assert contents(tmp_path / "mine") == {"thesis.txt": b"irreplaceable"}


def test_an_empty_folder_is_filled(corpus, tmp_path):
    (tmp_path / "model").mkdir()
    folder = tiny_model.build(corpus, tmp_path / "model", **SMALL)
    assert model.describe(config.Model.model_validate({"path": str(folder)})).details["vocabulary"] == 448


def test_nothing_stays_behind_when_building_fails(corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(tiny_model, "_model", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        tiny_model.build(corpus, tmp_path / "model", **SMALL)
    assert list(tmp_path.iterdir()) == []


def test_a_small_corpus_lowers_the_vocabulary_and_says_so(corpus, tmp_path, capsys):
    folder = tiny_model.build(corpus, tmp_path / "model", vocabulary=4096, hidden=32, layers=1)
    rows = json.loads((folder / "config.json").read_text())["vocab_size"]
    assert rows < 4096
    assert f"lowered to {rows:,}" in capsys.readouterr().out


@pytest.mark.parametrize("texts", [[], [""], ["class A {}"]])
def test_a_corpus_that_cannot_teach_is_refused(tmp_path, texts):
    with pytest.raises(DataError, match="too few for a tokenizer"):
        tiny_model.build(texts, tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("wrong", [{"vocabulary": 300}, {"hidden": 50}, {"hidden": 0}, {"layers": 0}])
def test_impossible_sizes_are_refused(corpus, tmp_path, wrong):
    with pytest.raises(ModelError, match="use"):
        tiny_model.build(corpus, tmp_path / "model", **{**SMALL, **wrong})
