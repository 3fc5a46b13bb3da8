"""Read from the description of a training job why it ended, and what it costs.

Pure functions of what DescribeTrainingJob answers, so that recorded answers can test them.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

from fimsmith import config
from fimsmith.launch import diagnosis
from fimsmith.launch.verdict import Cause

Description = dict[str, Any]

DELETED = "Deleting"  # a job that has ended can be deleted; soon nothing is known of it any more
ENDED = ("Completed", "Failed", "Stopped", DELETED)
# the states in which instances are there, and paid for
_BILLED = ("Downloading", "DownloadingTrainingImage", "Training", "Uploading", "Stopping")
_ALGORITHM = re.compile(r"^(?:AlgorithmError|ClientError): (.*?)(?:, exit code: (\d+))?$", re.DOTALL)
_KILLED = ("137", "9")
_MOVING_ON = "a new start goes on at the last checkpoint"


def states(found: Description) -> list[str]:
    """Return what SageMaker says of all states so far, the present one last."""
    return [
        f"{step['Status']}: {step.get('StatusMessage', '')}".rstrip(": ")
        for step in found.get("SecondaryStatusTransitions") or []
    ] or [found["SecondaryStatus"]]


def interruptions(found: Description) -> int:
    """Count how often spot instances were taken away."""
    return sum(step["Status"] == "Interrupted" for step in found.get("SecondaryStatusTransitions") or [])


def seconds(found: Description) -> float:
    """How long the instances were there, so far."""
    now = datetime.datetime.now(datetime.UTC)
    return sum(
        ((step.get("EndTime") or now) - step["StartTime"]).total_seconds()
        for step in found.get("SecondaryStatusTransitions") or []
        if step["Status"] in _BILLED
    )


def expense(found: Description, prices: dict[str, float]) -> str:
    """Say what the job has used and, where the price is known, what that costs."""
    resources, spent = found["ResourceConfig"], seconds(found)
    kind, count = resources["InstanceType"], resources["InstanceCount"]
    billed = found.get("BillableTimeInSeconds")
    kept = (found.get("WarmPoolStatus") or {}).get("ResourceRetainedBillableTimeInSeconds") or 0
    hours = ((spent if billed is None else billed) + kept) * count / 3600
    text = f"{spent * count / 3600:,.2f} hours of {kind}"
    if billed is not None and found.get("EnableManagedSpotTraining"):
        text += f", billed as {billed * count / 3600:,.2f}"
    if kept:
        text += f", {kept * count / 3600:,.2f} hours in a warm pool"
    if lost := interruptions(found):
        text += f", {lost} spot interruption{'s' * (lost > 1)}"
    if kind in prices:
        cap = "at most " if billed is None and found.get("EnableManagedSpotTraining") else ""
        text += f", cost {cap}{hours * prices[kind]:,.2f}"
    return text


def failure(found: Description, stage: str, settings: config.SageMaker) -> Cause:
    """Say why a job that has ended did not complete."""
    if found["TrainingJobStatus"] == DELETED:
        return Cause("it was deleted by someone else", f"run the same command again, {_MOVING_ON}")
    if found["TrainingJobStatus"] == "Stopped":
        return _stopped(found, settings)
    reason = str(found.get("FailureReason") or "without a reason").strip()
    kind = found["ResourceConfig"]["InstanceType"]
    if reason.startswith("AlgorithmError"):
        return _algorithm(reason, stage, kind)
    if re.search(r"CapacityError|InsufficientCapacity|InsufficientInstanceCapacity", reason):
        return Cause(
            f"AWS has no {kind} to give: {reason}",
            "run the same command again later; or set another run.sagemaker.instance_type, subnets in more zones, or "
            "AWS_REGION; run.sagemaker.spot waits for capacity up to max_wait",
        )
    if reason.startswith("InternalServerError"):
        return Cause(
            f"SageMaker itself failed: {reason}", f"run the same command again, {_MOVING_ON}; run.sagemaker.retries"
        )
    if re.search(r"pull|image", reason):
        return Cause(
            f"the image {settings.image} cannot be used: {reason}",
            "run.sagemaker.image: one in ECR in the job's region, which run.sagemaker.role may pull",
        )
    if "AccessDenied" in reason or "permission" in reason:
        return Cause(reason, "let run.sagemaker.role read and write run.root; docs/sagemaker.md has the policy")
    return _algorithm(reason, stage, kind)


def _algorithm(reason: str, stage: str, kind: str) -> Cause:
    """What the container says of itself; of all that it wrote SageMaker keeps the beginning."""
    match = _ALGORITHM.match(reason)
    message, code = (match[1].strip(), match[2]) if match else (reason, None)
    if message:
        return Cause(message, explained=not diagnosis.blames_a_peer(message))
    if code in _KILLED:
        smaller = diagnosis.SMALLER[stage]
        return Cause(
            f"the container was killed, probably for want of memory on {kind}", f"a larger instance; {smaller}"
        )
    return Cause(f"the container ended with exit code {code}")


def _stopped(found: Description, settings: config.SageMaker) -> Cause:
    why = found["SecondaryStatus"]
    if why == "MaxRuntimeExceeded":
        text = f"it was not done within {settings.max_runtime:,} seconds"
        return Cause(text, f"run.sagemaker.max_runtime: {2 * settings.max_runtime}; {_MOVING_ON}")
    if why == "MaxWaitTimeExceeded":
        text = f"spot instances were not there for long enough within {settings.max_wait:,} seconds"
        return Cause(text, f"run.sagemaker.max_wait: {2 * settings.max_wait}, or spot: false; {_MOVING_ON}")
    return Cause("it was stopped by someone else", f"run the same command again, {_MOVING_ON}")
