"""A fake AWS account for the tests of everything that talks to SageMaker."""

import os
from collections.abc import Callable, Iterator

import pytest

from tests.contract.aws import FakeAws
from tests.contract.scripted import work

__all__ = ["work"]

Start = Callable[..., FakeAws]


@pytest.fixture
def start_aws(s3: str, tmp_path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start an account that behaves as asked, beside the bucket of `s3`; the SDK's environment points at it."""
    accounts = []

    def start(**behaviour) -> FakeAws:
        aws = FakeAws(os.environ["AWS_ENDPOINT_URL"], tmp_path / f"aws-{len(accounts)}", **behaviour)
        accounts.append(aws.__enter__())
        for name, value in aws.environment.items():
            monkeypatch.setenv(name, value)
        return aws

    yield start
    for aws in accounts:
        aws.__exit__()
