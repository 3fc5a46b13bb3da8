"""Runs inside a pod: what an image is like, as one line of JSON. Standard library only, until it tries the imports."""

import importlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import traceback

COMPILERS = ("gcc", "cc", "g++", "c++", "cpp", "clang", "tcc", "nvcc", "ld", "as", "make", "javac", "go", "rustc")
IMPORTS = {
    "pipeline": ["fimsmith.cli", "boto3", "kubernetes", "kfp", "kfp.kubernetes", "pyarrow", "pipelines.finetune"],
    "train": ["fimsmith.cli", "boto3", "kubernetes", "torch", "deepspeed", "transformers", "peft", "accelerate"],
}
SYSTEM = ("/proc", "/sys", "/dev")  # the kernel's, not the image's


def writable() -> list[str]:
    """Return the topmost folders that can be written."""
    found = []
    for folder, below, _ in os.walk("/"):
        if folder in SYSTEM:
            below.clear()
        elif os.access(folder, os.W_OK):
            found.append(folder)
            below.clear()
    return found


def loose() -> list[str]:
    """Return up to ten files of code that are not root's, or that others may change."""
    files = (
        os.path.join(f, n) for top in ("/opt/fimsmith", "/opt/venv") for f, _, names in os.walk(top) for n in names
    )
    stats = ((file, os.lstat(file)) for file in files if not os.path.islink(file))
    return [file for file, stat in stats if stat.st_uid != 0 or stat.st_mode & 0o022][:10]


def missing(names: list[str]) -> dict[str, str]:
    """Return the modules that cannot be imported and why."""
    failed = {}
    for name in names:
        try:
            importlib.import_module(name)
        except Exception as error:
            failed[name] = repr(error)
    return failed


def network() -> bool:
    """Say whether the cluster's API can be reached still; a new pod is unguarded until its policy is applied."""
    for _ in range(10):
        try:
            socket.create_connection(("kubernetes.default.svc", 443), timeout=3).close()
        except OSError:
            return False
        time.sleep(1)
    return True


def numbers(setting):
    """Put a number where the trainer would fill in 'auto'."""
    if isinstance(setting, dict):
        return {key: numbers(value) for key, value in setting.items()}
    return 1 if setting == "auto" else setting


def train() -> None:
    """Take two steps of ZeRO-3 with the trainer's own settings."""
    import torch

    from fimsmith import config
    from fimsmith.train import zero

    os.environ |= {
        "RANK": "0",
        "LOCAL_RANK": "0",
        "WORLD_SIZE": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": "29555",
    }
    zero.begin()
    import deepspeed

    settings = numbers(zero.settings(config.Train.model_validate({"zero_stage": 3, "precision": "bf16"})))
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.GELU(), torch.nn.Linear(64, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    engine, *_ = deepspeed.initialize(model=model, optimizer=optimizer, config=settings)
    for _ in range(2):
        engine.backward(engine(torch.ones(1, 64, dtype=torch.bfloat16)).sum())
        engine.step()


def compile_pipeline() -> None:
    """Compile the pipeline as the registration does."""
    from kfp import compiler

    from pipelines.finetune import finetune

    compiler.Compiler().compile(finetune, "/tmp/pipeline.yaml")


def work(image: str) -> str:
    """Do what the image is for."""
    try:
        train() if image == "train" else compile_pipeline()
    except BaseException:
        return traceback.format_exc()
    return "done"


def main(image: str) -> None:
    """Print the facts about an image."""
    facts = {
        "network": network(),  # first: the rest is to be done without one
        "uid": os.getuid(),
        "gid": os.getgid(),
        "home": os.environ.get("HOME"),
        "compilers": [name for name in COMPILERS if shutil.which(name)],
        "writable": writable(),
        "loose": loose(),
        "help": subprocess.run(["fimsmith", "--help"], cwd="/", stdout=subprocess.DEVNULL, check=False).returncode,
        "missing": missing(IMPORTS[image]),
        "work": work(image),
    }
    print("\n" + json.dumps(facts), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
