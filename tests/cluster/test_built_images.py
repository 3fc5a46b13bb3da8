"""The images as a restricted pod sees them: FIMSMITH_IMAGE_PIPELINE and FIMSMITH_IMAGE_TRAIN, already in the cluster.

One pod per image collects facts and prints them as JSON; root file system read-only, no network, no token.
"""

import json
import os
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.cluster
NAMES = ("pipeline", "train")
SECONDS = 240
PROBE = Path(__file__).with_name("image_probe.py")


def kubectl(*arguments: str, stdin: str | None = None) -> str:
    done = subprocess.run(["kubectl", *arguments], input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pod(name: str, image: str) -> dict[str, Any]:
    """Return a pod under the restricted Pod Security Standard that runs the probe."""
    container = {
        "name": "probe",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-c", PROBE.read_text(encoding="utf-8"), name],
        "workingDir": "/tmp",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "3Gi"}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    spec = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # no runAsUser: the image's own user must do
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    """A namespace that enforces the restricted standard and lets nothing in or out."""
    if not os.environ.get("KUBECONFIG"):
        pytest.skip("KUBECONFIG not set")
    name = f"fimsmith-images-{uuid.uuid4().hex[:6]}"
    kubectl("create", "namespace", name)
    kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "nothing"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }
    kubectl("-n", name, "apply", "-f", "-", stdin=yaml.safe_dump(policy))
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module", params=NAMES)
def facts(request: pytest.FixtureRequest, namespace: str) -> dict[str, Any]:
    """What the probe found in one image."""
    name: str = request.param
    variable = f"FIMSMITH_IMAGE_{name.upper()}"
    if not os.environ.get(variable):
        pytest.skip(f"{variable} not set")
    kubectl("-n", namespace, "apply", "-f", "-", stdin=json.dumps(pod(name, os.environ[variable])))
    ended = "jsonpath={.status.containerStatuses[0].state.terminated}"
    try:
        kubectl("-n", namespace, "wait", f"pod/{name}", f"--for={ended}", f"--timeout={SECONDS}s")
    except AssertionError:
        pytest.fail(kubectl("-n", namespace, "describe", "pod", name))
    log = kubectl("-n", namespace, "logs", name)
    assert '"uid"' in log.splitlines()[-1], log
    return json.loads(log.splitlines()[-1])


def test_the_user_is_1000_without_any_help_of_the_pod(facts: dict[str, Any]):
    assert (facts["uid"], facts["gid"], facts["home"]) == (1000, 1000, "/tmp")


def test_there_is_no_compiler(facts: dict[str, Any]):
    assert facts["compilers"] == []


def test_only_tmp_can_be_written(facts: dict[str, Any]):
    assert facts["writable"] == ["/tmp"]


def test_the_user_owns_nothing_of_the_code(facts: dict[str, Any]):
    assert facts["loose"] == []


def test_everything_the_image_is_for_can_be_imported(facts: dict[str, Any]):
    assert facts["missing"] == {}


def test_the_command_line_works_from_any_folder_without_a_network(facts: dict[str, Any]):
    assert not facts["network"]
    assert facts["help"] == 0


def test_what_the_image_is_for_works(facts: dict[str, Any]):
    """pipeline: compiles the pipeline. train: a step of ZeRO-3, for which DeepSpeed likes to compile things."""
    assert facts["work"] == "done"
