"""docs/configuration.md, made from the schema: `fimsmith schema --markdown > docs/configuration.md`."""

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from fimsmith.config import Config, Section, Source

_HEAD = """# Configuration

One YAML file, one section per stage. `--set section.field=value` overrides a field on the command line.
This page is made from the schema (`make docs`); a test keeps it in step.
"""


def markdown() -> str:
    """Return one table per section, in the order of the configuration."""
    parts = [_HEAD]
    for name, field in Config.model_fields.items():
        section = Source if name == "sources" else field.annotation
        assert isinstance(section, type)
        parts += _section(f"{name} (a list)" if name == "sources" else name, section)
    return "\n".join(parts)


def _section(title: str, section: type[BaseModel]) -> list[str]:
    first = (section.__doc__ or "").strip().splitlines()[0]
    lines = [f"## {title}", "", first, "", "| field | type | default | meaning |", "|---|---|---|---|"]
    nested = []
    for name, field in section.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Section):
            nested.append((f"{title}.{name}", kind))
            continue
        lines.append(
            f"| `{name}` | {_kind(kind)}{_limits(field)} | {_default(field)} | {_cell(field.description or '')} |"
        )
    for heading, kind in nested:
        lines += ["", *_section(heading, kind)]
    return [*lines, ""]


def _kind(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (UnionType, Union):
        return " or ".join("null" if each is type(None) else _kind(each) for each in arguments)
    if origin is list:
        return f"list of {_kind(arguments[0])}"
    if origin is dict:
        return f"{_kind(arguments[0])} → {_kind(arguments[1])}"
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in arguments)
    if origin is Annotated:
        return _kind(arguments[0])
    return {dict: "map", str: "text", int: "whole number", float: "number", bool: "true or false"}.get(kind, str(kind))


def _limits(field: FieldInfo) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    found = [
        f"{sign} {getattr(limit, name):g}"
        for limit in field.metadata
        for name, sign in signs.items()
        if getattr(limit, name, None) is not None
    ]
    return f", {' '.join(found)}" if found else ""


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    return _cell("null" if field.default is None else f"`{field.default}`")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
