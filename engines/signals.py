"""XmR charts: natural process limits and signals of a weekly series."""

from dataclasses import dataclass

import numpy as np

from engines.panel import Array

MIN_POINTS = 10  # below it the limits themselves are noise
RUN = 8  # points in a row on one side of the centre
LIMIT = 2.66  # 3 ÷ d2(2), d2(2) = 1.128
MOVING_RANGE_LIMIT = 3.268


@dataclass(frozen=True)
class Xmr:
    """Limits of a series and its signals. `signal` is -1 (low), 0 or +1 (high) per point; NaN points have none."""

    centre: float
    low: float
    high: float
    moving_range_limit: float
    signal: tuple[int, ...]


def xmr(series: Array) -> Xmr | None:
    """Natural process limits X̄ ± 2.66 mR̄ of a series (NaN: not known), or None below 10 known points.

    Signals: a point outside the limits; 8 in a row on one side; 3 of 4 nearer a limit than the centre.
    Reference: Wheeler, Understanding Variation, 1993.
    """
    known = np.flatnonzero(~np.isnan(series))
    if known.size < MIN_POINTS:
        return None
    values = series[known]
    ranges = np.abs(np.diff(values))
    centre, spread = float(values.mean()), float(ranges.mean())
    signal = np.zeros(series.size, dtype=int)
    signal[known] = _signals((values - centre) / (LIMIT * spread) if spread > 0 else np.zeros_like(values))
    return Xmr(
        centre,
        centre - LIMIT * spread,
        centre + LIMIT * spread,
        MOVING_RANGE_LIMIT * spread,
        tuple(int(s) for s in signal),
    )


def _signals(scaled: Array) -> Array:
    """-1, 0 or +1 per point of a series scaled so that the centre is 0 and the limits are ±1."""
    result = np.where(scaled > 1, 1, np.where(scaled < -1, -1, 0)).astype(np.float64)
    for side in (1, -1):
        beyond = side * scaled > 0
        near = side * scaled > 0.5
        for end in range(scaled.size):
            run = beyond[max(0, end - RUN + 1) : end + 1]
            four = near[max(0, end - 3) : end + 1]
            if (run.size == RUN and run.all()) or (four.size == 4 and four.sum() >= 3 and near[end]):
                result[end] = side
    return result
