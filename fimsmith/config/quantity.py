"""Amounts of CPU, memory and disk as Kubernetes writes them: 250m, 4, 16Gi."""

import re
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, Field

from fimsmith.errors import ConfigError

_PATTERN = r"^[0-9]+(\.[0-9]+)?([numkMGTPE]|[KMGTPE]i|[eE]-?[0-9]+)?$"
_UNITS = ("n", "u", "m", "", "k", "M", "G", "T", "P", "E")
_FACTORS = {unit: Decimal(10) ** (3 * power) for power, unit in enumerate(_UNITS, start=-3)} | {
    f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", start=1)
}


def _checked(text: str) -> str:
    if not re.fullmatch(_PATTERN, text):
        raise ValueError("is no Kubernetes quantity such as 250m, 4 or 16Gi")
    return text


Quantity = Annotated[str, AfterValidator(_checked), Field(json_schema_extra={"pattern": _PATTERN})]


def amount(quantity: str | int) -> Decimal:
    """Read a quantity: 250m is 0.25, 16Gi is 17179869184; raises ConfigError."""
    text = str(quantity).strip()
    digits = text.rstrip("".join(_FACTORS))
    try:
        return Decimal(digits) * _FACTORS[text[len(digits) :]]
    except (ArithmeticError, KeyError):
        raise ConfigError(f"{text!r} is no Kubernetes quantity such as 250m, 4 or 16Gi") from None
