"""The configuration: loading, overrides, and errors a person understands."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from fimsmith import config, configfile, fields
from fimsmith.errors import ConfigError, StorageError

ROOT = Path(__file__).parents[1]


def tree(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "model": {"path": "m"},
        "sources": [{"name": "business", "location": "code"}, {"name": "docs", "location": "docs", "kind": "text"}],
        "mix": {"weights": {"business": 0.8, "docs": 0.2}},
    }
    return {**base, **changes}


def write(folder: Path, content: Any) -> Path:
    path = folder / "config.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), encoding="utf-8")
    return path


def test_defaults_are_those_of_the_67b_reference():
    loaded = configfile.validate(tree(), "test")
    assert (loaded.train.learning_rate, loaded.train.warmup, loaded.train.zero_stage) == (2e-5, 0.1, 3)


def test_every_field_has_a_description():
    def missing(section: type) -> list[str]:
        found = []
        for name, field in section.model_fields.items():
            nested = field.annotation
            if isinstance(nested, type) and issubclass(nested, config.Section):
                found += missing(nested)
            elif not field.description and name != "sources":
                found.append(f"{section.__name__}.{name}")
        return found

    assert missing(config.Config) + missing(config.Source) == []


def test_the_documentation_is_in_step_with_the_schema():
    assert (ROOT / "docs/configuration.md").read_text(encoding="utf-8").strip() == fields.markdown().strip()


@pytest.mark.parametrize("path", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda path: path.name)
def test_shipped_configurations_are_valid(path: Path):
    assert configfile.load(path).parameters()


def test_maps_are_sorted_because_their_order_is_lost_on_the_way_through_kfp():
    section = config.Mix(weights={"b": 0.5, "a": 0.3, "c": 0.2})
    assert list(section.weights) == ["a", "b", "c"]


def test_overrides_reach_nested_fields_and_lists(tmp_path: Path):
    path = write(tmp_path, tree())
    changes = ["train.learning_rate=1e-4", "sources.0.location=/my code", "fim.kinds.body=2", "mix.tokens=5000"]
    loaded = configfile.load(path, changes)
    assert loaded.train.learning_rate == 1e-4
    assert loaded.sources[0].location == "/my code"
    assert loaded.fim.kinds.body == 2
    assert loaded.mix.tokens == 5000


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["train.lerning_rate=1"], ["train.lerning_rate", "did you mean 'learning_rate'"]),
        (["trian.batch=1"], ["trian", "did you mean 'train'"]),
        (["mix.weights.docs=0.3"], ["mix", "weights sum to 1.1", "-0.1"]),
        (["train.batch=many"], ["train.batch", "many"]),
        (["train.batch=0"], ["train.batch", "greater than or equal to 1"]),
        (["train.batch"], ["--set", "section.field=value"]),
        (["sources.7.location=x"], ["--set", "2 entries"]),
        (["run.root.deeper=x"], ["single value"]),
        (["sources.1.name=business"], ["'business' is used twice"]),
        (["sources.0.group=other"], ["mix.weights names 'business'"]),
        (["curate.held_out=[nowhere]"], ["curate.held_out names 'nowhere'"]),
        (["mix.sequence=512"], ["mix.sequence 512 is below fim.sequence 4096"]),
        (["run.processes=3"], ["train.batch 64 cannot be split over 3", "66"]),
        (["curate.test=0.97"], ["must be below 1"]),
        (["fim.shares.node=0.5"], ["shares sum to 1.15"]),
        (
            ["fim.shares.commit=0.2", "fim.shares.document=0"],
            ["fim.shares.commit is 0.2, but no source has", "history"],
        ),
        (["curate.split_by=time"], ["source 'business', which is held out, has no history", "git+"]),
        (["fim.context.share=0.5"], ["signatures", "set curate.signatures to true"]),
        (["fim.context.snippets=0.5"], ["code of other files", "set curate.snippets to true"]),
        (["model.family=gpt"], ["model.family", "gpt"]),
        (["run.kubernetes.memory=2gb"], ["run.kubernetes.memory: is no Kubernetes quantity", "16Gi", "'2gb'"]),
        (["run.kubernetes.disk=lots"], ["run.kubernetes.disk: is no Kubernetes quantity"]),
        (["run.kubernetes.hugepages=5 Gi"], ["run.kubernetes.hugepages: is no Kubernetes quantity"]),
    ],
)
def test_a_mistake_is_named_with_its_place_and_value(tmp_path: Path, changes: list[str], words: list[str]):
    path = write(tmp_path, tree(run={"root": "data"}))
    with pytest.raises(ConfigError) as caught:
        configfile.load(path, changes)
    assert all(word in str(caught.value) for word in words), str(caught.value)


@pytest.mark.parametrize("content", ["", "- a\n- b", "just text", "a: [1", "model: {path: m}"])
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, content: str):
    with pytest.raises(ConfigError, match=r"config\.yaml"):
        configfile.load(write(tmp_path, content))


def test_a_missing_file_is_refused_with_a_hint(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"configs/demo\.yaml"):
        configfile.load(tmp_path / "nowhere.yaml")


def test_parameters_survive_the_number_types_of_kfp():
    """Locally ints arrive as floats, on the back end 2.0 arrives as 2."""

    def floats(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: floats(each) for name, each in value.items()}
        if isinstance(value, list):
            return [floats(each) for each in value]
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    before = configfile.validate(tree(mix={"weights": {"business": 0.8, "docs": 0.2}, "tokens": 5000}), "test")
    parameters = before.parameters()
    root = parameters.pop("root")
    after = configfile.from_parameters(root, **{name: floats(section) for name, section in parameters.items()})
    assert after == before


@pytest.mark.parametrize(
    "change", ["mix.max_epochs=.inf", "train.learning_rate=inf", "fim.kinds.block=inf", "mix.max_epochs=1e300"]
)
def test_numbers_without_an_end_are_refused(tmp_path: Path, change: str):
    with pytest.raises(ConfigError, match=change.partition("=")[0]):
        configfile.load(write(tmp_path, tree()), [change])


def test_several_machines_need_a_launcher_that_has_them():
    with pytest.raises(ConfigError, match="set run.nodes to 1 .* or run.launcher to pytorchjob"):
        configfile.validate(tree(run={"nodes": 2}), "test")


ON_SAGEMAKER = {"role": "arn:aws:iam::123456789012:role/fimsmith", "image": "registry/train:1"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sagemaker": {"role": ON_SAGEMAKER["role"]}}, "run.sagemaker.image is not set"),
        ({"sagemaker": ON_SAGEMAKER, "root": "folder"}, "set it to s3://bucket/prefix"),
        ({"sagemaker": ON_SAGEMAKER, "root": "s3://bucket/root"}, "copy it to S3"),
        ({"sagemaker": {"spot": True, "keep_alive": 60}}, "a warm pool has no spot instances"),
        ({"sagemaker": {"spot": True, "max_wait": 60}}, "max_wait 60 is below max_runtime"),
        ({"sagemaker": {"subnets": ["subnet-0a"]}}, "a VPC takes both"),
        ({"sagemaker": {"fsx": "fs-01234567"}}, "through a VPC only"),
    ],
)
def test_what_sagemaker_cannot_do_is_refused_before_a_job_is_made(change: dict[str, Any], words: str):
    with pytest.raises(ConfigError, match=words):
        configfile.validate(tree(run={"launcher": "sagemaker", **change}), "test")


@pytest.mark.parametrize("path", ["~no-such-user/x.yaml", "a\0b"])
def test_a_path_that_cannot_be_one_is_explained(path: str):
    with pytest.raises(StorageError, match="cannot use"):
        configfile.load(path)


def test_parts_are_the_sections_that_are_complete_and_what_there_is_of_others(tmp_path: Path):
    parts = configfile.load_parts(write(tmp_path, {"mix": {"tokens": 5000}, "train": {"batch": 8}}))
    assert parts["mix"] == {"tokens": 5000}
    assert parts["train"] == config.Train(batch=8)
    assert parts["run"] == config.Run()
    assert {"model", "sources"}.isdisjoint(parts)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ({"trian": {}}, "did you mean 'train'"),
        ({"train": {"batch": 0}}, "train.batch"),
        ({"sources": [{"name": "a"}]}, "sources.0.location: is required"),
        (tree(mix={"weights": {"business": 1.0}}), "group 'docs' has no weight"),
    ],
)
def test_a_mistake_in_a_part_is_named(tmp_path: Path, part: dict[str, Any], words: str):
    with pytest.raises(ConfigError, match=re.escape(words)):
        configfile.load_parts(write(tmp_path, part))
