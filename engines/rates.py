"""Rates of parts of a whole: the one place where such a rate gets its Wilson interval, or is refused.

A part cannot be more than its whole. Where counts say so (1,300 payments of 1,000 checkouts) they are of different
sources, days or definitions, and no interval within 0 and 1 can hold what they give: there is no rate.
"""

from math import isnan
from typing import Any

from engines import intervals
from engines.results import Estimate, Result, Unavailable

ROUNDING = 1e-9  # sums of amounts differ by less than this share of them without saying anything


def contradict(part: Any, whole: Any) -> Any:
    """Where a part is more than its whole, or less than nothing; numbers or arrays. What is not known says nothing."""
    return (part > whole * (1 + ROUNDING)) | (part < 0)


def rate(hits: float, trials: float, needed: float = 1, unknown: str = "not_measured") -> Result:
    """hits ÷ trials with its Wilson interval; `hits` of the `trials`, both from 0.

    Unavailable: `unknown` where a side is not known (NaN), "too_few" below `needed` trials (at least one),
    "more_than_all" where there are more hits than trials.
    """
    if isnan(hits) or isnan(trials):
        return Unavailable(unknown)
    if trials < needed or trials <= 0:
        return Unavailable("too_few", trials, max(needed, 1))
    if contradict(hits, trials):
        return Unavailable("more_than_all")
    low, high = intervals.wilson(hits, trials)
    return Estimate(float(hits / trials), float(low), float(high), float(trials), "rate")
