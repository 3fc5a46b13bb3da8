"""Run the pipeline of the cluster in-process on this machine: `fimsmith run CONFIG`."""

import builtins
import contextlib
import io
import logging
import os
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from kfp import local

from fimsmith import config, storage, task
from fimsmith.errors import JobError
from fimsmith.manifest import Manifest
from pipelines import variant

STAGES = ("preflight", "ingest", "curate", "fim", "mix", "train", "evaluate", "gate", "export", "report")
PROGRESS = re.compile(rf"^\s*((?:{'|'.join(STAGES)}) .*)$")


class _Console(io.TextIOBase):
    """Show the stages' own lines; KFP's bookkeeping goes to the log file only."""

    def __init__(self, screen: TextIO, log: TextIO):
        self.screen, self.log, self.pending = screen, log, ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.log.write(text)
        self.log.flush()
        self.pending += text
        *lines, self.pending = self.pending.split("\n")
        for line in lines:
            if match := PROGRESS.match(line):
                print(match[1], file=self.screen, flush=True)
        return len(text)


def run(configuration: config.Config) -> tuple[Manifest, Manifest]:
    """Run all stages and return the manifests of the export and the report.

    Raises JobError (or the stage's own message) when a stage fails.
    """
    root = storage.mirror(configuration.run.root)
    with storage.explained(root):
        (root / "log").mkdir(parents=True, exist_ok=True)
    log = root / "log" / time.strftime("run-%Y%m%d-%H%M%S.log")
    parameters = {**configuration.parameters(), "root": storage.absolute(configuration.run.root)}
    # one folder of small JSON files per run; the bulk lies under root and is shared by all runs
    with (
        storage.explained(root),
        tempfile.TemporaryDirectory(prefix="run-", dir=root / "log") as scratch,
        _environment(scratch),
    ):
        local.init(local.SubprocessRunner(use_venv=False), pipeline_root=scratch)
        try:
            with open(log, "w", encoding="utf-8") as file, contextlib.redirect_stdout(_Console(sys.stdout, file)):
                variant.chosen(configuration.run.launcher)(**parameters)
        except RuntimeError as error:
            raise _explain(scratch, log) from error
        return _manifest(scratch, "export/model"), _manifest(scratch, "report/result")


@contextlib.contextmanager
def _environment(scratch: str) -> Iterator[None]:
    """The tasks' Python is this one, and their error messages land where we can read them."""
    changed = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        task.ERROR_FILE: str(Path(scratch) / "error.txt"),
        task.RUN: Path(scratch).name,
        "PYTHONUNBUFFERED": "1",
    }
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    handlers, print_function = logging.getLogger().handlers[:], builtins.print
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"kfp\.local")  # it runs no images and shows no display names
            yield
    finally:
        builtins.print = print_function  # kfp's loop threads leave it indented
        logging.getLogger().handlers[:] = handlers
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _explain(scratch: str, log: Path) -> JobError:
    message = Path(scratch) / "error.txt"
    if message.exists():
        return JobError(f"{message.read_text(encoding='utf-8')}\n  log: {log}")
    kept = log.read_text(encoding="utf-8").splitlines()
    failed = next((line for line in reversed(kept) if "FAILURE" in line), "")
    stage = re.search(r"'([a-z]+)", failed)
    tail = "\n  ".join(line.strip() for line in kept if line.strip())[-1500:]
    return JobError(f"stage {stage[1] if stage else '?'} failed unexpectedly; the end of {log}:\n  {tail}")


def _manifest(scratch: str, name: str) -> Manifest:
    return Manifest.read(next(Path(scratch).glob(f"*/{name}")))
