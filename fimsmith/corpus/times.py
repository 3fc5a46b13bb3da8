"""Times that archives and commits state, which may be anything."""

from collections.abc import Callable

_FUTURE = 2**33  # seconds since the epoch: the year 2242


def stated(read: Callable[[], int]) -> int | None:
    """Return the time that a function reads, seconds since the epoch, or None where no calendar has it."""
    try:
        time = read()
    except (ValueError, OverflowError, IndexError):
        return None
    return time if 0 <= time < _FUTURE else None
