"""What a person sets on the KFP task `train` reaches its job, through kfp's compiler and kfp's executor."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import compiler, dsl, kubernetes
from kfp.dsl.executor import Executor

from components.train import train
from fimsmith import launch, task
from fimsmith.launch.placement import Placement


@dsl.pipeline(name="placed")
def placed():
    base = dsl.importer(artifact_uri="s3://b/base", artifact_class=dsl.Model).output
    packed = dsl.importer(artifact_uri="s3://b/packed", artifact_class=dsl.Dataset).output
    job: Any = train(section={}, run={}, root="s3://b", base=base, packed=packed)  # type: ignore[call-arg]
    job.set_cpu_request("2").set_memory_limit("64Gi").set_accelerator_type("nvidia.com/gpu").set_accelerator_limit("8")
    job.set_env_variable("NCCL_DEBUG", "INFO")
    kubernetes.add_toleration(job, key="gpu", operator="Exists", effect="NoSchedule")
    kubernetes.add_node_selector(job, "disk", "nvme")
    kubernetes.mount_pvc(job, "fsx", "/lustre")


def driver(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """What KFP's driver makes of a compiled task and gives to the component, as seen on a 2.17 back end."""
    specification, platform = documents
    passed = {each["field"] for each in specification["components"]["comp-train"]["taskConfigPassthroughs"]}
    container = specification["deploymentSpec"]["executors"]["exec-train"]["container"]
    pod = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]["exec-train"]
    asked, device = container["resources"], container["resources"]["accelerator"]
    limits = {"memory": asked["resourceMemoryLimit"], device["resourceType"]: device["resourceCount"]}
    (mount,) = pod["pvcMount"]
    claim = {"persistentVolumeClaim": {"claimName": mount["constant"]}}
    parts = {
        "RESOURCES": {"resources": {"limits": limits, "requests": {"cpu": asked["resourceCpuRequest"]}}},
        "KUBERNETES_TOLERATIONS": {"tolerations": pod["tolerations"]},
        "KUBERNETES_NODE_SELECTOR": {"nodeSelector": pod["nodeSelector"]["labels"]},
        "KUBERNETES_AFFINITY": {},
        "ENV": {"env": container["env"]},
        "KUBERNETES_VOLUMES": {
            "volumes": [{"name": mount["constant"], **claim}],
            "volumeMounts": [{"name": mount["constant"], "mountPath": mount["mountPath"]}],
        },
    }
    return {name: value for field in passed for name, value in parts[field].items()}


def test_what_is_set_on_the_task_is_what_the_launcher_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    package, given = tmp_path / "pipeline.yaml", []
    compiler.Compiler().compile(placed, str(package))  # type: ignore[arg-type]
    inputs = {"section": {}, "run": {}, "root": "s3://b"}
    inputs["pod"] = driver(list(yaml.safe_load_all(package.read_text(encoding="utf-8"))))
    monkeypatch.setattr(task, "begin", lambda: None)
    monkeypatch.setattr(task, "read", lambda _: None)
    monkeypatch.setattr(task, "publish", lambda *_: None)
    monkeypatch.setattr(launch, "train", lambda *arguments: given.append(arguments[-1]))

    def artifact(name: str) -> dict[str, Any]:
        return {"artifacts": [{"name": name, "uri": str(tmp_path / name), "type": {"schemaTitle": "system.Artifact"}}]}

    sent = {
        "inputs": {"parameterValues": inputs, "artifacts": {name: artifact(name) for name in ("base", "packed")}},
        "outputs": {
            "outputFile": str(tmp_path / "executor_output.json"),
            "artifacts": {name: artifact(name) for name in ("tuned", "metrics")},
        },
    }
    Executor(sent, train).execute()
    assert given == [
        Placement(
            resources={"limits": {"memory": "64Gi", "nvidia.com/gpu": "8"}, "requests": {"cpu": "2"}},
            tolerations=[{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
            node_selector={"disk": "nvme"},
            env=[{"name": "NCCL_DEBUG", "value": "INFO"}],
            volumes=[{"name": "fsx", "persistentVolumeClaim": {"claimName": "fsx"}}],
            volume_mounts=[{"name": "fsx", "mountPath": "/lustre"}],
        )
    ]
