"""Intervals of what two independent samples differ by: rates (Newcombe), means (Welch, normal)."""

from engines.intervals import newcombe
from engines.rates import rate
from engines.results import Estimate, Result, Unavailable


def of_rates(hits: float, trials: float, other_hits: float, other_trials: float) -> Result:
    """The difference p₁ − p₂ with its interval; `n` is the smaller sample.

    Unavailable where either is no rate: no trials, or more hits than trials (`rates.rate`).
    """
    first, other = rate(hits, trials), rate(other_hits, other_trials)
    if isinstance(first, Unavailable):
        return first
    if isinstance(other, Unavailable):
        return other
    low, high = newcombe(hits, trials, other_hits, other_trials)
    return Estimate(first.value - other.value, float(low), float(high), min(first.n, other.n), "rate")


def is_told_apart(difference: Result | None) -> bool:
    """Whether the interval of a difference leaves out zero; of none it does not."""
    if not isinstance(difference, Estimate) or difference.low is None or difference.high is None:
        return False
    return difference.low > 0 or difference.high < 0
