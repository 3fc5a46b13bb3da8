"""The compiled pipeline is one that a KFP back end accepts."""

import copy
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import compiler

from components import images
from fimsmith import config
from fimsmith.launch.placement import SECRET
from pipelines import variant
from pipelines.local import STAGES

ROOT = Path(__file__).parents[2]
LAUNCHERS = {"finetune": "local", "finetune_sagemaker": "sagemaker"}


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Both pipelines compiled: the specification, and what is set for Kubernetes."""
    folder, made = tmp_path_factory.mktemp("compiled"), {}
    for name, launcher in LAUNCHERS.items():
        compiler.Compiler().compile(variant.chosen(launcher), str(folder / f"{name}.yaml"))
        made[name] = list(yaml.safe_load_all((folder / f"{name}.yaml").read_text(encoding="utf-8")))
    return made


@pytest.fixture(params=LAUNCHERS)
def specification(request: pytest.FixtureRequest, documents: dict[str, list[Any]]) -> dict[str, Any]:
    return documents[request.param][0]


@pytest.fixture
def pods(documents: dict[str, list[Any]]) -> dict[str, Any]:
    """What is set for the pods of each task."""
    platform = documents["finetune"][1]
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return {name.removeprefix("exec-"): pod for name, pod in executors.items()}


def test_a_task_knows_which_keys_are_of_the_secret_that_all_tasks_get(
    pods: dict[str, Any], specification: dict[str, Any]
):
    """A job must not take them for what a person wished (fimsmith.launch.placement)."""
    executors = specification["deploymentSpec"]["executors"]
    assert pods.keys() == {name.removeprefix("exec-") for name in executors}
    for name, pod in pods.items():
        (keys,) = [each for each in pod["secretAsEnv"] if each["secretName"] == images.SECRET]
        assert "AWS_SESSION_TOKEN" in {each["envVar"] for each in keys["keyToEnv"]}
        assert {"name": SECRET, "value": images.SECRET} in executors[f"exec-{name}"]["container"]["env"]


def test_a_task_that_works_itself_has_a_share_and_an_end_and_one_that_starts_a_job_leaves_both_to_the_job(
    pods: dict[str, Any], specification: dict[str, Any]
):
    launching = {"train", "evaluate", "evaluate-2", "export"}
    for name, pod in pods.items():
        resources = specification["deploymentSpec"]["executors"][f"exec-{name}"]["container"].get("resources", {})
        share = (resources.get("resourceCpuRequest"), resources.get("resourceMemoryRequest"))
        assert share == ((None, None) if name in launching else ("100m", "256Mi"))
        assert ("activeDeadlineSeconds" in pod) is (name not in launching)


def test_only_ingest_gets_the_password_of_private_repositories(pods: dict[str, Any]):
    holders = {name for name, pod in pods.items() if "GIT_PASSWORD" in str(pod)}
    assert holders == {"ingest"}


def _graphs(specification: dict[str, Any]) -> dict[str, dict[str, Any]]:
    inner = {name: component for name, component in specification["components"].items() if "dag" in component}
    return {"root": specification["root"], **inner}


def _undeclared(graph: dict[str, Any]) -> list[str]:
    """Parameters and artifacts that a graph's tasks take from it although it does not declare them."""
    inputs = graph.get("inputDefinitions", {})
    wrong = []
    for name, task in graph["dag"]["tasks"].items():
        for kind, key in (("parameters", "componentInputParameter"), ("artifacts", "componentInputArtifact")):
            for value in task.get("inputs", {}).get(kind, {}).values():
                if key in value and value[key] not in inputs.get(kind, {}):
                    wrong.append(f"{name}: {value[key]}")
        items = task.get("parameterIterator", {}).get("items", {}).get("inputParameter")
        if items and items not in task.get("inputs", {}).get("parameters", {}):
            wrong.append(f"{name}: iterates over {items}")
    return wrong


def test_every_input_that_a_task_takes_is_declared(specification: dict[str, Any]):
    """The compiler drops declarations in some nestings; the back end's driver then fails."""
    assert {name: _undeclared(graph) for name, graph in _graphs(specification).items()} == {
        name: [] for name in _graphs(specification)
    }


def test_the_lint_would_find_an_undeclared_parameter(specification: dict[str, Any]):
    broken = {**specification["root"], "inputDefinitions": {"parameters": {}}}
    assert _undeclared(broken)


def test_a_loop_item_has_the_type_that_its_task_takes(specification: dict[str, Any]):
    """An item of an untyped list arrives as a string, which the back end's driver refuses."""
    found = {}
    for graph in _graphs(specification).values():
        for task in graph["dag"]["tasks"].values():
            takes = specification["components"][task["componentRef"]["name"]]["inputDefinitions"].get("parameters", {})
            for name, value in task.get("inputs", {}).get("parameters", {}).items():
                source = value.get("componentInputParameter", "")
                if source.endswith("-loop-item"):
                    given = graph["inputDefinitions"]["parameters"][source]["parameterType"]
                    found[source] = (given, takes[name]["parameterType"])
    assert len(found) == 2
    assert all(given == taken for given, taken in found.values()), found


def test_every_stage_is_a_task(specification: dict[str, Any]):
    tasks = {name for graph in _graphs(specification).values() for name in graph["dag"]["tasks"]}
    assert {*STAGES, "evaluate-2"} <= tasks


def test_no_task_installs_packages_at_run_time(specification: dict[str, Any]):
    executors = specification["deploymentSpec"]["executors"].values()
    assert executors
    for executor in executors:
        assert "pip install" not in " ".join(executor["container"]["command"])


def test_the_parameters_are_the_sections_of_the_configuration(specification: dict[str, Any]):
    names = set(specification["root"]["inputDefinitions"]["parameters"])
    assert names == {"root", *config.Config.model_fields}


def test_one_argument_stays_below_what_the_kernel_takes(specification: dict[str, Any]):
    for executor in specification["deploymentSpec"]["executors"].values():
        container = executor["container"]
        assert max(len(part.encode()) for part in [*container["command"], *container["args"]]) < 100_000


def test_both_pipelines_are_the_same_but_for_their_names_and_where_jobs_run(documents: dict[str, list[Any]]):
    one, other = (copy.deepcopy(documents[name][0]) for name in LAUNCHERS)
    assert other["root"]["inputDefinitions"]["parameters"]["run"].pop("defaultValue") == {"launcher": "sagemaker"}
    assert one["root"]["inputDefinitions"]["parameters"]["run"].pop("defaultValue") == {}
    assert one.pop("pipelineInfo") != other.pop("pipelineInfo")
    assert one == other


def test_the_launcher_chooses_the_pipeline():
    assert variant.chosen("sagemaker").name == "fimsmith-sagemaker"
    assert variant.chosen("pytorchjob") is variant.chosen("local")
    assert variant.chosen("local").name == "fimsmith"


@pytest.mark.parametrize("name", LAUNCHERS)
def test_kubeflows_own_command_compiles_the_file(name: str, tmp_path: Path):
    command = ["kfp", "dsl", "compile", "--py", f"pipelines/{name}.py", "--output", str(tmp_path / "pipeline.yaml")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    assert subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0
    assert (tmp_path / "pipeline.yaml").exists()
