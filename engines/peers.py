"""Markets against each other: which one was always weaker than the others explain, and where inside it.

Compared is the index of a market (its mix taken out), and, inside a market, how much weaker one of its channels,
devices or carriers is against the rest of it than the same is elsewhere: what differs between whole markets cancels.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from engines.cubes import Cube
from engines.panel import Array
from engines.shifts import Place

WEEKS = 26  # that tell how a market usually is
MIN_OTHERS = 2
PRIOR_FREEDOM = 3.0  # markets' worth of belief in the usual spread: few markets tell little of their own
MARKET_SPREAD = 0.06  # usual standard deviation between markets (log)
PART_SPREAD = 0.03  # and of a part of a market against the rest of it
MIN_EVENTS = 100.0


@dataclass(frozen=True)
class Weaker:
    """A place whose level lies `drop` (log, with its standard error) below what the others suggest."""

    place: Place
    drop: float
    error: float
    z: float
    score: float


def weakest(cube: Cube) -> Weaker | None:
    """The place with the most evidence that it is weaker than the other markets' like; None when there is none."""
    recent = _Sums(cube)
    found = recent.whole("market", MARKET_SPREAD)
    for dimension in [d for d in cube.cells.columns if d != "market"]:
        own = cube.cells.groupby(str(dimension))["market"].nunique().max() == 1  # a carrier of one market only
        found += recent.whole(dimension, PART_SPREAD) if own else recent.parts(dimension)
    return max(found, key=lambda w: (w.score, w.place), default=None)


class _Sums:
    """The newest WEEKS of a cube, per cell."""

    def __init__(self, cube: Cube) -> None:
        self.cells = cube.cells
        upper, self.variance = (part[-WEEKS:].sum(axis=0) for part in (cube.upper, cube.variance))
        self.events = cube.events[-WEEKS:].sum(axis=0)
        lower = cube.lower[-WEEKS:].sum(axis=0)
        shared = [d for d in cube.cells if d != "market" and cube.cells.groupby(str(d))["market"].nunique().max() > 1]
        rates = pd.DataFrame({"u": upper, "l": lower})
        if shared:
            sums = rates.groupby([cube.cells[d] for d in shared])[["u", "l"]].transform("sum")
        else:
            sums = rates[["u", "l"]].sum().to_frame().T.loc[[0] * len(rates)].reset_index(drop=True)
        self.upper = upper
        self.expected = lower * (sums["u"] / sums["l"].where(sums["l"] > 0)).fillna(0.0).to_numpy()

    def whole(self, dimension: str, usual: float) -> list[Weaker]:
        """Each value of a dimension against the others."""
        names = sorted(set(self.cells[dimension]) - {""})
        log, variance = self._levels([(self.cells[dimension] == n).to_numpy() for n in names])
        return _compared([((dimension, n),) for n in names], log, variance, usual, len(names))

    def parts(self, dimension: str) -> list[Weaker]:
        """Each market's part of a value, against the rest of its market, as that is in the other markets."""
        markets, names = sorted(set(self.cells["market"])), sorted(set(self.cells[dimension]) - {""})
        found = []
        for name in names:
            inside = (self.cells[dimension] == name).to_numpy()
            here = [(self.cells["market"] == m).to_numpy() for m in markets]
            log, variance = self._levels([h & inside for h in here])
            rest, more = self._levels([h & ~inside for h in here])
            places: list[Place] = [(("market", m), (dimension, name)) for m in markets]
            found += _compared(places, log - rest, variance + more, PART_SPREAD, len(markets) * len(names))
        return found

    def _levels(self, masks: list[np.ndarray]) -> tuple[Array, Array]:
        """Log of counted ÷ expected per mask and its sampling variance; NaN with too few events."""
        sums = np.array(
            [[part[m].sum() for part in (self.upper, self.expected, self.variance, self.events)] for m in masks]
        )
        if not len(sums):
            return np.array([]), np.array([])
        upper, expected, variance, events = sums.T
        with np.errstate(divide="ignore", invalid="ignore"):
            known = (events >= MIN_EVENTS) & (expected > 0) & (upper > 0)
            return np.where(known, np.log(upper / expected), np.nan), np.where(known, variance / upper**2, np.nan)


def _compared(places: list[Place], log: Array, variance: Array, usual: float, tests: int) -> list[Weaker]:
    """Each against the others: their spread is drawn towards the usual one, more so the fewer they are."""
    found = []
    for at in np.flatnonzero(~np.isnan(log)):
        others = np.flatnonzero(~np.isnan(log) & (np.arange(len(log)) != at))
        n = len(others)
        if n < MIN_OTHERS:
            continue
        middle = float(np.median(log[others]))
        between = max(float(np.var(log[others], ddof=1)) - float(variance[others].mean()), 0.0)
        spread = ((n - 1) * between + PRIOR_FREEDOM * usual**2) / (n - 1 + PRIOR_FREEDOM)
        error = float(np.sqrt(spread * (1 + 1 / n) + variance[at] + variance[others].mean() / n))
        drop = middle - float(log[at])
        if drop <= 0:
            continue
        z = float(stats.norm.isf(max(stats.t.sf(drop / error, df=n - 1 + PRIOR_FREEDOM), 1e-300)))
        found.append(Weaker(places[at], drop, error, z, z * abs(z) - 2 * float(np.log(tests))))
    return found
