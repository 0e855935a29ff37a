"""How each shape is computed from sums, for many slices at once: value, interval, sample, what stands against it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engines import durations, intervals
from engines.kpis.entry import CONTRIBUTION_AT, MIN_EVENTS, MIN_RATE, Kpi, Shape
from engines.panel import Array
from engines.rates import contradict

Sums = Mapping[str, Array]
NAN = np.float64("nan")
MINUTES = {"days": 1_440.0, "hours": 60.0}  # in one of the unit
HISTOGRAMS = {"delivery_durations": durations.DELIVERY, "reply_durations": durations.REPLY}


@dataclass(frozen=True)
class Raw:
    """A KPI of many slices, all arrays of one shape. `enough`: what has to reach `min_n`, `n` when not given.

    `refused`: reason -> where it stands against a value.
    """

    value: Array
    low: Array
    high: Array
    n: Array
    enough: Array | None = None
    refused: Mapping[str, Any] = field(default_factory=dict)


def _total(kpi: Kpi, s: Sums) -> Raw:
    value = s[kpi.numerator]
    nothing = np.full_like(value, NAN)
    return Raw(value, nothing, nothing, value)


def _rate(kpi: Kpi, s: Sums) -> Raw:
    hits, trials = s[kpi.numerator], s[kpi.denominator]
    low, high = intervals.wilson(hits, trials)
    return Raw(hits / trials, low, high, trials, refused=_contradiction(kpi, trials, (hits, trials)))


def _contradiction(kpi: Kpi, enough: Array, *pairs: tuple[Array, Array]) -> Mapping[str, Any]:
    """Where a part is more than its whole, `enough` being there: of few it is chance at the edges of a week."""
    against = np.any([contradict(part, whole) for part, whole in pairs], axis=0)
    return {"more_than_all": against & (enough >= kpi.min_n)}


def _mean(kpi: Kpi, s: Sums) -> Raw:
    total, count = s[kpi.numerator], s[kpi.denominator]
    low, high = intervals.mean(total, s[kpi.squares], count)
    if kpi.unit == "stars":
        low, high = np.maximum(low, 1.0), np.minimum(high, 5.0)
    return Raw(total / count, low, high, count)


def _per_count(kpi: Kpi, s: Sums) -> Raw:
    count = s[kpi.denominator]
    spent = s[kpi.numerator]
    value = spent / count
    low, high = intervals.log_normal(value, 1 / np.sqrt(count))
    return Raw(value, low, high, count, refused={"nothing_spent": spent <= 0})  # not a price of 0, the best ever


def _count_ratio(kpi: Kpi, s: Sums) -> Raw:
    events, count = s[kpi.numerator], s[kpi.denominator]
    low, high = intervals.poisson(events)
    return Raw(events / count, low / count, high / count, count)


def _share(kpi: Kpi, s: Sums) -> Raw:
    events, below = np.nan_to_num(s[kpi.events]), s[kpi.denominator]
    value = s[kpi.numerator] / below
    spread = np.sqrt(2 / events)  # amounts spread like their mean: variance doubles
    low, high = intervals.log_normal(value, spread)
    high = np.where(value <= 1, np.minimum(high, 1.0), high)  # a share; above 1 it says itself that it is none
    return Raw(value, low, high, events, refused={"no_orders_data": below <= 0})


def _part(kpi: Kpi, s: Sums) -> Raw:
    """Σ y ÷ Σ x over n orders: the variance of a ratio of means (Cochran 1977, 6.4), and the share's interval."""
    n, below, (below_squares, products) = s[kpi.events], s[kpi.denominator], (s[m] for m in kpi.moments or ())
    value = s[kpi.numerator] / below
    squares = np.maximum(0.0, s[kpi.squares] - 2 * value * products + value * value * below_squares)
    low, high = intervals.part(value, squares * n / (n - 1) / below**2, n)
    refused = {**_contradiction(kpi, n, (s[kpi.numerator], below)), "no_orders_data": below <= 0}
    return Raw(value, low, high, n, refused=refused)


def _sum_ratio(kpi: Kpi, s: Sums) -> Raw:
    """A sum of a random number of amounts has the variance Σ x²: Poisson many of them."""
    events, below = s[kpi.events], s[kpi.denominator]
    value = s[kpi.numerator] / below
    half = intervals.Z95 * np.sqrt(s[kpi.squares]) / below
    return Raw(value, value - half, value + half, events, refused={_NOTHING_BELOW[kpi.denominator]: below <= 0})


_NOTHING_BELOW = {"cost_base": "nothing_spent", "sessions": "no_traffic_data"}


def _rate_ratio(kpi: Kpi, s: Sums) -> Raw:
    """The variance of the logarithm of a ratio of two rates is 1/a − 1/n + 1/b − 1/m."""
    hits, trials = s[kpi.numerator], s[kpi.denominator]
    upper, lower = (s[m] for m in kpi.against or ())
    value = (hits / trials) / (upper / lower)
    error = np.sqrt(np.maximum(0.0, 1 / hits - 1 / trials + 1 / upper - 1 / lower))
    low, high = intervals.log_normal(value, error)
    enough = np.minimum(np.minimum(hits, upper), np.minimum(trials, lower) * (MIN_EVENTS / MIN_RATE))
    return Raw(value, low, high, trials, enough, _contradiction(kpi, enough, (hits, trials), (upper, lower)))


def _rate_gap(kpi: Kpi, s: Sums) -> Raw:
    ratio = _rate_ratio(kpi, s)
    return Raw(1 - ratio.value, 1 - ratio.high, 1 - ratio.low, ratio.n, ratio.enough, ratio.refused)


def _net_share(kpi: Kpi, s: Sums) -> Raw:
    plus, minus, count = s[kpi.numerator], s[kpi.events], s[kpi.denominator]
    low, high = intervals.net_share(plus, minus, count)
    return Raw(100 * (plus - minus) / count, 100 * low, 100 * high, count)


def _concentration(kpi: Kpi, s: Sums) -> Raw:
    counts = np.nan_to_num(s[kpi.numerator])
    n = counts.sum(axis=-1)
    shares = counts / n[..., None]
    low, high = intervals.squared_shares(shares, n)
    return Raw((shares**2).sum(axis=-1), low, high, n)


def _percentile(kpi: Kpi, s: Sums) -> Raw:
    value, low, high, n = durations.percentile(s[kpi.numerator], HISTOGRAMS[kpi.numerator], kpi.percentile)
    unit = MINUTES[kpi.unit]
    return Raw(value / unit, low / unit, high / unit, n)


def _ltv_cac(kpi: Kpi, s: Sums) -> Raw:
    count, new, cost = s[kpi.denominator], s["first_orders"], s["cost_base"]
    ltv, cac = s[kpi.numerator] / count, cost / new
    low, high = intervals.mean(s[kpi.numerator], s[kpi.squares], count)
    value = ltv / cac
    half = np.hypot((high - low) / 2 / cac, intervals.Z95 * value / np.sqrt(new))  # of LTV, and of the count in CAC
    enough = np.minimum(count, new)
    return Raw(value, value - half, value + half, count, enough, {"nothing_spent": cost <= 0})


def _payback(kpi: Kpi, s: Sums) -> Raw:
    count, new, cost = s[kpi.denominator], s["first_orders"], s["cost_base"]
    ltv, cac = s[kpi.numerator] / count, cost / new
    low, high = intervals.mean(s[kpi.numerator], s[kpi.squares], count)
    error = np.hypot((high - low) / 2 / np.abs(ltv), intervals.Z95 / np.sqrt(new))
    paths = np.stack([s[m] / count for m in CONTRIBUTION_AT], axis=-1)
    value, early, late = (np.ceil(_reached(paths, cac * np.exp(side * error))) for side in (0, -1, 1))
    refused = {"not_paid_back": np.isnan(value), "nothing_spent": cost <= 0}
    return Raw(value, early, late, count, np.minimum(count, new), refused)


def _reached(paths: Array, level: Array) -> Array:
    """The age in months at which each path (... × 6 knots) first reaches its level; NaN when it does not."""
    ages = np.array(list(CONTRIBUTION_AT.values()), dtype=np.float64)
    above = paths >= level[..., None]
    knot = above.argmax(axis=-1)
    after = np.take_along_axis(paths, knot[..., None], axis=-1)[..., 0]
    before = np.take_along_axis(paths, np.maximum(knot - 1, 0)[..., None], axis=-1)[..., 0]
    part = np.where(after > before, (level - before) / (after - before), 0.0)
    months = ages[np.maximum(knot - 1, 0)] + np.clip(part, 0, 1) * (ages[knot] - ages[np.maximum(knot - 1, 0)])
    return np.where(above.any(axis=-1), np.where(knot == 0, 0.0, months), NAN)


COMPUTE: dict[Shape, Callable[[Kpi, Sums], Raw]] = {
    Shape.TOTAL: _total,
    Shape.RATE: _rate,
    Shape.MEAN: _mean,
    Shape.PER_COUNT: _per_count,
    Shape.COUNT_RATIO: _count_ratio,
    Shape.SHARE: _share,
    Shape.PART: _part,
    Shape.SUM_RATIO: _sum_ratio,
    Shape.RATE_RATIO: _rate_ratio,
    Shape.RATE_GAP: _rate_gap,
    Shape.NET_SHARE: _net_share,
    Shape.CONCENTRATION: _concentration,
    Shape.PERCENTILE: _percentile,
    Shape.LTV_CAC: _ltv_cac,
    Shape.PAYBACK: _payback,
}
