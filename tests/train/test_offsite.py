"""Jobs whose processes share no disk with their launcher or with one another: everything goes through S3."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from fimsmith import config, launch, storage
from fimsmith.errors import JobError
from fimsmith.launch import Job
from fimsmith.manifest import Manifest
from tests.packed_data import LONG

pytestmark = pytest.mark.slow
NODES = 2
PORT = 29_400 + os.getpid() % 500


def node(job: Job, number: int, home: Path) -> subprocess.Popen[bytes]:
    """Start one node of a job as a pod would: fetch, then torchrun, on a disk of its own."""
    settings = {
        "NNODES": NODES,
        "NODE_RANK": number,
        "NPROC_PER_NODE": 1,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": PORT,
    }
    env = {**os.environ, **job.env, "FIMSMITH_CACHE": str(home / f"node{number}"), "OMP_NUM_THREADS": "1"}
    env |= {f"PET_{name}": str(value) for name, value in settings.items()}
    script = f"{sys.executable} -m fimsmith.fetch {job.argument} && exec {sys.executable} -m torch.distributed.run -m"
    with open(home / f"node{number}.log", "ab") as log:
        return subprocess.Popen(
            ["bash", "-c", f"{script} {job.module} {job.argument}"],
            env=env,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Let the launcher `pytorchjob` start nodes on this machine; `until` names an object whose arrival kills the second."""

    def make(until: str = "") -> None:
        def run(job: Job, _: config.Run) -> None:
            nodes = [node(job, number, tmp_path) for number in range(NODES)]
            if until:
                deadline = time.monotonic() + 120
                while not any(until in name for name in storage.list_files(job.destination or "")):
                    assert time.monotonic() < deadline, (tmp_path / "node0.log").read_text()
                    time.sleep(0.2)
                os.killpg(nodes[1].pid, signal.SIGKILL)
            ended = [each.wait(120) for each in nodes]
            if any(ended):
                raise JobError("a node is gone")

        monkeypatch.setitem(launch.LAUNCHERS, "pytorchjob", run)

    return make


def place(root: str) -> config.Run:
    return config.Run(root=root, launcher="pytorchjob", nodes=NODES)


def test_two_nodes_train_what_two_processes_train_and_go_on_after_a_loss(
    s3: str,
    cluster: Callable[..., None],
    packed: Manifest,
    tiny_manifest: Manifest,
    section: Callable[..., config.Train],
    alone: Manifest,
    tmp_path: Path,
):
    cluster(until="checkpoint-8/complete.json")
    with pytest.raises(JobError, match="a node is gone"):
        launch.train(section(**LONG), place(s3), tiny_manifest, packed)
    cluster()
    made = launch.train(section(**LONG), place(s3), tiny_manifest, packed)
    assert "from step" in (tmp_path / "node0.log").read_text()
    assert made.fingerprint == alone.fingerprint
    assert made.metrics["eval_loss"] == pytest.approx(alone.metrics["eval_loss"], rel=1e-3)
    assert made.metrics["steps"] == alone.metrics["steps"] == 40
    assert (made.folder / "model" / "model.safetensors").exists()
    assert not [name for name in storage.list_files(made.uri) if name.startswith("checkpoints/")]
