"""Intervals of what two independent samples differ by: rates (Newcombe), means (Welch, normal)."""

from engines.intervals import newcombe
from engines.results import EngineInputError, Estimate


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
