"""The structure that the design promises, read from the imports."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STAGES = {"corpus", "fim", "mix", "train", "evaluate", "export"}
BELOW = {  # what a stage may import of fimsmith besides itself
    "config",
    "configfile",
    "documents",
    "held_out",
    "jobspec",
    "errors",
    "family",
    "java",
    "manifest",
    "model",
    "packed",
    "pieces",
    "pool",
    "pretokens",
    "progress",
    "randomness",
    "records",
    "statistics",
    "storage",
    "tokenizer",
}
RESTRICTED = {  # third-party package -> places below fimsmith/ that may import it
    "torch": {"train", "evaluate", "export"},
    "transformers": {"train", "evaluate", "export"},
    "deepspeed": {"train"},
    "peft": {"train", "export"},
    "kfp": set(),
    "kubernetes": {"launch"},
    "boto3": {"launch", "doctor", "deploy", "storage"},
    "botocore": {"launch", "doctor", "deploy", "storage"},
}


def _files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{name.name}" for name in node.names}
    return found


def _place(path: Path) -> str:
    return path.relative_to(ROOT / "fimsmith").parts[0]


def test_the_library_is_where_this_test_looks():
    assert {_place(path) for path in _files("fimsmith")} >= STAGES


@pytest.mark.parametrize("path", _files("fimsmith"), ids=lambda path: str(path.relative_to(ROOT)))
def test_third_party_packages_stay_in_their_places(path: Path):
    packages = {name.split(".")[0] for name in _imports(path)}
    wrong = {name for name, places in RESTRICTED.items() if name in packages and _place(path) not in places}
    assert not wrong


@pytest.mark.parametrize("path", _files("fimsmith"), ids=lambda path: str(path.relative_to(ROOT)))
def test_stages_import_only_themselves_and_what_lies_below_them(path: Path):
    own = {name.split(".")[1] for name in _imports(path) if name.startswith("fimsmith.")} - {"__version__"}
    if _place(path) in STAGES:
        assert own <= BELOW | {_place(path)}
    if _place(path).removesuffix(".py") in BELOW:
        assert own <= BELOW


def test_only_the_command_line_reaches_up_to_the_pipelines():
    reaching = {
        _place(path)
        for path in _files("fimsmith")
        if any(name.split(".")[0] in ("components", "pipelines") for name in _imports(path))
    }
    assert reaching == {"cli.py"}


@pytest.mark.parametrize("path", [p for p in _files("components") if p.stem not in ("__init__", "images")])
def test_a_component_is_thin(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    (function,) = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert function.name == path.stem
    assert ast.get_docstring(function)
    assert len(function.body) - 1 <= 6


def test_images_are_named_in_one_place_and_never_by_a_moving_tag():
    from components import images

    assert not images.PIPELINE.endswith(":latest")
    assert ":" in images.PIPELINE or "@sha256:" in images.PIPELINE
    for path in _files("components"):
        if path.stem != "images":
            assert "base_image=" not in path.read_text().replace("base_image=images.PIPELINE", "")


def test_importing_the_command_line_does_not_import_torch_or_kfp():
    import subprocess
    import sys

    code = "import sys, fimsmith.cli; sys.exit(any(name in sys.modules for name in ('torch', 'kfp', 'transformers')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_functions_and_files_stay_short():
    long = [str(p.relative_to(ROOT)) for p in _files("fimsmith") if p.read_text(encoding="utf-8").count("\n") > 400]
    for path in [*_files("fimsmith"), *_files("pipelines")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.end_lineno and node.end_lineno - node.lineno >= 80:
                long.append(f"{path.name}:{node.name}")
    assert not long
