"""`fimsmith run --launcher pytorchjob`: the CPU stages in this process, the GPU stages as jobs; no KFP.

Needs KUBECONFIG, the training operator, the image FIMSMITH_IMAGE_TRAIN in the cluster, and an S3 store:
AWS_ENDPOINT_URL with its keys as this machine reaches it, FIMSMITH_TEST_S3 as pods do, FIMSMITH_TEST_BUCKET.
"""

import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from kfp_run import FIMSMITH, ROOT, needs

from fimsmith import storage

pytestmark = [pytest.mark.cluster, pytest.mark.slow]
STAGES = ("ingest", "curate", "fim", "mix", "train", "evaluate", "gate", "export", "report")


def kubectl(*arguments: str) -> str:
    return subprocess.run(["kubectl", *arguments], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    """A namespace under the restricted standard, with what jobs need: an account and the store's keys."""
    needs("KUBECONFIG", "FIMSMITH_IMAGE_TRAIN", "FIMSMITH_TEST_S3")
    name = f"fims-laptop-{uuid.uuid4().hex[:6]}"
    kubectl("create", "namespace", name)
    kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    kubectl("-n", name, "create", "serviceaccount", "fimsmith-job")
    keys = {key: os.environ[key] for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    keys |= {"AWS_ENDPOINT_URL": os.environ["FIMSMITH_TEST_S3"], "AWS_REGION": "us-east-1"}
    literals = [f"--from-literal={key}={value}" for key, value in keys.items()]
    kubectl("-n", name, "create", "secret", "generic", "fimsmith-s3", *literals)
    yield name
    kubectl("delete", "namespace", name)


@pytest.fixture(scope="module")
def configuration(namespace: str, tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo for a cluster, with the sources as this machine has them and few steps."""
    content = yaml.safe_load((ROOT / "configs/demo-kubernetes.yaml").read_text(encoding="utf-8"))
    content["run"]["root"] = f"s3://{os.environ.get('FIMSMITH_TEST_BUCKET', 'mlpipeline')}/laptop-{namespace}"
    content["run"]["kubernetes"] |= {"namespace": namespace, "image": os.environ["FIMSMITH_IMAGE_TRAIN"]}
    content["model"]["path"] = f"{content['run']['root']}-model"
    storage.send(tiny, content["model"]["path"], [file.name for file in tiny.iterdir()])
    for source in content["sources"]:
        source["location"] = source["location"].replace("/opt/fimsmith", str(ROOT))
    content["mix"]["tokens"] = 60_000
    content["train"]["max_steps"] = 10
    content["evaluate"] |= {"samples": 8, "max_new_tokens": 16}
    path = tmp_path_factory.mktemp("laptop") / "demo.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def fimsmith(*arguments: str) -> "subprocess.CompletedProcess[str]":
    done = subprocess.run([FIMSMITH, *arguments], capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr)
    return done


def test_a_run_from_a_laptop_ends_with_the_report_in_s3_and_nothing_on_the_cluster(configuration: Path, namespace: str):
    done = fimsmith("run", str(configuration), "--launcher", "pytorchjob")
    assert done.returncode == 0
    assert "train     step 10 of 10" in done.stdout
    root = yaml.safe_load(configuration.read_text())["run"]["root"]
    made = {name.split("/")[0] for name in storage.list_files(root) if name.endswith("/manifest.json")}
    assert made == set(STAGES)
    assert kubectl("-n", namespace, "get", "pytorchjobs,pods", "-o", "name") == ""


def test_a_second_run_from_a_laptop_starts_no_job(configuration: Path, namespace: str):
    done = fimsmith("run", str(configuration), "--launcher", "pytorchjob")
    assert done.returncode == 0
    assert "job fimsmith-" not in done.stdout
    assert "step 1 of" not in done.stdout
