import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import handmade
import pytest
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from fimsmith import model, storage
from fimsmith.errors import ModelError
from fimsmith.evaluate import stage as evaluation
from fimsmith.export import check, stage
from fimsmith.export.inputs import Inputs
from fimsmith.export.prompting import Prompting, prompting
from fimsmith.family import Format
from fimsmith.gate import decide
from fimsmith.jobspec import JobSpec
from fimsmith.manifest import Manifest, Outcome
from fimsmith.tokenizer import SourceTokenizer

pytestmark = pytest.mark.slow
RECEIPT = {
    "configuration": {"train": {"method": "full", "learning_rate": 2e-5}, "mix": {"weights": {"business": 1.0}}},
    "versions": {"torch": "2.13.0"},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("export")


@pytest.fixture(scope="module")
def rows(shop: Path, tiny: Path) -> list[dict[str, Any]]:
    return handmade.test_rows(shop, SourceTokenizer(tiny), 12)


@pytest.fixture(scope="module")
def handed(tiny_manifest: Manifest, rows: list[dict[str, Any]], home: Path) -> list[Manifest]:
    """The inputs of an export: a base, a tuned model that is better, and what was measured of both."""
    from fimsmith import config

    tuned = handmade.teach(tiny_manifest, rows[: handmade.LEARNED], home / "tuned")
    (tuned.folder / "adapter").mkdir()
    (tuned.folder / "adapter" / "adapter_config.json").write_text("{}")
    shards = handmade.shards(rows, home / "fim", 2)
    section = {"samples": 12, "max_new_tokens": 8, "precision": "fp32", "bootstrap": 100}
    scores = []
    for tested in (tiny_manifest, tuned):
        folder = home / f"scores-{tested.stage}"
        folder.mkdir()
        made = evaluation.build(
            JobSpec(stage="evaluate", section=section, inputs=[tested, *shards], folder=str(folder))
        )
        measured = handmade.manifest("evaluate", folder, **made.details)
        scores.append(measured.model_copy(update={"metrics": made.metrics}))
    gate = decide(config.Gate.model_validate({}), *scores, str(home / "root"))
    return [tiny_manifest, tuned, gate, *scores, *shards]


def exported(handed: list[Manifest], folder: Path, **section: Any) -> Outcome:
    folder.mkdir()
    settings = {"name": "acme-coder", "precision": "bf16", "require_gate": False, "check_prompts": 4, **section}
    return stage.build(specification(handed, folder, settings))


def specification(handed: list[Manifest], folder: Path, settings: dict[str, Any]) -> JobSpec:
    return JobSpec(stage="export", section={**settings, "receipt": RECEIPT}, inputs=handed, folder=str(folder))


@pytest.fixture(scope="module")
def package(handed: list[Manifest], home: Path) -> Path:
    outcome = exported(handed, home / "package")
    assert outcome.details["checked"] == 4
    return home / "package"


@pytest.fixture
def damaged(package: Path, tmp_path: Path) -> Path:
    """A copy of the package to spoil."""
    return shutil.copytree(package, tmp_path / "package")


def verify(folder: Path, handed: list[Manifest], rows: list[dict[str, Any]]) -> int:
    return check.verify(folder, model.weights(handed[1]), "bf16", prompts_of(handed[0]), rows[:4])


def prompts_of(base: Manifest) -> Prompting:
    return prompting(base.folder, Format(**base.details["format"]), base.details["context"])


def settings_of(folder: Path, name: str = "config.json") -> dict[str, Any]:
    return json.loads((folder / "model" / name).read_text(encoding="utf-8"))


def test_the_package_holds_what_servers_and_people_need(package: Path, handed: list[Manifest]):
    files = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    assert files == {
        "README.md",
        "Modelfile",
        "adapter/adapter_config.json",
        "fim.json",
        "receipt.json",
        "serve-vllm.sh",
        "model/config.json",
        "model/generation_config.json",
        "model/model.safetensors",
        "model/tokenizer.json",
        "model/tokenizer_config.json",
    }


def test_the_same_inputs_give_the_same_bytes_and_old_files_do_not_stay(
    package: Path, handed: list[Manifest], tmp_path: Path
):
    folder = tmp_path / "again"
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "old.safetensors").write_text("left by an interrupted export")
    settings = {"name": "acme-coder", "precision": "bf16", "require_gate": False, "check_prompts": 4}
    outcome = stage.build(specification(handed, folder, settings))
    hashes = [
        {path.relative_to(home).as_posix(): storage.sha256(path) for path in home.rglob("*") if path.is_file()}
        for home in (package, folder)
    ]
    assert hashes[0] == hashes[1]
    assert outcome.metrics["bytes"] == sum((folder / name).stat().st_size for name in outcome.details["files"])


def test_the_exported_weights_are_the_trained_ones_in_the_asked_precision(package: Path, handed: list[Manifest]):
    found = AutoModelForCausalLM.from_pretrained(package / "model")
    trained = AutoModelForCausalLM.from_pretrained(model.weights(handed[1]), dtype=found.dtype)
    assert str(found.dtype) == "torch.bfloat16"
    assert all(a.equal(b) for a, b in zip(found.parameters(), trained.parameters(), strict=True))


def test_positions_are_written_for_old_and_for_new_readers(package: Path, handed: list[Manifest], tmp_path: Path):
    trained = AutoConfig.from_pretrained(model.weights(handed[1])).rope_parameters
    settings = settings_of(package)
    assert settings["rope_theta"] == 100_000
    assert settings["rope_scaling"] == {"type": "linear", "factor": 4.0}
    for hidden in ((), ("rope_parameters",), ("rope_theta", "rope_scaling")):
        shown = {name: value for name, value in settings.items() if name not in hidden}
        (tmp_path / "config.json").write_text(json.dumps(shown))
        rope = AutoConfig.from_pretrained(tmp_path).rope_parameters
        assert {name: rope[name] for name in trained} == trained


def test_the_cache_is_on_and_the_number_format_is_stated(package: Path):
    settings = settings_of(package)
    assert (settings["use_cache"], settings["dtype"], settings["torch_dtype"]) == (True, "bfloat16", "bfloat16")


def test_generation_is_greedy_and_ends_at_every_sentinel(package: Path, handed: list[Manifest]):
    settings, marks = settings_of(package, "generation_config.json"), handed[0].details["format"]
    assert settings["do_sample"] is False
    assert set(settings["eos_token_id"]) == {marks[name] for name in marks if name != "family"}


def test_the_tokenizer_is_the_bases_byte_for_byte_under_a_class_that_all_versions_know(package: Path, tiny: Path):
    assert (package / "model" / "tokenizer.json").read_bytes() == (tiny / "tokenizer.json").read_bytes()
    assert settings_of(package, "tokenizer_config.json")["tokenizer_class"] == "PreTrainedTokenizerFast"
    tokenizer = AutoTokenizer.from_pretrained(package / "model")
    assert tokenizer.decode(tokenizer.encode("int  x;\n", add_special_tokens=False)) == "int  x;\n"
    assert tokenizer.eos_token == "<｜end▁of▁sentence｜>"


def test_the_template_gives_the_ids_of_training(package: Path, rows: list[dict[str, Any]]):
    fim = json.loads((package / "fim.json").read_text(encoding="utf-8"))
    tokenizer = AutoTokenizer.from_pretrained(package / "model")
    for row in rows:
        text = fim["template"].replace("{prefix}", row["prefix"]).replace("{suffix}", row["suffix"])
        assert tokenizer.encode(text, add_special_tokens=fim["add_special_tokens"]) == row["prompt"]


def test_braces_in_the_code_do_not_confuse_the_template(tiny_manifest: Manifest):
    text = prompts_of(tiny_manifest).render("String a = {suffix};", "b {prefix}")
    assert "String a = {suffix};<｜fim▁hole｜>b {prefix}<｜fim▁end｜>" in text


def test_the_model_card_shows_the_results_and_no_code(
    package: Path, handed: list[Manifest], rows: list[dict[str, Any]]
):
    card = (package / "README.md").read_text(encoding="utf-8")
    gain = handed[2].details["gains"]["edit_similarity"]
    assert f"| {gain['base']:.2f} | {gain['tuned']:.2f} | {gain['gain']:+.2f} |" in card
    lines = {line.strip() for row in rows for part in ("prefix", "middle", "suffix") for line in row[part].splitlines()}
    assert not [line for line in lines if len(line) > 8 and line in card]
    assert not [row["path"] for row in rows if row["path"] in card]


def test_the_receipt_names_the_configuration_and_every_input(package: Path, handed: list[Manifest]):
    receipt = json.loads((package / "receipt.json").read_text(encoding="utf-8"))
    assert receipt["configuration"] == RECEIPT["configuration"]
    assert receipt["digests"]["tuned"] == handed[1].digest
    assert receipt["digests"]["fim"] == [shard.digest for shard in handed[5:]]


def test_the_modelfile_renders_a_suffix_and_stops_at_the_sentinels(package: Path):
    text = (package / "Modelfile").read_text(encoding="utf-8")
    template = "{{- if .Suffix }}<｜fim▁begin｜>{{ .Prompt }}<｜fim▁hole｜>{{ .Suffix }}<｜fim▁end｜>{{ else }}{{ .Prompt }}{{ end }}"
    assert f'TEMPLATE """{template}"""' in text
    assert 'PARAMETER stop "<｜end▁of▁sentence｜>"' in text


def test_the_serving_script_renders_the_template_on_the_clients_side(
    package: Path, rows: list[dict[str, Any]], tiny_manifest: Manifest, tmp_path: Path
):
    row = next(row for row in rows if "\r" not in row["prefix"] + row["suffix"])
    (tmp_path / "before.java").write_text(row["prefix"], encoding="utf-8")
    (tmp_path / "after.java").write_text(row["suffix"], encoding="utf-8")
    (tmp_path / "curl").write_text("#!/bin/sh\ncat\n")  # shows what would be sent
    (tmp_path / "curl").chmod(0o755)
    command = ["sh", str(package / "serve-vllm.sh"), "complete", "before.java", "after.java"]
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    sent = json.loads(done.stdout)
    assert sent["prompt"] == prompts_of(tiny_manifest).render(row["prefix"], row["suffix"])
    assert sent["model"] == "acme-coder"
    assert sent["add_special_tokens"] is False


def test_a_withheld_export_says_why_and_holds_no_weights(handed: list[Manifest], tmp_path: Path):
    reasons = ["codebleu gained too little", "loss rose"]
    gate = handed[2].model_copy(update={"details": {"passed": False, "reasons": reasons}})
    (tmp_path / "e" / "model").mkdir(parents=True)
    (tmp_path / "e" / "model" / "model.safetensors").write_text("left by an interrupted export")
    spec = specification([*handed[:2], gate, *handed[3:]], tmp_path / "e", {"name": "acme-coder"})
    outcome = stage.build(spec)
    assert [path.name for path in (tmp_path / "e").rglob("*")] == ["WITHHELD.txt"]
    assert all(reason in (tmp_path / "e" / "WITHHELD.txt").read_text() for reason in reasons)
    assert outcome.details == {"withheld": True, "reasons": reasons}


def test_one_changed_weight_is_found_and_named(damaged: Path, handed: list[Manifest], rows: list[dict[str, Any]]):
    assert verify(damaged, handed, rows) == 4
    path = damaged / "model" / "model.safetensors"
    tensors = load_file(path)
    tensors["model.layers.1.mlp.up_proj.weight"][3, 5] += 0.5
    save_file(tensors, path, {"format": "pt"})
    with pytest.raises(ModelError, match=r"model\.layers\.1\.mlp\.up_proj\.weight"):
        verify(damaged, handed, rows)


def test_a_missing_tensor_is_found(damaged: Path, handed: list[Manifest], rows: list[dict[str, Any]]):
    path = damaged / "model" / "model.safetensors"
    tensors = load_file(path)
    del tensors["lm_head.weight"]
    save_file(tensors, path, {"format": "pt"})
    with pytest.raises(ModelError, match=r"lm_head\.weight"):
        verify(damaged, handed, rows)


def test_wrong_positions_are_found_by_what_the_model_writes(
    damaged: Path, handed: list[Manifest], rows: list[dict[str, Any]]
):
    settings = settings_of(damaged)
    settings |= {"rope_theta": 50.0, "rope_scaling": None}
    settings["rope_parameters"] = {"rope_type": "default", "rope_theta": 50.0}
    (damaged / "model" / "config.json").write_text(json.dumps(settings))
    with pytest.raises(ModelError, match="completes test sample .* differently"):
        verify(damaged, handed, rows)


def test_sampling_by_default_is_found_by_what_the_model_writes(
    damaged: Path, handed: list[Manifest], rows: list[dict[str, Any]]
):
    settings = settings_of(damaged, "generation_config.json") | {"do_sample": True, "temperature": 9.0}
    (damaged / "model" / "generation_config.json").write_text(json.dumps(settings))
    with pytest.raises(ModelError, match="completes test sample .* differently"):
        verify(damaged, handed, rows)


def test_a_tokenizer_that_reads_the_template_otherwise_is_found(
    damaged: Path, handed: list[Manifest], rows: list[dict[str, Any]]
):
    path = damaged / "model" / "tokenizer.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings["model"]["merges"] = settings["model"]["merges"][:100]
    path.write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(ModelError, match="gives other ids than training used for test sample"):
        verify(damaged, handed, rows)


def test_a_prompt_that_spells_a_sentinel_is_not_held_against_the_template(
    package: Path, handed: list[Manifest], rows: list[dict[str, Any]]
):
    row = {**rows[0], "prefix": rows[0]["prefix"] + '"<｜fim▁hole｜>"'}
    check.check_template(package, prompts_of(handed[0]), [row])


def test_weights_in_several_files_stay_so_with_a_true_index(handed: list[Manifest], tmp_path: Path):
    tuned = handed[1]
    parts = tmp_path / "tuned" / "model"
    shutil.copytree(model.weights(tuned), parts)
    (parts / "model.safetensors").unlink()
    AutoModelForCausalLM.from_pretrained(model.weights(tuned)).save_pretrained(parts, max_shard_size="200KB")
    assert len(list(parts.glob("*.safetensors"))) > 1
    split = tuned.model_copy(update={"uri": str(tmp_path / "tuned")})
    outcome = exported([handed[0], split, *handed[2:]], tmp_path / "e")
    index = json.loads((tmp_path / "e" / "model" / "model.safetensors.index.json").read_text())
    assert index["metadata"]["total_size"] == 2 * outcome.metrics["parameters"]


def test_inputs_are_named_by_their_order(handed: list[Manifest], tmp_path: Path):
    inputs = Inputs.of(specification(handed, tmp_path, {"name": "acme-coder"}))
    assert inputs.section.name == "acme-coder"
    assert (inputs.tuned, inputs.gate, inputs.shards) == (handed[1], handed[2], handed[5:])
