"""KPIs week by week: their results in any weeks, over any span, and the weekly business review."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from math import isnan
from typing import Any

import numpy as np

from engines import kpi
from engines.kpi import Figures, Kpi
from engines.kpis.entry import CAC_MEASURES
from engines.panel import Array, Panel, sum_known
from engines.results import Estimate, Result
from engines.signals import xmr

RECENT = 6  # weeks shown as figures
YEAR = 52


@dataclass(frozen=True)
class KpiRow:
    """One KPI at one week. `recent`: results of the last weeks, oldest first; `year`: 52 values, None unknown.

    `week_on_week` and `year_on_year` are relative changes of the last week, None when either side is unknown.
    `signal`: -1, 0 or +1 of the last point's XmR chart, None where there is no chart.
    """

    key: str
    recent: tuple[Result, ...]
    year: tuple[float | None, ...]
    week_on_week: float | None
    year_on_year: float | None
    signal: int | None

    @property
    def latest(self) -> Result:
        """The newest week's result."""
        return self.recent[-1]

    def as_data(self) -> dict[str, Any]:
        """Plain data for storage."""
        return asdict(self)


def review(panel: Panel, market: int | None = None) -> tuple[KpiRow, ...]:
    """Every headline KPI at the panel's last week, over all markets or the one at position `market`."""
    return tuple(_row(k, panel, market) for k in kpi.headlines())


def result_at(entry: Kpi, panel: Panel, position: int, market: int | None = None, weeks: int | None = None) -> Result:
    """The KPI over the `weeks` weeks (default: the KPI's own window) that end at `position`."""
    return series(entry, panel, [position], market, weeks)[0]


def series(
    entry: Kpi, panel: Panel, positions: Sequence[int], market: int | None = None, weeks: int | None = None
) -> Figures:
    """The KPI over the `weeks` weeks that end at each of `positions`, over all markets or one."""
    span, ends = weeks or entry.window, np.asarray(positions, dtype=np.int64)
    return kpi.figures(entry, _together(entry, _rows_of(entry, panel, market), ends, span))


def told_weeks(entry: Kpi, panel: Panel, position: int, market: int | None, weeks: int) -> int:
    """How many of the `weeks` weeks (1 or more) that end at `position` the KPI is counted over, as `series` does."""
    told = _told(_rows_of(entry, panel, market))
    return int(told[max(position - weeks + 1, 0) : position + 1].sum())


def _rows_of(entry: Kpi, panel: Panel, market: int | None) -> dict[str, Array]:
    return {m: _over_markets(panel.of(entry.key, m), market) for m in entry.measures if m in panel}


def by_market(entry: Kpi, panel: Panel, position: int, weeks: int | None = None) -> Figures:
    """The KPI of every market over the `weeks` weeks that end at `position`, and of all together, which is last."""
    rows = {}
    for measure in entry.measures:
        if measure in panel:
            each = panel.of(entry.key, measure)
            rows[measure] = np.concatenate([each, _over_markets(each, None)[:, None]], axis=1)
    found = kpi.figures(entry, _together(entry, rows, np.array([position]), weeks or entry.window))
    return found.row(0)


def _over_markets(values: Array, market: int | None) -> Array:
    """W × M (× buckets) values of one market, or summed over all."""
    return values[:, market] if market is not None else sum_known(np.swapaxes(values, 0, 1))


EVERY_WEEK = frozenset({"cost_base", "sessions"})  # without a value they are not loaded; counts of events may be none


def _together(entry: Kpi, rows: Mapping[str, Array], ends: Any, span: int) -> dict[str, Array]:
    """The windows of a KPI's measures over the weeks in which all are known: four weeks' spend are not thirteen's.

    A week counts where spend and sessions are known, and not before the first that knows anything of the others. What
    LTV and CAC are made of is held together apart, for they are of other customers.
    """
    sums = {m: _windows(values, ends, span) for m, values in rows.items()}
    if span == 1 or entry.shape in {kpi.Shape.PERCENTILE, kpi.Shape.CONCENTRATION}:
        return sums
    apart = CAC_MEASURES if entry.shape in {kpi.Shape.LTV_CAC, kpi.Shape.PAYBACK} else ()
    needed = [m for m in rows if not (entry.shape is kpi.Shape.SHARE and m == entry.events)]
    for group in ([m for m in needed if m in apart], [m for m in needed if m not in apart]):
        sums |= _complete({m: rows[m] for m in group}, {m: sums[m] for m in group}, ends, span)
    return sums


def _complete(rows: Mapping[str, Array], sums: Mapping[str, Array], ends: Any, span: int) -> dict[str, Array]:
    """`sums` over the told weeks alone; as they are where a measure is known in none, so that it is the reason."""
    told = _told(rows)
    if not any((~np.isnan(values) & ~told).any() for values in rows.values()):
        return dict(sums)
    all_known = ~np.any([np.isnan(values) for values in sums.values()], axis=0)
    only = {m: _windows(np.where(told, values, np.nan), ends, span) for m, values in rows.items()}
    return {m: np.where(all_known, only[m], values) for m, values in sums.items()}


def _told(rows: Mapping[str, Array]) -> Any:
    """The weeks that count: a mask over the rows."""
    told = np.array(True)
    for m, values in rows.items():
        known = ~np.isnan(values)
        told = told & (known if m in EVERY_WEEK else np.logical_or.accumulate(known, axis=0))
    return told


def _windows(rows: Array, ends: Any, span: int) -> Array:
    """Sums of known values over the `span` rows that end at each of `ends`; rows before the first are left out."""
    if span == 1:
        return np.asarray(rows[ends])
    starts = np.maximum(ends - span + 1, 0)
    if len(ends) == 1:
        return np.asarray(sum_known(rows[starts[0] : ends[0] + 1])[None])
    known = ~np.isnan(rows)
    nothing = np.zeros((1, *rows.shape[1:]))
    total = np.concatenate([nothing, np.cumsum(np.where(known, rows, 0.0), axis=0)])
    count = np.concatenate([nothing, np.cumsum(known, axis=0)])
    return np.asarray(np.where(count[ends + 1] > count[starts], total[ends + 1] - total[starts], np.nan))


def _row(entry: Kpi, panel: Panel, market: int | None) -> KpiRow:
    last = len(panel.weeks) - 1
    positions = list(range(max(last - YEAR, 0), last + 1))
    found = series(entry, panel, positions, market)
    known = np.where(found.reason == "", found.value, np.nan)
    values = [float("nan")] * (YEAR + 1 - len(positions)) + [float(v) for v in known]
    recent = range(max(len(positions) - RECENT, 0), len(positions))
    return KpiRow(
        entry.key,
        tuple(found[at] for at in recent),
        tuple(None if isnan(v) else v for v in values[1:]),
        _change(values[-2], values[-1]),
        _change(values[0], values[-1]),
        _signal(values[1:]) if entry.window == 1 else None,  # overlapping windows would signal by themselves
    )


def relative_change(before: Result, after: Result) -> float | None:
    """The change from one result to another as a share of the first; None when either is unknown or the first zero."""
    if not isinstance(before, Estimate) or not isinstance(after, Estimate):
        return None
    return _change(before.value, after.value)


def _change(before: float, after: float) -> float | None:
    if isnan(before) or isnan(after) or before == 0:
        return None
    return after / before - 1


def _signal(values: list[float]) -> int | None:
    chart = xmr(np.array(values))
    return None if chart is None or isnan(values[-1]) else chart.signal[-1]
