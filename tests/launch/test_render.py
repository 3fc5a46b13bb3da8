"""fimsmith.launch.render: what a job looks like as a PyTorchJob."""

import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fimsmith import config
from fimsmith.launch import Job, render
from fimsmith.launch.kube import Home
from fimsmith.launch.placement import Placement

TRAIN = Job(
    name="train-0123456789abcdef",
    stage="train",
    module="fimsmith.train",
    folder=Path("/job"),
    distributed=True,
    nodes=3,
    processes=8,
    destination="s3://models/x/train/0123",
)
OWNER = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "name": "w", "uid": "1"}


def manifest(job: Job = TRAIN, home: Home = Home("ml"), **settings: Any) -> dict[str, Any]:  # noqa: B008
    made = render.manifest(job, config.Run(kubernetes=config.Kubernetes(**settings)), home, "ml")
    json.dumps(made)
    return made


def pod(made: dict[str, Any], kind: str = "Worker") -> dict[str, Any]:
    return made["spec"]["pytorchReplicaSpecs"][kind]["template"]["spec"]


def main(made: dict[str, Any]) -> dict[str, Any]:
    (container,) = pod(made)["containers"]
    return container


def environment(made: dict[str, Any]) -> dict[str, Any]:
    named = [each["name"] for each in main(made)["env"]]
    assert len(named) == len(set(named))
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in main(made)["env"]}


def test_nodes_are_workers_that_do_not_start_again():
    (kind,) = manifest()["spec"]["pytorchReplicaSpecs"]
    replicas = manifest()["spec"]["pytorchReplicaSpecs"][kind]
    assert (kind, replicas["replicas"], replicas["restartPolicy"]) == ("Worker", 3, "Never")


def test_torchrun_finds_the_first_node_and_knows_its_own_number():
    known = environment(manifest())
    assert known["PET_MASTER_ADDR"] == f"{render.name(TRAIN)}-worker-0"
    label = "metadata.labels['training.kubeflow.org/replica-index']"
    assert known["PET_NODE_RANK"] == {"fieldRef": {"fieldPath": label}}
    assert environment(manifest(replace(TRAIN, nodes=1)))["PET_MASTER_ADDR"] == "localhost"


def test_torchrun_runs_a_distributed_job_and_python_any_other():
    assert main(manifest())["name"] == "pytorch"
    assert main(manifest())["command"] == ["torchrun", "-m", "fimsmith.train", "s3://models/x/train/0123/log/job.json"]
    assert manifest()["spec"]["nprocPerNode"] == "8"
    single = manifest(Job("export-1", "export", "fimsmith.export", Path("/job")))
    assert main(single)["command"] == ["python3", "-m", "fimsmith.export", "/job/log/job.json"]
    assert single["spec"]["nprocPerNode"] == "1"


def test_inputs_are_fetched_before_with_the_same_image_environment_and_disks():
    (fetch,) = pod(manifest())["initContainers"]
    assert fetch["command"] == ["python3", "-m", "fimsmith.fetch", TRAIN.argument]
    alike = {key: value for key, value in fetch.items() if key not in ("name", "command")}
    assert alike == {key: value for key, value in main(manifest()).items() if key not in ("name", "command")}


def test_the_secret_may_be_missing_or_unnamed():
    assert main(manifest(secret="keys"))["envFrom"] == [{"secretRef": {"name": "keys", "optional": True}}]
    assert "envFrom" not in main(manifest(secret=None))


def test_a_job_of_cpus_asks_for_no_device():
    resources = main(manifest(cpu="8", memory="32Gi"))["resources"]
    assert resources == {"requests": {"cpu": "8", "memory": "32Gi"}, "limits": {"memory": "32Gi"}}


def test_devices_and_huge_pages_are_limits_and_requests():
    resources = main(manifest(gpus=8, efa=32, hugepages="5Gi", gpu_resource="amd.com/gpu"))["resources"]
    devices = {"amd.com/gpu": "8", "vpc.amazonaws.com/efa": "32", "hugepages-2Mi": "5Gi"}
    assert resources["limits"].items() >= devices.items()
    assert resources["requests"].items() >= devices.items()


@pytest.mark.parametrize(
    ("cpu", "processes", "threads"), [("16", 8, "2"), ("500m", 1, "1"), ("4", 8, "1"), ("96", 1, "96")]
)
def test_cpus_are_shared_among_the_processes(cpu: str, processes: int, threads: str):
    made = manifest(replace(TRAIN, processes=processes), cpu=cpu)
    assert environment(made)["OMP_NUM_THREADS"] == threads


def test_only_the_scratch_disk_the_temporary_one_and_shared_memory_are_writable():
    made = manifest(disk="200Gi", shm="64Gi")
    volumes = {each["name"]: each["emptyDir"] for each in pod(made)["volumes"]}
    assert volumes == {
        "scratch": {"sizeLimit": "200Gi"},
        "tmp": {},
        "shm": {"medium": "Memory", "sizeLimit": "64Gi"},
    }
    mounts = {each["mountPath"]: each["name"] for each in main(made)["volumeMounts"]}
    assert mounts == {"/scratch": "scratch", "/tmp": "tmp", "/dev/shm": "shm"}
    assert environment(made)["FIMSMITH_CACHE"] == "/scratch/cache"
    assert environment(made)["HOME"] == "/tmp"


def test_pods_meet_the_restricted_standard_and_hold_no_token():
    made = pod(manifest())
    assert made["securityContext"]["runAsNonRoot"] is True
    assert made["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in [*made["initContainers"], *made["containers"]]:
        assert container["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert made["automountServiceAccountToken"] is False
    assert made["serviceAccountName"] == "fimsmith-job"


def test_torchrun_kills_what_hangs_before_the_pods_time_is_over():
    made = manifest()
    assert int(environment(made)["TORCH_ELASTIC_SHUTDOWN_TIMEOUT"]) < pod(made)["terminationGracePeriodSeconds"]
    assert main(made)["terminationMessagePolicy"] == "FallbackToLogsOnError"


def test_only_training_gets_time_for_a_checkpoint():
    assert pod(manifest(replace(TRAIN, distributed=False)))["terminationGracePeriodSeconds"] <= 30


def test_a_job_ends_by_itself_and_keeps_what_its_pods_say():
    made = manifest(deadline=100.5, patience=60)
    policy = made["spec"]["runPolicy"]
    assert pod(made)["activeDeadlineSeconds"] == 101
    assert policy["activeDeadlineSeconds"] == 161
    assert policy["cleanPodPolicy"] == "Running"
    assert policy["backoffLimit"] == 0
    assert policy["ttlSecondsAfterFinished"] > 0
    assert "suspend" not in policy


def test_a_queued_job_begins_suspended():
    made = manifest(queue="gpus")
    assert made["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "gpus"
    assert made["spec"]["runPolicy"]["suspend"] is True


def test_nothing_moves_or_amends_the_pods():
    annotations = manifest()["spec"]["pytorchReplicaSpecs"]["Worker"]["template"]["metadata"]["annotations"]
    assert annotations == {
        "sidecar.istio.io/inject": "false",
        "karpenter.sh/do-not-disrupt": "true",
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    }


def test_labels_tell_the_stage_and_the_run():
    made = manifest(home=Home("ml", "w", OWNER, "run-7"))
    for labels in (
        made["metadata"]["labels"],
        made["spec"]["pytorchReplicaSpecs"]["Worker"]["template"]["metadata"]["labels"],
    ):
        assert labels["app.kubernetes.io/component"] == labels["fimsmith.dev/stage"] == "train"
        assert labels["fimsmith.dev/run"] == "run-7"
    assert "fimsmith.dev/run" not in manifest()["metadata"]["labels"]


def test_only_an_owner_in_the_same_namespace_is_named():
    assert manifest(home=Home("ml", "w", OWNER))["metadata"]["ownerReferences"] == [OWNER]
    assert "ownerReferences" not in manifest(home=Home("other", "w", OWNER))["metadata"]


@pytest.mark.parametrize("name", ["train-0123456789abcdef", "Evaluate_X.y", "export-" + "a" * 80, "a" * 60 + "-"])
def test_a_name_fits_a_replicas_suffix_and_dns(name: str):
    made = render.name(replace(TRAIN, name=name))
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", made)
    assert len(f"{made}-worker-63") <= 63
    assert made == render.name(replace(TRAIN, name=name, nodes=1))


def test_long_names_that_end_differently_stay_different():
    assert render.name(replace(TRAIN, name="a" * 60 + "1")) != render.name(replace(TRAIN, name="a" * 60 + "2"))


def test_node_choice_priority_and_pull_secrets_come_from_the_configuration():
    gpu = [{"key": "nvidia.com/gpu", "operator": "Exists"}]
    made = pod(manifest(node_selector={"a": "b"}, tolerations=gpu, priority_class="high", pull_secrets=["hub"]))
    assert made["nodeSelector"] == {"a": "b"}
    assert made["tolerations"] == gpu
    assert made["priorityClassName"] == "high"
    assert made["imagePullSecrets"] == [{"name": "hub"}]
    assert (
        not {"nodeSelector", "tolerations", "affinity", "priorityClassName", "imagePullSecrets"}
        & pod(manifest()).keys()
    )


def wishing(**wishes: Any) -> Job:
    return replace(TRAIN, placement=Placement.of(SimpleNamespace(**wishes)))


def test_a_task_configuration_without_anything_changes_nothing():
    fields = ("resources", "tolerations", "node_selector", "affinity", "env", "volumes", "volume_mounts")
    nothing = wishing(**dict.fromkeys(fields))
    assert manifest(nothing) == manifest()
    assert json.loads(json.dumps(asdict(nothing.placement))) == asdict(Placement())


def test_what_is_set_on_the_task_wins():
    wanted = [{"key": "k", "operator": "Exists"}]
    job = wishing(
        resources={"limits": {"memory": "9Gi", "nvidia.com/gpu": "4"}, "requests": {"cpu": "2"}},
        tolerations=wanted,
        node_selector={"c": "d"},
        affinity={"nodeAffinity": {}},
    )
    made = manifest(job, gpus=1, node_selector={"a": "b"}, tolerations=[{"key": "x"}])
    assert main(made)["resources"] == {
        "limits": {"memory": "9Gi", "nvidia.com/gpu": "4"},
        "requests": {"cpu": "2", "memory": "9Gi", "nvidia.com/gpu": "4"},
    }
    assert pod(made)["nodeSelector"] == {"c": "d"}
    assert pod(made)["tolerations"] == wanted
    assert pod(made)["affinity"] == {"nodeAffinity": {}}


def test_a_tasks_environment_is_merged_by_name():
    reference = {"secretKeyRef": {"name": "s", "key": "k"}}
    made = manifest(wishing(env=[{"name": "HOME", "value": "/h"}, {"name": "TOKEN", "valueFrom": reference}]))
    assert environment(made)["HOME"] == "/h"
    assert environment(made)["TOKEN"] == reference
    assert environment(made)["HF_HUB_OFFLINE"] == "1"


@pytest.mark.parametrize("secret", ["jobs-own", None])
def test_the_pipelines_own_secret_does_not_reach_the_job_beside_the_configured_one(secret: str | None):
    """A container's `env` beats its `envFrom`: what the pipeline gives all tasks would win over run.kubernetes.secret."""

    def key(name: str, of: str) -> dict[str, Any]:
        return {"name": name, "valueFrom": {"secretKeyRef": {"name": of, "key": name, "optional": True}}}

    common = [key("AWS_ACCESS_KEY_ID", "fimsmith-s3"), key("AWS_SESSION_TOKEN", "fimsmith-s3")]
    wished = [key("AWS_REGION", "a-persons-own"), key("WANDB_API_KEY", "fimsmith-s3")]
    made = manifest(wishing(env=[*common, {"name": "FIMSMITH_SECRET", "value": "fimsmith-s3"}, *wished]), secret=secret)
    env = main(made)["env"]
    assert not {"AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN", "FIMSMITH_SECRET"} & environment(made).keys()
    assert all(each in env for each in wished)
    references = [each["secretRef"]["name"] for each in main(made).get("envFrom", [])]
    assert references == ([secret] if secret else [])


def test_a_tasks_volume_takes_the_place_of_ours():
    volume = {"name": "lustre", "persistentVolumeClaim": {"claimName": "fsx"}}
    made = manifest(wishing(volumes=[volume], volume_mounts=[{"name": "lustre", "mountPath": "/scratch/"}]))
    assert [each["name"] for each in pod(made)["volumes"]] == ["tmp", "shm", "lustre"]
    assert {each["mountPath"] for each in main(made)["volumeMounts"]} == {"/scratch/", "/tmp", "/dev/shm"}
