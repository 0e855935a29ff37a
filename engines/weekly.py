"""The weekly business review: every KPI's recent weeks, its year, its changes and its signal."""

from dataclasses import asdict, dataclass
from math import isnan
from typing import Any

import numpy as np

from engines import kpi
from engines.kpi import KPIS, Kpi
from engines.panel import Panel, sum_known
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
    """Every KPI at the panel's last week, over all markets or the one at position `market`."""
    return tuple(_row(k, panel, market) for k in KPIS.values())


def result_at(entry: Kpi, panel: Panel, position: int, market: int | None = None, weeks: int | None = None) -> Result:
    """The KPI over the `weeks` weeks (default: the KPI's own window) that end at `position`."""
    span = weeks or entry.window
    sums: dict[str, float] = {}
    for measure in entry.measures:
        per_market = panel.window(measure, position - span + 1, position)
        sums[measure] = float(per_market[market] if market is not None else sum_known(per_market[:, None])[0])
    return kpi.compute(entry, sums)


def _row(entry: Kpi, panel: Panel, market: int | None) -> KpiRow:
    last = len(panel.weeks) - 1
    results = [result_at(entry, panel, p, market) if p >= 0 else None for p in range(last - YEAR, last + 1)]
    values = [_value(r) for r in results]
    return KpiRow(
        entry.key,
        tuple(r for r in results[-RECENT:] if r is not None),
        tuple(None if isnan(v) else v for v in values[1:]),
        _change(values[-2], values[-1]),
        _change(values[0], values[-1]),
        _signal(values[1:]) if entry.window == 1 else None,  # overlapping windows would signal by themselves
    )


def _value(result: Result | None) -> float:
    return result.value if isinstance(result, Estimate) else float("nan")


def _change(before: float, after: float) -> float | None:
    if isnan(before) or isnan(after) or before == 0:
        return None
    return after / before - 1


def _signal(values: list[float]) -> int | None:
    chart = xmr(np.array(values))
    return None if chart is None or isnan(values[-1]) else chart.signal[-1]
