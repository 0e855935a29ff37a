"""Cohorts: who of a month's new customers bought again, within which time, and how the customer base grows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engines import intervals
from engines.business import REPEAT_WEEKS
from engines.kpis.entry import MIN_EVENTS, MIN_RATE
from engines.panel import Array
from engines.rates import rate
from engines.results import EngineInputError, Estimate, Result, Unavailable

WINDOWS = tuple(REPEAT_WEEKS)  # days after the first order
MEASURES = ("active", "new", "retained", "resurrected")


# --- the cohort table -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Retention:
    """Retention by cohort month and age in months.

    `cohorts`: C first days of months. `sizes`: C customers. `active`: C × A distinct customers who ordered in that
    month of age (age 0 is the first month). `rate`: active ÷ size. `money`: C × A net revenue of that month of age;
    NaN where not known. `mature`: whether that month of age is over for every customer of the cohort; cells not begun
    are NaN. `overall`: A size-weighted rates over mature cohorts.
    """

    cohorts: tuple[str, ...]
    sizes: Array
    active: Array
    rate: Array
    money: Array
    mature: np.ndarray
    overall: Array

    @property
    def money_each(self) -> Array:
        """Net revenue of a month of age per customer of the cohort, those who did not order included."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.money / self.sizes[:, None])


def retention(frame: pd.DataFrame, as_of: np.datetime64, ages: int = 13) -> Retention:
    """The retention table from rows (cohort, month, customers), summed over slices; `as_of` is the last day of data.

    A column net_base (NaN: not known) becomes `money`. A cell is mature when its calendar month has ended by `as_of`:
    a running month must not look like a drop.
    """
    cohort = frame["cohort"].to_numpy().astype("datetime64[M]")
    age = (frame["month"].to_numpy().astype("datetime64[M]") - cohort).astype(int)
    names = np.unique(cohort)
    rows = np.searchsorted(names, cohort)
    keep = (age >= 0) & (age < ages)
    cells, shape = (rows[keep], age[keep]), (names.size, ages)
    active = _summed(frame["customers"].to_numpy(dtype=np.float64)[keep], cells, shape)
    month = names[:, None] + np.arange(ages)[None, :]
    begun = month <= as_of.astype("datetime64[M]")
    over = month < (as_of.astype("datetime64[D]") + 1).astype("datetime64[M]")
    sizes = active[:, 0].copy()
    active = np.where(begun, active, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = active / sizes[:, None]
        weighted = np.where(over, active, 0).sum(axis=0) / np.where(over, sizes[:, None], 0).sum(axis=0)
    money = np.where(begun, _money(frame, keep, cells, active), np.nan)
    labels = tuple(str(n.astype("datetime64[D]")) for n in names)
    return Retention(labels, sizes, active, rate, money, over & begun, weighted)


def _summed(values: Array, cells: tuple[np.ndarray, np.ndarray], shape: tuple[int, int]) -> Array:
    flat = cells[0] * shape[1] + cells[1]
    return np.bincount(flat, weights=values, minlength=shape[0] * shape[1]).astype(np.float64).reshape(shape)


def _money(frame: pd.DataFrame, keep: np.ndarray, cells: tuple[np.ndarray, np.ndarray], active: Array) -> Array:
    """Net revenue per cell: zero where nobody ordered, NaN where orders have no known value."""
    if "net_base" not in frame:
        return np.full(active.shape, np.nan)
    values = frame["net_base"].to_numpy(dtype=np.float64)[keep]
    known = ~np.isnan(values)
    found = _summed(known.astype(np.float64), cells, active.shape) > 0
    total = _summed(np.where(known, values, 0.0), cells, active.shape)
    return np.where(found, total, np.where(active == 0, 0.0, np.nan))


def cohort_rows(
    customers: NDArray[np.int64], months: NDArray[np.datetime64], net_base: Array | None = None
) -> pd.DataFrame:
    """Rows (cohort, month, customers, orders, net_base) straight from N orders, as `retention` reads them.

    `customers`: N codes from 0 on. `months`: N months of the orders. `net_base`: N amounts, NaN not known. A bitmap of
    customers × months, one byte a cell, tells who was active when; counts and sums are taken by `bincount`.
    """
    if len(customers) == 0:
        return pd.DataFrame({c: pd.Series(dtype="datetime64[s]" if c in _DATES else "float64") for c in _ROWS})
    start = months.astype("datetime64[M]").min()
    month = (months.astype("datetime64[M]") - start).astype(np.int64)
    span = int(month.max()) + 1
    seen = np.zeros((int(customers.max()) + 1, span), dtype=bool)
    seen[customers, month] = True
    first = seen.argmax(axis=1)
    who, when = np.nonzero(seen)
    cells, place = span * span, first[customers] * span + month
    active = np.bincount(first[who] * span + when, minlength=cells)
    money = np.zeros(len(month)) if net_base is None else net_base
    known = ~np.isnan(money) if net_base is not None else np.zeros(len(month), dtype=bool)
    priced = np.bincount(place[known], minlength=cells)
    total = np.bincount(place[known], weights=money[known], minlength=cells)
    used = np.flatnonzero(active)
    return pd.DataFrame(
        {
            "cohort": (start + used // span).astype("datetime64[s]"),
            "month": (start + used % span).astype("datetime64[s]"),
            "customers": active[used].astype(np.float64),
            "orders": np.bincount(place, minlength=cells)[used].astype(np.float64),
            "net_base": np.where(priced[used] > 0, total[used], np.nan),
        }
    )


_ROWS = ("cohort", "month", "customers", "orders", "net_base")
_DATES = ("cohort", "month")


# --- repeat within N days ---------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Windows:
    """Repeat rates of one slice: `results` in the order of WINDOWS; the sample is the customers old enough."""

    slice: str
    customers: float
    results: tuple[Result, ...]


def repeat_windows(
    frame: pd.DataFrame, by: str, first: np.datetime64 | None, last: np.datetime64
) -> tuple[Windows, ...]:
    """Shares of customers with a second order within 30, 60, 90 and 180 days of the first, per value of `by`.

    `frame`: rows week (of the first order), `by`, customers, repeaters_N. A window counts the cohort weeks whose N days
    were over for everybody in the weeks `first` to `last` (None: from the beginning): never a customer who is too
    young. `customers` is the sample of the shortest window. Largest slice first, all together ("all") on top when
    there are several. Wilson intervals; `Unavailable` below MIN_RATE customers.
    """
    week = frame["week"].to_numpy().astype("datetime64[D]")
    slices = frame[by].to_numpy(dtype=str)
    names = np.unique(slices)
    masks = [("all", np.ones(len(frame), dtype=bool))] if len(names) > 1 else []
    masks += [(str(name), slices == name) for name in names]
    rows = [_windows(name, frame.loc[mask], week[mask], first, last) for name, mask in masks]
    return tuple(rows[: len(masks) - len(names)] + sorted(rows[len(masks) - len(names) :], key=lambda r: -r.customers))


def _windows(
    name: str, frame: pd.DataFrame, week: np.ndarray, first: np.datetime64 | None, last: np.datetime64
) -> Windows:
    results, counts = [], []
    for days, weeks in REPEAT_WEEKS.items():
        due = week + np.timedelta64(7 * weeks, "D")
        ripe = (due <= last) & ((due >= first) if first is not None else True)
        customers = float(np.nansum(frame["customers"].to_numpy(dtype=np.float64)[ripe]))
        repeaters = float(np.nansum(frame[f"repeaters_{days}"].to_numpy(dtype=np.float64)[ripe]))
        counts.append(customers)
        results.append(rate(repeaters, customers, MIN_RATE))
    return Windows(name, counts[0], tuple(results))


# --- growth accounting ------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class GrowthMonth:
    """One month's customers: active = new + retained + resurrected; lost = active the month before and not now.

    `month`: its first day. `is_over`: whether the month had ended; a running one has no quick ratio, for many who seem
    lost have only not ordered yet. `quick_ratio`: (new + resurrected) ÷ lost.
    """

    month: str
    active: float
    new: float
    retained: float
    resurrected: float
    lost: float
    is_over: bool
    quick_ratio: Result


def growth(frame: pd.DataFrame, first: np.datetime64, as_of: np.datetime64) -> tuple[GrowthMonth, ...]:
    """Growth accounting of the months `first` to that of `as_of`, the last day of data.

    `frame`: rows month, active, new (first order ever in it), retained (also active the month before), resurrected
    (active earlier, not the month before); the month before `first` too, of which only `active` is read. Months without
    a row had nobody. The quick ratio's interval takes gained and lost customers as independent counts of events.
    Raises EngineInputError, naming the month, where the numbers do not add up.
    """
    start, end = first.astype("datetime64[M]"), as_of.astype("datetime64[M]")
    count = max(int((end - start).astype(int)) + 2, 1)
    at = (frame["month"].to_numpy().astype("datetime64[M]") - (start - 1)).astype(int)
    keep = (at >= 0) & (at < count)
    sums = {
        name: np.bincount(at[keep], weights=frame[name].to_numpy(dtype=np.float64)[keep], minlength=count).astype(
            np.float64
        )
        for name in MEASURES
    }
    over = start - 1 + np.arange(count) < (as_of.astype("datetime64[D]") + 1).astype("datetime64[M]")
    return tuple(
        _growth_month(start - 1 + n, {k: v[n - 1 : n + 1] for k, v in sums.items()}, over[n]) for n in range(1, count)
    )


def _growth_month(month: np.datetime64, sums: dict[str, Array], is_over: bool) -> GrowthMonth:
    active, new, retained, resurrected = (float(sums[name][1]) for name in MEASURES)
    before = float(sums["active"][0])
    if active != new + retained + resurrected:
        raise EngineInputError(f"customers active in {month} are not the new, retained and resurrected together")
    if retained > before:
        raise EngineInputError(f"more customers retained in {month} than were active the month before")
    lost = before - retained
    ratio = quick_ratio(new + resurrected, lost) if is_over else Unavailable("too_young")
    day = str(month.astype("datetime64[D]"))
    return GrowthMonth(day, active, new, retained, resurrected, lost, bool(is_over), ratio)


def quick_ratio(gained: float, lost: float) -> Result:
    """(new + resurrected) ÷ lost with a log-normal interval; above 1 the customer base grows."""
    least = min(gained, lost)
    if least < MIN_EVENTS:
        return Unavailable("too_few", least, MIN_EVENTS)
    value = gained / lost
    low, high = intervals.log_normal(value, float(np.sqrt(1 / gained + 1 / lost)))
    return Estimate(value, float(low), float(high), lost, "ratio")


def quick_ratio_of(months: Sequence[GrowthMonth]) -> Result:
    """The quick ratio over the months that have ended: sums ÷ sums."""
    ended = [m for m in months if m.is_over]
    if not ended:
        return Unavailable("too_young")
    return quick_ratio(sum(m.new + m.resurrected for m in ended), sum(m.lost for m in ended))
