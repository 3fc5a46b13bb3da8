"""The doctor counts the room on nodes as the scheduler does, and says what is short."""

import copy
from typing import Any

import pytest
from recorded import NODE, only, subject

from fimsmith.doctor import nodes
from fimsmith.launch.answers import Refused

FORBIDDEN = Refused(403, "nodes is forbidden")


def node(**changes: Any) -> dict[str, Any]:
    made = copy.deepcopy(NODE)
    for section, values in changes.items():
        made[section].update(values)
    return made


def pod(requests: dict[str, str], init: dict[str, str] | None = None) -> dict[str, Any]:
    containers = [{"resources": {"requests": requests}}]
    return {
        "spec": {"nodeName": "a", "containers": containers, "initContainers": [{"resources": {"requests": init or {}}}]}
    }


def room(every: list[dict[str, Any]], pods: list[dict[str, Any]] | None = None, count: int = 1, **settings: Any):
    answers = {"/api/v1/nodes": {"items": every}, "/api/v1/pods": {"items": pods or []}}
    return only(nodes.room(subject(answers, nodes=count, **{"cpu": "2", "memory": "4Gi", **settings})))


def test_one_node_takes_several_pods():
    assert room([node()], count=4).ok
    assert room([node()], count=5).ok is False


def test_what_running_pods_asked_for_is_not_free_but_may_become_so():
    busy = [pod({"nvidia.com/gpu": "5"})]
    result = room([node()], busy, gpus=4, patience=300)
    assert result.ok is None
    assert "3 of 4 nvidia.com/gpu free" in result.text
    assert "waits 300 s" in result.text
    assert room([node()], busy, gpus=3).ok
    assert room([node()], busy, gpus=9).ok is False


def test_a_queued_job_waits_for_nodes_that_are_not_there():
    result = room([node()], gpus=9, queue="gpus")
    assert result.ok is None
    assert "Kueue" in result.text


def test_a_large_init_container_counts_instead_of_the_containers():
    assert room([node()], [pod({"cpu": "1"}, init={"cpu": "7"})]).ok is None


def test_a_selector_that_nothing_matches_names_the_label():
    result = room([node(), node()], node_selector={"gpu": "h100"})
    assert result.ok is False
    assert "2 × without label gpu=h100" in result.text
    assert "node_selector" in result.fix


def test_a_taint_keeps_pods_away_unless_it_is_tolerated():
    tainted = node(spec={"taints": [{"key": "nvidia.com/gpu", "value": "true", "effect": "NoSchedule"}]})
    refused = room([tainted])
    assert refused.ok is False
    assert "taint nvidia.com/gpu=true:NoSchedule" in refused.text
    assert room([tainted], tolerations=[{"key": "nvidia.com/gpu", "operator": "Exists"}]).ok
    assert room([tainted], tolerations=[{"key": "nvidia.com/gpu", "operator": "Equal", "value": "false"}]).ok is False


@pytest.mark.parametrize(
    "bad", [{"spec": {"unschedulable": True}}, {"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}]
)
def test_cordoned_and_dead_nodes_do_not_count(bad: dict[str, Any]):
    assert room([node(**bad)]).ok is False


def test_a_cluster_that_grows_is_not_at_fault_for_having_no_room():
    answers = {"/api/v1/nodes": {"items": []}, "/api/v1/pods": {"items": []}, "/apis/karpenter.sh": {}}
    result = only(nodes.room(subject(answers, gpus=8)))
    assert result.ok is None
    assert "Karpenter" in result.text


def test_without_the_right_to_see_nodes_nothing_is_judged():
    assert only(nodes.room(subject({"/api/v1/nodes": FORBIDDEN}))).ok is None


def test_without_the_right_to_see_all_pods_the_result_says_so():
    result = only(nodes.room(subject({"/api/v1/nodes": {"items": [node()]}, "/api/v1/pods": FORBIDDEN})))
    assert "not to be seen" in result.text


@pytest.mark.parametrize(
    ("settings", "ok"),
    [
        ({"shm": "16Gi", "memory": "16Gi"}, False),
        ({"shm": "2Gi", "memory": "512Gi", "gpus": 8}, False),
        ({"shm": "8Gi", "memory": "512Gi", "gpus": 8}, True),
        ({"shm": "64Mi", "memory": "2Gi"}, True),
    ],
)
def test_shared_memory_fits_the_gpus_and_the_memory(settings: dict[str, Any], ok: bool):
    assert only(nodes.shm(subject({}, **settings))).ok is ok


def test_no_default_storage_class_is_no_fault():
    assert only(nodes.storage(subject({"/storageclasses": {"items": []}}))).ok is None
