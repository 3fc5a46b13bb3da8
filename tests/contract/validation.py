"""Check a request against botocore's own service model, patterns and enums included.

botocore itself checks names, types, required members and lower bounds only; the service checks the rest and
answers in the words that are built here.
"""

import re
from collections.abc import Iterator, Mapping
from numbers import Number
from typing import Any

from botocore.model import Shape

from tests.contract.errors import AwsError

# the code that each service gives to an invalid request
CODES = {
    "ecr": "InvalidParameterException",
    "iam": "ValidationError",
    "logs": "InvalidParameterException",
    "sagemaker": "ValidationException",
    "sagemaker-runtime": "ValidationError",
    "service-quotas": "IllegalArgumentException",
    "sts": "ValidationError",
}


def check(service: str, shape: Shape | None, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that break the model, naming every fault as the service does."""
    faults = list(_faults(shape, parameters, "")) if shape is not None else []
    if faults:
        count = f"{len(faults)} validation error{'s' if len(faults) > 1 else ''} detected: "
        raise AwsError(CODES[service], count + "; ".join(faults))


def _faults(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, TYPES[shape.type_name]):
        yield _fault(value, path, f"Member must be of type {shape.type_name}")
        return
    yield from _bounds(shape, value, path)
    if shape.type_name == "structure":
        yield from _members(shape, value, path)
    elif shape.type_name == "list":
        for index, item in enumerate(value, 1):
            yield from _faults(shape.member, item, f"{path}.{index}.member")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _faults(shape.key, key, path)
            yield from _faults(shape.value, item, f"{path}.{key}.member")
    elif shape.type_name == "string":
        yield from _text(shape, value, path)


def _members(shape: Shape, value: Mapping[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _fault(None, _join(path, name), "Member must not be null")
    for name, item in value.items():
        if name not in shape.members:
            yield _fault(item, _join(path, name), "Member is not known")
        else:
            yield from _faults(shape.members[name], item, _join(path, name))


def _bounds(shape: Shape, value: Any, path: str) -> Iterator[str]:
    number = isinstance(value, Number)
    if shape.type_name == "structure" or not (number or hasattr(value, "__len__")):
        return
    size = value if number else len(value)
    what = "value" if number else "length"
    if size > shape.metadata.get("max", size):
        yield _fault(value, path, f"Member must have {what} less than or equal to {shape.metadata['max']}")
    if size < shape.metadata.get("min", size):
        yield _fault(value, path, f"Member must have {what} greater than or equal to {shape.metadata['min']}")


def _text(shape: Shape, value: str, path: str) -> Iterator[str]:
    pattern = shape.metadata.get("pattern")
    # the models are written for Java: \p{…} and \z mean nothing here, and only the runtime's headers use them
    if pattern and "\\p{" not in pattern and not re.fullmatch(pattern, value):
        yield _fault(value, path, f"Member must satisfy regular expression pattern: {pattern}")
    if shape.enum and value not in shape.enum:
        yield _fault(value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")


def _join(path: str, name: str) -> str:
    name = name[:1].lower() + name[1:]
    return f"{path}.{name}" if path else name


def _fault(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


TYPES: dict[str, Any] = {
    "blob": (str, bytes),
    "boolean": bool,
    "double": Number,
    "float": Number,
    "integer": int,
    "list": list,
    "long": int,
    "map": dict,
    "string": str,
    "structure": dict,
    "timestamp": Number,
}
