"""The embedded corpus is real: it compiles, it is large enough, and it holds what the data stages must meet."""

import shutil
import subprocess
from pathlib import Path

import pytest

from fimsmith import java

EXAMPLES = Path(__file__).parents[1] / "examples"
REPOSITORIES = [
    EXAMPLES / "toolkit",
    *(EXAMPLES / "shop" / n for n in ["orders", "billing", "inventory", "members", "gateway"]),
]
NOT_COMPILED = {"LegacyRouteTable.java", "MemberImporter.java"}


def _sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.java"))


@pytest.mark.parametrize("folder", REPOSITORIES, ids=lambda folder: folder.name)
def test_a_repository_compiles_on_its_own(folder: Path, tmp_path: Path):
    if not shutil.which("javac"):
        pytest.skip("no javac on this machine")
    files = [str(path) for path in _sources(folder) if path.name not in NOT_COMPILED]
    quick = ["-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC"]  # the compiler ends before it would be optimised
    options = [*quick, "--release", "17", "-encoding", "UTF-8", "-Xlint:-options", "-d", str(tmp_path)]
    done = subprocess.run(["javac", *options, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_company_code_is_large_enough():
    files = _sources(EXAMPLES / "shop")
    assert len(files) >= 70
    assert sum(path.read_bytes().count(b"\n") for path in files) >= 5_000


def test_every_file_states_its_licence():
    missing = [p.name for p in _sources(EXAMPLES) if b"SPDX-License-Identifier: Apache-2.0" not in p.read_bytes()]
    assert missing == []


def test_the_oddities_survived_git():
    found = {path.name: path.read_bytes() for path in _sources(EXAMPLES / "shop")}
    with pytest.raises(UnicodeDecodeError):
        found["MemberImporter.java"].decode("utf-8")
    assert "会员" in found["MemberImporter.java"].decode("gb18030")
    assert b"\r\n" in found["Warehouse.java"]
    assert b"\r\n" in found["Endpoint.java"]
    assert "<｜fim▁hole｜>".encode() in found["CompletionPrompt.java"]
    assert b"<pad>" in found["CompletionPrompt.java"]
    assert b"AKIA" in found["StorageConfig.java"]
    assert java.errors(java.parse(found["LegacyRouteTable.java"]))
    assert "RouteDtoBuilder.java" in found
