"""The weakest link of a week: opportunity and attainment per engine, the verdict or why there is none."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from engines import value
from engines.business import Business
from engines.drivers import YEAR, model_panel
from engines.locate import method
from engines.panel import WEEK, Array, Panel, week_range
from engines.references import Gap, Goals
from engines.results import Unavailable
from engines.value import Draws, State

ENGINES = ("market", "conversion", "aftersales")
CALL_CHANCE = 0.70  # an engine is named when it has the largest opportunity in this share of the draws
MATERIAL = 0.02  # of the business's value; a smaller loss is not worth a meeting
STALE_WEEKS = 1  # newest complete weeks that may lack data; beyond it the verdict is withheld
NO_CALL_REASONS = (
    "no_data",
    "no_orders_data",
    "no_traffic_data",
    "no_spend_data",
    "no_customer_data",
    "no_amount_data",
    "no_cost_data",
    "no_margin",
    "too_few_sessions",
    "too_few_customers",
    "too_young",
    "stale",
    "no_reference",
    "at_reference",
    "nothing_stands_out",
    "not_sure",
)
HISTORY_WEEKS = 3 * YEAR  # two years for the season and one for cohorts


@dataclass(frozen=True)
class Segment:
    """One value of one dimension that the shortfall sits in, with the share of the shortfall it explains."""

    dimension: str
    value: str
    share: float


@dataclass(frozen=True)
class EngineResult:
    """One engine: opportunity per week with its 90 % interval, attainment (0-1), chance of being the largest."""

    key: str
    opportunity: float
    low: float
    high: float
    attainment: float
    chance_largest: float


@dataclass(frozen=True)
class DriverResult:
    """One driver in one market: level now, reference and its basis, and what reaching it is worth per week."""

    key: str
    engine: str
    market: str
    now: float
    reference: float | None
    basis: str
    established: bool
    opportunity: float
    low: float
    high: float


@dataclass(frozen=True)
class Verdict:
    """The named weakest link, or `reason` for no call (with what there is and what is needed).

    `segments` is where: without any it is everywhere; `market` the market that it names, '' without one. `loss` (90 %
    interval `low` to `high`) is that of the driver, `engine_loss` that of all the engine's drivers; `chance` is that of
    the engine's being the largest.
    """

    called: bool
    reason: str = ""
    have: float | None = None
    needed: float | None = None
    engine: str = ""
    driver: str = ""
    market: str = ""
    segments: tuple[Segment, ...] = ()
    since: str = ""
    loss: float = 0.0
    low: float = 0.0
    high: float = 0.0
    engine_loss: float = 0.0
    chance: float = 0.0


@dataclass(frozen=True)
class Diagnosis:
    """The whole diagnosis of one week; `value` is the business's V per week, with its 90 % interval.

    `left_out`: markets whose traffic is not known, so that they have no value.
    """

    week: str
    verdict: Verdict
    value: float | None = None
    value_low: float | None = None
    value_high: float | None = None
    first_orders: float | None = None
    customer_value: float | None = None
    referral: float | None = None
    engines: tuple[EngineResult, ...] = ()
    drivers: tuple[DriverResult, ...] = ()
    left_out: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """Plain data for storage."""
        return asdict(self)


def diagnose(
    business: Business,
    week: np.datetime64,
    today_week: np.datetime64 | None = None,
    seed: int = 20260101,
    goals: Goals | None = None,
) -> Diagnosis:
    """The diagnosis of the week that starts on `week`, a complete one, from the weeks up to and including it.

    `today_week`: the newest complete week by the calendar; data that ends long before it is stale. `goals`: driver key
    -> market ('' for all) -> the level that is agreed, or an outside benchmark; it takes the place of other references.
    Deterministic for a given business and seed; independent of row order.
    """
    label = str(week.astype("datetime64[D]"))
    span = business.weeks()
    if span is None:
        return Diagnosis(label, Verdict(False, "no_data"))
    first = max(span[0], week - HISTORY_WEEKS * WEEK)
    if first > week:
        return Diagnosis(label, Verdict(False, "no_data"))
    panel = model_panel(business, week_range(first, week))
    model = value.state(business, panel, goals)
    if isinstance(model, Unavailable):
        reason = _overall_reason(panel, model)
        return Diagnosis(label, Verdict(False, reason.reason, reason.n, reason.needed))
    behind = 0 if today_week is None else int((today_week - week).astype("timedelta64[D]").astype(int)) // 7
    draws = value.draw(model, seed)
    return _judge(business, panel, model, draws, label, behind > STALE_WEEKS)


def _overall_reason(panel: Panel, unavailable: Unavailable) -> Unavailable:
    """Data that the business never had outranks data that only the window lacks, which is stale."""
    measure = {"no_traffic_data": "sessions", "no_spend_data": "cost_base", "no_orders_data": "orders"}
    name = measure.get(unavailable.reason)
    if name is not None and not np.isnan(panel[name]).all():
        return Unavailable("stale")
    return unavailable


def _judge(business: Business, panel: Panel, model: State, draws: Draws, label: str, stale: bool) -> Diagnosis:
    base = value.evaluate(model, draws.now, draws.uplift, draws.losses)
    now = np.nansum(base.value, axis=1)
    gains = {e: _gain(model, draws, {d.key for d in model.drivers if d.engine == e}) for e in ENGINES}
    engines = _engines(now, gains)
    drivers = _drivers(model, draws)
    low, high = value.interval(now)
    return Diagnosis(
        label,
        Verdict(False, "stale")
        if stale
        else _verdict(business, panel, model, draws, engines, drivers, float(now.mean())),
        float(now.mean()),
        low,
        high,
        float(np.nansum(base.first_orders, axis=1).mean()),
        _customer_value(base),
        _share_of_first(base),
        engines,
        drivers,
        tuple(m for m, v in zip(model.markets, base.value[0], strict=True) if np.isnan(v)),
    )


def _customer_value(base: value.Value) -> float:
    weights = np.nan_to_num(base.first_orders)
    return float((np.nan_to_num(base.customer_value) * weights).sum() / weights.sum())


def _share_of_first(base: value.Value) -> float:
    weights = np.nan_to_num(base.first_orders)
    return float((base.referral * weights).sum() / weights.sum())


def _gain(model: State, draws: Draws, keys: set[str]) -> Array:
    """S × M: V with these drivers at reference, minus V now."""
    after, before = (
        value.evaluate(model, levels, draws.uplift, draws.losses).value
        for levels in (value.raised(draws, keys), draws.now)
    )
    return np.nan_to_num(after - before) * draws.misfit[:, None]


def _engines(now: Array, gains: dict[str, Array]) -> tuple[EngineResult, ...]:
    totals = np.stack([gains[e].sum(axis=1) for e in ENGINES])
    best = totals.argmax(axis=0)
    largest = totals.max(axis=0)
    results = []
    for i, key in enumerate(ENGINES):
        low, high = value.interval(totals[i])
        mean = float(totals[i].mean())
        reach = float(now.mean()) + mean
        results.append(
            EngineResult(
                key,
                mean,
                low,
                high,
                float(np.clip(now.mean() / reach, 0, 1)) if reach > 0 else 0.0,
                float(np.mean((best == i) & (largest > 0))),
            )
        )
    return tuple(results)


def _drivers(model: State, draws: Draws) -> tuple[DriverResult, ...]:
    """Every driver of every market that has one, largest opportunity first."""
    rows = []
    for driver, now, ref in zip(model.drivers, model.now, model.references, strict=True):
        gain = _gain(model, draws, {driver.key}) if ref.gap is not None else np.zeros((value.DRAWS, len(model.markets)))
        for m, market in enumerate(model.markets):
            if np.isnan(now.value[m]):
                continue
            low, high = value.interval(gain[:, m])
            rows.append(
                DriverResult(
                    driver.key,
                    driver.engine,
                    market,
                    float(now.value[m]),
                    None if np.isnan(ref.rise[m]) else float(now.value[m] * np.exp(ref.rise[m])),
                    ref.basis[m],
                    ref.gap is not None and bool(ref.gap.share[m] > 0),
                    float(gain[:, m].mean()),
                    low,
                    high,
                )
            )
    return tuple(sorted(rows, key=lambda r: (-r.opportunity, r.key, r.market)))


def _verdict(
    business: Business,
    panel: Panel,
    model: State,
    draws: Draws,
    engines: tuple[EngineResult, ...],
    drivers: tuple[DriverResult, ...],
    total: float,
) -> Verdict:
    if _is_stale(panel):
        return Verdict(False, "stale")
    best = max(engines, key=lambda e: e.opportunity)
    if all(d.reference is None for d in drivers):
        return Verdict(False, "no_reference")
    if all(d.reference is None or d.now >= d.reference for d in drivers):
        return Verdict(False, "at_reference")
    if best.opportunity < MATERIAL * abs(total):
        return Verdict(False, "nothing_stands_out", best.opportunity, MATERIAL * abs(total))
    if best.chance_largest < CALL_CHANCE or best.low <= 0:
        return Verdict(False, "not_sure", best.chance_largest, CALL_CHANCE)
    return _named(business, panel, model, draws, best)


def _named(business: Business, panel: Panel, model: State, draws: Draws, best: EngineResult) -> Verdict:
    """The call: the engine's most valuable driver, where it is weak, and since when."""
    gaps = {
        d.key: r.gap for d, r in zip(model.drivers, model.references, strict=True) if d.engine == best.key and r.gap
    }
    lost = {key: _gain(model, draws, {key}).sum(axis=1) for key in gaps}
    driver = max(gaps, key=lambda key: (float(lost[key].mean()), key))
    gap, (low, high) = gaps[driver], value.interval(lost[driver])
    segments = _segments(business, panel, driver, gap)
    return Verdict(
        True,
        engine=best.key,
        driver=driver,
        market=next((s.value for s in segments if s.dimension == "market"), ""),
        segments=segments,
        since="" if gap.onset is None else str(panel.weeks[gap.onset]),
        loss=float(lost[driver].mean()),
        low=low,
        high=high,
        engine_loss=best.opportunity,
        chance=best.chance_largest,
    )


def _segments(business: Business, panel: Panel, driver: str, gap: Gap) -> tuple[Segment, ...]:
    """The place that the gap sits in, and the payment method when success of payments fell in one."""
    found = [Segment(dimension, code, 1.0) for dimension, code in gap.place]
    if driver == "payment_rate" and gap.onset is not None and all(d == "market" for d, _ in gap.place):
        markets = [code for _, code in gap.place] or list(panel.markets)
        if named := method(business, markets, panel.weeks, gap.onset, gap.drop):
            found.append(Segment("method", *named))
    return tuple(found)


def _is_stale(panel: Panel) -> bool:
    """Whether traffic, spend or orders are unknown in the newest weeks, beyond what is allowed."""
    for measure in ("sessions", "cost_base", "orders"):
        known = np.flatnonzero((~np.isnan(panel[measure])).any(axis=1))
        if len(panel.weeks) - 1 - int(known.max()) > STALE_WEEKS:
            return True
    return False
