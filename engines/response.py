"""What one more unit of spend brings in a channel: adstock, saturation, and the marginal return with its interval.

    revenue_t = base + trend + season + β · s(a_t),  a_t = (1 − λ) spend_t + λ a_{t−1},  s(a) = a ÷ (a + κ)

The carry-over λ and the half-saturation κ lie on a grid; given both, the rest is least squares. Every point of the grid
counts by how well it fits, so that the interval holds what is not known of λ and κ too. On 104 weeks of the right model
the marginal return is still off by half and more now and then: the interval is the result, not its middle.
Spend follows demand as well as making it: only a test proves what the curve suggests.
Reference: Broadbent 1979 (adstock); Jin, Wang, Sun, Chan and Koehler 2017 (media mix by adstock and saturation).
"""

from dataclasses import dataclass

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
    """A channel's curve. `draws` of the marginal return at `spend` (base currency per week) are the posterior."""

    spend: float
    marginal: Estimate
    draws: Floats
    r2: float
    weeks: int


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
    draws = betas * halves / (halves + now) ** 2 / mean
    low, middle, high = np.quantile(draws, (0.025, 0.5, 0.975))
    marginal = Estimate(float(middle), float(low), float(high), float(weeks), "ratio")
    r2 = 1.0 - float(squares.min()) / float(((y - y.mean()) ** 2).sum() or 1.0)
    return Response(now * mean, marginal, draws, r2, weeks)


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
STEP = 0.1  # of the giving channel's spend: the curve is known near where the data lies
CHANCE = 0.8  # a shift is worth naming when it pays in four draws of five


@dataclass(frozen=True, slots=True)
class Shift:
    """Spend moved per week between two channels, the contribution gained per week, and the chance that it pays."""

    giver: str
    taker: str
    amount: float
    gain: Estimate
    chance: float

    @property
    def is_worth_a_test(self) -> bool:
        """Whether the data is clear enough to suggest it."""
        return self.chance >= CHANCE


def shift(curves: dict[str, Response], margin: float) -> Shift | Unavailable:
    """The move of a tenth of a channel's spend that most likely pays, towards equal marginal returns.

    `margin`: contribution per unit of revenue (0-1).
    """
    if len(curves) < 2:
        return Unavailable("too_few_channels", float(len(curves)), 2.0)
    rng = np.random.Generator(np.random.PCG64(SEED))
    draws = {code: rng.permutation(found.draws) for code, found in curves.items()}  # channels are drawn independently
    pairs = [(a, b) for a in curves for b in curves if a != b]
    chances = [float((draws[b] > draws[a]).mean()) for a, b in pairs]
    best = int(np.argmax(chances))
    giver, taker = pairs[best]
    amount = STEP * curves[giver].spend
    gains = amount * margin * (draws[taker] - draws[giver])
    low, middle, high = np.quantile(gains, (0.025, 0.5, 0.975))
    gain = Estimate(float(middle), float(low), float(high), float(curves[taker].weeks), "money")
    return Shift(giver, taker, amount, gain, chances[best])


def verdict(marginal: Result, margin: float) -> str:
    """ "scale" when the whole interval is above 1 ÷ margin, "cut" when it is below, "unclear" between; "" unknown."""
    if isinstance(marginal, Unavailable) or marginal.low is None or marginal.high is None or not margin > 0:
        return ""
    if marginal.low > 1 / margin:
        return "scale"
    return "cut" if marginal.high < 1 / margin else "unclear"
