"""What is shipped to be used as it is: configurations, examples in documents, the script that makes a cluster."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import boto3
import botocore
import pytest
import yaml

from fimsmith import configfile
from fimsmith.doctor import nodes
from fimsmith.doctor.result import Subject

ROOT = Path(__file__).parents[1]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
HARDWARE = {"p4d.24xlarge": (8, 4), "p5.48xlarge": (8, 32), "g6e.12xlarge": (4, 0)}  # GPUs, EFA devices
IAM = sorted((ROOT / "docs" / "iam").glob("*.json"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_configuration_loads_and_its_sizes_fit_one_another(path: Path):
    run = configfile.load(path).run
    if run.launcher == "pytorchjob":
        assert run.root.startswith("s3://")
        assert all(result.ok for result in nodes.shm(Subject(run=run)))
    if machine := run.kubernetes.node_selector.get("node.kubernetes.io/instance-type"):
        assert (run.kubernetes.gpus, run.kubernetes.efa) == HARDWARE[machine]
        assert run.processes == run.kubernetes.gpus
    if run.launcher == "sagemaker":
        gpus, efa = HARDWARE[run.sagemaker.instance_type.removeprefix("ml.")]
        assert run.processes == gpus
        assert run.nodes == 1 or not efa or "efa" in str(run.sagemaker.image)


@pytest.mark.parametrize("path", [each for each in CONFIGS if "sagemaker" in each.stem], ids=lambda path: path.stem)
def test_a_configuration_for_sagemaker_names_instances_that_train_and_serve(path: Path):
    model = boto3.Session(region_name="us-east-1").client("sagemaker").meta.service_model
    settings = configfile.load(path).run.sagemaker
    training = model.shape_for("TrainingInstanceType").enum
    assert {settings.instance_type, settings.single_instance_type} <= set(training)
    serving = model.shape_for("ProductionVariantInstanceType").enum
    assert settings.endpoint.instance_type in serving


def test_the_guide_to_sagemaker_names_every_policy_that_is_shipped():
    guide = (ROOT / "docs" / "sagemaker.md").read_text(encoding="utf-8")
    assert len(IAM) == 6
    assert all(f"docs/iam/{path.name}" in guide for path in IAM)


def test_the_guide_to_sagemaker_lists_the_machine_images_of_the_installed_service_model():
    guide = (ROOT / "docs" / "sagemaker.md").read_text(encoding="utf-8")
    model = boto3.Session(region_name="us-east-1").client("sagemaker").meta.service_model
    known = model.shape_for("ProductionVariantInferenceAmiVersion").enum
    assert set(re.findall(r"^\| `(al\S+)` \|", guide, re.M)) == {each for each in known if "-gpu-" in each}
    assert f"botocore {botocore.__version__.rpartition('.')[0]}." in guide


def test_the_guide_to_sagemaker_fills_in_the_policies_with_any_sed_and_shell(tmp_path: Path):
    guide = (ROOT / "docs" / "sagemaker.md").read_text(encoding="utf-8")
    assert "sed -i" not in guide  # GNU's and BSD's differ
    assert not re.search(r"(?<![\w\"])\$DEMO", guide)  # zsh does not split it
    shutil.copytree(ROOT / "docs" / "iam", tmp_path / "docs" / "iam")
    (loop,) = re.findall(r"^    (for file in docs/iam.*?done)$", guide, re.M | re.S)
    filled = {"ACCOUNT": "210987654321", "AWS_REGION": "eu-west-1", "BUCKET": "company"}
    subprocess.run(["sh", "-ec", loop], cwd=tmp_path, env={"PATH": os.environ["PATH"], **filled}, check=True)
    texts = [path.read_text() for path in (tmp_path / "docs" / "iam").iterdir()]
    assert len(texts) == len(IAM)
    assert all(json.loads(text) for text in texts)
    assert not any(old in text for old in ("123456789012", "us-east-1", "your-bucket") for text in texts)


@pytest.mark.parametrize("path", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.stem)
def test_examples_in_documents_can_be_parsed(path: Path):
    text = path.read_text(encoding="utf-8")
    for example in re.findall(r"```yaml\n(.*?)```", text, re.S):
        list(yaml.safe_load_all(example))
    for example in re.findall(r"```json\n(.*?)```", text, re.S):
        json.loads(example)


def test_links_between_documents_lead_somewhere():
    for path in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+\.md)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_script_of_the_kind_cluster_is_clean():
    if not shutil.which("shellcheck"):
        pytest.skip("shellcheck is not installed")
    subprocess.run(["shellcheck", "kind/up"], cwd=ROOT, check=True)
