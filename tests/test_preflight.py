"""Preflight refuses what is bound to fail, and records what the result will depend on."""

import json
import shutil
from pathlib import Path

import pytest

from fimsmith import config, configfile, model, preflight
from fimsmith.errors import ConfigError, DataError, ModelError


def settings(tiny: Path, tmp_path: Path, **changes: dict) -> config.Config:
    (tmp_path / "code").mkdir(exist_ok=True)
    tree = {
        "run": {"root": str(tmp_path / "data")},
        "model": {"path": str(tiny)},
        "sources": [{"name": "code", "location": str(tmp_path / "code")}],
        "mix": {"weights": {"code": 1.0}},
    }
    return configfile.validate({**tree, **changes}, "test")


def test_the_receipt_holds_configuration_and_versions(tiny: Path, tmp_path: Path):
    receipt, base = preflight.check(settings(tiny, tmp_path))
    assert receipt.details["configuration"]["train"]["learning_rate"] == 2e-5
    assert receipt.details["versions"]["tokenizers"]
    assert base.details["family"] == "deepseek-coder"


def test_where_it_runs_does_not_change_the_receipts_digest(tiny: Path, tmp_path: Path):
    one = preflight.check(settings(tiny, tmp_path))[0]
    other = preflight.check(settings(tiny, tmp_path, run={"root": str(tmp_path / "other")}))[0]
    assert one.digest == other.digest


def test_a_sequence_longer_than_the_models_context_is_refused(tiny: Path, tmp_path: Path):
    mix = {"weights": {"code": 1.0}, "sequence": 8192}
    with pytest.raises(ConfigError, match="context of 4096 tokens"):
        preflight.check(settings(tiny, tmp_path, mix=mix))


def test_a_missing_benchmark_file_is_refused(tiny: Path, tmp_path: Path):
    with pytest.raises(DataError, match="there is no file at .*nowhere.jsonl that may be read"):
        preflight.check(settings(tiny, tmp_path, curate={"decontaminate": ["nowhere.jsonl"]}))


def test_a_benchmark_of_an_unknown_kind_is_refused_before_it_is_fetched(tiny: Path, tmp_path: Path):
    with pytest.raises(DataError, match=r"s3://bucket/b\.zip is none of \.jsonl"):
        preflight.check(settings(tiny, tmp_path, curate={"decontaminate": ["hf:some/code", "s3://bucket/b.zip"]}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"curate": {"valid": 0}}, "curate.valid is 0"),
        ({"curate": {"test": 0}}, "curate.test is 0"),
        (
            {"fim": {"shares": dict.fromkeys(config.Shares.model_fields, 0) | {"document": 1}}},
            "fim.shares makes no holes",
        ),
    ],
)
def test_what_leaves_nothing_to_evaluate_is_refused(tiny: Path, tmp_path: Path, changes: dict, words: str):
    with pytest.raises(ConfigError, match=words):
        preflight.check(settings(tiny, tmp_path, **changes))


@pytest.mark.parametrize(("share", "said"), [(0, False), (0.5, True)])
def test_a_family_that_does_not_know_the_order_suffix_first_is_named(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], share: float, said: bool
):
    preflight.check(settings(tiny, tmp_path, fim={"spm": share}))
    assert ("not trained suffix first" in capsys.readouterr().out) is said


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda folder: (folder / "config.json").unlink(), "no config.json"),
        (lambda folder: (folder / "config.json").write_text("{"), "not a model configuration"),
        (
            lambda folder: (folder / "config.json").write_text('{"vocab_size": 100}'),
            "outside the embedding of 100 rows",
        ),
        (lambda folder: (folder / "model.safetensors").unlink(), "no \\*.safetensors"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "cannot read .*tokenizer.json"),
        (lambda folder: (folder / "tokenizer.json").write_text("{}"), "cannot read .*tokenizer.json"),
    ],
)
def test_a_damaged_model_folder_is_refused(tiny: Path, tmp_path: Path, damage, words: str):
    folder = tmp_path / "model"
    shutil.copytree(tiny, folder)
    damage(folder)
    with pytest.raises(ModelError, match=words):
        model.describe(config.Model(path=str(folder)))


@pytest.mark.parametrize("known", [True, False])
def test_a_tokenizer_whose_splits_are_not_known_is_said_to_be_slow(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], known: bool
):
    folder = tmp_path / "model"
    shutil.copytree(tiny, folder)
    plain = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    if not known:
        plain["pre_tokenizer"]["pretokenizers"].insert(0, {"type": "Digits", "individual_digits": False})
    (folder / "tokenizer.json").write_text(json.dumps(plain), encoding="utf-8")
    model.describe(config.Model(path=str(folder)))
    assert ("several times slower" in capsys.readouterr().out) is not known


def test_a_tokenizer_without_sentinels_is_refused(tiny: Path, tmp_path: Path):
    folder = tmp_path / "model"
    shutil.copytree(tiny, folder)
    plain = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    plain["added_tokens"] = []
    (folder / "tokenizer.json").write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(ModelError, match="no fill-in-the-middle sentinels of a known family"):
        model.describe(config.Model(path=str(folder)))


def test_adapters_for_modules_that_the_model_lacks_are_refused(tiny: Path, tmp_path: Path):
    train = {"method": "lora", "lora": {"targets": ["q_proj", "query"]}}
    with pytest.raises(ConfigError, match=r"train\.lora\.targets names 'query', but the model's modules are .*q_proj"):
        preflight.check(settings(tiny, tmp_path, train=train))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: data[:-100], r"holds [\d,]+ bytes of [\d,]+; fetch the model again"),
        (lambda data: b"not a model at all", "is no safetensors file; fetch the model again"),
    ],
)
def test_weights_that_are_cut_short_are_refused(tiny: Path, tmp_path: Path, damage, message: str):
    shutil.copytree(tiny, tmp_path / "model")
    path = tmp_path / "model" / "model.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ModelError, match=message):
        preflight.check(settings(tmp_path / "model", tmp_path))


@pytest.mark.parametrize("change", [{"vocab_size": "abc"}, {"max_position_embeddings": "long"}])
def test_a_model_whose_sizes_are_no_numbers_is_refused(tiny: Path, tmp_path: Path, change: dict):
    shutil.copytree(tiny, tmp_path / "model")
    path = tmp_path / "model" / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(ModelError, match="not a whole number; fetch the model again"):
        preflight.check(settings(tmp_path / "model", tmp_path))


def test_an_address_without_git_in_front_of_it_is_explained(tiny: Path, tmp_path: Path):
    sources = [{"name": "code", "location": "https://example.com/x/y"}]
    with pytest.raises(DataError, match=r"write a repository's address as git\+https://example\.com/x/y"):
        preflight.check(settings(tiny, tmp_path, sources=sources))


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ({"root": "s3://bucket/prefix"}, "set run.launcher: pytorchjob"),
        ({"launcher": "pytorchjob"}, "set run.root to s3://"),
    ],
)
def test_a_task_of_a_cluster_refuses_what_would_stay_in_its_pod(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: dict, words: str
):
    monkeypatch.setenv("KFP_POD_NAME", "fimsmith-x7k2p-system-container-impl-1")
    with pytest.raises(ConfigError, match=words):
        preflight.check(settings(tiny, tmp_path, run=run))
