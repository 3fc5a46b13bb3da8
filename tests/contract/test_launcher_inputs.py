"""How a job's inputs reach its container, whose side of it opens no connection; and logins that change meanwhile."""

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fimsmith import storage
from fimsmith.jobspec import JobSpec
from fimsmith.launch import sagemaker
from fimsmith.manifest import Manifest
from tests.contract.conftest import Start
from tests.contract.scripted import DONE, Work, place

FSX = "fs-0123456789abcdef0"
VPC = {"subnets": ["subnet-1"], "security_groups": ["sg-1"]}
READ = "from tests.contract import offline; offline.read()\n"


@pytest.mark.parametrize("isolated", [False, True])
@pytest.mark.parametrize(
    "settings",
    [{}, {"input_mode": "FastFile"}, {"fsx": FSX, "fsx_directory": "/mount/root", **VPC}],
    ids=["File", "FastFile", "FSx"],
)
def test_the_container_finds_its_inputs_without_a_connection(
    start_aws: Start, work: Work, s3: str, tmp_path: Path, settings: dict[str, Any], isolated: bool
):
    start_aws(file_systems={FSX: tmp_path / "lustre"})
    job = work(READ + DONE)
    inputs = []
    for number in range(20):  # more than have channels of their own
        uri, text = f"{s3}/root/fim/{number:016x}", f"{number}{'f' if 'fsx' in settings else 's'}"
        storage.write(f"{uri}/a/b", f"{number}s")
        shared = tmp_path / f"lustre/mount/root/fim/{number:016x}/a"
        shared.mkdir(parents=True)
        (shared / "b").write_text(f"{number}f")
        files = {"a/b": len(text)}
        inputs.append(Manifest(stage="fim", fingerprint="f", digest="d", uri=uri, files=files, metrics={}, details={}))
    spec = JobSpec(stage="train", section={}, inputs=inputs, folder="/", destination=job.destination)
    storage.write(job.argument, spec.model_dump_json())
    run = place(network_isolation=isolated, **settings).model_copy(update={"root": f"{s3}/root"})
    sagemaker.run(job, run)
    end = "f" if "fsx" in settings else "s"
    assert job.log.read_text().split() == [f"{number}{end}" for number in range(20)]


def test_keys_that_are_mended_while_the_launcher_waits_are_used(
    start_aws: Start, work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    start_aws()
    job = work(DONE)
    keys = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    path = tmp_path / "credentials"

    def write(secret: str) -> None:
        lines = {**keys, "AWS_SECRET_ACCESS_KEY": secret}
        path.write_text("\n".join(["[default]", *(f"{name.lower()} = {value}" for name, value in lines.items())]))

    def mend() -> None:
        time.sleep(2)
        write(keys["AWS_SECRET_ACCESS_KEY"])

    write("out-of-date")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(path))
    for name in keys:
        monkeypatch.delenv(name)
    threading.Thread(target=mend, daemon=True).start()
    sagemaker.run(job, place())
    assert capfd.readouterr().out.count("waiting for AWS: the AWS login is missing or no longer valid") == 1
