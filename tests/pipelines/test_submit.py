"""Start, follow and end runs, as far as that needs no back end; the rest is in tests/cluster."""

from typing import Any

import pytest

from fimsmith import config, configfile
from fimsmith.errors import ConfigError
from pipelines import submit


def settings(**run: Any) -> config.Config:
    tree = {
        "run": {"root": "s3://bucket/root", "launcher": "pytorchjob", **run},
        "model": {"path": "s3://bucket/model"},
        "sources": [{"name": "business", "location": "/code"}],
        "mix": {"weights": {"business": 1.0}},
    }
    return configfile.validate(tree, "test")


@pytest.mark.parametrize(
    ("run", "words"), [({"launcher": "local"}, "run.launcher: pytorchjob"), ({"root": "here"}, "run.root to s3://")]
)
def test_what_a_cluster_cannot_run_is_refused_before_it_is_asked(run: dict[str, Any], words: str):
    with pytest.raises(ConfigError, match=words):
        submit.submit(settings(**run), "http://127.0.0.1:1", "fimsmith", "name")
