"""Weekly measures as arrays: one row per week, one column per market."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engines.results import EngineInputError

Array = NDArray[np.float64]
WEEK = np.timedelta64(7, "D")


@dataclass(frozen=True)
class Panel:
    """Measures of a business as W × M arrays (histograms W × M × buckets); NaN is not known.

    `weeks`: W week starts, 7 days apart without holes (datetime64[D]). `markets`: M codes, sorted.
    `values`: measure -> W × M. `paired`: (KPI, measure) -> the measure as that KPI takes it, of those rows alone that
    tell all that the KPI reads.
    """

    weeks: NDArray[np.datetime64]
    markets: tuple[str, ...]
    values: Mapping[str, Array]
    paired: Mapping[tuple[str, str], Array] = field(default_factory=dict)

    def of(self, kpi: str, measure: str) -> Array:
        """The measure as a KPI takes it."""
        return self.paired.get((kpi, measure), self.values[measure])

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


class Grid:
    """Where each row of a long frame (columns week, market) falls in a W × M array; found once, used per measure.

    Raises EngineInputError when a week does not fall on the grid of `weeks`.
    """

    def __init__(self, frame: pd.DataFrame, weeks: NDArray[np.datetime64], markets: tuple[str, ...]) -> None:
        days = (frame["week"].to_numpy().astype("datetime64[D]") - weeks[0]).astype(np.int64)
        if np.any(days % 7):
            raise EngineInputError("weeks do not share one first weekday")
        self.frame, self.weeks, self.markets = frame, weeks, markets
        self.shape = (len(weeks), len(markets))
        self.rows = days // 7
        codes, names = pd.factorize(frame["market"])
        known = np.append(pd.Index(markets).get_indexer(pd.Index(names.astype(str))), -1)
        self.columns = known[codes]

    def sums(self, measures: Iterable[str], shift_weeks: int = 0, only: Any = None) -> dict[str, Array]:
        """Each measure summed over the rows of a cell; NaN where none is known, or the frame has no such column.

        `shift_weeks` moves rows later: a cohort week whose window ends 13 weeks on is known only then. `only`: a mask
        of the rows that count.
        """
        keep, cells = self._cells(shift_weeks, only)
        unknown = np.full(self.shape, np.nan)
        return {m: self._sum(m, keep, cells) if m in self.frame else unknown for m in measures}

    def spread(self, measure: str, places: NDArray[np.int64], depth: int) -> Array:
        """The measure as W × M × `depth`, each row at its place of the last axis; NaN in cells without any row."""
        keep, cells = self._cells(0, None)
        if measure not in self.frame or not keep.any():
            return np.full((*self.shape, depth), np.nan)
        values = np.nan_to_num(self.frame[measure].to_numpy(dtype=np.float64)[keep])
        known = ~np.isnan(self.frame[measure].to_numpy(dtype=np.float64)[keep])
        size = self.shape[0] * self.shape[1]
        total = np.bincount(cells * depth + places[keep], weights=values, minlength=size * depth)
        counts = np.bincount(cells[known], minlength=size)
        return np.where(counts[:, None] > 0, total.reshape(size, depth), np.nan).reshape(*self.shape, depth)

    def histogram(self, at: NDArray[np.int64], places: NDArray[np.int64], counts: NDArray[np.int64]) -> Array:
        """W × M × B: `counts`, each of the row `at` of the frame and of one place of the last axis, which ends with
        the last place that is used; NaN in cells without a row."""
        depth, size = int(places.max(initial=0)) + 1, self.shape[0] * self.shape[1]
        keep, cells = self._cells(0, None)
        cell = np.full(len(self.rows), size, dtype=np.int64)  # one beyond the last for rows outside
        cell[keep] = cells
        total = np.bincount(cell[at] * depth + places, weights=counts, minlength=(size + 1) * depth)
        found = total[: size * depth].reshape(size, depth).astype(np.float64, copy=False)  # none at all are integers
        found[np.bincount(cells, minlength=size) == 0] = np.nan
        return found.reshape(*self.shape, depth)

    def _cells(self, shift_weeks: int, only: Any) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        rows = self.rows + shift_weeks
        keep = (rows >= 0) & (rows < self.shape[0]) & (self.columns >= 0)
        if only is not None:
            keep &= only
        return keep, rows[keep] * self.shape[1] + self.columns[keep]

    def _sum(self, measure: str, keep: NDArray[np.bool_], cells: NDArray[np.int64]) -> Array:
        values, size = self.frame[measure].to_numpy(dtype=np.float64)[keep], self.shape[0] * self.shape[1]
        known = ~np.isnan(values)
        counts = np.bincount(cells[known], minlength=size)
        total = np.bincount(cells, weights=np.where(known, values, 0.0), minlength=size)
        return np.asarray(np.where(counts > 0, total, np.nan).reshape(self.shape))


def pivot(
    frame: pd.DataFrame,
    measures: Iterable[str],
    weeks: NDArray[np.datetime64],
    markets: tuple[str, ...],
    shift_weeks: int = 0,
) -> dict[str, Array]:
    """Sum a long frame (columns week, market, measures) into W × M arrays; rows outside `weeks` are left out.

    Raises EngineInputError when a week does not fall on the grid of `weeks`.
    """
    return Grid(frame, weeks, markets).sums(measures, shift_weeks)
