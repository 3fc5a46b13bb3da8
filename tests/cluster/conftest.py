"""The demo on a real Kubeflow Pipelines back end: one release of the chart, one configuration and one first run for all tests.

Needs KUBECONFIG, KFP_ENDPOINT, the images FIMSMITH_IMAGE_PIPELINE and FIMSMITH_IMAGE_TRAIN in the cluster, and an S3
store: AWS_ENDPOINT_URL as this machine reaches it, FIMSMITH_TEST_S3 as pods do, FIMSMITH_TEST_BUCKET.
"""

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kfp_run
import pytest
import yaml
from kfp_run import FIMSMITH, KFP, NAMESPACE, ROOT, kubectl

from fimsmith import configfile


@pytest.fixture(scope="session")
def release() -> Iterator[str]:
    """The chart as the documentation installs it, and the Secret with the store's keys."""
    kfp_run.needs("KUBECONFIG", "KFP_ENDPOINT", "FIMSMITH_IMAGE_PIPELINE", "FIMSMITH_IMAGE_TRAIN", "FIMSMITH_TEST_S3")
    keys = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    keys |= {"AWS_ENDPOINT_URL": os.environ["FIMSMITH_TEST_S3"], "AWS_REGION": "us-east-1"}
    kubectl("delete", "secret", "fimsmith-s3", "--ignore-not-found")
    kubectl(
        "create", "secret", "generic", "fimsmith-s3", *(f"--from-literal={key}={value}" for key, value in keys.items())
    )
    images = []
    for name in ("pipeline", "train"):
        repository, _, tag = os.environ[f"FIMSMITH_IMAGE_{name.upper()}"].rpartition(":")
        images += ["--set", f"images.{name}.repository={repository}", "--set", f"images.{name}.tag={tag}"]
    subprocess.run(
        ["helm", "upgrade", "--install", "fimsmith", str(ROOT / "charts/fimsmith"), "-n", NAMESPACE, *images, "--wait"],
        check=True,
    )
    yield "fimsmith"
    subprocess.run(["helm", "uninstall", "fimsmith", "-n", NAMESPACE, "--wait"], check=True)


@pytest.fixture(scope="session")
def configuration(release: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """configs/demo-kubernetes.yaml with a root of this session's own and the images in the cluster."""
    place = f"s3://{os.environ.get('FIMSMITH_TEST_BUCKET', 'mlpipeline')}/test-{uuid.uuid4().hex[:8]}"
    content = yaml.safe_load((ROOT / "configs/demo-kubernetes.yaml").read_text(encoding="utf-8"))
    content["run"] |= {"root": place}
    content["run"]["kubernetes"] |= {"image": os.environ["FIMSMITH_IMAGE_TRAIN"], "patience": 120}
    content["model"]["path"] = f"{place}/tiny-model"
    path = tmp_path_factory.mktemp("kfp") / "demo.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    here = [
        f"sources.{number}.location={ROOT / name}"
        for number, name in enumerate(("examples/shop", "examples/toolkit", "examples/shop/docs"))
    ]
    overrides = [part for each in [*here, f"run.root={path.parent}/data"] for part in ("--set", each)]
    sizes = ["--vocabulary", "2048", "--hidden", "128", "--layers", "2"]
    subprocess.run([FIMSMITH, "tiny-model", str(path), *sizes, *overrides], check=True, cwd=path.parent)
    return path


def arguments(path: Path, *changes: str) -> list[str]:
    """The pipeline's parameters as the command line of kfp takes them."""
    parameters = configfile.load(path, changes).parameters()
    return [f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in parameters.items()]


@pytest.fixture(scope="session")
def client(release: str) -> Any:
    from kfp import Client

    return Client(host=os.environ["KFP_ENDPOINT"])


@pytest.fixture(scope="session")
def start(client: Any, configuration: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Start a run with `kfp run submit` and return its id."""
    package = tmp_path_factory.mktemp("package") / "pipeline.yaml"
    subprocess.run(
        [KFP, "dsl", "compile", "--py", "pipelines/finetune.py", "--output", str(package)], check=True, cwd=ROOT
    )

    def begin(*changes: str) -> str:
        name = f"demo {uuid.uuid4().hex[:8]}"
        where = ["--endpoint", os.environ["KFP_ENDPOINT"]]
        command = [KFP, *where, "run", "submit", "-e", "demo", "-r", name, "-f", str(package)]
        subprocess.run([*command, *arguments(configuration, *changes)], check=True)
        found = client.list_runs(page_size=50, sort_by="created_at desc").runs
        return next(run.run_id for run in found if run.display_name == name)

    return begin


@pytest.fixture(scope="session")
def first(start: Callable[..., str], client: Any) -> Any:
    return kfp_run.end(client, start())
