"""The fake account's training jobs pass through the real service's states and words."""

import io
import json
import pathlib
import tarfile

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.contract import jobs

SAVE = "import pathlib, time\nroot = pathlib.Path('checkpoints')\n"
TRAINS_FOREVER = SAVE + "(root / 'ready').write_text('x')\ntime.sleep(600)\n"


def test_a_job_runs_its_container_and_uploads_the_model(start_aws, s3: str):
    start_aws()
    job = jobs.run(jobs.request(s3, "open('model/weights','w').write('w'); open('output/data/curve','w').write('c')"))
    assert job["TrainingJobStatus"] == "Completed"
    assert jobs.states(job) == ["Starting", "Pending", "Downloading", "Training", "Uploading", "Completed"]
    assert all("EndTime" in step for step in job["SecondaryStatusTransitions"])
    assert jobs.keys(s3, "out/") == ["out/job-1/output/data/curve", "out/job-1/output/model/weights"]
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"{s3}/out/job-1/output/model/"
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"] >= 1


def test_a_model_is_packed_unless_it_is_asked_for_uncompressed(start_aws, s3: str):
    start_aws()
    output = {"S3OutputPath": f"{s3}/out"}
    job = jobs.run(jobs.request(s3, "open('model/weights','w').write('w')", OutputDataConfig=output))
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith("/job-1/output/model.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(jobs.stored(s3, "out/job-1/output/model.tar.gz"))) as archive:
        assert archive.getnames() == ["weights"]


def test_a_description_echoes_the_request(start_aws, s3: str):
    start_aws()
    asked = jobs.request(s3, "", Environment={"A": "b"}, HyperParameters={"job": "s3://x/y"})
    job = jobs.run(asked)
    assert {name: job[name] for name in asked} == asked


def test_every_host_gets_its_tree(start_aws, s3: str):
    start_aws()
    jobs.store(s3, "data/part/a.bin", b"abc")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{s3}/data/"}}
    script = (
        "import json, os\nread = lambda name: json.load(open(f'input/config/{name}.json'))\n"
        "print(json.dumps([read('hyperparameters'), read('inputdataconfig'), read('resourceconfig'), "
        "open('input/data/input-0/part/a.bin').read(), os.environ['TRAINING_JOB_NAME'], os.environ['MINE']]))"
    )
    resources = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 10}
    asked = jobs.request(
        s3,
        script,
        HyperParameters={"job": "s3://x/y"},
        InputDataConfig=[{"ChannelName": "input-0", "DataSource": source, "InputMode": "FastFile"}],
        ResourceConfig=resources,
        Environment={"MINE": "1"},
    )
    assert jobs.run(asked)["TrainingJobStatus"] == "Completed"
    for host in ("algo-1", "algo-2"):
        parameters, channels, placed, content, *environment = json.loads(jobs.lines("job-1", host)[0])
        assert parameters == {"job": "s3://x/y"}
        assert channels["input-0"]["TrainingInputMode"] == "FastFile"
        assert (placed["current_host"], placed["hosts"]) == (host, ["algo-1", "algo-2"])
        assert placed["network_interface_name"] == "lo"
        assert (content, environment) == ("abc", ["job-1", "1"])


def test_a_shared_file_system_is_a_channel(start_aws, s3: str, tmp_path):
    start_aws(file_systems={"fs-0123456789abcdef0": tmp_path})
    (tmp_path / "mount" / "corpus").mkdir(parents=True)
    (tmp_path / "mount" / "corpus" / "a").write_text("lustre")
    source = {"FileSystemId": "fs-0123456789abcdef0", "FileSystemAccessMode": "ro", "FileSystemType": "FSxLustre"}
    channel = {"ChannelName": "x", "DataSource": {"FileSystemDataSource": {**source, "DirectoryPath": "/mount/corpus"}}}
    asked = jobs.request(s3, "print(open('input/data/x/a').read())", InputDataConfig=[channel])
    with pytest.raises(ClientError, match="VpcConfig is required"):
        jobs.run(asked)
    jobs.run({**asked, "VpcConfig": {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}})
    assert jobs.lines("job-1") == ["lustre"]


def test_an_isolated_container_has_neither_keys_nor_network(start_aws, s3: str):
    start_aws()
    script = "import boto3\ntry:\n    boto3.client('s3', region_name='us-east-1').list_buckets()\nexcept Exception as error:\n    print(type(error).__name__)"
    jobs.run(jobs.request(s3, script, EnableNetworkIsolation=True))
    assert jobs.lines("job-1") == ["NoCredentialsError"]


def test_a_container_that_is_not_isolated_reaches_the_store(start_aws, s3: str):
    start_aws()
    jobs.store(s3, "a", b"")
    script = f"import boto3\nprint(boto3.client('s3').list_objects_v2(Bucket='{s3[5:]}')['KeyCount'])"
    jobs.run(jobs.request(s3, script))
    assert jobs.lines("job-1") == ["1"]


def test_a_failure_is_told_by_the_failure_file_and_the_exit_code(start_aws, s3: str):
    start_aws()
    job = jobs.run(jobs.request(s3, "open('output/failure','w').write('no data ' * 200); raise SystemExit(3)"))
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    assert job["FailureReason"] == f"AlgorithmError: {'no data ' * 200}"[:1024]
    assert "ModelArtifacts" not in job


def test_a_failure_without_a_file_shows_the_exit_code_only(start_aws, s3: str):
    start_aws()
    job = jobs.run(jobs.request(s3, "import os; os.kill(os.getpid(), 9)"))
    assert job["FailureReason"] == "AlgorithmError: , exit code: 137"


def test_one_failing_host_ends_all(start_aws, s3: str):
    start_aws()
    script = "import json, time\nhost = json.load(open('input/config/resourceconfig.json'))['current_host']\nif host == 'algo-2': raise SystemExit('bad disk')\ntime.sleep(600)"
    resources = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 10}
    job = jobs.run(jobs.request(s3, script, ResourceConfig=resources))
    assert job["FailureReason"] == "AlgorithmError: , exit code: 1"
    assert jobs.lines("job-1", "algo-2") == ["bad disk"]


def test_stopping_sends_sigterm_first_and_keeps_the_model(start_aws, s3: str):
    start_aws()
    script = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (open('model/last', 'w').write('saved'), sys.exit(0)))\n"
        "print('ready')\ntime.sleep(600)"
    )
    client = boto3.client("sagemaker")
    client.create_training_job(**jobs.request(s3, script))
    jobs.until(lambda: jobs.lines("job-1"))
    client.stop_training_job(TrainingJobName="job-1")
    job = jobs.wait("job-1", ("Stopped",))
    assert jobs.states(job)[-3:] == ["Training", "Stopping", "Stopped"]
    assert jobs.stored(s3, "out/job-1/output/model/last") == b"saved"


def test_a_container_deaf_to_sigterm_is_killed_after_the_grace(start_aws, s3: str):
    start_aws(grace=0.2)
    script = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf')\ntime.sleep(600)"
    client = boto3.client("sagemaker")
    client.create_training_job(**jobs.request(s3, script))
    jobs.until(lambda: jobs.lines("job-1"))
    client.stop_training_job(TrainingJobName="job-1")
    assert jobs.wait("job-1", ("Stopped",))["SecondaryStatus"] == "Stopped"


def test_no_process_outlives_its_container(start_aws, s3: str):
    start_aws()
    script = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
        "print(child.pid)"
    )
    jobs.run(jobs.request(s3, script))
    (pid,) = jobs.lines("job-1")
    command = pathlib.Path(f"/proc/{pid}/cmdline")
    jobs.until(lambda: not command.exists() or not command.read_bytes())  # a zombie's is empty


def test_an_ended_job_cannot_be_stopped(start_aws, s3: str):
    start_aws()
    jobs.run(jobs.request(s3, ""))
    with pytest.raises(ClientError, match="because the training job is in status Completed"):
        boto3.client("sagemaker").stop_training_job(TrainingJobName="job-1")


def test_the_maximum_runtime_stops_a_job(start_aws, s3: str):
    start_aws()
    job = jobs.run(jobs.request(s3, "import time; time.sleep(600)", StoppingCondition={"MaxRuntimeInSeconds": 1}))
    assert job["TrainingJobStatus"] == "Stopped"
    assert jobs.states(job)[-3:] == ["Training", "Stopping", "MaxRuntimeExceeded"]


def test_an_interrupted_spot_job_starts_again_with_its_checkpoints(start_aws, s3: str):
    start_aws(interrupt_at=["checkpoints/step-2"])
    script = SAVE + (
        "done = len(list(root.iterdir()))\nprint('found', done)\n"
        "for step in range(done + 1, 3):\n    (root / f'step-{step}').write_text('x')\n"
        "if not done:\n    time.sleep(600)\n"
    )
    job = jobs.run(jobs.spot(s3, script))
    again = ["Interrupted", "Restarting", "Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert jobs.states(job)[-8:] == ["Training", *again]
    assert jobs.lines("job-1") == ["found 0", "found 2"]
    assert job["BillableTimeInSeconds"] <= job["TrainingTimeInSeconds"]


def test_deleted_checkpoints_go_from_the_store_too(start_aws, s3: str):
    start_aws()
    script = SAVE + (
        "(root / 'old').write_text('1')\ntime.sleep(0.5)\n(root / 'old').unlink()\n(root / 'new').write_text('2')\n"
    )
    jobs.run(jobs.request(s3, script, CheckpointConfig={"S3Uri": f"{s3}/checkpoints"}))
    assert jobs.keys(s3, "checkpoints/") == ["checkpoints/new"]


def test_checkpoints_reach_the_store_while_the_job_runs(start_aws, s3: str):
    start_aws()
    asked = jobs.request(s3, TRAINS_FOREVER, CheckpointConfig={"S3Uri": f"{s3}/checkpoints"})
    boto3.client("sagemaker").create_training_job(**asked)
    jobs.until(lambda: jobs.keys(s3, "checkpoints/"))
    assert jobs.wait("job-1", ("InProgress",))["SecondaryStatus"] == "Training"


def test_an_interruption_can_tear_the_newest_checkpoint(start_aws, s3: str):
    start_aws(interrupt_at=["checkpoints/ready"], torn=True)
    script = SAVE + (
        "if list(root.iterdir()):\n    print((root / 'weights').stat().st_size)\n    raise SystemExit\n"
        "(root / 'weights').write_bytes(b'x' * 1000)\n(root / 'ready').write_text('1000')\ntime.sleep(600)\n"
    )
    jobs.run(jobs.spot(s3, script))
    assert jobs.lines("job-1") == ["500"]


def test_spot_capacity_that_never_comes_ends_at_the_maximum_wait(start_aws, s3: str):
    start_aws(capacity=False)
    limits = {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}
    job = jobs.run({**jobs.spot(s3, ""), "StoppingCondition": limits})
    assert jobs.states(job) == ["Starting", "Pending", "Stopping", "MaxWaitTimeExceeded"]
    assert "TrainingStartTime" not in job


def test_a_job_on_demand_without_capacity_fails(start_aws, s3: str):
    start_aws(capacity=False)
    job = jobs.run(jobs.request(s3, ""))
    assert job["FailureReason"].startswith("CapacityError: Unable to provision requested ML compute capacity.")


def test_a_fault_of_the_service_is_retried_as_often_as_asked(start_aws, s3: str):
    aws = start_aws(server_faults=1)
    script = "import time; time.sleep(0.3)"
    job = jobs.run(jobs.request(s3, script, RetryStrategy={"MaximumRetryAttempts": 1}))
    assert (job["TrainingJobStatus"], jobs.states(job).count("Restarting")) == ("Completed", 1)
    aws.behaviour.server_faults = 2
    job = jobs.run(jobs.request(s3, script, TrainingJobName="job-2", RetryStrategy={"MaximumRetryAttempts": 1}))
    assert job["FailureReason"].startswith("InternalServerError")


def test_an_image_that_is_missing_fails_the_job(start_aws, s3: str):
    start_aws(images=["train:2.0"])
    assert "Cannot pull algorithm container" in jobs.run(jobs.request(s3, ""))["FailureReason"]


def test_jobs_are_listed_in_pages_and_by_name(start_aws, s3: str):
    start_aws(quotas={"ml.m5.xlarge for training job usage": 100})
    client = boto3.client("sagemaker")
    for number in range(12):
        client.create_training_job(**jobs.request(s3, "", TrainingJobName=f"{'ab'[number % 2]}-{number}"))
    first = client.list_training_jobs()
    assert len(first["TrainingJobSummaries"]) == 10
    assert "NextToken" in first
    pages = client.get_paginator("list_training_jobs").paginate(NameContains="a-", PaginationConfig={"PageSize": 4})
    names = [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]
    assert names == [f"a-{number}" for number in range(0, 12, 2)]


def test_metrics_are_taken_from_the_log_by_their_expressions(start_aws, s3: str):
    start_aws()
    asked = jobs.request(s3, "print('{\"loss\": 2.5}'); print('{\"loss\": 1.5}')")
    asked["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "loss", "Regex": '"loss": ([0-9.]+)'}]
    (metric,) = jobs.run(asked)["FinalMetricDataList"]
    assert (metric["MetricName"], metric["Value"]) == ("loss", 1.5)
