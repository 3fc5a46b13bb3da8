"""Pages with opaque tokens, shared by every operation that lists."""

import base64
from collections.abc import Iterable, Sequence

from tests.contract.errors import AwsError


def page(items: Sequence, token: str | None, size: int) -> tuple[list, str | None]:
    """Cut one page out of all items; the token is None after the last."""
    start = 0 if token is None else _offset(token)
    end = start + size
    return list(items[start:end]), _token(end) if end < len(items) else None


def listing(records: Iterable[dict], request: dict, result: str, kind: str) -> dict:
    """Answer one of SageMaker's List operations: filtered by name, sorted, ten to a page unless asked."""
    name = f"{kind}Name"
    keys = {"Name": name, "Status": f"{kind}Status", "CreationTime": "CreationTime"}
    key = keys[request.get("SortBy", "CreationTime")]
    # training jobs are listed oldest first by default, all else newest first
    order = request.get("SortOrder", "Ascending" if kind == "TrainingJob" else "Descending")
    chosen = [record for record in records if request.get("NameContains", "") in record[name]]
    chosen.sort(key=lambda record: record[key], reverse=order == "Descending")
    shown, token = page(chosen, request.get("NextToken"), request.get("MaxResults", 10))
    members = (name, f"{kind}Arn", f"{kind}Status", "CreationTime", "LastModifiedTime", "TrainingEndTime")
    summaries = [{member: record[member] for member in members if member in record} for record in shown]
    return {result: summaries} | ({"NextToken": token} if token else {})


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"page:{offset}".encode()).decode()


def _offset(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("page:"))
    except ValueError:
        raise AwsError("ValidationException", "Invalid pagination token given") from None
