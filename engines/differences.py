"""Intervals of what two independent samples differ by: rates (Newcombe), means (Welch, normal)."""

from math import sqrt

from engines.intervals import Z95, wilson
from engines.results import EngineInputError, Estimate


def newcombe(hits: float, trials: float, other_hits: float, other_trials: float, z: float = Z95) -> tuple[float, float]:
    """Interval of p₁ − p₂ in -1 to 1, from the Wilson limits of both; trials above 0, hits from 0 to trials.

    Reference: Newcombe 1998, Statistics in Medicine 17:873, method 10 (56 of 70 against 48 of 80: .0524 to .3339).
    """
    rate, other = hits / trials, other_hits / other_trials
    low, high = wilson(hits, trials, z)
    other_low, other_high = wilson(other_hits, other_trials, z)
    gap = rate - other
    below = sqrt((rate - low) ** 2 + (other_high - other) ** 2)
    above = sqrt((high - rate) ** 2 + (other - other_low) ** 2)
    return max(-1.0, gap - below), min(1.0, gap + above)


def of_rates(hits: float, trials: float, other_hits: float, other_trials: float) -> Estimate | None:
    """The difference p₁ − p₂ with its interval; None where either has no trials. `n` is the smaller sample.

    Raises EngineInputError where there are more hits than trials, or less than none.
    """
    for k, n in ((hits, trials), (other_hits, other_trials)):
        if n > 0 and not 0 <= k <= n:
            raise EngineInputError(f"{k:g} of {n:g} is no rate")
    if not (trials > 0 and other_trials > 0):
        return None
    low, high = newcombe(hits, trials, other_hits, other_trials)
    return Estimate(hits / trials - other_hits / other_trials, low, high, min(trials, other_trials), "rate")


def is_told_apart(difference: Estimate | None) -> bool:
    """Whether the interval of a difference leaves out zero."""
    if difference is None or difference.low is None or difference.high is None:
        return False
    return difference.low > 0 or difference.high < 0
