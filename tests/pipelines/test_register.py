"""Registration as far as it needs no back end; the rest is in tests/cluster/test_chart.py."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
import yaml

from fimsmith import configfile
from fimsmith.errors import ConfigError
from pipelines import register, schedule

WHOLE: dict[str, Any] = {
    "run": {"root": "s3://bucket/root", "launcher": "pytorchjob"},
    "model": {"path": "s3://bucket/model"},
    "sources": [{"name": "business", "location": "/code"}],
    "mix": {"weights": {"business": 1.0}},
}


def parameters(folder: Path, **tree: Any) -> dict[str, Any]:
    path = folder / "config.json"
    path.write_text(json.dumps(tree), encoding="utf-8")
    return register.parameters(configfile.load_parts(path))


def test_defaults_show_every_field_of_a_complete_section(tmp_path: Path):
    made = parameters(tmp_path, **WHOLE, train={"learning_rate": 1e-4})
    assert made == configfile.validate({**WHOLE, "train": {"learning_rate": 1e-4}}, "test").parameters()


def test_what_is_missing_gets_no_default(tmp_path: Path):
    made = parameters(tmp_path, mix={"sequence": 8192})
    assert {"root", "model", "sources"}.isdisjoint(made)
    assert made["mix"] == {"sequence": 8192}
    assert made["train"]["batch"] == 64


def test_compiled_defaults_are_those_of_the_configuration(tmp_path: Path):
    package = tmp_path / "pipeline.yaml"
    register.compiled(package, parameters(tmp_path, **WHOLE))
    specification = next(yaml.safe_load_all(package.read_text(encoding="utf-8")))
    known = specification["root"]["inputDefinitions"]["parameters"]
    assert known["root"]["defaultValue"] == "s3://bucket/root"
    assert known["model"]["defaultValue"]["path"] == "s3://bucket/model"
    assert known["run"]["defaultValue"]["launcher"] == "pytorchjob"


def test_a_version_stands_for_what_it_holds(tmp_path: Path):
    def version(**changes: Any) -> str:
        return register.compiled(tmp_path / "pipeline.yaml", parameters(tmp_path, **WHOLE, **changes))

    assert version() == version()
    assert version() != version(train={"learning_rate": 1e-4})


def test_the_command_has_a_gap_for_each_parameter_without_a_default(tmp_path: Path):
    line = register.command("fimsmith", "v1", parameters(tmp_path, model={"path": "m"}))
    assert line.startswith("kfp run create -e demo -n fimsmith -v v1 root=s3://")
    assert "sources=" in line
    assert "mix=" in line
    assert "model=" not in line
    assert register.command("f", "v1", parameters(tmp_path, **WHOLE)) == "kfp run create -e demo -n f -v v1"


def test_a_schedule_without_all_defaults_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"config\.run\.root, config\.sources, config\.mix is not set"):
        schedule.check(parameters(tmp_path, model={"path": "m"}))


def test_a_back_end_that_does_not_come_is_named_with_the_time_waited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("KFP_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
        monkeypatch.setattr(register, "_PAUSE", 0.1)
        (tmp_path / "config.json").write_text("{}", encoding="utf-8")
        with pytest.raises(SystemExit) as ended:
            register.main(["--config", str(tmp_path / "config.json"), "--wait", "1"])
    assert ended.value.code == 1
    told = capsys.readouterr()
    assert "waiting for Kubeflow Pipelines" in told.out
    assert "does not answer" in told.err
    assert "waited 0:01" in told.err
