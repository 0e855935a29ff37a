"""What a broken promise costs: how much less customers come back whose first order was late, or answered slowly."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engines.business import WEEKS_90, Business
from engines.panel import WEEK, Array

PRIOR_LOSS, PRIOR_ERROR = 0.3, 0.25  # belief about the share of repeat orders lost, before any is counted
MEMORY = 104  # weeks of first orders that are asked


@dataclass(frozen=True)
class Loss:
    """The share of repeat orders that a broken promise costs (0-1), with its standard error."""

    value: float
    error: float


def losses(business: Business, weeks: np.ndarray) -> dict[str, Loss]:
    """Driver key -> loss, for late deliveries and slow answers, compared within markets.

    From customers whose 90 days are over: repeat orders of those with a broken promise against those with a kept one.
    Few of them say little: the estimate is weighed with the usual loss by precision.
    """
    rows = business.cohorts
    age = ((weeks[-1] - rows["week"].to_numpy().astype("datetime64[D]")) / WEEK).astype(int)
    old = rows.loc[(age >= WEEKS_90) & (age < MEMORY)]
    return {
        "on_time_share": _loss(old, "promised", "late"),
        "first_reply": _loss(old, "answered", "slow"),
    }


def _loss(rows: pd.DataFrame, asked: str, broken: str) -> Loss:
    names = [f"{part}_{what}" for part in (asked, broken) for what in ("customers", "repeat_orders_90")]
    if any(name not in rows for name in names):
        return Loss(PRIOR_LOSS, PRIOR_ERROR)
    sums = rows.groupby(rows["market"].astype(str))[names].sum()
    n, r, n1, r1 = (sums[name].to_numpy(dtype=np.float64) for name in names)
    n0, r0 = n - n1, r - r1
    used = (n1 > 0) & (n0 > 0) & (r0 > 0)
    expected = float((n1[used] * r0[used] / n0[used]).sum())
    counted = float(r1[used].sum())
    if expected <= 0:
        return Loss(PRIOR_LOSS, PRIOR_ERROR)
    value = 1 - counted / expected
    error = float(np.sqrt(max(counted, 1.0)) / expected * 1.2)  # repeat orders of one customer come together
    weight = PRIOR_ERROR**2 / (PRIOR_ERROR**2 + error**2)
    return Loss(
        float(np.clip(weight * value + (1 - weight) * PRIOR_LOSS, 0.0, 1.0)),
        float(np.sqrt(weight) * error) if error > 0 else 0.0,
    )


def kept_after(level: Array, loss: Array) -> Array:
    """The share of repeat orders that are left at this share of kept promises."""
    return np.asarray(1 - loss * (1 - level))
