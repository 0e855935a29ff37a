"""The value model: V = N × L ÷ (1 − K) − spend, per market and week, with seeded draws of every driver.

N = first orders not from referral = (spend × sessions per spend × what paid traffic becomes + what unpaid traffic
brings) × stage rates, paid and unpaid traffic each with its own share that becomes a first order.
L = margin × (first AOV + R × repeat AOV) × share kept after refunds, over 12 months.
K = new customers referred per customer over 12 months.

What one driver does to another: an order is worth more whoever places it, so repeat orders follow the value of first
ones; who cannot pay does not come back (RETRY of them) and does not bring friends; a broken promise costs repeat orders
and recommendations (`engines.promises`), after each order anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engines.business import Business
from engines.cubes import Cube, Cubes
from engines.drivers import OTHER_DRIVERS, STAGE_DRIVERS, STAGE_KEYS, WINDOW, YEAR, Driver
from engines.panel import Array, Panel, sum_known
from engines.promises import Loss, kept_after, losses
from engines.references import Goals, Judged, Reference, judge
from engines.results import Unavailable

DRAWS = 2000  # the Monte Carlo error of a probability near 0.7 is then 0.01
MODEL_ERROR = 0.06  # of an opportunity, beside sampling: how far the model was off on simulated businesses
K_LIMIT = 0.95  # above it the loop's sum says more about noise than about word of mouth
RETURNING, FRIENDS = "~returning", "~friends"  # the journey's success for these, relative to now, beside a level
WORD = 2.0  # who is let down recommends even less than they come back
DEEPENING = 26.0  # weeks: who did not come back once is missing among those who would have come again
RETRY = 0.2  # of repeat orders that a broken journey stops are lost within 12 months: most customers try again
MIN_SESSIONS = 2000  # in the window; below it a 2 % conversion rate is known to ± 30 % only
MIN_FIRST_ORDERS = 40  # in the window; below it the number of new customers is known to ± 30 % only
MIN_REPEATS_365 = 30  # repeat orders of customers at least 12 months old


@dataclass(frozen=True)
class Fixed:
    """What the model takes as given, per market (length M): weekly spend, unpaid sessions, the share of the chain's
    end that is a first order for paid and for unpaid traffic, tickets per order; and for the business: margin (0-1),
    repeat orders in 365 days per repeat order in 90 days with how many were counted."""

    spend: Array
    unpaid_sessions: Array
    paid_share: Array
    unpaid_share: Array
    tickets: Array
    margin: float
    repeat_uplift: float
    repeat_uplift_events: float


@dataclass(frozen=True)
class Level:
    """A driver's level now per market, with the relative standard error of sampling (length M, NaN unknown); counts
    above and below its line."""

    value: Array
    error: Array
    upper: Array
    lower: Array


@dataclass(frozen=True)
class State:
    """The drivers now and what they could be: `drivers` (D), each with its level and reference."""

    markets: tuple[str, ...]
    drivers: tuple[Driver, ...]
    now: tuple[Level, ...]
    references: tuple[Reference, ...]
    fixed: Fixed
    losses: Mapping[str, Loss]

    def level(self, key: str) -> Array | None:
        """The driver's level now, length M; None when the business does not tell it."""
        return next((lv.value for d, lv in zip(self.drivers, self.now, strict=True) if d.key == key), None)


@dataclass(frozen=True)
class Draws:
    """Seeded draws. `now`, `reached`: driver key -> S × M levels, `reached` at reference where a gap is established;
    `uplift`: S draws of the 365-day to 90-day ratio of repeat orders; `losses`: S of what a broken promise costs;
    `misfit`: S factors of an opportunity, the model's own error."""

    now: Mapping[str, Array]
    reached: Mapping[str, Array]
    uplift: Array
    losses: Mapping[str, Array]
    misfit: Array


def state(business: Business, panel: Panel, goals: Goals | None = None) -> State | Unavailable:
    """The business in the newest weeks of `panel` (`engines.drivers.model_panel`); or why there is no model.

    `goals`: driver key -> market ('' for all) -> level that is agreed, or an outside benchmark.
    """
    given = _given(panel)
    if isinstance(given, Unavailable):
        return given
    cost = losses(business, panel.weeks)
    every = (*STAGE_DRIVERS, *OTHER_DRIVERS)
    plain = _plain_goals(goals or {}, given)
    judged = judge(Cubes(business, panel.weeks), every, panel.markets, {k: v.value for k, v in cost.items()}, plain)
    scales = _scales(panel, judged, given.early, given.uplift)
    kept = [(d, _level(judged[d.key], scales.get(d.key, 1.0), panel)) for d in every if d.key in judged]
    known = [(d, lv) for d, lv in kept if not np.isnan(lv.value).all()]
    drivers, now = tuple(d for d, _ in known), tuple(lv for _, lv in known)
    fixed = _fixed(panel, given, drivers, now)
    return State(panel.markets, drivers, now, tuple(judged[d.key].reference for d in drivers), fixed, cost)


def _plain_goals(goals: Goals, given: "_Given") -> Goals:
    """Goals as ratios of what is counted: friends per order, not per customer and year."""
    scale = {"repeat_orders": given.early, "referral": 1 + given.early * given.uplift}
    return {key: {m: level / scale.get(key, 1.0) for m, level in of.items()} for key, of in goals.items()}


# --- what is given ----------------------------------------------------------------------------------------------------
def _total(panel: Panel, measure: str, weeks: int = WINDOW) -> float:
    last = len(panel.weeks) - 1
    return float(sum_known(panel.window(measure, last - weeks + 1, last)[:, None])[0])


_NEEDED: tuple[tuple[str, str, str, float], ...] = (
    ("orders", "no_orders_data", "", 0),
    ("sessions", "no_traffic_data", "too_few_sessions", MIN_SESSIONS),
    ("cost_base", "no_spend_data", "", 0),
    ("all_first_orders", "no_customer_data", "too_few_customers", MIN_FIRST_ORDERS),
    ("first_net_base", "no_amount_data", "", 0),
    ("contribution_base", "no_cost_data", "", 0),
)  # measure, reason when it is unknown, reason when there is less than the least


@dataclass(frozen=True)
class _Given:
    """Margin, repeat orders per customer in 90 days, and in 365 per one in 90, with how many were counted."""

    margin: float
    early: float
    uplift: float
    events: float


def _given(panel: Panel) -> _Given | Unavailable:
    for measure, missing, too_few, least in _NEEDED:
        total = _total(panel, measure)
        if np.isnan(total):
            return Unavailable(missing)
        if too_few and total < least:
            return Unavailable(too_few, total, least)
    contribution, net = _total(panel, "contribution_base"), _total(panel, "costed_net_base")
    if not net > 0:
        return Unavailable("no_cost_data")
    if contribution <= 0:
        return Unavailable("no_margin")
    every = len(panel.weeks)
    repeats, early = _total(panel, "repeat_orders_365", every), _total(panel, "repeat_orders_90_of_365", every)
    if not (repeats >= MIN_REPEATS_365 and early > 0):
        return Unavailable("too_young", 0.0 if np.isnan(repeats) else repeats, MIN_REPEATS_365)
    return _Given(contribution / net, early / _total(panel, "matured_365", every), repeats / early, early)


def _per_week(panel: Panel, measure: str) -> Array:
    """Weekly mean of a measure over the known weeks of the window, per market; NaN where none is known."""
    rows = panel[measure][-WINDOW:]
    weeks = (~np.isnan(rows)).sum(axis=0)
    return np.asarray(sum_known(rows) / np.maximum(weeks, 1))


def _fixed(panel: Panel, given: _Given, drivers: tuple[Driver, ...], now: tuple[Level, ...]) -> Fixed:
    """The share of the chain that no driver carries: first orders not from referral ÷ what the drivers make of
    sessions, paid and unpaid traffic apart."""
    sessions = _per_week(panel, "sessions")
    paid, spend = np.nan_to_num(_per_week(panel, "paid_sessions")), np.nan_to_num(_per_week(panel, "cost_base"))
    first, paid_first = (
        np.nan_to_num(_per_week(panel, "first_orders")),
        np.nan_to_num(_per_week(panel, "paid_first_orders")),
    )
    chain, reached = np.ones(len(panel.markets)), np.zeros(len(panel.markets))
    for driver, level in zip(drivers, now, strict=True):
        if driver.key in STAGE_KEYS:
            chain = chain * _or_one(level.value)
        if driver.key == "sessions_per_spend":
            reached = spend * np.nan_to_num(level.value)
    known = (reached > 0) & (paid > 0)  # spend whose sessions are told; else all traffic counts as unpaid
    bought = np.where(known, paid_first, 0.0)
    unpaid = sessions - np.where(known, paid, 0.0)
    orders = np.nan_to_num(_per_week(panel, "orders"))
    tickets = np.nan_to_num(_per_week(panel, "tickets"))
    with np.errstate(divide="ignore", invalid="ignore"):
        return Fixed(
            spend,
            unpaid,
            np.where(known, bought / (reached * chain), 0.0),
            np.where(unpaid * chain > 0, (first - bought) / (unpaid * chain), np.where(np.isnan(unpaid), np.nan, 0.0)),
            np.where(orders > 0, tickets / orders, 0.0),
            given.margin,
            given.uplift,
            given.events,
        )


def _or_one(levels: Array) -> Array:
    """Levels of a factor, 1 where a market does not measure it: the next stage carries its loss."""
    return np.where(np.isnan(levels), 1.0, levels)


# --- levels -----------------------------------------------------------------------------------------------------------
def _scales(panel: Panel, judged: Mapping[str, Judged], early: float, uplift: float) -> dict[str, Array | float]:
    """What turns a cube's ratio into the driver's level: repeat orders in 90 days, friends in 12 months."""
    pace = _or_one(_pace(judged["repeat_orders"], panel)) if "repeat_orders" in judged else np.ones(len(panel.markets))
    return {"repeat_orders": early, "referral": 1 + early * uplift * pace}


def _pace(found: Judged, panel: Panel) -> Array:
    """Repeat orders against those of cohorts that are a year old: each market's own habit, times what has fallen since.

    The season and growth of the moment are not the next 12 months', so only an established fall counts.
    """
    upper, lower, ratio, _ = _ratio(found.cube, panel, YEAR)
    gap = found.reference.gap
    own = ratio / max(float(np.nansum(upper) / max(np.nansum(lower), 1e-300)), 1e-300)
    if gap is None or gap.path is None:
        return np.asarray(own)
    left = 1 - gap.share[None, :] * (1 - np.exp(-gap.drop * gap.path[-YEAR:, None] / gap.path[-WINDOW:].mean()))
    usual = own / left.mean(axis=0)
    return np.asarray(
        usual
        / float(np.average(usual[~np.isnan(usual)], weights=lower[~np.isnan(usual)]))
        * left[-WINDOW:].mean(axis=0)
    )


def _ratio(cube: Cube, panel: Panel, weeks: int = WINDOW) -> tuple[Array, Array, Array, Array]:
    """Sums above and below the line over the newest weeks per market, their ratio, and the variance of the upper."""
    codes = cube.cells["market"].to_numpy()
    sums = np.array(
        [[part[-weeks:, codes == m].sum() for part in (cube.upper, cube.lower, cube.variance)] for m in panel.markets]
    )
    upper, lower, variance = sums.T
    with np.errstate(divide="ignore", invalid="ignore"):
        return upper, lower, np.where((upper > 0) & (lower > 0), upper / lower, np.nan), variance


def _level(found: Judged, scale: Array | float, panel: Panel) -> Level:
    upper, lower, ratio, variance = _ratio(found.cube, panel)
    if found.driver.key == "repeat_orders":
        ratio = np.where(np.isnan(ratio), np.nan, _pace(found, panel))
    elif found.driver.key == "first_aov":  # judged by all orders, measured by first ones
        last = len(panel.weeks) - 1
        first, n = (panel.window(m, last - WINDOW + 1, last) for m in ("first_net_base", "first_priced_orders"))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where((first > 0) & (n > 0), first / n, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(np.isnan(ratio), np.nan, np.minimum(np.sqrt(variance) / upper, 1.0))
    return Level(ratio * scale, error, upper, lower)


# --- value ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Value:
    """Weekly value per draw and market (S × M): V in base currency, and its parts N, L (per customer) and K."""

    value: Array
    first_orders: Array
    customer_value: Array
    referral: Array


def evaluate(
    model: State, levels: Mapping[str, Array], uplift: Array, cost: Mapping[str, Array] | None = None
) -> Value:
    """V of every market at given driver levels (driver key -> S × M). Markets without traffic have V = NaN.

    `cost`: draws of what broken promises cost, S each; the estimates without it.
    """
    fixed = model.fixed
    chain = _chain(levels, (1, len(model.markets)))
    per_spend = levels.get("sessions_per_spend")
    bought = 0.0 if per_spend is None else fixed.spend * np.nan_to_num(per_spend) * fixed.paid_share
    first = (bought + fixed.unpaid_sessions * fixed.unpaid_share) * chain
    back, sent = (_success(model, levels, whose) for whose in (RETURNING, FRIENDS))
    nothing = np.zeros_like(first)
    later, aov = (np.nan_to_num(levels.get(k, nothing)) for k in ("repeat_aov", "first_aov"))
    year = np.nan_to_num(levels.get("repeat_orders", nothing)) * uplift[:, None]
    loyal = _loyalty(model, levels, cost or {k: np.array([v.value]) for k, v in model.losses.items()})
    repeats = year * back**RETRY * loyal ** (1 + np.minimum(year, 3.0))
    dearer = _relative(model, "first_aov", levels)
    kept = _or_one(levels.get("kept_share", nothing + 1))
    worth = fixed.margin * kept * (aov + repeats * later * dearer)
    friends = np.nan_to_num(levels.get("referral", nothing)) * sent * loyal**WORD * (1 + repeats) / (1 + year)
    k = np.clip(friends, 0.0, K_LIMIT)
    return Value(first * worth / (1 - k) - fixed.spend, first, worth, k)


def _chain(levels: Mapping[str, Array], shape: tuple[int, ...]) -> Array:
    chain = np.ones(shape)
    for key in levels.keys() & set(STAGE_KEYS):
        chain = chain * _or_one(levels[key])
    return np.asarray(chain)


def _success(model: State, levels: Mapping[str, Array], whose: str) -> Array | float:
    """The journey's success for those who come back or are sent by a friend, against what it is now."""
    result: Array | float = 1.0
    for key in levels.keys() & set(STAGE_KEYS):
        result = result * (levels[key + whose] if key + whose in levels else _relative(model, key, levels))
    return result


def _relative(model: State, key: str, levels: Mapping[str, Array]) -> Array | float:
    """A driver's level against what it is now; 1 where that is not known."""
    now = model.level(key)
    if now is None or key not in levels:
        return 1.0
    return np.where(now > 0, _or_one(levels[key] / np.where(now > 0, now, 1.0)), 1.0)


def _loyalty(model: State, levels: Mapping[str, Array], cost: Mapping[str, Array]) -> Array | float:
    """Repeat orders at these shares of kept promises, against those at today's."""
    result: Array | float = 1.0
    for key in ("on_time_share", "first_reply"):
        now = model.level(key)
        if now is None or key not in levels or key not in cost:
            continue
        weight = model.fixed.tickets if key == "first_reply" else 1.0  # only who asks waits for an answer
        loss = np.clip(cost[key][:, None] * weight, 0.0, 1.0)
        result = result * kept_after(_or_one(levels[key]), loss) / kept_after(_or_one(now), loss)
    return result


# --- draws ------------------------------------------------------------------------------------------------------------
def draw(model: State, seed: int) -> Draws:
    """S seeded draws of every driver now and at reference. Gaps are drawn too: noise cannot pose as one."""
    rng = np.random.Generator(np.random.PCG64(seed))
    now: dict[str, Array] = {}
    reached: dict[str, Array] = {}
    for driver, current, ref in zip(model.drivers, model.now, model.references, strict=True):
        now[driver.key] = _draw_level(rng, driver, current)
        reached |= _reached(rng, driver, now[driver.key], ref, model.fixed.repeat_uplift)
    events = model.fixed.repeat_uplift_events
    uplift = model.fixed.repeat_uplift * rng.gamma(events, 1 / events, DRAWS)
    cost = {k: np.clip(v.value + v.error * rng.standard_normal(DRAWS), 0.0, 1.0) for k, v in model.losses.items()}
    return Draws(now, reached, uplift, cost, np.exp(MODEL_ERROR * rng.standard_normal(DRAWS)))


def _reached(rng: np.random.Generator, driver: Driver, now: Array, ref: Reference, uplift: float) -> dict[str, Array]:
    """S × M levels at reference: raised where a gap is established, by draws of its depth; else as now."""
    common, own = rng.standard_normal((len(now), 1)), rng.standard_normal(now.shape)  # drawn whether used or not,
    gap = ref.gap  # so that one driver's gap moves no other's draws
    if gap is None:
        return {driver.key: now}
    depth = np.maximum(gap.drops + gap.error * common + gap.errors * own, 0.0)
    if driver.key == "repeat_orders" and gap.onset is not None and gap.path is not None:
        age = len(gap.path) - gap.onset
        depth = depth * (1 + np.nan_to_num(now) * uplift * np.exp(-age / DEEPENING))
    level = now * (1 + gap.share * np.expm1(depth))
    if driver.kind in {"rate", "kept"}:
        level = np.minimum(level, np.maximum(now, 1.0))
    if driver.key not in STAGE_KEYS:
        return {driver.key: level}
    others = {RETURNING: gap.returning, FRIENDS: gap.friends}
    return {driver.key: level} | {driver.key + k: 1 + share * np.expm1(depth) for k, share in others.items()}


def _draw_level(rng: np.random.Generator, driver: Driver, current: Level) -> Array:
    """S × M draws of a driver's level now: Beta for rates, Gamma for counts, log-normal for money."""
    shape = (DRAWS, current.value.size)
    known = ~np.isnan(current.value)
    hits, trials = np.where(known, current.upper, 1.0), np.where(known, current.lower, 1.0)
    if driver.kind == "rate" and np.all(hits <= trials):
        drawn = rng.beta(hits + 0.5, trials - hits + 0.5, shape)
    elif driver.kind in {"rate", "count"}:
        drawn = rng.gamma(hits + 0.5, 1.0, shape) / hits * np.where(known, current.value, 1.0)
    else:
        drawn = np.where(known, current.value, 1.0) * np.exp(np.nan_to_num(current.error) * rng.standard_normal(shape))
    return np.where(known, drawn, np.nan)


def raised(draws: Draws, keys: set[str]) -> dict[str, Array]:
    """Levels with the drivers in `keys` at reference and the others as they are."""
    return dict(draws.now) | {k: v for k, v in draws.reached.items() if k.split("~")[0] in keys}


def interval(values: Array, share: float = 0.9) -> tuple[float, float]:
    """The central interval of draws that holds `share` of them."""
    low, high = np.quantile(values, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)
