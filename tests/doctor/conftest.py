"""The fake AWS account of the contract tests."""

from tests.contract.conftest import start_aws  # noqa: F401
