"""Render the chart with the real helm."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from chart_values import CHART


@pytest.fixture(scope="session")
def helm() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run helm."""
    if shutil.which("helm") is None:
        pytest.skip("helm is not on PATH")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["helm", *arguments], capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def template(helm: Callable[..., Any], tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `helm template` with values given as a dictionary or a file."""

    def run(values: dict[str, Any] | Path, release: str = "fimsmith") -> subprocess.CompletedProcess[str]:
        file = values if isinstance(values, Path) else tmp_path / "values.yaml"
        if isinstance(values, dict):
            file.write_text(yaml.safe_dump(values), encoding="utf-8")
        return helm("template", release, str(CHART), "-n", "ml", "-f", str(file), "--kube-version", "1.34.0")

    return run


@pytest.fixture
def render(template: Callable[..., Any]) -> Callable[..., dict[str, dict[str, Any]]]:
    """Return the objects of a release by kind/name; a hook is `hook:kind/name`, after its first event."""

    def run(values: dict[str, Any] | Path, release: str = "fimsmith") -> dict[str, dict[str, Any]]:
        done = template(values, release)
        assert done.returncode == 0, done.stderr
        made = {}
        for item in yaml.safe_load_all(done.stdout):
            hook = (item["metadata"].get("annotations") or {}).get("helm.sh/hook", "").split(",")[0]
            made[f"{hook}:{item['kind']}/{item['metadata']['name']}".removeprefix(":")] = item
        return made

    return run


@pytest.fixture
def notes(helm: Callable[..., Any], tmp_path: Path) -> Callable[..., str]:
    """Return what helm prints after an installation: without a cluster it shows manifests only, so here it is one."""
    chart = tmp_path / "chart"
    shutil.copytree(CHART, chart)
    text = (chart / "templates/NOTES.txt").read_text(encoding="utf-8")
    (chart / "templates/_notes.tpl").write_text(f'{{{{ define "notes" }}}}{text}{{{{ end }}}}', encoding="utf-8")
    (chart / "templates/notes.yaml").write_text('notes: {{ include "notes" . | quote }}\n', encoding="utf-8")

    def run(values: dict[str, Any]) -> str:
        file = tmp_path / "values.yaml"
        file.write_text(yaml.safe_dump(values), encoding="utf-8")
        where = ("-n", "ml", "--kube-version", "1.34.0", "--show-only", "templates/notes.yaml")
        done = helm("template", "fimsmith", str(chart), "-f", str(file), *where)
        assert done.returncode == 0, done.stderr
        return yaml.safe_load(done.stdout)["notes"]

    return run
