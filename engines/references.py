"""What each driver could reach, and whether the gap to it is real: against a goal, its own past, the other markets.

A goal counts where one is set. Else the own past (`engines.shifts`: season, discounts and mix taken out) and the other
markets (`engines.peers`) are asked, and what has more evidence is believed. A gap is established only above EVIDENCE.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engines import peers, shifts
from engines.cubes import Cube, Cubes, covariates
from engines.drivers import OTHER_DRIVERS, STAGE_DRIVERS, STAGE_KEYS, WINDOW, Driver
from engines.panel import Array
from engines.shifts import Baselines, Place, Shift

OWN, PEERS, GOAL, NONE = "own", "peers", "goal", "none"
EVIDENCE = 18.0  # z² less the price of the search: by chance in about one driver of one business in a hundred
PEER_EVIDENCE = 12.0  # markets are compared once, not for every onset and shape
GOAL_WEEKS = {"repeat_orders": 52}  # that tell the level to hold against a goal, WINDOW but for what has a season
GOAL_EVIDENCE = 14.0  # z² of the shortfall, less the price of naming one market
GOAL_ERROR = 0.01  # of a goal (log), beside what as few weeks as WINDOW tell of a level: goals come from experience

CAUSES = {
    "repeat_orders": (*STAGE_KEYS, "on_time_share", "first_reply"),
    "repeat_aov": ("first_aov",),
    "referral": (*STAGE_KEYS, "on_time_share", "first_reply"),
}  # what a driver falls with, though it is not the weak link: who cannot pay does not come back either


MOVED_BY = {
    "sessions_per_spend": ("discount", "spend"),
    "repeat_orders": ("discount", "start"),
}  # covariates of a driver beside the season
DELAYS = {"kept_share": 5}  # weeks over which a change of today's orders comes to be seen


@dataclass(frozen=True)
class Gap:
    """An established shortfall: `drop` (log, with its standard `error`) in `place`, since position `onset` (None:
    always) along `path`. Per market (length M) `drops` and `errors`, where markets were hit differently; and the
    place's part of what is lost there: `share` of the driver itself, `returning` of repeat orders and `friends` of
    first orders by referral, which the journey fails too."""

    place: Place
    drop: float
    error: float
    basis: str
    score: float
    share: Array
    drops: Array
    errors: Array
    returning: Array
    friends: Array
    onset: int | None = None
    path: Array | None = None


@dataclass(frozen=True)
class Reference:
    """Per market (length M): log of the level to reach ÷ the level now, what it rests on; and the gap, if any."""

    rise: Array
    basis: tuple[str, ...]
    gap: Gap | None


@dataclass(frozen=True)
class Judged:
    """A driver with its cube, as counted, and its reference. `fall`: from its own past, whatever a goal says of it."""

    driver: Driver
    cube: Cube
    reference: Reference
    fall: Gap | None


ORDER = {d.key: at for at, d in enumerate((*STAGE_DRIVERS, *OTHER_DRIVERS))}
Goals = Mapping[str, Mapping[str, float]]


def judge(
    cubes: Cubes, drivers: Sequence[Driver], markets: Sequence[str], losses: Mapping[str, float], goals: Goals
) -> dict[str, Judged]:
    """Every driver that the business tells, causes before what falls with them.

    `losses`: what a customer who was served late or slowly is less likely to do again (`engines.promises`). `goals`:
    driver -> market ('' for all) -> level.
    """
    given = covariates(cubes.business, cubes.weeks)
    found: dict[str, Judged] = {}
    for driver in sorted(drivers, key=lambda d: (d.key in CAUSES, ORDER[d.key])):
        cube = cubes.cube(driver)
        if cube is None:
            continue
        freed = _freed(cube, driver, found, losses, markets)
        moved = {k: v for k, v in given.items() if k in MOVED_BY.get(driver.key, ("discount",))}
        asked = _Asked(cubes, driver, freed, markets)
        found[driver.key] = Judged(driver, cube, *_reference(asked, moved, goals.get(driver.key, {})))
    return found


def _freed(
    cube: Cube, driver: Driver, found: Mapping[str, Judged], losses: Mapping[str, float], markets: Sequence[str]
) -> Cube:
    """The cube with less expected where and while something else explains the fall."""
    factor = np.ones_like(cube.lower)
    at = [list(markets).index(m) for m in cube.cells["market"]]
    for key in CAUSES.get(driver.key, ()):
        gap = found[key].fall if key in found else None
        if gap is None or gap.path is None:
            continue
        depth = 1 - np.exp(-gap.drop * gap.path / max(gap.path[-WINDOW:].mean(), 1e-9))[:, None]
        factor *= 1 - np.clip(depth * _carried(cube, driver, key, gap, found[key].cube, losses, markets, at), 0.0, 0.95)
    return cube.lowered(factor)


def _carried(
    cube: Cube,
    driver: Driver,
    key: str,
    gap: Gap,
    cause: Cube,
    losses: Mapping[str, float],
    markets: Sequence[str],
    at: list[int],
) -> Array:
    """How much of a cause's depth each cell of the cube feels (length C): all of it inside its place, where cells
    tell; else the place's part of the market; of broken promises what they cost."""
    if key in losses:
        return np.asarray((gap.share * losses[key] * _level(cause, markets))[at])
    if all(dimension in cube.cells for dimension, _ in gap.place):
        return shifts.within(cube, gap.place).astype(np.float64)
    return np.asarray((gap.friends if driver.key == "referral" else gap.share)[at])


def _level(cube: Cube, markets: Sequence[str]) -> Array:
    """The usual share of kept promises: a fall by half of 0.9 leaves 0.45 more let down."""
    codes = cube.cells["market"].to_numpy()
    rates = [cube.upper[:, codes == m].sum() / max(cube.lower[:, codes == m].sum(), 1e-300) for m in markets]
    return np.asarray(rates)


@dataclass(frozen=True)
class _Asked:
    """A driver's cube, freed of what its causes explain, and the business that it is of."""

    cubes: Cubes
    driver: Driver
    cube: Cube
    markets: Sequence[str]

    def gap(self, place: Place, drop: float, error: float, basis: str, score: float, weeks: int = WINDOW) -> Gap:
        """A gap of the same depth in every market."""
        carried = self.cubes.outcome(self.driver) or self.cube
        share = shifts.share_by_market(carried, place, self.markets, weeks)
        size = len(self.markets)
        back, brought = (
            shifts.share_by_market(part, _without(place, dimension), self.markets, weeks)
            if part is not None and self.driver.key in STAGE_KEYS and _reaches(place, dimension, code)
            else np.zeros(size)
            for part, dimension, code in (
                (self.cubes.returns, "", ""),
                (self.cubes.friends, "channel", self.cubes.referral_code),
            )
        )
        return Gap(place, drop, error, basis, score, share, np.full(size, drop), np.zeros(size), back, brought)


def _without(place: Place, dimension: str) -> Place:
    return tuple((d, code) for d, code in place if d != dimension)


def _reaches(place: Place, dimension: str, code: str) -> bool:
    """Whether a place says nothing of the dimension, or just this code."""
    return all(d != dimension or c == code for d, c in place)


def _reference(asked: _Asked, given: Mapping[str, Array], goals: Mapping[str, float]) -> tuple[Reference, Gap | None]:
    """The driver's reference, and its fall from its own past."""
    cube, markets = asked.cube, asked.markets
    shift, base = shifts.scan(cube, given, DELAYS.get(asked.driver.key, 0))
    weaker, fall = _of_peers(peers.weakest(cube), asked), _of_shift(shift, base, asked)
    own = np.maximum(-np.array([_own_deviation(base, m) for m in markets]), 0.0)
    wanted = _wanted(cube, goals, markets)
    has_goal = ~np.isnan(wanted)
    if has_goal.any():
        gap = _of_goal(asked, base, wanted, shift)
        if gap is not None and weaker is not None and len(weaker.place) > 1 and set(gap.place) <= set(weaker.place):
            gap = replace(weaker, basis=GOAL)  # the goal says that it is missed, the other markets where
    else:
        gaps = [g for g in (fall, weaker) if g is not None]
        gap = max(gaps, key=lambda g: g.score, default=None)
    rise = np.where(has_goal, wanted, own)
    basis = [GOAL if g else NONE if np.isnan(o) else OWN for g, o in zip(has_goal, own, strict=True)]
    if gap is not None and gap.basis != GOAL:
        rise = np.where(gap.share > 0, _raise(gap.share, gap.drops), rise)
        basis = [gap.basis if s > 0 else b for s, b in zip(gap.share, basis, strict=True)]
    return Reference(rise, tuple(basis), gap), fall


def _raise(share: Array, drop: Array) -> Array:
    """How far a market's level rises (log) when the part `share` of it makes up `drop`."""
    return np.log1p(share * np.expm1(drop))


def _own_deviation(base: Baselines, market: str) -> float:
    """How far the newest weeks lie from what the market's own past suggests; NaN where that says too little."""
    at = base.at((("market", market),))
    if at is None and len(base.segments.places) == 1:
        at = 0  # one market alone is everything
    if at is None:
        return float("nan")
    return float(base.residual[-WINDOW:, at].mean())


def _of_shift(shift: Shift | None, base: Baselines, asked: _Asked) -> Gap | None:
    if shift is None or shift.score < EVIDENCE:
        return None
    here = float(shift.path[-WINDOW:].mean() / shift.path[-1])  # "now" is the mean of the newest weeks
    gap = asked.gap(shift.place, shift.drop * here, shift.error * here, OWN, shift.score)
    drops, errors = _by_market(shift, base, asked.markets, DELAYS.get(asked.driver.key, 0))
    return replace(gap, drops=drops * here, errors=errors * here, onset=shift.onset, path=shift.path)


def _by_market(shift: Shift, base: Baselines, markets: Sequence[str], delay: int) -> tuple[Array, Array]:
    """The drop in each market, drawn towards that of all as far as their differences are noise.

    Reference: DerSimonian, Laird 1986, Controlled Clinical Trials 7:177, equation 8, with the posterior of each.
    """
    size = len(markets)
    if shifts.named(shift.place, "market"):
        return np.full(size, shift.drop), np.zeros(size)
    found = [shifts.effect_at(base, (("market", m), *shift.place), shift.path, delay) for m in markets]
    drop, error = np.array(found).T
    known = ~np.isnan(drop)
    if known.sum() < 2:
        return np.full(size, shift.drop), np.zeros(size)
    weight = 1 / error[known] ** 2
    middle = float(np.average(drop[known], weights=weight))
    excess = float((weight * (drop[known] - middle) ** 2).sum()) - (known.sum() - 1)
    between = max(excess / float(weight.sum() - (weight**2).sum() / weight.sum()), 0.0)
    trust = np.where(known, between / (between + np.where(known, error, 1.0) ** 2), 0.0)
    drops = shift.drop + trust * (np.where(known, drop, shift.drop) - shift.drop)
    return np.maximum(drops, 0.0), np.sqrt(between * (1 - trust))


def _of_peers(weaker: peers.Weaker | None, asked: _Asked) -> Gap | None:
    if weaker is None or weaker.score < PEER_EVIDENCE:
        return None
    return asked.gap(weaker.place, weaker.drop, weaker.error, PEERS, weaker.score, peers.WEEKS)


# --- goals ------------------------------------------------------------------------------------------------------------
def _wanted(cube: Cube, goals: Mapping[str, float], markets: Sequence[str]) -> Array:
    """How far (log) each market's level now is below its goal, below zero above it; NaN where none is set."""
    result = np.full(len(markets), np.nan)
    for m, market in enumerate(markets):
        goal = goals.get(market, goals.get(""))
        upper, lower = _recent(cube, (("market", market),), WINDOW)
        if goal is not None and upper > 0 and lower > 0:
            result[m] = np.log(goal * lower / upper)
    return result


def _recent(cube: Cube, place: Place, weeks: int) -> tuple[float, float]:
    inside = shifts.within(cube, place)
    return float(cube.upper[-weeks:, inside].sum()), float(cube.lower[-weeks:, inside].sum())


def _of_goal(asked: _Asked, base: Baselines, wanted: Array, shift: Shift | None) -> Gap | None:
    """The place, everything or one market, whose goal is missed with the most evidence."""
    cube, markets = asked.cube, asked.markets
    steady = shift is None or shift.score < EVIDENCE
    weeks = GOAL_WEEKS.get(asked.driver.key, WINDOW) if steady else WINDOW
    known = {m: float(np.exp(w)) for m, w in zip(markets, wanted, strict=True) if not np.isnan(w)}
    goals = {m: times * _rate(cube, m, WINDOW) for m, times in known.items()}
    found: list[Gap] = []
    for place in [(), *((("market", m),) for m in goals)]:
        at = base.at(place)
        inside = [m for m in goals if not place or place[0][1] == m]
        upper = sum(_recent(cube, (("market", m),), weeks)[0] for m in inside)
        expected = sum(goals[m] * _recent(cube, (("market", m),), weeks)[1] for m in inside)
        if at is None or upper <= 0 or expected <= 0:
            continue
        drop = float(np.log(expected / upper))
        error = float(np.hypot(base.spread[at] * np.sqrt(1 / weeks + 1 / WINDOW), GOAL_ERROR))
        score = (drop / error) * abs(drop / error) - (2 * np.log(len(goals)) if place else 0.0)
        if score >= GOAL_EVIDENCE:
            found.append(asked.gap(place, drop, error, GOAL, float(score), weeks))
    best = max(found, key=lambda g: g.score, default=None)
    if best is None or shift is None or steady:
        return best
    return replace(best, onset=shift.onset, path=shift.path)


def _rate(cube: Cube, market: str, weeks: int) -> float:
    upper, lower = _recent(cube, (("market", market),), weeks)
    return upper / lower
