"""One training instance: the /opt/ml tree that SageMaker lays out and the container as a real process."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.contract.signing import ACCESS_KEY, SECRET_KEY
from tests.contract.store import Store

ROOT = "/opt/ml"
REPOSITORY = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:9"  # nothing answers here: what an isolated container sees of AWS


class Host:
    """A host of a job; `log` receives the lines that its container prints."""

    def __init__(self, name: str, request: dict, tree: Path, log: Callable[[str], None]):
        self.name = name
        self.request = request
        self.tree = tree
        self.log = log
        self.process: subprocess.Popen | None = None
        self.code: int | None = None

    def prepare(self, store: Store, file_systems: dict[str, Path]) -> None:
        """Lay out configuration and data."""
        for folder in ("input/config", "input/data", "model", "output/data"):
            (self.tree / folder).mkdir(parents=True, exist_ok=True)
        channels = self.request.get("InputDataConfig", [])
        self._write("hyperparameters", self.request.get("HyperParameters", {}))
        self._write("inputdataconfig", {channel["ChannelName"]: self._describe(channel) for channel in channels})
        self._write("resourceconfig", self._resources())
        for channel in channels:
            self._bring(channel, store, file_systems)

    def start(self, environment: dict[str, str]) -> None:
        """Start the container's command, with nothing of the caller's AWS settings."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        inherited["PYTHONPATH"] = os.pathsep.join(filter(None, [str(REPOSITORY), os.environ.get("PYTHONPATH")]))
        mine = {"FIMSMITH_SAGEMAKER_ROOT": str(self.tree)}
        command = [sys.executable if word == "python" else word for word in self._command()]
        try:
            self.process = subprocess.Popen(
                command,
                cwd=self.tree,
                env={**inherited, **environment, **mine},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except FileNotFoundError:
            self.log(f'exec: "{command[0]}": executable file not found in $PATH')
            self.code = 127
            return
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def poll(self) -> int | None:
        """Give the exit code as Docker does (128 + signal), None while it runs."""
        if self.code is None and self.process is not None and (code := self.process.poll()) is not None:
            self.code = code if code >= 0 else 128 - code
        return self.code

    def terminate(self) -> None:
        """Send SIGTERM to the container's first process, as `docker stop` does: it must pass it on."""
        if self.process is not None and self.poll() is None:
            self.process.terminate()

    def kill(self) -> None:
        """End every process of the container."""
        # torchrun's workers lead process groups of their own: the environment is what all of a container share
        while sum(_kill(entry, f"FIMSMITH_SAGEMAKER_ROOT={self.tree}") for entry in Path("/proc").glob("[0-9]*")):
            time.sleep(0.01)
        if self.process is not None:
            self.process.wait()
            self.reader.join()
            self.poll()

    def failure(self) -> str:
        """Tell why the container failed, as FailureReason does."""
        path = self.tree / "output" / "failure"
        text = path.read_text(errors="replace")[:1024] if path.is_file() else ""
        return f"AlgorithmError: {text}, exit code: {self.code}"[:1024]

    def _command(self) -> list[str]:
        algorithm = self.request["AlgorithmSpecification"]
        return algorithm.get("ContainerEntrypoint", []) + algorithm.get("ContainerArguments", []) or ["train"]

    def _read(self) -> None:
        for line in self.process.stdout:
            if text := line.decode(errors="replace").rstrip("\n"):
                self.log(text)

    def _write(self, name: str, value: dict) -> None:
        (self.tree / "input" / "config" / f"{name}.json").write_text(json.dumps(value))

    def _resources(self) -> dict:
        names = hosts(self.request)
        kind = self.request["ResourceConfig"]["InstanceType"]
        group = {"instance_group_name": "homogeneousCluster", "instance_type": kind, "hosts": names}
        return {
            "current_host": self.name,
            "current_instance_type": kind,
            "current_group_name": "homogeneousCluster",
            "hosts": names,
            "instance_groups": [group],
            "network_interface_name": "lo",
        }

    def _describe(self, channel: dict) -> dict:
        source = channel["DataSource"].get("S3DataSource", {})
        described = {
            "TrainingInputMode": channel.get("InputMode")
            or self.request["AlgorithmSpecification"]["TrainingInputMode"],
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        return described | ({"ContentType": channel["ContentType"]} if "ContentType" in channel else {})

    def _bring(self, channel: dict, store: Store, file_systems: dict[str, Path]) -> None:
        target = self.tree / "input" / "data" / channel["ChannelName"]
        if shared := channel["DataSource"].get("FileSystemDataSource"):
            target.symlink_to(file_systems[shared["FileSystemId"]] / shared["DirectoryPath"].lstrip("/"))
            return
        source = channel["DataSource"]["S3DataSource"]
        if source["S3DataType"] == "ManifestFile":
            store.download_listed(source["S3Uri"], target)
            return
        names = hosts(self.request)
        sharded = source.get("S3DataDistributionType") == "ShardedByS3Key"
        target.mkdir()
        store.download(
            source["S3Uri"], target, slice(names.index(self.name), None, len(names)) if sharded else slice(None)
        )


def _kill(entry: Path, marker: str) -> bool:
    try:
        if marker.encode() not in (entry / "environ").read_bytes().split(b"\0"):
            return False
        os.kill(int(entry.name), signal.SIGKILL)
    except (OSError, ValueError):  # another user's, or gone meanwhile
        return False
    return True


def hosts(request: dict) -> list[str]:
    """Name the hosts of a job."""
    return [f"algo-{number}" for number in range(1, request["ResourceConfig"]["InstanceCount"] + 1)]


def environment(name: str, arn: str, request: dict, store: Store) -> dict[str, str]:
    """Build what SageMaker sets in a bare container (the SM_* names come from its toolkit, which is not there)."""
    region = arn.split(":")[3]
    values = {
        "TRAINING_JOB_NAME": name,
        "TRAINING_JOB_ARN": arn,
        "AWS_REGION": region,
        **request.get("Environment", {}),
    }
    if request.get("EnableNetworkIsolation"):
        del values["AWS_REGION"]
        return {**values, "AWS_ENDPOINT_URL": NOBODY, "AWS_EC2_METADATA_DISABLED": "true"}
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_DEFAULT_REGION": region}
    return {**values, **keys, "AWS_ENDPOINT_URL_S3": store.url}


def end(running: list[Host], grace: float) -> None:
    """Send SIGTERM to all, wait as long as the service does, then kill what is left."""
    for host in running:
        host.terminate()
    limit = time.monotonic() + grace
    while time.monotonic() < limit and any(host.process is not None and host.poll() is None for host in running):
        time.sleep(0.02)
    for host in running:
        host.kill()
