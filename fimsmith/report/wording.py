"""Numbers and texts as the page writes them; what is not known becomes a dash."""

import math
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from fimsmith.report.excerpt import visible

DASH = "–"
MINUS = "\N{MINUS SIGN}"


def shown(value: Any) -> Any:
    """What a template expression prints: a dash for nothing, and no character that a page cannot show."""
    if value is None:
        return DASH
    return value if isinstance(value, Markup) else visible(str(value))


def known(value: float | None) -> bool:
    """Whether there is a number to show; a value that is missing from the template's data raises."""
    return value is not None and math.isfinite(value)


def count(value: Any) -> str:
    """12345 becomes 12,345."""
    return f"{value:,.0f}" if known(value) else DASH


def decimals(value: Any, digits: int = 1) -> str:
    """A number with fixed decimals and a real minus sign."""
    return f"{value:,.{digits}f}".replace("-", MINUS) if known(value) else DASH


def signed(value: Any, digits: int = 1) -> str:
    """A difference, always with its sign."""
    return f"{value:+,.{digits}f}".replace("-", MINUS) if known(value) else DASH


def share(value: Any, digits: int = 1) -> str:
    """A fraction as per cent."""
    return f"{decimals(value * 100, digits)} %" if known(value) else DASH


def percent(value: Any) -> str:
    """A length of a chart, given in per cent and kept inside it."""
    return f"{round(min(max(value, 0), 100), 2):g}%" if known(value) else "0%"


def size(value: Any) -> str:
    """Bytes with a decimal unit."""
    if not known(value):
        return DASH
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= scale:
            return f"{value / scale:,.1f} {unit}"
    return f"{value:,.0f} B"


def short(value: Any) -> str:
    """A large count in few characters: 87 k, 1.3 M."""
    if not known(value) or value < 1e4:
        return count(value)
    for unit, scale in (("B", 1e9), ("M", 1e6)):
        if value >= scale:
            return f"{value / scale:,.1f} {unit}"
    return f"{value / 1e3:,.0f} k"


def span(seconds: Any) -> str:
    """Wall time as people say it: 0.4 s, 12 s, 3 min 05 s, 2 h 14 min."""
    if not known(seconds):
        return DASH
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole // 60 % 60:02} min"


def moment(seconds: float) -> str | None:
    """Seconds since the epoch as date and time in UTC; None for a stage that keeps no time."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S") if seconds else None


def counted(number: Any, noun: str) -> str:
    """1 file, 2 files."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def spaced(name: str) -> str:
    """A key as words: near_duplicate becomes near duplicate."""
    return name.replace("_", " ").replace("-", " ")


FILTERS = {
    "count": count,
    "decimals": decimals,
    "signed": signed,
    "share": share,
    "percent": percent,
    "bytes": size,
    "duration": span,
}
