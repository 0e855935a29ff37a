"""What one more unit of spend brings in a channel: adstock, saturation, and the marginal return with its interval.

    revenue_t = base + trend + season + β · s(a_t),  a_t = (1 − λ) spend_t + λ a_{t−1},  s(a) = a ÷ (a + κ)

The carry-over λ and the half-saturation κ lie on a grid; given both, the rest is least squares. Every point of the grid
counts by how well it fits, so that the interval holds what is not known of λ and κ too. On 104 weeks of the right model
the marginal return is still off by half and more now and then: the interval is the result, not its middle.
Spend follows demand as well as making it: only a test proves what the curve suggests.
Reference: Broadbent 1979 (adstock); Jin, Wang, Sun, Chan and Koehler 2017 (media mix by adstock and saturation).
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from engines.results import EngineInputError, Estimate, Result, Unavailable

Floats = npt.NDArray[np.float64]

MIN_WEEKS = 52  # below it a season cannot be told from the spend that follows it
MIN_SPREAD = 0.05  # standard deviation of weekly spend ÷ its mean: less is a constant, which the base takes up
DECAYS = np.linspace(0.0, 0.8, 9)
HALF_SATURATIONS = np.geomspace(0.1, 10.0, 13)  # in mean weekly spends
HARMONICS = 2  # of the yearly season
YEAR_WEEKS = 365.25 / 7
RECENT_WEEKS = 13  # whose mean spend is "now"
DRAWS = 2_000
SEED = 20_262


@dataclass(frozen=True, slots=True)
class Response:
    """A channel's curve, revenue = top · spend ÷ (spend + half) per week when spend is kept up, at `spend` now.

    `tops` (base currency per week) and `halves` (spend per week at which half of it is reached) are draws of the
    posterior, pair by pair.
    """

    spend: float
    marginal: Estimate
    tops: Floats
    halves: Floats
    r2: float
    weeks: int

    def marginals(self, spend: float) -> Floats:
        """Draws of the revenue that one more unit of spend brings at `spend` per week."""
        return self.tops * self.halves / (self.halves + spend) ** 2

    def revenues(self, spend: float) -> Floats:
        """Draws of the revenue per week that `spend` per week brings."""
        return self.tops * spend / (spend + self.halves)


def fit(spend: Floats, revenue: Floats, seed: int = SEED) -> Response | Unavailable:
    """The response of weekly `revenue` to weekly `spend`, oldest first; weeks that lack either are left out.

    The marginal return is revenue per further unit of spend, kept up, at the mean spend of the last 13 known weeks.
    Raises EngineInputError when the lengths differ or spend is negative.
    """
    if len(spend) != len(revenue) or np.nanmin(spend, initial=0.0) < 0:
        raise EngineInputError("spend and revenue must be of the same weeks, spend of zero or more")
    known = np.isfinite(spend) & np.isfinite(revenue)
    if known.sum() < MIN_WEEKS:
        return Unavailable("too_few_weeks", float(known.sum()), float(MIN_WEEKS))
    mean = float(spend[known].mean())
    if mean <= 0 or float(spend[known].std()) < MIN_SPREAD * mean:
        return Unavailable("too_steady")
    return _fitted(spend / mean, revenue, known, mean, seed)


def _fitted(x: Floats, revenue: Floats, known: npt.NDArray[np.bool_], mean: float, seed: int) -> Response | Unavailable:
    weeks, now = int(known.sum()), float(x[known][-RECENT_WEEKS:].mean())
    if now <= 0:
        return Unavailable("no_spend_now")
    frame, y = _surroundings(len(x))[known], revenue[known]
    points = [(decay, half) for decay in DECAYS for half in HALF_SATURATIONS]
    slopes, errors, squares, lags = np.array(
        [_slope(_saturated(x, decay, half)[known], y, frame) for decay, half in points]
    ).T
    free = _independent_weeks(weeks, float(lags[np.argmin(squares)])) - frame.shape[1] - 1
    if free < 1:
        return Unavailable("too_few_weeks", float(weeks), float(MIN_WEEKS))
    chances = np.exp(-0.5 * free * (np.log(squares) - np.log(squares.min())))
    rng = np.random.Generator(np.random.PCG64(seed))
    at = rng.choice(len(points), DRAWS, p=chances / chances.sum())
    spread = errors[at] * np.sqrt((weeks - frame.shape[1] - 1) / free)
    betas = slopes[at] + spread * rng.standard_t(free, DRAWS)
    halves = np.array([half for _decay, half in points])[at]
    r2 = 1.0 - float(squares.min()) / float(((y - y.mean()) ** 2).sum() or 1.0)
    draws = betas * halves / (halves + now) ** 2 / mean
    return Response(now * mean, _estimate(draws, weeks, "ratio"), betas, halves * mean, r2, weeks)


def _estimate(draws: Floats, weeks: int, unit: str) -> Estimate:
    low, middle, high = np.quantile(draws, (0.025, 0.5, 0.975))
    return Estimate(float(middle), float(low), float(high), float(weeks), unit)


def _surroundings(weeks: int) -> Floats:
    """Base, trend and season, which spend is not to be credited with."""
    t = np.arange(weeks, dtype=np.float64)
    angles = [2 * np.pi * k * t / YEAR_WEEKS for k in range(1, HARMONICS + 1)]
    return np.column_stack([np.ones(weeks), t / weeks, *(wave(a) for a in angles for wave in (np.sin, np.cos))])


def _saturated(x: Floats, decay: float, half: float) -> Floats:
    """s(a) of the spend; it begins as if the first weeks' mean had gone before, unknown weeks spend nothing."""
    spent = np.nan_to_num(x)
    start = decay * float(spent[:RECENT_WEEKS].mean())
    a = lfilter([1.0 - decay], [1.0, -decay], spent, zi=[start])[0]
    return np.asarray(a / (a + half), dtype=np.float64)


def _slope(s: Floats, y: Floats, frame: Floats) -> tuple[float, float, float, float]:
    """β with its standard error, the sum of squared errors, and how errors follow one another (lag 1)."""
    design = np.column_stack([frame, s])
    inverse = np.linalg.pinv(design.T @ design)
    beta = inverse @ design.T @ y
    errors = y - design @ beta
    squares = max(float(errors @ errors), np.finfo(float).tiny)
    variance = squares / (len(y) - design.shape[1])
    lag = float(errors[1:] @ errors[:-1]) / squares
    return float(beta[-1]), float(np.sqrt(max(variance * inverse[-1, -1], 0.0))), squares, lag


def _independent_weeks(weeks: int, lag: float) -> float:
    """How many weeks without memory tell as much as these, whose errors follow one another."""
    held = min(max(lag, 0.0), 0.9)
    return weeks * (1 - held) / (1 + held)


# --- moving spend -----------------------------------------------------------------------------------------------------
BOUND = 0.3  # of a channel's spend: the curve is known near where the data lies
POINTS = 121  # of a channel's range, at which its marginal return is worked out


@dataclass(frozen=True, slots=True)
class Change:
    """A channel's spend per week, now and planned, and its marginal return at either (95 % interval)."""

    channel: str
    spend: float
    planned: float
    marginal: Estimate
    marginal_planned: Estimate

    @property
    def moved(self) -> float:
        """Planned less present spend per week."""
        return self.planned - self.spend


@dataclass(frozen=True, slots=True)
class Plan:
    """The same budget in other parts: each channel's change, and the contribution gained per week by all together.

    `chance`: that it gains anything at all.
    """

    changes: tuple[Change, ...]
    gain: Estimate
    chance: float

    @property
    def is_clear(self) -> bool:
        """Whether the whole interval of the gain is above zero; a plan that is not clear is none to follow."""
        return self.gain.low is not None and self.gain.low > 0

    @property
    def moved(self) -> float:
        """Spend per week that changes its channel."""
        return sum(max(c.moved, 0.0) for c in self.changes)


def plan(curves: dict[str, Response], margin: float, bound: float = BOUND) -> Plan | Unavailable:
    """The parts of the present budget that are expected to bring most, no channel changed by more than `bound`.

    Spend goes from low to high marginal returns until those of all channels between their bounds are equal; the
    expected return over the posterior counts, channels drawn independently. Spend that seems to drive revenue away
    counts as bringing nothing: to cut it frees the money, it wins no sales. `margin`: contribution per unit of revenue
    (0-1). Reference: Boyd and Vandenberghe 2004, example 5.2 (water-filling), here within bounds.
    """
    if len(curves) < 2:
        return Unavailable("too_few_channels", float(len(curves)), 2.0)
    floored = {code: replace(c, tops=np.maximum(c.tops, 0.0)) for code, c in curves.items()}
    planned = _level(floored, bound)
    rng = np.random.Generator(np.random.PCG64(SEED))
    each = [rng.permutation(c.revenues(planned[code]) - c.revenues(c.spend)) for code, c in floored.items()]
    gains = margin * np.sum(each, axis=0)
    changes = tuple(
        Change(code, c.spend, planned[code], c.marginal, _estimate(c.marginals(planned[code]), c.weeks, "ratio"))
        for code, c in curves.items()
    )
    return Plan(changes, _estimate(gains, min(c.weeks for c in curves.values()), "money"), float((gains > 0).mean()))


def _level(curves: dict[str, Response], bound: float) -> dict[str, float]:
    """Each channel's spend at the one marginal return at which all of them add up to the present budget."""
    total = sum(c.spend for c in curves.values())
    spends = {code: np.linspace(1 - bound, 1 + bound, POINTS) * c.spend for code, c in curves.items()}
    falling = {
        code: np.minimum.accumulate([float(c.marginals(x).mean()) for x in spends[code]])  # of draws that may rise
        for code, c in curves.items()
    }

    def at(level: float) -> dict[str, float]:
        return {code: float(np.interp(-level, -falling[code], spends[code])) for code in curves}

    low = min(f[-1] for f in falling.values()) - 1.0  # where all of them are as high as they may be
    high = max(f[0] for f in falling.values()) + 1.0  # and as low
    for _round in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(at(middle).values()) > total else (low, middle)
    return _summed(at(high), at(low), total)


def _summed(less: dict[str, float], more: dict[str, float], total: float) -> dict[str, float]:
    """Between two allocations around `total` the one that adds up to it: where marginal returns are flat they jump."""
    short, gap = total - sum(less.values()), sum(more.values()) - sum(less.values())
    part = min(max(short / gap, 0.0), 1.0) if gap > 0 else 0.0
    return {code: less[code] + part * (more[code] - less[code]) for code in less}


def verdict(marginal: Result, margin: float) -> str:
    """ "scale" when the whole interval is above 1 ÷ margin, "cut" when it is below, "unclear" between; "" unknown."""
    if isinstance(marginal, Unavailable) or marginal.low is None or marginal.high is None or not margin > 0:
        return ""
    if marginal.low > 1 / margin:
        return "scale"
    return "cut" if marginal.high < 1 / margin else "unclear"
