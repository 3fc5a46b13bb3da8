"""Geometry of the report's charts, in percent of the plot area.

The template draws it as SVG whose coordinates are percentages: a chart then takes any width,
on a wide screen, on a phone or on paper, and its text keeps its size.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

POINTS = 300  # most points of a drawn line; more cannot be told apart on a screen

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear scale and its ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Where a value lies between low (0) and high (100); values outside stick to the ends."""
        return round(min(max((value - self.low) / (self.high - self.low), 0.0), 1.0) * 100, 2)

    def label(self, value: float) -> str:
        """A tick's text, with as many decimals as the distance between the ticks needs."""
        step = self.ticks[1] - self.ticks[0]
        return f"{value:,.{max(0, -math.floor(math.log10(step) + 1e-9))}f}"


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: its path in a box of 100 x 100 with the origin at the top left."""

    name: str
    path: str
    dots: tuple[Point, ...]  # the measured points, when they are few enough to be shown
    last: float


@dataclass(frozen=True, slots=True)
class Plot:
    """Curves that share their axes."""

    x: Axis
    y: Axis
    lines: tuple[Line, ...]


def axis(low: float, high: float, count: int = 5) -> Axis:
    """Return a scale from a tick at or below `low` to one at or above `high`, about `count` steps of 1, 2 or 5 x 10^n."""
    if high <= low:
        low, high = low - (abs(low) / 10 or 1), high + (abs(high) / 10 or 1)
    rough = (high - low) / count
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(magnitude * factor for factor in (1, 2, 5, 10) if magnitude * factor >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(index * step, 10) for index in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks)


def plot(series: Mapping[str, Sequence[Sequence[float]]], dotted: int = 60) -> Plot | None:
    """Lay out named `[[x, y], …]` series; points that are not finite are left out. None when nothing remains."""
    clean = {name: _thin(_finite(points)) for name, points in series.items()}
    drawn = {name: points for name, points in clean.items() if points}
    if not drawn:
        return None
    every = [point for points in drawn.values() for point in points]
    right = max(x for x, _ in every)
    ticks = axis(0, right).ticks
    x = Axis(0.0, max(right, 1.0), tuple(tick for tick in ticks if tick <= max(right, 1.0)))
    y = axis(min(y for _, y in every), max(y for _, y in every))
    return Plot(x, y, tuple(_line(name, points, x, y, dotted) for name, points in drawn.items()))


def _finite(points: Sequence[Sequence[float]]) -> list[Point]:
    pairs = [(float(x), float(y)) for x, y in points if y is not None]
    return sorted((x, y) for x, y in pairs if math.isfinite(x) and math.isfinite(y))


def _thin(points: list[Point]) -> list[Point]:
    """Average neighbours until a line has at most POINTS points; the last one stays as it is."""
    if len(points) <= POINTS:
        return points
    size = math.ceil(len(points) / (POINTS - 1))
    groups = [points[start : start + size] for start in range(0, len(points) - 1, size)]
    means = [(sum(x for x, _ in group) / len(group), sum(y for _, y in group) / len(group)) for group in groups]
    return [*means, points[-1]]


def _line(name: str, points: list[Point], x: Axis, y: Axis, dotted: int) -> Line:
    placed = [(x.place(a), round(100 - y.place(b), 2)) for a, b in points]
    path = "M" + "L".join(f"{a:g} {b:g}" for a, b in placed)
    return Line(name, path, tuple(placed) if len(placed) <= dotted else (), points[-1][1])


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of a stacked bar, in percent of the bar."""

    name: str
    start: float
    size: float


def stack(shares: Mapping[str, float]) -> list[Part]:
    """Lay the parts of a whole side by side; they fill the bar whatever they sum to."""
    total = sum(shares.values())
    parts, start = [], 0.0
    for name, share in shares.items() if total > 0 else ():
        size = share / total * 100
        parts.append(Part(name, round(start, 3), round(size, 3)))
        start += size
    return parts
