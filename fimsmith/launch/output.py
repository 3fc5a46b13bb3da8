"""What a job prints, as its launcher keeps and shows it."""

import contextlib
import re
from collections import deque
from typing import IO

from fimsmith import progress
from fimsmith.launch.render import FETCH

KEPT = 1_000  # lines of a log
_STEP = re.compile(r"\bstep ([\d,]+) of")


class Output:
    """Everything that a job prints: all of it into its log, the stage's progress lines on the screen."""

    def __init__(self, log: IO[bytes], stage: str):
        self.log, self.stage = log, stage
        self.prefixes = tuple(f"{name:<{progress.WIDTH}}" for name in (stage, FETCH))
        self.lines: deque[str] = deque(maxlen=KEPT)

    def take(self, raw: bytes) -> None:
        """Record one line, unless the launcher is through."""
        if self.log.closed:
            return
        self.log.write(raw)
        line = raw.decode("utf-8", errors="replace").rstrip()
        self.lines.append(line)
        if line.startswith(self.prefixes):
            self._show(f"{line}\n")

    def say(self, text: str) -> None:
        """Print a line of the launcher's own."""
        self._show(f"{self.stage:<{progress.WIDTH}}{text}\n")

    def _show(self, text: str) -> None:
        # after Ctrl-C nobody may read this any more, and the job has to be ended all the same
        with contextlib.suppress(BrokenPipeError):
            print(text, end="", flush=True)

    def step(self) -> str | None:
        """How far the training came."""
        found = (_STEP.search(line) for line in reversed(self.lines))
        return next((match[1] for match in found if match), None)
