import json
import shutil
from pathlib import Path
from typing import Any

import handmade
import pytest
from safetensors.torch import load_file, save_file

from fimsmith import config, model
from fimsmith.errors import ModelError
from fimsmith.evaluate import causal, generate
from fimsmith.family import Format
from fimsmith.manifest import Manifest

pytestmark = pytest.mark.slow
SECTION = config.Evaluate.model_validate({"batch": 5, "max_new_tokens": 24, "precision": "fp32"})


def subject(manifest: Manifest) -> generate.Subject:
    return generate.Subject(model.weights(manifest), Format(**manifest.details["format"]))


def greedy(manifest: Manifest, prompts: list[list[int]], size: int) -> list[tuple[list[int], bool]]:
    loaded, marks = causal.load(model.weights(manifest), "fp32"), Format(**manifest.details["format"])
    parts = [prompts[start : start + size] for start in range(0, len(prompts), size)]
    return [made for part in parts for made in generate.greedy(loaded, marks, part, 24)]


def test_a_batch_padded_on_the_left_gives_what_each_prompt_gives_alone(taught: Manifest, rows: list[dict[str, Any]]):
    prompts = [row["prompt"] for row in rows]
    assert len(set(map(len, prompts))) > 8
    assert greedy(taught, prompts, 24) == greedy(taught, prompts, 1)


def test_a_learned_middle_is_completed_and_ended_by_the_stop_token(
    taught: Manifest, rows: list[dict[str, Any]], tmp_path: Path
):
    known = [row for row in rows[: handmade.LEARNED] if len(row["target"]) <= SECTION.max_new_tokens]
    made = generate.complete(subject(taught), SECTION, known, tmp_path)
    assert [row["completion"] for row in made] == [row["middle"] for row in known]
    assert all(row["stopped"] for row in made)
    assert [row["tokens"] for row in made] == [len(row["target"]) - 1 for row in known]


def test_a_completion_that_the_limit_ends_is_not_called_stopped(
    taught: Manifest, rows: list[dict[str, Any]], tmp_path: Path
):
    longest = max(rows[: handmade.LEARNED], key=lambda row: len(row["target"]))
    short = SECTION.model_copy(update={"max_new_tokens": 3})
    (made,) = generate.complete(subject(taught), short, [longest], tmp_path)
    assert not made["stopped"]
    assert made["tokens"] == 3


def test_no_sentinel_gets_into_a_completion(tiny_manifest: Manifest, rows: list[dict[str, Any]], tmp_path: Path):
    made = generate.complete(subject(tiny_manifest), SECTION, rows, tmp_path)
    assert not any("<｜" in row["completion"] for row in made)


def test_an_interrupted_generation_goes_on_to_the_same_bytes(
    taught: Manifest, rows: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    generate.complete(subject(taught), SECTION, rows, whole)
    original, batches = generate._rows, []

    def dying(*arguments: Any) -> list[dict[str, Any]]:
        if len(batches) == 3:
            raise KeyboardInterrupt
        batches.append(1)
        return original(*arguments)

    monkeypatch.setattr(generate, "_rows", dying)
    with pytest.raises(KeyboardInterrupt):
        generate.complete(subject(taught), SECTION, rows, broken)
    (partial,) = broken.iterdir()
    partial.write_bytes(partial.read_bytes()[:-40])  # killed while it wrote its third batch
    batches.clear()
    monkeypatch.setattr(generate, "_rows", lambda *arguments: batches.append(1) or original(*arguments))
    generate.complete(subject(taught), SECTION, rows, broken)
    assert len(batches) == 3  # of five; two were there
    assert [path.name for path in broken.iterdir()] == [generate.FILE]
    assert (broken / generate.FILE).read_bytes() == (whole / generate.FILE).read_bytes()


def test_a_finished_generation_is_not_repeated(
    tiny_manifest: Manifest, rows: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    made = generate.complete(subject(tiny_manifest), SECTION, rows[:5], tmp_path)
    monkeypatch.setattr(causal, "load", pytest.fail)
    assert generate.complete(subject(tiny_manifest), SECTION, rows[:5], tmp_path) == made


def test_the_file_is_sorted_by_priority(tiny_manifest: Manifest, rows: list[dict[str, Any]], tmp_path: Path):
    generate.complete(subject(tiny_manifest), SECTION, rows, tmp_path)
    lines = (tmp_path / generate.FILE).read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["priority"] for line in lines] == [row["priority"] for row in rows]


def test_a_model_folder_that_asks_for_sampling_is_read_greedily(
    taught: Manifest, rows: list[dict[str, Any]], tmp_path: Path
):
    shutil.copytree(model.weights(taught), tmp_path / "model")
    sampling = {"do_sample": True, "temperature": 5.0, "repetition_penalty": 9.0}
    (tmp_path / "model" / "generation_config.json").write_text(json.dumps(sampling))
    asking = handmade.manifest("train", tmp_path, **taught.details)
    prompts = [row["prompt"] for row in rows[:4]]
    assert greedy(asking, prompts, 4) == greedy(taught, prompts, 4)


def test_broken_weights_are_refused(taught: Manifest, rows: list[dict[str, Any]], tmp_path: Path):
    shutil.copytree(model.weights(taught), tmp_path / "model")
    path = tmp_path / "model" / "model.safetensors"
    tensors = load_file(path)
    tensors["model.norm.weight"].fill_(float("nan"))
    save_file(tensors, path, {"format": "pt"})
    with pytest.raises(ModelError, match="learning_rate"):
        generate.complete(subject(handmade.manifest("train", tmp_path, **taught.details)), SECTION, rows[:2], tmp_path)


def test_a_model_that_lacks_a_tensor_is_refused(taught: Manifest, tmp_path: Path):
    shutil.copytree(model.weights(taught), tmp_path / "model")
    path = tmp_path / "model" / "model.safetensors"
    tensors = load_file(path)
    del tensors["lm_head.weight"]
    save_file(tensors, path, {"format": "pt"})
    with pytest.raises(ModelError, match=r"lm_head\.weight"):
        causal.load(tmp_path / "model", "fp32")
