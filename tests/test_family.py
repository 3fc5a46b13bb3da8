"""Model families are recognised by their sentinel strings, each of which must be one token."""

import json
from pathlib import Path

import pytest
import small_tokenizers
from tokenizers import Tokenizer

from fimsmith import family
from fimsmith.errors import ModelError

STYLES = {"deepseek-coder": "deepseek", "qwen2.5-coder": "gpt2", "starcoder2": "gpt2", "codellama": "llama"}


def tokenizer(folder: Path, each: family.Family) -> Tokenizer:
    small_tokenizers.build(folder, each, STYLES[each.name])
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


@pytest.mark.parametrize("each", family.FAMILIES, ids=lambda each: each.name)
def test_a_family_is_recognised_by_its_sentinels(tmp_path: Path, each: family.Family):
    made = tokenizer(tmp_path, each)
    found = family.detect(made)
    assert found.family == each.name
    assert [made.id_to_token(token) for token in (found.begin, found.hole, found.end, found.stop, found.eos)] == [
        each.begin, each.hole, each.end, each.stop, each.eos
    ]  # fmt: skip
    assert (found.bos is None) == (each.bos is None)


@pytest.mark.parametrize("each", family.FAMILIES, ids=lambda each: each.name)
def test_the_prompt_is_prefix_suffix_middle_and_its_overhead_is_counted(tmp_path: Path, each: family.Family):
    found = family.detect(tokenizer(tmp_path, each))
    bos = [] if found.bos is None else [found.bos]
    assert found.prompt([1, 2], [3]) == [*bos, found.begin, 1, 2, found.hole, 3, found.end]
    assert len(found.prompt([], [])) + 1 == found.overhead  # one more for the stop token


def test_an_unknown_tokenizer_is_refused_with_the_families_that_are_known(tmp_path: Path):
    made = tokenizer(tmp_path, family.FAMILIES[0])
    plain = Tokenizer(made.model)
    with pytest.raises(ModelError, match=r"no fill-in-the-middle sentinels.*deepseek-coder.*codellama"):
        family.detect(plain)


def test_a_sentinel_that_is_missing_is_refused(tmp_path: Path):
    made = tokenizer(tmp_path, family.FAMILIES[0])
    with pytest.raises(ModelError, match=r"<fim_prefix>.*not exactly one token"):
        family.detect(made, "starcoder2")


def test_a_sentinel_that_is_no_longer_an_added_token_is_refused(tmp_path: Path):
    plain = json.loads(tokenizer(tmp_path, family.FAMILIES[0]).to_str())
    lost = next(token for token in plain["added_tokens"] if token["content"] == "<｜fim▁begin｜>")
    plain["added_tokens"].remove(lost)
    plain["model"]["vocab"]["<｜fim▁begin｜>"] = lost["id"]  # known by its id, but text is never encoded to it
    with pytest.raises(ModelError, match=r"<｜fim▁begin｜>.*not exactly one token"):
        family.detect(Tokenizer.from_str(json.dumps(plain)))
