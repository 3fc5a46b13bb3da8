"""Two hosts' /opt/ml trees on this machine and the train image's command in each of them, without AWS and without S3."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from fimsmith.jobspec import JobSpec

HOSTS = ("algo-1", "algo-2")


class Life:
    """One set of instances that runs a job, as SageMaker starts it: a fresh tree and a container for every host."""

    def __init__(self, home: Path, spec: JobSpec, hosts: tuple[str, ...] = HOSTS, checkpoints: Path | None = None):
        """`checkpoints` holds what S3 had of an earlier life."""
        self.trees = [home / name for name in hosts]
        for tree in self.trees:
            lay_out(tree, spec, hosts)
            if checkpoints:
                shutil.copytree(checkpoints, tree / "checkpoints")

    def start(self, port: int, **environment: str) -> None:
        """Start all containers."""
        self.containers = [self._container(tree, port, environment) for tree in self.trees]

    def _container(self, tree: Path, port: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        mine = {"FIMSMITH_SAGEMAKER_ROOT": str(tree), "FIMSMITH_SAGEMAKER_PORT": str(port), "HF_HUB_OFFLINE": "1"}
        with open(tree / "stdout", "wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "fimsmith.sagemaker", "train"],
                env={**inherited, **mine, "OMP_NUM_THREADS": "1", **environment},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait(self) -> list[int]:
        """Wait for all containers' exit codes."""
        return [each.wait(240) for each in self.containers]

    def stop(self) -> None:
        """Ask all containers to end, as SageMaker does."""
        for each in self.containers:
            each.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Take the instances away."""
        for tree in self.trees:
            wipe_out(tree)
        for each in self.containers:
            each.wait()

    def output(self) -> str:
        """What all hosts printed."""
        return "\n".join((tree / "stdout").read_text() for tree in self.trees)

    def saved(self, target: Path) -> Path:
        """Put the checkpoints of all hosts into one folder, as the mirror in S3 has them."""
        for tree in self.trees:
            shutil.copytree(tree / "checkpoints", target, dirs_exist_ok=True)
        return target


def wipe_out(tree: Path) -> None:
    """Kill every process of a container: torchrun's workers lead process groups of their own."""
    mine = f"FIMSMITH_SAGEMAKER_ROOT={tree}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mine in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)


def lay_out(tree: Path, spec: JobSpec, hosts: tuple[str, ...]) -> None:
    """Write what SageMaker writes before it starts a container."""
    for folder in ("input/config", "input/data/job", "model", "output/data"):
        (tree / folder).mkdir(parents=True)
    resources = {"current_host": tree.name, "hosts": list(hosts), "network_interface_name": "lo"}
    (tree / "input/config/resourceconfig.json").write_text(json.dumps(resources))
    (tree / "input/config/hyperparameters.json").write_text(json.dumps({"job": "s3://nowhere/log/job.json"}))
    remote = [each.model_copy(update={"uri": f"s3://nowhere/{number}"}) for number, each in enumerate(spec.inputs)]
    changes = {"inputs": remote, "folder": "/nowhere", "destination": "s3://nowhere"}
    (tree / "input/data/job/job.json").write_text(spec.model_copy(update=changes).model_dump_json())
    for number, each in enumerate(spec.inputs):
        if each.files:
            (tree / f"input/data/input-{number}").symlink_to(each.folder)
