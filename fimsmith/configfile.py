"""Read the one configuration file, apply overrides, and say what is wrong with it.

fimsmith run configs/demo.yaml --set train.learning_rate=1e-4 --set sources.0.location=/my/code
"""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from fimsmith import storage
from fimsmith.config import Config, Source
from fimsmith.errors import ConfigError, without_logins


def load(path: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Read a YAML configuration and apply `section.field=value` overrides.

    Raises ConfigError naming the field, the value and the nearest valid name.
    """
    return validate(_read(path, overrides), str(path))


def load_parts(path: str | Path, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Read a configuration that need not be complete, such as a chart's defaults, and return its sections.

    A section that lacks a required field is returned as the plain value that the file holds, and one that lacks
    altogether is not returned. Whatever is there is checked: raises ConfigError as `load` does.
    """
    tree = _read(path, overrides)
    missing: set[Any] = set()
    try:
        Config.model_validate(tree)
    except ValidationError as error:
        # an entry of a list has to be complete: nobody can add to it later
        gaps = [item for item in error.errors() if item["type"] == "missing" and len(item["loc"]) <= 2]
        if wrong := [item for item in error.errors() if item not in gaps]:
            raise _listed(wrong, str(path)) from error
        missing = {item["loc"][0] for item in gaps}
    parts = {name: tree[name] for name in missing if name in tree}
    for name, field in Config.model_fields.items():
        if name not in missing:
            kind: Any = field.annotation
            parts[name] = TypeAdapter(kind).validate_python(tree.get(name, {}))
    return parts


def _read(path: str | Path, overrides: Sequence[str]) -> dict[str, Any]:
    file = storage.local(path)
    if not file.is_file():
        raise ConfigError(f"no configuration at {file}; ready ones are in configs/, for example configs/demo.yaml")
    try:
        tree = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid YAML: {error}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"{file} holds no sections; see configs/demo.yaml for the shape")
    for override in overrides:
        _set(tree, override)
    return tree


def validate(tree: dict[str, Any], origin: str) -> Config:
    """Check a plain dictionary against the schema; raises ConfigError with one line per problem."""
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise _listed(error.errors(), origin) from error


def from_parameters(root: str, run: dict[str, Any], **sections: Any) -> Config:
    """Put the pipeline's parameters (Config.parameters) together again and check them."""
    return validate({"run": {**run, "root": root}, **sections}, "the pipeline's parameters")


def _listed(problems: Sequence[Any], origin: str) -> ConfigError:
    lines = [_explain(problem) for problem in problems]
    return ConfigError("\n  ".join([f"{origin} has {len(lines)} problem{'s' * (len(lines) > 1)}:", *lines]))


def _set(tree: dict[str, Any], override: str) -> None:
    """Apply one `a.b.0.c=value`; the value is read as YAML."""
    target, separator, text = override.partition("=")
    override = without_logins(override)
    if not separator or not target:
        raise ConfigError(f"--set {override!r}: write it as section.field=value, for example train.max_steps=200")
    *path, last = [int(step) if step.isdigit() else step for step in target.split(".")]
    here: Any = tree
    for step in path:
        if isinstance(here, dict) and here.get(step) is None:
            here[step] = {}
        here = _enter(here, step, override)
    if not isinstance(here, dict | list):
        single = target.rpartition(".")[0]
        raise ConfigError(f"--set {override!r}: {single!r} is a single value and has no field {last!r}")
    if isinstance(here, list):
        _enter(here, last, override)
    try:
        value = float(text) if _is_float(text) else yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {override!r}: the value is not valid YAML; quote it") from error
    container: Any = here
    container[last] = value


def _enter(here: Any, step: str | int, override: str) -> Any:
    try:
        return here[step]
    except (KeyError, IndexError, TypeError) as error:
        length = f"; it has {len(here)} entries, counted from 0" if isinstance(here, list) else ""
        raise ConfigError(f"--set {override!r}: there is no {step!r} at that place{length}") from error


def _is_float(text: str) -> bool:
    """Whether text is a float that YAML 1.1 reads as a string, such as 2e-5."""
    try:
        float(text)
    except ValueError:
        return False
    return not text.lstrip("+-").isdigit()


def _explain(problem: Any) -> str:
    """Word one pydantic problem: where, what is wrong, the value, and a guess at what was meant."""
    where = ".".join(str(step) for step in problem["loc"]) or "configuration"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        known = _fields_at(problem["loc"][:-1])
        close = difflib.get_close_matches(str(problem["loc"][-1]), known, 1)
        hint = f"did you mean {close[0]!r}?" if close else f"known fields: {', '.join(known)}"
        return f"{where}: unknown field; {hint}"
    if problem["type"] == "missing":
        return f"{where}: is required; add it"
    value = problem.get("input")
    shown = "" if isinstance(value, dict | list) or value is None else f" (got {without_logins(repr(value))})"
    return f"{where}: {message[:1].lower()}{message[1:]}{shown}" if problem["loc"] else message


def _fields_at(location: tuple[Any, ...]) -> list[str]:
    """The field names of the section that a location points into."""
    section: Any = Config
    for step in location:
        if isinstance(step, int):
            continue
        kind = section.model_fields[step].annotation
        section = Source if step == "sources" else kind
    return list(section.model_fields)
