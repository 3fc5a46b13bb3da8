"""What is shipped to be used as it is: configurations, examples in documents, the script that makes a cluster."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from fimsmith import configfile
from fimsmith.doctor import nodes
from fimsmith.doctor.result import Subject

ROOT = Path(__file__).parents[1]
CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))
HARDWARE = {"p4d.24xlarge": (8, 4), "p5.48xlarge": (8, 32), "g6e.12xlarge": (4, 0)}  # GPUs, EFA devices


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_configuration_loads_and_its_sizes_fit_one_another(path: Path):
    run = configfile.load(path).run
    if run.launcher == "pytorchjob":
        assert run.root.startswith("s3://")
        assert all(result.ok for result in nodes.shm(Subject(run=run)))
    if machine := run.kubernetes.node_selector.get("node.kubernetes.io/instance-type"):
        assert (run.kubernetes.gpus, run.kubernetes.efa) == HARDWARE[machine]
        assert run.processes == run.kubernetes.gpus


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
