"""The doctor on a real cluster: what is sound is good, and each fault is named with its fix.

KUBECONFIG names the cluster; it needs the training operator and an S3-compatible store that pods reach at
FIMSMITH_TEST_S3 (an URL; default http://minio-service.kubeflow:9000) with the keys AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY (default minio, minio123) and a bucket FIMSMITH_TEST_BUCKET (default mlpipeline), and the
image FIMSMITH_IMAGE_TRAIN (default localhost/fimsmith-train of this version).
"""

import json
import os
import subprocess
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fimsmith import __version__, config, configfile, doctor
from fimsmith.doctor.result import Result
from fimsmith.launch.answers import Refused
from fimsmith.launch.kube import Cluster

pytestmark = pytest.mark.cluster

MACHINES = {"S3 from here", "model"}  # no fault of the cluster: the store may be out of reach here, and holds no model
STORE = os.environ.get("FIMSMITH_TEST_S3", "http://minio-service.kubeflow:9000")
KEY = os.environ.get("AWS_ACCESS_KEY_ID", "minio")
SECRET = os.environ.get("AWS_SECRET_ACCESS_KEY", "minio123")
BUCKET = os.environ.get("FIMSMITH_TEST_BUCKET", "mlpipeline")
TRAIN = os.environ.get("FIMSMITH_IMAGE_TRAIN", f"localhost/fimsmith-train:{__version__}")


@pytest.fixture(scope="module")
def api() -> Cluster:
    """The cluster of the current context."""
    if "KUBECONFIG" not in os.environ:
        pytest.skip("KUBECONFIG is not set: no cluster to test on")
    try:
        made = Cluster(None)
        made.request("GET", "/version")
    except Exception as error:
        pytest.skip(f"the cluster that KUBECONFIG names does not answer: {error}")
    return made


@pytest.fixture(scope="module")
def namespace(api: Cluster) -> Iterator[str]:
    """A namespace under the restricted standard, with the jobs' account and the store's keys."""
    name = f"fims-doctor-{uuid.uuid4().hex[:6]}"
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    api.request("POST", "/api/v1/namespaces", {"metadata": {"name": name, "labels": labels}})
    here = f"/api/v1/namespaces/{name}"
    api.request("POST", f"{here}/serviceaccounts", {"metadata": {"name": "fimsmith-job"}})
    keep_keys(api, name, "fimsmith-s3", SECRET)
    yield name
    api.request("DELETE", here)


@pytest.fixture(scope="module")
def image(api: Cluster) -> str:
    """The image of jobs, where the node has it."""
    known = [
        name
        for node in api.request("GET", "/api/v1/nodes")["items"]
        for item in node["status"]["images"]
        for name in item["names"] or []
    ]
    if TRAIN.startswith("localhost/") and TRAIN not in known:
        pytest.skip(f"no node has the image {TRAIN}: set FIMSMITH_IMAGE_TRAIN")
    return TRAIN


@pytest.fixture
def examine(namespace: str, image: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Result]]:
    """Run all checks for a configuration whose `run.kubernetes` is changed."""
    monkeypatch.delenv("KFP_ENDPOINT", raising=False)

    def run(root: str = f"s3://{BUCKET}/fims-doctor", **changes: Any) -> dict[str, Result]:
        return by_name(doctor.check(settings(root, {"namespace": namespace, "image": image, **changes})))

    return run


def keep_keys(api: Cluster, namespace: str, name: str, secret: str) -> None:
    """Make a Secret with the store's keys."""
    values = {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": secret,
        "AWS_ENDPOINT_URL": STORE,
        "AWS_REGION": "us-east-1",
    }
    api.request("POST", f"/api/v1/namespaces/{namespace}/secrets", {"metadata": {"name": name}, "stringData": values})


def settings(root: str, kubernetes: dict[str, Any]) -> config.Config:
    small = {"cpu": "50m", "memory": "64Mi", "shm": "1Mi", "patience": 120}
    tree = {
        "run": {"root": root, "launcher": "pytorchjob", "nodes": 2, "kubernetes": {**small, **kubernetes}},
        "model": {"path": f"{root}/model"},
        "sources": [{"name": "code", "location": "/code"}],
        "mix": {"weights": {"code": 1.0}},
    }
    return configfile.validate(tree, "test")


def by_name(results: list[Result]) -> dict[str, Result]:
    return {result.name: result for result in results}


def test_a_sound_namespace_has_no_fault_but_this_machines_own(examine, api: Cluster, namespace: str):
    found = examine()
    faults = [str(result) for name, result in found.items() if result.ok is False and name not in MACHINES]
    assert not faults
    for name in ("PyTorchJob", "operator", "rights", "account", "secret", "image", "S3 from a job", "nodes"):
        assert found[name].ok, found[name]
    assert api.request("GET", f"/api/v1/namespaces/{namespace}/pods")["items"] == []
    assert api.request("GET", f"/apis/kubeflow.org/v1/namespaces/{namespace}/pytorchjobs")["items"] == []


def test_an_image_that_does_not_exist(examine, api: Cluster, namespace: str):
    found = examine(image="localhost/fimsmith/nowhere:1")
    assert found["image"].ok is False
    assert "cannot be pulled" in found["image"].text
    assert found["S3 from a job"].ok is None
    assert api.request("GET", f"/api/v1/namespaces/{namespace}/pods")["items"] == []


def test_keys_that_the_store_does_not_accept(examine, api: Cluster, namespace: str):
    keep_keys(api, namespace, "wrong-keys", "wrong")
    found = examine(secret="wrong-keys")["S3 from a job"]
    assert found.ok is False
    assert "SignatureDoesNotMatch" in found.text or "InvalidAccessKeyId" in found.text
    assert "create secret generic wrong-keys" in found.fix


def test_no_keys_at_all(examine):
    found = examine(secret="no-such-secret")
    assert found["secret"].ok is None
    assert found["S3 from a job"].ok is False


def test_a_bucket_that_does_not_exist(examine):
    found = examine(root="s3://fims-no-such-bucket/prefix")
    assert found["image"].ok, found["image"]
    assert found["S3 from a job"].ok is False
    assert "NoSuchBucket" in found["S3 from a job"].text
    assert "aws s3 mb s3://fims-no-such-bucket" in found["S3 from a job"].fix


def test_a_selector_that_no_node_matches_does_not_keep_the_other_checks_waiting(examine):
    found = examine(node_selector={"fimsmith.test/none": "true"})
    assert found["nodes"].ok is False
    assert "without label fimsmith.test/none=true" in found["nodes"].text
    assert found["image"].ok


def test_more_than_the_nodes_hold(examine):
    found = examine(gpus=8, cpu="10m")["nodes"]
    assert found.ok is False
    assert "0 of 8 nvidia.com/gpu free" in found.text


def test_an_account_that_does_not_exist(examine):
    found = examine(service_account="nobody")
    assert found["account"].ok is False
    assert found["image"].ok is False
    assert "nobody" in found["image"].text


def test_a_namespace_that_does_not_exist(api: Cluster):
    found = doctor.check(settings("s3://b/p", {"namespace": "fims-no-such-namespace"}))[-1]
    assert found.ok is False
    assert "create namespace fims-no-such-namespace" in found.fix


def test_an_account_without_rights_sees_no_faults_but_its_own(
    api: Cluster, namespace: str, tmp_path: Path, monkeypatch
):
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    api.request("POST", accounts, {"metadata": {"name": "poor"}})
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    token = api.request("POST", f"{accounts}/poor/token", request)["status"]["token"]
    monkeypatch.setenv("KUBECONFIG", str(_as(token, tmp_path)))
    found = doctor.check(settings(f"s3://{BUCKET}/x", {"namespace": namespace}))
    faults = {result.name for result in found if result.ok is False and result.name not in MACHINES}
    assert faults == {"rights"}
    text = by_name(found)["rights"].text
    assert f"system:serviceaccount:{namespace}:poor may not create" in text


def test_the_proposed_role_gives_the_rights_that_were_missing(
    api: Cluster, namespace: str, tmp_path: Path, monkeypatch
):
    user = f"system:serviceaccount:{namespace}:pipeline-runner"
    api.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "pipeline-runner"}})
    made = settings(f"s3://{BUCKET}/x", {"namespace": namespace, "service_account": "nobody"})
    before = next(result for result in doctor.check(made) if result.name == "rights" and user in result.text)
    assert before.ok is False
    for command in before.fix.splitlines()[1:]:
        subprocess.run(command, shell=True, check=True, capture_output=True)
    after = next(result for result in doctor.check(made) if result.name == "rights" and user in result.text)
    assert after.ok
    assert "may not" not in after.text


def _as(token: str, folder: Path) -> Path:
    """Write a kubeconfig of the same cluster with another identity."""
    command = ["kubectl", "config", "view", "--minify", "--raw", "-o", "json"]
    known = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    known["users"] = [{"name": known["users"][0]["name"], "user": {"token": token}}]
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(known))
    return path


def test_a_refused_answer_keeps_the_servers_words(api: Cluster):
    with pytest.raises(Refused, match="404"):
        api.request("GET", "/api/v1/namespaces/fims-no-such-namespace")
