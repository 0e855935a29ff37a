"""Weekly measures as arrays: one row per week, one column per market."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engines.results import EngineInputError

Array = NDArray[np.float64]
WEEK = np.timedelta64(7, "D")


@dataclass(frozen=True)
class Panel:
    """Measures of a business as W × M arrays; NaN is not known.

    `weeks`: W week starts, 7 days apart without holes (datetime64[D]). `markets`: M codes, sorted.
    `values`: measure -> W × M.
    """

    weeks: NDArray[np.datetime64]
    markets: tuple[str, ...]
    values: Mapping[str, Array]

    def __getitem__(self, measure: str) -> Array:
        return self.values[measure]

    def __contains__(self, measure: str) -> bool:
        return measure in self.values

    def window(self, measure: str, first: int, last: int) -> Array:
        """Sums over weeks `first` to `last` (positions, inclusive), per market; NaN when no week is known."""
        return sum_known(self.values[measure][max(first, 0) : last + 1])


def sum_known(rows: Array) -> Array:
    """Column sums over known values; NaN where a column has none."""
    if rows.shape[0] == 0:
        return np.full(rows.shape[1:], np.nan)
    known = ~np.isnan(rows)
    return np.where(known.any(axis=0), np.nansum(rows, axis=0), np.nan)


def week_range(first: np.datetime64, last: np.datetime64) -> NDArray[np.datetime64]:
    """Week starts from `first` to `last`, both included."""
    return np.arange(first.astype("datetime64[D]"), last.astype("datetime64[D]") + np.timedelta64(1, "D"), WEEK)


def pivot(
    frame: pd.DataFrame,
    measures: Iterable[str],
    weeks: NDArray[np.datetime64],
    markets: tuple[str, ...],
    shift_weeks: int = 0,
) -> dict[str, Array]:
    """Sum a long frame (columns week, market, measures) into W × M arrays; rows outside `weeks` are left out.

    `shift_weeks` moves rows later: a cohort week whose window ends 13 weeks on is known only then.
    Raises EngineInputError when a week does not fall on the grid of `weeks`.
    """
    days = (frame["week"].to_numpy().astype("datetime64[D]") - weeks[0]).astype(np.int64) + 7 * shift_weeks
    if np.any(days % 7):
        raise EngineInputError("weeks do not share one first weekday")
    rows = days // 7
    columns = pd.Index(markets).get_indexer(pd.Index(frame["market"].astype(str)))
    keep = (rows >= 0) & (rows < len(weeks)) & (columns >= 0)
    cells = rows[keep] * len(markets) + columns[keep]
    size = len(weeks) * len(markets)
    return {m: _sum_cells(frame[m].to_numpy(dtype=np.float64)[keep], cells, size, len(markets)) for m in measures}


def _sum_cells(values: Array, cells: NDArray[np.int64], size: int, width: int) -> Array:
    known = ~np.isnan(values)
    total = np.bincount(cells[known], weights=values[known], minlength=size).astype(np.float64)
    counts = np.bincount(cells[known], minlength=size)
    return np.where(counts > 0, total, np.nan).reshape(-1, width)
