"""Make values.schema.json of the chart: a hand-written part, and the configuration's own schema as `config`.

python -P charts/schema.py > charts/fimsmith/values.schema.json
"""

import json
from pathlib import Path
from typing import Any

import yaml

from fimsmith.config import Config, Source

_HAND_WRITTEN = Path(__file__).parent / "fimsmith" / "schema.yaml"
# an entry of a list has to be complete; a section is completed by who starts a run
_WHOLE = {Source.__name__}
_TALK = ("title", "default")  # pydantic repeats every name and every default


def schema() -> dict[str, Any]:
    """Return the JSON schema of the chart's values."""
    made = yaml.safe_load(_HAND_WRITTEN.read_text(encoding="utf-8"))
    configuration = Config.model_json_schema()
    sections = configuration.pop("$defs")
    for name, section in sections.items():
        if name not in _WHOLE:
            section.pop("required", None)
    del configuration["required"]
    made["properties"]["config"] = _terse(configuration)
    made["$defs"] |= {name: _terse(section) for name, section in sections.items()}
    return _closed(made)


def _terse(section: dict[str, Any]) -> dict[str, Any]:
    fields = {
        name: {key: value for key, value in field.items() if key not in _TALK}
        for name, field in section["properties"].items()
    }
    return {key: value for key, value in section.items() if key not in _TALK} | {"properties": fields}


def _closed(part: Any) -> Any:
    """Refuse unknown names in every object that does not say otherwise."""
    if isinstance(part, list):
        return [_closed(each) for each in part]
    if not isinstance(part, dict):
        return part
    inner = {key: _closed(value) for key, value in part.items()}
    return {"additionalProperties": False, **inner} if part.get("type") == "object" else inner


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2, ensure_ascii=False))
