"""Names and tags as AWS takes them, refused in words instead of a bare regular expression."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, Field

_ROLE = r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$"
_KEY = r"^(arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/)?[a-zA-Z0-9-]+$"
_PLAN = r"^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:training-plan/.+$"
_RESERVED = ("aws:", "fimsmith:")  # prefixes of tags that AWS, and fimsmith itself, sets
_LONGEST_KEY, _LONGEST_VALUE = 128, 256  # characters


def _role(text: str) -> str:
    if not re.fullmatch(_ROLE, text):
        raise ValueError(
            "is not the ARN of a role, such as arn:aws:iam::123456789012:role/fimsmith "
            "(aws iam get-role --role-name NAME --query Role.Arn)"
        )
    return text


def _key(text: str) -> str:
    if not re.fullmatch(_KEY, text):
        kind = "is an alias" if "alias/" in text else "is not the id or ARN of a KMS key"
        raise ValueError(
            f"{kind}; give the key's own id or ARN, which policies name, too "
            "(aws kms describe-key --key-id alias/NAME --query KeyMetadata.Arn)"
        )
    return text


def _plan(text: str) -> str:
    if not re.fullmatch(_PLAN, text):
        raise ValueError(
            "is not the ARN of a training plan "
            "(aws sagemaker list-training-plans --query 'TrainingPlanSummaries[].TrainingPlanArn')"
        )
    return text


def _tags(tags: dict[str, str]) -> dict[str, str]:
    for key, value in tags.items():
        if not key or key.lower().startswith(_RESERVED):
            raise ValueError(f"the key {key!r} is empty or begins with {' or '.join(_RESERVED)}; choose another one")
        _check_text(f"the key {key!r}", key, _LONGEST_KEY)
        _check_text(f"the value {value!r} of {key!r}", value, _LONGEST_VALUE)
    return tags


def _check_text(what: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise ValueError(f"{what} has {len(text)} characters; AWS takes at most {longest}")
    if bad := [each for each in text if each not in "_.:/=+-@" and unicodedata.category(each)[0] not in "LNZ"]:
        raise ValueError(f"{what} holds {bad[0]!r}; AWS takes letters, digits, spaces and _ . : / = + - @ only")


Role = Annotated[str, AfterValidator(_role), Field(json_schema_extra={"pattern": _ROLE})]
Key = Annotated[str, AfterValidator(_key), Field(json_schema_extra={"pattern": _KEY})]
TrainingPlan = Annotated[str, AfterValidator(_plan), Field(json_schema_extra={"pattern": _PLAN})]
# AWS allows 50, and an endpoint gets three of fimsmith's own
Tags = Annotated[dict[str, str], Field(max_length=47), AfterValidator(_tags)]
