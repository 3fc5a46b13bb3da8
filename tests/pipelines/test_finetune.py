"""The compiled pipeline is one that a KFP back end accepts."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import compiler

from fimsmith import config
from pipelines import variant
from pipelines.finetune import finetune
from pipelines.finetune_sagemaker import finetune_sagemaker
from pipelines.local import STAGES

ROOT = Path(__file__).parents[2]


def compiled(pipeline: Any, path: Path) -> dict[str, Any]:
    compiler.Compiler().compile(pipeline, str(path))
    return next(yaml.safe_load_all(path.read_text(encoding="utf-8")))


@pytest.fixture(scope="module", params=[finetune, finetune_sagemaker], ids=["finetune", "finetune_sagemaker"])
def specification(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return compiled(request.param, tmp_path_factory.mktemp("compiled") / "pipeline.yaml")


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


def test_both_pipelines_are_the_same_but_for_their_names_and_where_jobs_run(tmp_path: Path):
    one, other = (
        compiled(each, tmp_path / f"{number}.yaml") for number, each in enumerate((finetune, finetune_sagemaker))
    )
    assert other["root"]["inputDefinitions"]["parameters"]["run"].pop("defaultValue") == {"launcher": "sagemaker"}
    assert one["root"]["inputDefinitions"]["parameters"]["run"].pop("defaultValue") == {}
    assert one.pop("pipelineInfo") != other.pop("pipelineInfo")
    assert one == other


def test_the_launcher_chooses_the_pipeline():
    assert variant.chosen("sagemaker") is finetune_sagemaker
    assert variant.chosen("pytorchjob") is variant.chosen("local") is finetune


@pytest.mark.parametrize("name", ["finetune", "finetune_sagemaker"])
def test_kubeflows_own_command_compiles_the_file(name: str, tmp_path: Path):
    command = ["kfp", "dsl", "compile", "--py", f"pipelines/{name}.py", "--output", str(tmp_path / "pipeline.yaml")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    assert subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0
    assert (tmp_path / "pipeline.yaml").exists()
