"""Pages with opaque tokens, shared by every operation that lists."""

import base64
from collections.abc import Sequence

from tests.contract.errors import AwsError


def page(items: Sequence, token: str | None, size: int) -> tuple[list, str | None]:
    """Cut one page out of all items; the token is None after the last."""
    start = 0 if token is None else _offset(token)
    end = start + size
    return list(items[start:end]), _token(end) if end < len(items) else None


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"page:{offset}".encode()).decode()


def _offset(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("page:"))
    except ValueError:
        raise AwsError("ValidationException", "Invalid pagination token given") from None
