"""The value model: V = N × L ÷ (1 − K) − spend, per market and week, with seeded draws of every driver.

N = first orders not from referral = (spend × sessions per spend + unpaid sessions) × stage rates × passive share.
L = margin × (first AOV + R × repeat AOV) × share kept after refunds, over 12 months.
K = new customers referred per customer over 12 months.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engines.drivers import OTHER_DRIVERS, STAGE_DRIVERS, WINDOW, Driver, History, Level, history, level, window_sums
from engines.panel import Array, Panel, sum_known
from engines.references import Reference, reference
from engines.results import Unavailable

DRAWS = 2000  # the Monte Carlo error of a probability near 0.7 is then 0.01
K_LIMIT = 0.95  # above it the loop's sum says more about noise than about word of mouth
MIN_SESSIONS = 2000  # in the window; below it a 2 % conversion rate is known to ± 30 % only
MIN_FIRST_ORDERS = 40  # in the window; below it the number of new customers is known to ± 30 % only
MIN_REPEATS_365 = 30  # repeat orders of customers at least 12 months old


@dataclass(frozen=True)
class Fixed:
    """What the model takes as given, per market (length M): weekly spend and unpaid sessions, passive share of the
    chain, and for the business: margin (0-1) and repeat orders in 365 days per repeat order in 90 days."""

    spend: Array
    unpaid_sessions: Array
    passive: Array
    margin: float
    repeat_uplift: float
    repeat_uplift_events: float


@dataclass(frozen=True)
class State:
    """The drivers now and what they could be: `drivers` (D), each with its level, history and reference."""

    markets: tuple[str, ...]
    drivers: tuple[Driver, ...]
    now: tuple[Level, ...]
    past: tuple[History, ...]
    references: tuple[Reference, ...]
    fixed: Fixed


@dataclass(frozen=True)
class Draws:
    """Seeded draws. `now`, `reached`: driver key -> S × M natural levels, `reached` at reference where the gap is
    established; `uplift`: S draws of the 365-day to 90-day ratio of repeat orders."""

    now: Mapping[str, Array]
    reached: Mapping[str, Array]
    uplift: Array


def state(panel: Panel, last: int, goals: Mapping[str, Array] | None = None) -> State | Unavailable:
    """The business at the window of weeks that ends at position `last`; or the reason why there is no model.

    `panel`: as `engines.drivers.model_panel` makes it. `goals`: driver key -> log levels per market, NaN unset.
    """
    fixed_or_reason = _fixed(panel, last)
    if isinstance(fixed_or_reason, Unavailable):
        return fixed_or_reason
    drivers = available_drivers(panel, last)
    now = tuple(level(d, window_sums(d, panel, last)) for d in drivers)
    past = tuple(history(d, panel, last) for d in drivers)
    chosen = tuple(reference(d, lv, h, (goals or {}).get(d.key)) for d, lv, h in zip(drivers, now, past, strict=True))
    fixed = _with_passive(fixed_or_reason, panel, last, drivers, now)
    return State(panel.markets, drivers, now, past, chosen, fixed)


def available_drivers(panel: Panel, last: int) -> tuple[Driver, ...]:
    """The drivers whose measures are known in some market; a stage that nobody measures is left out."""
    return tuple(d for d in (*STAGE_DRIVERS, *OTHER_DRIVERS) if _known(d, panel, last))


def _known(driver: Driver, panel: Panel, last: int) -> bool:
    return not np.isnan(level(driver, window_sums(driver, panel, last)).log).all()


def _total(panel: Panel, measure: str, last: int, weeks: int = WINDOW) -> float:
    return float(sum_known(panel.window(measure, last - weeks + 1, last)[:, None])[0])


_NEEDED: tuple[tuple[str, str, str, float], ...] = (
    ("orders", "no_orders_data", "", 0),
    ("sessions", "no_traffic_data", "too_few_sessions", MIN_SESSIONS),
    ("cost_base", "no_spend_data", "", 0),
    ("all_first_orders", "no_customer_data", "too_few_customers", MIN_FIRST_ORDERS),
    ("first_net_base", "no_amount_data", "", 0),
    ("contribution_base", "no_cost_data", "", 0),
)  # measure, reason when it is unknown, reason when there is less than the least


def _fixed(panel: Panel, last: int) -> Fixed | Unavailable:
    for measure, missing, too_few, least in _NEEDED:
        total = _total(panel, measure, last)
        if np.isnan(total):
            return Unavailable(missing)
        if too_few and total < least:
            return Unavailable(too_few, total, least)
    contribution, net = _total(panel, "contribution_base", last), _total(panel, "costed_net_base", last)
    if not net > 0:
        return Unavailable("no_cost_data")
    if contribution <= 0:
        return Unavailable("no_margin")
    repeats, early = (_total(panel, m, last, last + 1) for m in ("repeat_orders_365", "repeat_orders_90_of_365"))
    if np.isnan(repeats) or repeats < MIN_REPEATS_365 or not early > 0:
        return Unavailable("too_young", 0.0 if np.isnan(repeats) else repeats, MIN_REPEATS_365)
    sessions = _per_week(panel, "sessions", last)
    paid = np.nan_to_num(_per_week(panel, "paid_sessions", last))
    spend = np.nan_to_num(_per_week(panel, "cost_base", last))
    return Fixed(spend, sessions - paid, np.ones_like(sessions), contribution / net, repeats / early, early)


def _per_week(panel: Panel, measure: str, last: int) -> Array:
    """Weekly mean of a measure over the known weeks of the window, per market; NaN where none is known."""
    rows = panel[measure][max(last - WINDOW + 1, 0) : last + 1]
    weeks = (~np.isnan(rows)).sum(axis=0)
    return np.asarray(sum_known(rows) / np.maximum(weeks, 1))


def _with_passive(fixed: Fixed, panel: Panel, last: int, drivers: Sequence[Driver], now: Sequence[Level]) -> Fixed:
    """The share of the chain that no driver carries: first orders not from referral ÷ what the drivers make."""
    first = _per_week(panel, "first_orders", last)
    point = {d.key: np.exp(lv.log)[None, :] for d, lv in zip(drivers, now, strict=True)}
    made = _reached_sessions(fixed, point)[0]
    for key in _chain_keys(drivers):
        made = made * _or_one(point[key][0])
    with np.errstate(divide="ignore", invalid="ignore"):
        passive = np.where(made > 0, np.nan_to_num(first) / made, np.where(np.isnan(made), np.nan, 0.0))
    return Fixed(
        fixed.spend,
        fixed.unpaid_sessions,
        passive,
        fixed.margin,
        fixed.repeat_uplift,
        fixed.repeat_uplift_events,
    )


_STAGE_KEYS = frozenset(d.key for d in STAGE_DRIVERS)


def _chain_keys(drivers: Sequence[Driver]) -> list[str]:
    return [d.key for d in drivers if d.key in _STAGE_KEYS]


def _reached_sessions(fixed: Fixed, levels: Mapping[str, Array]) -> Array:
    """S × M weekly sessions; NaN for markets whose traffic is unknown."""
    per_spend = levels.get("sessions_per_spend")
    paid = np.zeros((1, fixed.spend.size)) if per_spend is None else fixed.spend * np.nan_to_num(per_spend)
    return np.asarray(paid + fixed.unpaid_sessions, dtype=np.float64)


def _or_one(levels: Array) -> Array:
    """Levels of a factor, 1 where a market does not measure it: the next stage carries its loss."""
    return np.where(np.isnan(levels), 1.0, levels)


@dataclass(frozen=True)
class Value:
    """Weekly value per draw and market (S × M): V in base currency, and its parts N, L (per customer) and K."""

    value: Array
    first_orders: Array
    customer_value: Array
    referral: Array


def evaluate(model: State, levels: Mapping[str, Array], uplift: Array) -> Value:
    """V of every market at given driver levels (driver key -> S × M). Markets without traffic have V = NaN."""
    fixed = model.fixed
    first = _reached_sessions(fixed, levels) * fixed.passive
    for key in _chain_keys(model.drivers):
        first = first * _or_one(levels[key])
    nothing = np.zeros_like(first)
    repeats, later, aov = (np.nan_to_num(levels.get(k, nothing)) for k in ("repeat_orders", "repeat_aov", "first_aov"))
    kept = _or_one(levels.get("kept_share", nothing + 1))
    worth = fixed.margin * kept * (aov + repeats * uplift[:, None] * later)
    k = np.minimum(np.nan_to_num(levels.get("referral", nothing)), K_LIMIT)
    return Value(first * worth / (1 - k) - fixed.spend, first, worth, k)


def draw(model: State, panel: Panel, last: int, seed: int) -> Draws:
    """S seeded draws of every driver now and at reference. References are drawn too: noise cannot pose as a gap."""
    rng = np.random.Generator(np.random.PCG64(seed))
    now: dict[str, Array] = {}
    reached: dict[str, Array] = {}
    for driver, current, ref in zip(model.drivers, model.now, model.references, strict=True):
        sums = window_sums(driver, panel, last)
        now[driver.key] = _draw_level(rng, driver, current, sums)
        reached[driver.key] = _reached(rng, now[driver.key], ref)
    events = model.fixed.repeat_uplift_events
    uplift = model.fixed.repeat_uplift * rng.gamma(events, 1 / events, DRAWS)
    return Draws(now, reached, uplift)


def _reached(rng: np.random.Generator, now: Array, ref: Reference) -> Array:
    """S × M levels at reference: raised in the draws in which the gap is more than usual variation, else as now."""
    shift = np.nan_to_num(ref.error) * rng.standard_normal(now.shape)
    with np.errstate(invalid="ignore"):
        weak = np.log(now) - shift < ref.ceiling
        return np.where(weak, np.maximum(np.exp(ref.log + shift), now), now)


def _draw_level(rng: np.random.Generator, driver: Driver, current: Level, sums: Mapping[str, Array]) -> Array:
    """S × M draws of a driver's level now: Beta for rates, Gamma for counts, log-normal for money."""
    shape = (DRAWS, current.log.size)
    upper, lower = sums[driver.upper], sums[driver.lower]
    known = ~np.isnan(current.log)
    hits, trials = np.where(known, upper, 1.0), np.where(known, lower, 1.0)
    if driver.kind == "rate" and np.all(hits <= trials):
        drawn = rng.beta(hits + 0.5, trials - hits + 0.5, shape)
    elif driver.kind in {"rate", "count"}:
        drawn = rng.gamma(hits + 0.5, 1.0, shape) / trials * driver.scale
    else:
        drawn = np.exp(np.nan_to_num(current.log) + np.nan_to_num(current.error) * rng.standard_normal(shape))
    return np.where(known, drawn, np.nan)


def raised(draws: Draws, keys: set[str]) -> dict[str, Array]:
    """Levels with the drivers in `keys` at reference and the others as they are."""
    return {k: draws.reached[k] if k in keys else v for k, v in draws.now.items()}


def interval(values: Array, share: float = 0.9) -> tuple[float, float]:
    """The central interval of draws that holds `share` of them."""
    low, high = np.quantile(values, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)
