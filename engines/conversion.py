"""The conversion engine: the journey from session to order, step by step, alone and beside another period."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, nan

import numpy as np
from numpy.typing import NDArray

from engines import differences
from engines.panel import Array
from engines.rates import contradict, rate
from engines.results import Estimate, Result, Unavailable

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

    `lost` is the number of sessions that reached the step before and not this one; NaN where more reached this one, so
    that the counts contradict each other and there is no rate. Rates are None where nobody came so far.
    """

    key: str
    count: float
    lost: float
    step_rate: Result | None
    total_rate: Result | None


@dataclass(frozen=True, slots=True)
class Loss:
    """What is lost before a step.

    `sessions` were lost there; of those that reached the step `onward` (0-1) paid. `orders` = sessions × onward: what
    would come if nobody were lost here and all went on as the others do, so an upper bound. `money` = orders × AOV.
    NaN and no money where more reached the step than the one before, or paid than reached it.
    """

    key: str
    sessions: float
    onward: float
    orders: float
    money: Result


@dataclass(frozen=True, slots=True)
class Change:
    """A step now and in another period. `then` and the differences are None where the other period has no such step.

    `step_change` and `total_change` are differences of rates (0.01: one percentage point). `money`: what the change
    of the step's rate brings (below zero: costs) over the period, at today's traffic, later steps and AOV.
    """

    key: str
    now: Step
    then: Step | None
    step_change: Result | None
    total_change: Result | None
    money: Result


def common_stages(known: NDArray[np.bool_], sessions: Array) -> NDArray[np.bool_]:
    """Which of STAGES a journey over rows of different sources is told by: `known` is rows × stages.

    A marketplace that counts visits and views is no part of a shop's way to the payment: summed over both, a step would
    be a share of other people. Of the sets that rows know, taken is the one for which its stages times the sessions of
    all rows that know it are most; where payments are known at all, one with payments. None without sessions.
    """
    sets = np.unique(known[known[:, 0] & (sessions > 0)], axis=0)
    if not len(sets):
        return np.zeros(len(STAGES), dtype=bool)
    paying = sets[:, -1]
    sets = sets[paying] if paying.any() else sets
    told = [each.sum() * sessions[(known | ~each).all(axis=1)].sum() for each in sets]
    return np.asarray(sets[int(np.argmax(told))])


def funnel(sums: Mapping[str, float]) -> tuple[Step, ...]:
    """The steps of the journey from sums of stage counts (NaN or absent: the stage is not measured, and left out).

    Stages follow each other in the order of STAGES; rates are those of `rates.rate`. Empty without sessions.
    """
    known = [(k, sums[k]) for k in STAGES if not isnan(sums.get(k, float("nan")))]
    if not known or known[0][0] != "sessions" or known[0][1] <= 0:
        return ()
    total = known[0][1]
    steps = [Step("sessions", total, 0.0, None, None)]
    for key, count in known[1:]:
        before = steps[-1].count
        lost = nan if contradict(count, before) else before - count
        steps.append(Step(key, count, lost, _rate(count, before), _rate(count, total)))
    return tuple(steps)


def losses(steps: tuple[Step, ...], aov: Result) -> tuple[Loss, ...]:
    """What is lost before each step but the first; none where payments are not measured.

    `aov`: money per order; where it is not available, neither is the money.
    """
    if not steps or steps[-1].key != "payments":
        return ()
    paid = steps[-1].count
    found = []
    for step in steps[1:]:
        onward = _onward(paid, step)
        orders = step.lost * onward
        found.append(Loss(step.key, step.lost, onward, orders, _worth(orders, orders, orders, aov, step.lost)))
    return tuple(found)


def _onward(paid: float, step: Step) -> float:
    """The share of those who reached a step that paid; NaN where more paid."""
    if contradict(paid, step.count):
        return nan
    return paid / step.count if step.count else 0.0


def compared(now: tuple[Step, ...], then: tuple[Step, ...], aov: Result) -> tuple[Change, ...]:
    """Every step of `now` beside the same step of another period.

    A step's rates are compared only where both periods measure the step before it too.
    """
    earlier = {s.key: (s, before) for s, before in zip(then, (None, *then), strict=False)}
    paid = now[-1].count if now and now[-1].key == "payments" else None
    rows = []
    for step, before in zip(now, (None, *now), strict=False):
        other, other_before = earlier.get(step.key, (None, None))
        step_change = _change(step, before, other, other_before)
        total_change = _change(step, now[0], other, then[0] if then else None)
        rows.append(
            Change(step.key, step, other, step_change, total_change, _gain(step, before, step_change, paid, aov))
        )
    return tuple(rows)


def _change(step: Step, before: Step | None, other: Step | None, other_before: Step | None) -> Result | None:
    if before is None or other is None or other_before is None or before.key != other_before.key:
        return None
    if step.key == "sessions":
        return None
    if not (before.count > 0 and other_before.count > 0):
        return None
    return differences.of_rates(step.count, before.count, other.count, other_before.count)


def _gain(step: Step, before: Step | None, change: Result | None, paid: float | None, aov: Result) -> Result:
    if isinstance(change, Unavailable):
        return change
    if before is None or change is None or change.low is None or change.high is None:
        return Unavailable("not_measured")
    if paid is None:
        return Unavailable("not_measured")
    onward = before.count * _onward(paid, step)
    return _worth(change.value * onward, change.low * onward, change.high * onward, aov, change.n)


def _worth(orders: float, low: float, high: float, aov: Result, n: float) -> Result:
    """Orders in money; without an interval of its own where low and high are the orders themselves."""
    if isnan(orders):
        return Unavailable("more_than_all")
    if isinstance(aov, Unavailable):
        return aov
    if low == high == orders:
        return Estimate(orders * aov.value, None, None, n, "money")
    return Estimate(orders * aov.value, low * aov.value, high * aov.value, n, "money")


def _rate(hits: float, trials: float) -> Result | None:
    return rate(hits, trials) if trials > 0 else None
