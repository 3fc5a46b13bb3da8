"""What the Dockerfiles and images/build promise, as far as it can be seen without a container engine."""

import fnmatch
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from fimsmith import __version__

ROOT = Path(__file__).parents[1]
IMAGES = ("pipeline", "train", "eval")
COMPILERS = re.compile(r"^(gcc|g\+\+|cpp|clang|make|cmake|build-essential|nvidia-cuda-toolkit|\S+-dev)$")


def steps(image: str) -> list[tuple[str, str]]:
    """Return a Dockerfile's instructions: name and arguments, continuation lines joined, comments dropped."""
    text = (ROOT / "images" / image / "Dockerfile").read_text(encoding="utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n", " ", lines).splitlines()
    return [(name.upper(), rest.strip()) for name, _, rest in (line.strip().partition(" ") for line in joined) if name]


def final(image: str) -> list[tuple[str, str]]:
    """Return the instructions of the last stage."""
    made = steps(image)
    return made[max(i for i, (name, _) in enumerate(made) if name == "FROM") :]


def sources(image: str) -> list[str]:
    """Return what is copied from the build context."""
    copies = [shlex.split(rest) for name, rest in steps(image) if name in ("COPY", "ADD") and "--from=" not in rest]
    return [source for words in copies for source in words[:-1]]


def shown(path: str) -> bool:
    """Say whether .dockerignore lets a path into the build context: the last pattern that matches decides."""
    kept = True
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!").removeprefix("**/")
            parts = path.split("/")
            candidates = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
            if line.startswith("**/"):
                candidates = parts
            if any(fnmatch.fnmatchcase(each, pattern) for each in candidates):
                kept = line.startswith("!")
    return kept


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_runs_as_a_numeric_user_that_is_not_root(image: str):
    assert [rest for name, rest in final(image) if name == "USER"] == ["1000:1000"]


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_can_run_with_a_read_only_file_system(image: str):
    environment = " ".join(rest for name, rest in final(image) if name == "ENV")
    assert {"HOME=/tmp", "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1"} <= set(environment.split())


@pytest.mark.parametrize("image", IMAGES)
def test_every_stage_stands_on_a_base_with_a_version(image: str):
    stages = {rest.split()[2] for name, rest in steps(image) if name == "FROM" and " AS " in rest}
    bases = {rest.split()[0] for name, rest in steps(image) if name == "FROM"} - stages
    assert bases == {"${BASE_IMAGE}"}
    default = dict(steps(image))["ARG"] if steps(image)[0][0] != "ARG" else steps(image)[0][1]
    tag = default.rpartition(":")[2]
    assert re.match(r"\d+\.\d+", tag), default


@pytest.mark.parametrize("image", IMAGES)
def test_every_copied_path_exists_and_reaches_the_build(image: str):
    assert sources(image)
    for source in sources(image):
        assert (ROOT / source).exists(), source
        assert shown(source), f"{source} is hidden by .dockerignore"


@pytest.mark.parametrize(
    "path", [".env", ".git/config", "kubeconfig", "fimsmith-data/mix", "notes.pem", "fimsmith/.env", "configs/.aws"]
)
def test_nothing_else_reaches_the_build(path: str):
    assert not shown(path)


@pytest.mark.parametrize("image", IMAGES)
def test_no_secret_is_an_argument_or_a_variable(image: str):
    named = [rest for name, rest in steps(image) if name in ("ARG", "ENV")]
    assert not [rest for rest in named if re.search(r"TOKEN|SECRET|PASSWORD|CREDENTIAL|_KEY", rest.upper())]


@pytest.mark.parametrize("image", ["pipeline", "train"])
def test_no_compiler_is_installed_into_the_last_stage(image: str):
    installs = re.findall(r"apt-get install (.*?)(?:&&|;|$)", " ".join(rest for name, rest in final(image)))
    assert not [word for words in installs for word in words.split() if COMPILERS.match(word)]


@pytest.mark.parametrize("image", IMAGES)
def test_the_code_is_the_last_layer(image: str):
    assert final(image)[-1] == ("COPY", "--from=code /opt/fimsmith /opt/fimsmith")


def test_the_requirements_are_those_of_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    command = [sys.executable, str(ROOT / "images/requirements"), "kfp", "cluster"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")
    extras = project["optional-dependencies"]
    assert printed[:-1] == [*project["dependencies"], *extras["kfp"], *extras["cluster"]]


def test_bake_knows_the_version_and_every_argument_of_the_dockerfiles():
    bake = (ROOT / "images/docker-bake.hcl").read_text(encoding="utf-8")
    assert f'variable "TAG" {{ default = "{__version__}" }}' in bake
    common = set(
        re.findall(r"^    ([A-Z_]+) +=", bake[bake.index('target "common"') : bake.index('target "pipeline"')], re.M)
    )
    for image in IMAGES:
        target = re.search(rf'target "{image}" {{(.*?)\n}}', bake, re.S)
        assert target
        given = common | set(re.findall(r"^    ([A-Z_]+) +=", target[1], re.M))
        assert given == {rest.partition("=")[0] for name, rest in steps(image) if name == "ARG"}


@pytest.fixture
def build(tmp_path: Path):
    """Run images/build with an engine that only writes down how it was called."""
    for name in ("docker", "buildah"):
        engine = tmp_path / name
        engine.write_text('#!/bin/sh\n[ "$1" = buildx ] && [ -z "$HAVE_BUILDX" ] && exit 1\necho "$0 $*"\n')
        engine.chmod(0o755)

    def run(*images: str, **settings: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin", **settings}
        command = [str(ROOT / "images/build"), *images]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return run


def test_images_are_named_by_registry_and_version(build):
    done = build()
    assert f"docker.io/fimsmith/pipeline:{__version__}" in done.stdout
    assert f"docker.io/fimsmith/train:{__version__}" in done.stdout
    other = build("--name", "train", REGISTRY="registry.example:5000/ml", PREFIX="fimsmith-", TAG="7")
    assert other.stdout == "registry.example:5000/ml/fimsmith-train:7\n"


def test_only_settings_that_were_given_become_build_arguments(build):
    done = build(
        "train", VARIANT="cpu", BASE_IMAGE="", TORCH_INDEX="", PIP_OPTIONS="--index-url https://pypi.example/simple"
    )
    line = next(line for line in done.stdout.splitlines() if " build " in line)
    assert "--build-arg VARIANT=cpu" in line
    assert "--build-arg TORCH_INDEX= " in line  # empty means PyPI's own torch, and must arrive
    assert "--build-arg PIP_OPTIONS=--index-url https://pypi.example/simple" in line
    assert "BASE_IMAGE" not in line
    assert "EFA_VERSION" not in line


def test_the_builder_is_chosen_by_what_is_there(build):
    assert "buildx bake -f images/docker-bake.hcl --load pipeline train" in build(HAVE_BUILDX="1").stdout
    assert "buildah bud --isolation chroot" in build("pipeline", ENGINE="buildah").stdout


@pytest.mark.parametrize(
    ("images", "settings", "reason"),
    [
        (["trian"], {}, "there is no image 'trian'"),
        ([], {"TAG": "latest"}, "TAG is 'latest'"),
        ([], {"ENGINE": "kaniko"}, "ENGINE is 'kaniko'"),
    ],
)
def test_a_build_that_makes_no_sense_is_refused(build, images, settings, reason):
    done = build(*images, **settings)
    assert done.returncode == 2
    assert reason in done.stderr


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_the_files_own_head_and_builds_nothing(build, flag: str):
    done = build(flag)
    assert done.returncode == 0
    assert done.stdout.startswith("Build the images")
    assert "images/build --name train" in done.stdout
    assert "set -euo" not in done.stdout
