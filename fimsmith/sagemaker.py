"""Run a job in a container of Amazon SageMaker, as the contract for training containers says.

    python -m fimsmith.sagemaker train

SageMaker lays out /opt/ml: who the hosts are in input/config/, the job's specification in the channel `job`, every
input that has files in a channel of its own. It takes model/ to S3 at the end and checkpoints/ all along, so that the
job itself needs no network. FIMSMITH_SAGEMAKER_ROOT is another place than /opt/ml, for tests.
"""

import json
import os
import signal
import sys
import tempfile
import traceback
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from fimsmith import storage
from fimsmith.errors import ConfigError, FimsmithError, StorageError
from fimsmith.jobspec import OUTCOME, JobSpec
from fimsmith.launch import diagnosis, process
from fimsmith.manifest import Manifest

ROOT, PROCESSES, PORT = "FIMSMITH_SAGEMAKER_ROOT", "FIMSMITH_PROCESSES", "FIMSMITH_SAGEMAKER_PORT"
JOB, INPUT, REST = "job", "input-{}", "inputs"  # channels; inputs are counted in the order of JobSpec.inputs
OWN = 18  # inputs with channels of their own; SageMaker has 20 channels, and further inputs share one
_LONGEST = 1_024  # characters of a failure that SageMaker hands on
_PATIENCE = 100  # seconds for a checkpoint: SageMaker kills 120 seconds after SIGTERM
_KEPT = 1_000  # lines, for the failure


@dataclass(frozen=True, slots=True)
class Host:
    """One instance of the job and its place among the others."""

    root: Path
    name: str
    hosts: list[str]  # all of them, sorted
    interface: str

    @classmethod
    def read(cls, root: Path) -> "Host":
        """Load what SageMaker says about the instances."""
        path = root / "input/config/resourceconfig.json"
        if not path.exists():
            raise ConfigError(f"there is no {path}; this command is for a container of a SageMaker training job")
        found = json.loads(path.read_bytes())
        return cls(root, found["current_host"], sorted(found["hosts"]), found.get("network_interface_name", "eth0"))

    @property
    def rank(self) -> int:
        """This instance's number; the first one writes the results."""
        return self.hosts.index(self.name)

    @property
    def master(self) -> str:
        """The address of the first instance."""
        return "127.0.0.1" if self.interface == "lo" else self.hosts[0]


def main(arguments: list[str]) -> int:
    """Do this host's part of the job; returns the exit status."""
    if arguments != ["train"]:
        print("usage: python -m fimsmith.sagemaker train", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _end)
    root = Path(os.environ.get(ROOT, "/opt/ml"))
    try:
        host = Host.read(root)
        return _run(host, _spec(host))
    except FimsmithError as error:
        return _fail(root, str(error))
    except PermissionError as error:
        return _fail(
            root,
            f"cannot write {error.filename}: it belongs to root and this image's user is {os.getuid()}; "
            "run.sagemaker.image: one that runs as root, as docs/sagemaker.md makes it",
        )
    except Exception as error:  # whatever it is, the failure file is all that is seen from outside
        traceback.print_exc()
        return _fail(root, f"{type(error).__name__}: {error}")


def _end(number: int, _: object) -> None:
    """End before there is a process to pass the signal on to: the first one of a container is not ended by default."""
    print(f"stopped by {diagnosis.status_name(-number)} before the job's processes began", flush=True)
    sys.exit(128 + number)


def _spec(host: Host) -> JobSpec:
    """Load the specification and let it name folders of this host."""
    spec = JobSpec.model_validate_json((_channel(host, JOB) / "job.json").read_bytes())
    root = str(spec.destination).rsplit("/", 2)[0]
    inputs = [
        each.model_copy(update={"uri": str(_whole(_folder(host, number, each, root), each))}) if each.files else each
        for number, each in enumerate(spec.inputs)
    ]
    folder = host.root / "model"
    if host.rank:  # SageMaker puts all hosts' files under one name, so that only the first may have some
        folder = Path(tempfile.mkdtemp(prefix="fimsmith-"))
    storage.clear(folder)
    checkpoints = host.root / "checkpoints"
    checkpoints.mkdir(exist_ok=True)
    changes = {"inputs": inputs, "folder": str(folder), "destination": None, "mirrored": str(checkpoints)}
    return spec.model_copy(update={**changes, "origin": f"{spec.destination}/checkpoints"})


def _channel(host: Host, name: str) -> Path:
    folder = host.root / "input/data" / name
    if not folder.is_dir():
        raise StorageError(f"there is no channel {name}; start the job with fimsmith, which names all of them")
    return folder


def _folder(host: Host, number: int, manifest: Manifest, root: str) -> Path:
    """Where SageMaker has put an input's files: in its own channel, or in that of all from one on."""
    if number < OWN:
        return _channel(host, INPUT.format(number))
    return _channel(host, REST) / manifest.uri.removeprefix(f"{root}/")


def _whole(folder: Path, manifest: Manifest) -> Path:
    """Return an input's folder, once the files there are as its manifest says."""
    for name, size in manifest.files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != size:
            raise StorageError(
                f"{folder} holds no {name} of {size:,} bytes; {manifest.uri} has changed since it was made: "
                f"delete {manifest.uri} and run again"
            )
    return folder


def _run(host: Host, spec: JobSpec) -> int:
    """Run the processes of this host and leave what the job says of its end."""
    argument = Path(tempfile.mkdtemp(prefix="fimsmith-")) / "job.json"
    argument.write_text(spec.model_dump_json(indent=1), encoding="utf-8")
    lines: deque[str] = deque(maxlen=_KEPT)
    processes = _processes() if spec.stage == "train" else 1
    environment = {
        "NCCL_SOCKET_IFNAME": host.interface,
        "GLOO_SOCKET_IFNAME": host.interface,
        "OMP_NUM_THREADS": str(max(1, process.cores() // processes)),
        "TORCH_ELASTIC_SHUTDOWN_TIMEOUT": str(_PATIENCE),
        "FIMSMITH_SHOW_METRICS": "1",
    }

    def take(raw: bytes) -> None:
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
        lines.append(raw.decode("utf-8", errors="replace").rstrip())

    status, received = process.attend(_command(host, spec, processes, argument), environment, take)
    # the outcome is written last: a library that aborts the process while it ends does no harm to it
    if status == 0 or (host.rank == 0 and (host.root / "model" / OUTCOME).exists()):
        return 0
    if received:  # no failure: SageMaker itself says why
        print(f"{spec.stage} was stopped by {diagnosis.status_name(-received[0])}", flush=True)
        return 128 + received[0]
    return _fail(host.root, _cause(spec, status, list(lines)))


def _command(host: Host, spec: JobSpec, processes: int, argument: Path) -> list[str]:
    command = [sys.executable, "-m"]
    if spec.stage == "train":
        command += ["torch.distributed.run", f"--nnodes={len(host.hosts)}", f"--node-rank={host.rank}"]
        command += [f"--nproc-per-node={processes}", f"--master-addr={host.master}"]
        command += [f"--master-port={os.environ.get(PORT, '7777')}", "-m"]
    return [*command, f"fimsmith.{spec.stage}", str(argument)]


def _processes() -> int:
    """The number of training processes: what run.processes says, which has to be the number of GPUs."""
    gpus = len(list(Path("/dev").glob("nvidia[0-9]*")))
    asked = int(os.environ.get(PROCESSES, gpus or 1))
    if gpus and asked != gpus:
        raise ConfigError(f"this instance has {gpus} GPUs, run.processes is {asked}; set run.processes to {gpus}")
    return asked


def _cause(spec: JobSpec, status: int, lines: list[str]) -> str:
    """Say why the job failed, the cause first: only the beginning is handed on."""
    message = Path(spec.folder) / "log" / "error.txt"
    if message.exists():
        return message.read_text(encoding="utf-8").strip()
    own, status = diagnosis.before_torchrun(lines), diagnosis.worker_status(status, lines)
    text = f"{spec.stage} ended with {diagnosis.status_name(status)}"
    if status == -signal.SIGKILL:
        text += ", probably for want of memory; " + diagnosis.SMALLER[spec.stage]
    return "\n".join([f"{text}: {own[-1] if own else ''}", *own[-diagnosis.SHOWN : -1]])


def _fail(root: Path, message: str) -> int:
    """Leave the last words where SageMaker looks for them."""
    print(f"error: {message}", file=sys.stderr, flush=True)
    try:
        (root / "output").mkdir(exist_ok=True)
        (root / "output" / "failure").write_text(message[:_LONGEST], encoding="utf-8")
    except PermissionError as error:
        print(f"cannot write {error.filename}: {error.strerror}", file=sys.stderr, flush=True)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
