"""The conversion engine: the journey from session to order, step by step."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan

from engines import intervals
from engines.results import Estimate

STAGES = (
    "sessions",
    "engaged_sessions",
    "product_views",
    "carts",
    "cart_views",
    "checkouts",
    "payment_attempts",
    "payments",
)


@dataclass(frozen=True, slots=True)
class Step:
    """A stage of the journey: how many sessions reached it, and the share of the step before and of all sessions.

    `lost` is the number of sessions that reached the step before and not this one.
    """

    key: str
    count: float
    lost: float
    step_rate: Estimate | None
    total_rate: Estimate | None


def funnel(sums: Mapping[str, float]) -> tuple[Step, ...]:
    """The steps of the journey from sums of stage counts (NaN or absent: the stage is not measured, and left out).

    Stages follow each other in the order of STAGES; rates carry Wilson intervals. Empty without sessions.
    """
    known = [(k, sums[k]) for k in STAGES if not isnan(sums.get(k, float("nan")))]
    if not known or known[0][0] != "sessions" or known[0][1] <= 0:
        return ()
    total = known[0][1]
    steps = [Step("sessions", total, 0.0, None, None)]
    for key, count in known[1:]:
        before = steps[-1].count
        steps.append(Step(key, count, max(before - count, 0.0), _rate(count, before), _rate(count, total)))
    return tuple(steps)


def _rate(hits: float, trials: float) -> Estimate | None:
    if trials <= 0:
        return None
    low, high = intervals.wilson(min(hits, trials), trials)
    return Estimate(hits / trials, low, high, trials, "rate")
