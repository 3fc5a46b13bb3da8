"""Lines that tell a waiting person what a stage is doing.

Every line starts with the stage's name in a fixed-width column, so that `fimsmith run` and
`kubectl logs` can show a whole pipeline as one readable list.
"""

import time

WIDTH = 10  # columns for the stage's name
INTERVAL = 5.0  # seconds between two lines of one progress


def say(stage: str, text: str) -> None:
    """Print one line for a stage."""
    # one write: the processes of a job share their output, and a line must not be torn by another's
    print(f"{stage:<{WIDTH}}{text}\n", end="", flush=True)


class Progress:
    """Count units of work and print speed and time left at most every few seconds."""

    def __init__(self, stage: str, unit: str, total: int | None = None):
        self.stage, self.unit, self.total = stage, unit, total
        self.count = self.bytes = 0
        self.made: dict[str, int] = {}  # what the work yields, by its unit
        self.start = self.last = time.monotonic()

    def add(self, count: int = 1, size: int = 0, **made: int) -> None:
        """Record finished units, the bytes they held and what they yielded, such as `tokens=512`."""
        self.count += count
        self.bytes += size
        for unit, number in made.items():
            self.made[unit] = self.made.get(unit, 0) + number
        now = time.monotonic()
        if now - self.last >= INTERVAL:
            self.last = now
            self._print(now)

    def speed(self) -> str:
        """Render how fast it went so far: 120 files/s, 1.5 MB/s, 900 samples/s."""
        seconds = max(time.monotonic() - self.start, 1e-9)
        text = f"{self.count / seconds:,.0f} {self.unit}/s"
        if self.bytes:
            text += f", {self.bytes / seconds / 1e6:.1f} MB/s"
        return text + "".join(f", {number / seconds:,.0f} {unit}/s" for unit, number in self.made.items())

    def _print(self, now: float) -> None:
        seconds = max(now - self.start, 1e-9)
        text = f"{self.count:,}"
        if self.total:
            text += f" of {self.total:,}"
        text += f" {self.unit}, {self.speed()}"
        if self.total and self.count:
            text += f", {duration(seconds / self.count * (self.total - self.count))} left"
        say(self.stage, text)


def duration(seconds: float) -> str:
    """Render seconds as 0:42 or 1:02:03."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
