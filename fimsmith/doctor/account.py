"""The AWS account that the doctor looks at."""

from __future__ import annotations

from typing import Any

GUIDE = "docs/sagemaker.md"
SERVICE = "sagemaker.amazonaws.com"


class Account:
    """The AWS account that the SDK's own settings lead to."""

    def __init__(self) -> None:
        from boto3.session import Session
        from botocore.config import Config

        from fimsmith.launch import aws

        self.session = Session(region_name=aws.region())
        self.region = self.session.region_name
        self.caller = self.number = ""
        self.settings = Config(
            connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 5}
        )

    def client(self, service: str) -> Any:
        """Make a client that does not make a check wait long."""
        return self.session.client(service, config=self.settings)

    def simulate(self, principal: str, actions: list[str], resource: str, **context: str) -> dict[str, str]:
        """Ask IAM what the policies of a user or role decide on each action; the keys of the context hold `_` for `:`."""
        entries = [
            {
                "ContextKeyName": name.replace("_", ":"),
                "ContextKeyValues": [value],
                "ContextKeyType": "boolean" if value in ("true", "false") else "string",
            }
            for name, value in context.items()
        ]
        told = self.client("iam").simulate_principal_policy(
            PolicySourceArn=principal, ActionNames=actions, ResourceArns=[resource], ContextEntries=entries
        )
        return {each["EvalActionName"]: each["EvalDecision"] for each in told["EvaluationResults"]}
