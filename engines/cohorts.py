"""Cohort retention: who of a month's new customers bought again, month by month."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engines.panel import Array


@dataclass(frozen=True)
class Retention:
    """Retention by cohort month and age in months.

    `cohorts`: C first days of months. `sizes`: C customers. `active`: C × A distinct customers who ordered in that
    month of age (age 0 is the first month). `rate`: active ÷ size. `mature`: whether that month of age is over for
    every customer of the cohort; cells not begun are NaN. `overall`: A size-weighted rates over mature cohorts.
    """

    cohorts: tuple[str, ...]
    sizes: Array
    active: Array
    rate: Array
    mature: np.ndarray
    overall: Array


def retention(frame: pd.DataFrame, as_of: np.datetime64, ages: int = 13) -> Retention:
    """The retention table from rows (cohort, month, customers), summed over slices; `as_of` is the last day of data.

    A cell is mature when its calendar month has ended by `as_of`: a running month must not look like a drop.
    """
    cohort = frame["cohort"].to_numpy().astype("datetime64[M]")
    age = (frame["month"].to_numpy().astype("datetime64[M]") - cohort).astype(int)
    names = np.unique(cohort)
    rows = np.searchsorted(names, cohort)
    keep = (age >= 0) & (age < ages)
    active = np.zeros((names.size, ages))
    np.add.at(active, (rows[keep], age[keep]), frame["customers"].to_numpy(dtype=np.float64)[keep])
    month = names[:, None] + np.arange(ages)[None, :]
    begun = month <= as_of.astype("datetime64[M]")
    over = month < (as_of.astype("datetime64[D]") + 1).astype("datetime64[M]")
    sizes = active[:, 0].copy()
    active = np.where(begun, active, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = active / sizes[:, None]
        weighted = np.where(over, active, 0).sum(axis=0) / np.where(over, sizes[:, None], 0).sum(axis=0)
    return Retention(tuple(str(n.astype("datetime64[D]")) for n in names), sizes, active, rate, over & begun, weighted)
