"""Geometry of sparklines: numbers in, SVG path data out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 120.0, 32.0
MARGIN = 3.0  # room for the line's width and the last dot


@dataclass(frozen=True)
class Sparkline:
    """A drawn line: `path` has a stroke per unbroken run, `dots` are runs of one point, `last` is the newest."""

    path: str
    dots: tuple[tuple[float, float], ...]
    last: tuple[float, float] | None
    width: float = WIDTH
    height: float = HEIGHT

    @classmethod
    def of(cls, values: Sequence[float | None]) -> "Sparkline":
        """The line of `values`, oldest first; None and NaN are gaps. A constant series runs through the middle."""
        runs = _runs(_points(values))
        path = " ".join("M" + " L".join(f"{x:g},{y:g}" for x, y in run) for run in runs if len(run) > 1)
        lonely = tuple(run[0] for run in runs if len(run) == 1)
        last = runs[-1][-1] if runs and _known(values[-1]) else None
        return cls(path, lonely, last)


def _known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _points(values: Sequence[float | None]) -> list[tuple[float, float] | None]:
    """Each value's place on the canvas, None for a gap."""
    known = [v for v in values if v is not None and math.isfinite(v)]
    if not known:
        return []
    low, span = min(known), max(known) - min(known)
    step = (WIDTH - 2 * MARGIN) / max(len(values) - 1, 1)
    room = HEIGHT - 2 * MARGIN
    return [
        (round(MARGIN + i * step, 1), round(MARGIN + room * (1 - ((v - low) / span if span else 0.5)), 1))
        if v is not None and math.isfinite(v)
        else None
        for i, v in enumerate(values)
    ]


def _runs(points: list[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """Consecutive points without a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if run]


BAR, BAR_GAP, BAR_HEIGHT = 4.0, 1.0, 48.0  # drawn without keeping their proportions, to the width there is


@dataclass(frozen=True)
class DayBars:
    """One bar per day: `bars` and `marks` are the path data of the days' bars and of the days marked as missing."""

    bars: str
    marks: str
    width: float
    height: float = BAR_HEIGHT

    @classmethod
    def of(cls, values: Sequence[float | None], marked: Sequence[bool]) -> "DayBars":
        """The bars of `values`, oldest first, the highest as high as there is room; None is a day without a bar."""
        top = max((v for v in values if v is not None), default=0.0)
        scale = BAR_HEIGHT / top if top > 0 else 0.0
        bars = [_box(i, BAR - BAR_GAP, max(v * scale, 1.0)) for i, v in enumerate(values) if v is not None]
        marks = [_box(i, BAR, BAR_HEIGHT) for i, is_marked in enumerate(marked) if is_marked]
        return cls("".join(bars), "".join(marks), BAR * len(values))


def _box(at: int, width: float, height: float) -> str:
    """A box on the ground line, as path data."""
    return f"M{at * BAR:g},{BAR_HEIGHT:g}v{-height:.1f}h{width:g}v{height:.1f}z"
