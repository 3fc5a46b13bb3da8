"""Check a request against botocore's own service model, patterns and enums included.

botocore itself checks names, types, required members and lower bounds only; the service checks the rest and
answers in the words that are built here.
"""

import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
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
    if pattern and not re.fullmatch(_translated(pattern), value):
        yield _fault(value, path, f"Member must satisfy regular expression pattern: {pattern}")
    if shape.enum and value not in shape.enum:
        yield _fault(value, path, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")


@cache
def _translated(pattern: str) -> str:
    """Write a pattern of Java's in Python's words: classes of characters by their category, and the end of the text."""
    bracketed = re.sub(r"\[[^\]]*\]", lambda group: _spelled(group[0]), pattern)
    outside = re.sub(r"\\p\{\w+\}", r"[\g<0>]", bracketed)
    return _spelled(outside).replace("\\z", "\\Z")


def _spelled(text: str) -> str:
    return re.sub(r"\\p\{(\w+)\}", lambda found: JAVA.get(found[1]) or _category(found[1]), text)


@cache
def _category(name: str) -> str:
    """List the characters of a category such as L, as ranges for a class."""
    ranges: list[list[int]] = []
    for point in range(sys.maxunicode + 1):
        if unicodedata.category(chr(point))[0] == name:
            if ranges and ranges[-1][1] == point - 1:
                ranges[-1][1] = point
            else:
                ranges.append([point, point])
    return "".join(f"{re.escape(chr(first))}-{re.escape(chr(last))}" for first, last in ranges)


def _join(path: str, name: str) -> str:
    name = name[:1].lower() + name[1:]
    return f"{path}.{name}" if path else name


def _fault(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


JAVA = {"ASCII": r"\x00-\x7f", "Alnum": "a-zA-Z0-9", "Print": r"\x20-\x7e"}
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
