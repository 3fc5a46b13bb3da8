"""Kubernetes' quantities are read as Kubernetes reads them."""

from decimal import Decimal

import pytest

from fimsmith.config.quantity import amount
from fimsmith.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("250m", "0.25"),
        ("4", "4"),
        ("16Gi", str(16 * 2**30)),
        ("1k", "1000"),
        ("1e3", "1000"),
        ("1.5Gi", "1610612736"),
        ("2Pi", str(2 * 2**50)),
        ("1E", str(10**18)),
    ],
)
def test_an_amount_is_digits_times_unit(text: str, value: str):
    assert amount(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "Gi", "4 GB", "four", "2gb", "1KiB"])
def test_what_is_no_quantity_is_refused(text: str):
    with pytest.raises(ConfigError, match="no Kubernetes quantity"):
        amount(text)
