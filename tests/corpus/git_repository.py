"""A git repository that a test commits to."""

import os
import subprocess
from pathlib import Path

from java_texts import write


class Repository:
    """A repository whose commits are an hour apart."""

    def __init__(self, folder: Path):
        self.folder, self.time = folder, 1_700_000_000
        folder.mkdir()
        self.run("init", "-q", "-b", "main")

    def run(self, *arguments: str) -> str:
        """Run git and return what it prints."""
        date = f"{self.time} +0000"
        who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _who(date).items()}
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, check=True, capture_output=True, text=True, env={**os.environ, **who}
        )
        return done.stdout.strip()

    def commit(self, files: dict[str, str | bytes], *removed: str) -> int:
        """Write files, remove others, and commit; returns the time."""
        self.time += 3600
        write(self.folder, files)
        for name in removed:
            (self.folder / name).unlink()
        self.run("add", "-A")
        self.run("commit", "-q", "-m", "change")
        return self.time


def _who(date: str) -> dict[str, str]:
    return {"NAME": "A", "EMAIL": "a@example.org", "DATE": date}
