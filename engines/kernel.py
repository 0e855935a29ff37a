"""When customers come back: repeat orders per customer by weeks since the first order."""

import numpy as np
import pandas as pd

from engines.business import Business
from engines.panel import WEEK, Array

REACH = 156  # weeks after the first order that count
YEAR = 52
MIN_CUSTOMERS = 100  # whose 90 days are over; below it the shape is noise


def of(business: Business, weeks: np.ndarray) -> Array | None:
    """Expected repeat orders per customer in each week after the first order's (length REACH), for all markets.

    Up to 90 days as counted by the cohorts that are old enough, shared out over 30, 60 and 90 days as second orders
    are; from there a decline by a constant share per week that gives what cohorts order in 365 days. None without
    cohorts.
    """
    rows = business.cohorts
    age = ((weeks[-1] - rows["week"].to_numpy().astype("datetime64[D]")) / WEEK).astype(int)
    old, year = rows.loc[age >= 13], rows.loc[age >= 53]
    customers = float(old["customers"].sum())
    if customers < MIN_CUSTOMERS:
        return None
    early = float(old["repeat_orders_90"].sum()) / customers
    at_30, at_60, at_90 = (float(old[f"repeaters_{n}"].sum()) for n in (30, 60, 90))
    parts = np.maximum(np.diff([0.0, at_30, at_60, max(at_90, 1e-9)]), 0) / max(at_90, 1e-9)
    shape = np.zeros(REACH)
    edges = np.array([0, 30, 60, 90]) / 7
    for part, begin, end in zip(parts, edges[:-1], edges[1:], strict=True):
        shape += early * part * _cover(begin, end)
    late = _late(year)
    return shape + _decline(early * parts[-1] / (edges[-1] - edges[-2]), late, edges[-1])


def _cover(begin: float, end: float) -> Array:
    """How much of the time from `begin` to `end` (weeks) each week after the first order's holds; sums to 1.

    A customer's first order is in the middle of its week, so week k is from k - 0.5 to k + 0.5.
    """
    low, high = np.arange(REACH) - 0.5, np.arange(REACH) + 0.5
    return np.asarray(np.clip(np.minimum(high, end) - np.maximum(low, begin), 0, None) / (end - begin))


def _late(year: pd.DataFrame) -> float:
    """Repeat orders per customer from day 91 to 365."""
    customers = float(year["customers"].sum())
    if customers <= 0:
        return 0.0
    return float(year["repeat_orders_365"].sum() - year["repeat_orders_90"].sum()) / customers


def _decline(level: float, total: float, begin: float) -> Array:
    """A weekly pace that starts at `level` and declines by a constant share so that it sums to `total` in the year."""
    week = np.arange(REACH) + 0.5 - begin
    inside = np.clip(np.arange(REACH) + 0.5 - begin, 0, 1)
    in_year = (np.arange(REACH) < YEAR) * inside
    if total <= 0 or level <= 0:
        return np.zeros(REACH)
    low, high = -0.2, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        pace = level * np.exp(-middle * np.maximum(week, 0)) * in_year
        low, high = (middle, high) if pace.sum() > total else (low, middle)
    return np.asarray(level * np.exp(-max(low, 0.0) * np.maximum(week, 0)) * inside)


def expected(first_orders: Array, shape: Array) -> Array:
    """Repeat orders per week and market (W × M) that follow from the first orders at the usual pace."""
    result = np.zeros_like(first_orders)
    for lag in range(min(len(first_orders), len(shape))):
        result[lag:] += shape[lag] * first_orders[: len(first_orders) - lag]
    return result
