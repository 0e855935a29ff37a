"""The drivers of the value model: which measures make each, how it is drawn, and what its reference is.

All levels are natural logarithms and oriented so that up is good (the refund rate enters as the share kept).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from engines.business import Business, cohort_values, paid_only, referral_mask
from engines.panel import Array, Panel, pivot, sum_known

WINDOW = 4  # weeks of "now": one cycle of pay days and promotions
BLOCKS = 12  # blocks of WINDOW weeks before now that make the own history: 48 of the trailing 52 weeks
MIN_BLOCKS = 5  # below it a quartile of the history says nothing
YEAR = 52
TINY = 1e-12
LEAST_KEPT = 0.01  # refunds above the window's revenue keep next to nothing; a logarithm needs more than zero

Kind = Literal["rate", "mean", "count", "kept"]
EngineKey = Literal["market", "conversion", "aftersales"]


@dataclass(frozen=True, slots=True)
class Driver:
    """A factor of the value model. `kind`: rate and count draw from counts, mean from squares, kept from refunds."""

    key: str
    engine: EngineKey
    kind: Kind
    upper: str
    lower: str
    squares: str = ""
    scale: float = 1.0  # from window to 12 months


STAGES = ("sessions", "engaged_sessions", "product_views", "carts", "checkouts", "payment_attempts", "payments")
STAGE_DRIVERS = (
    Driver("engaged_share", "market", "rate", "engaged_sessions", "reached_sessions"),
    Driver("view_rate", "conversion", "rate", "product_views", "reached_engaged_sessions"),
    Driver("cart_rate", "conversion", "rate", "carts", "reached_product_views"),
    Driver("checkout_rate", "conversion", "rate", "checkouts", "reached_carts"),
    Driver("attempt_rate", "conversion", "rate", "payment_attempts", "reached_checkouts"),
    Driver("payment_rate", "conversion", "rate", "payments", "reached_payment_attempts"),
)  # a rate is of the newest stage before it that is measured: `reached_` columns carry it across stages that are not
OTHER_DRIVERS = (
    Driver("sessions_per_spend", "market", "count", "paid_sessions", "cost_base"),
    Driver("first_aov", "conversion", "mean", "first_net_base", "first_priced_orders", "first_net_squares"),
    Driver("repeat_orders", "aftersales", "count", "repeat_orders_90", "matured_90"),
    Driver("repeat_aov", "aftersales", "mean", "repeat_net_base", "repeat_priced_orders", "repeat_net_squares"),
    Driver("kept_share", "aftersales", "kept", "refund_base", "net_base", "refunds"),
    Driver("referral", "aftersales", "count", "referral_first_orders", "customers_year", scale=YEAR / WINDOW),
)


def model_panel(business: Business, weeks: np.ndarray) -> Panel:
    """The measures of the value model, W × M: the journey without referral, and everything else of all channels."""
    markets = business.markets()
    referral = referral_mask(business)
    journey = business.conversion.loc[~referral]
    values = pivot(with_reached(journey), (*STAGES, *_REACHED, "first_orders"), weeks, markets)
    everyone = pivot(business.conversion, _ALL_CHANNELS, weeks, markets)
    values |= {k: v for k, v in everyone.items() if k != "first_orders"}
    values["all_first_orders"] = everyone["first_orders"]
    values["referral_first_orders"] = pivot(business.conversion.loc[referral], ["first_orders"], weeks, markets)[
        "first_orders"
    ]
    values["repeat_net_base"] = values["net_base"] - values["first_net_base"]
    values["repeat_net_squares"] = values["net_squares"] - values["first_net_squares"]
    values["repeat_priced_orders"] = values["priced_orders"] - values["first_priced_orders"]
    values["paid_sessions"] = pivot(_paid_journey(business), ["sessions"], weeks, markets)["sessions"]
    values |= pivot(business.market, ["cost_base"], weeks, markets)
    values |= pivot(business.aftersales, ["refund_base", "refunds"], weeks, markets)
    values |= cohort_values(business, weeks, markets)
    values["customers_year"] = _trailing_mean(values["all_first_orders"], YEAR) * YEAR / WINDOW
    return Panel(weeks, markets, values)


_REACHED = tuple(f"reached_{stage}" for stage in STAGES)


def with_reached(frame: pd.DataFrame) -> pd.DataFrame:
    """The journey with a column per stage that takes the stage before where the stage is not measured."""
    carried = frame[list(STAGES)].ffill(axis=1)
    return frame.assign(**{f"reached_{stage}": carried[stage] for stage in STAGES})


_ALL_CHANNELS = (
    "orders",
    "first_orders",
    "priced_orders",
    "net_base",
    "net_squares",
    "first_priced_orders",
    "first_net_base",
    "first_net_squares",
    "costed_net_base",
    "contribution_base",
)


def _paid_journey(business: Business) -> pd.DataFrame:
    paid = paid_only(business)
    return paid.loc[~referral_mask(business).reindex(paid.index)]


def _trailing_mean(values: Array, span: int) -> Array:
    """Mean over the known weeks of the trailing `span`, per week and market."""
    known = ~np.isnan(values)
    total = np.cumsum(np.where(known, values, 0.0), axis=0)
    count = np.cumsum(known, axis=0)
    total[span:] -= total[:-span].copy()
    count[span:] -= count[:-span].copy()
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


@dataclass(frozen=True)
class Level:
    """A driver's log level per market and its standard error from sampling alone (both length M, NaN unknown)."""

    log: Array
    error: Array


def level(driver: Driver, sums: Mapping[str, Array]) -> Level:
    """The driver's level from sums over a window. Unknown where a measure is, or where nothing was counted."""
    upper, lower = sums[driver.upper], sums[driver.lower]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = upper / lower * driver.scale
        if driver.kind == "kept":
            return _kept_level(ratio, sums[driver.squares])
        known = (upper > 0) & (lower > 0)
        if driver.kind == "rate":
            error = np.sqrt(np.maximum(1 - ratio, 0) / upper)
        elif driver.kind == "count":
            error = 1 / np.sqrt(upper)
        else:
            error = np.sqrt(np.maximum(sums[driver.squares] / lower - ratio**2, 0) / lower) / ratio
        return Level(np.where(known, np.log(ratio), np.nan), np.where(known, error, np.nan))


def _kept_level(rate: Array, events: Array) -> Level:
    kept = np.clip(1 - rate, LEAST_KEPT, None)
    return Level(np.log(kept), np.minimum(rate * np.sqrt(2 / np.maximum(events, 1)) / kept, 1.0))


def window_sums(driver: Driver, panel: Panel, last: int, weeks: int = WINDOW) -> dict[str, Array]:
    """Sums of the driver's measures over `weeks` weeks that end at position `last`, per market.

    Only weeks in which both sides of the ratio are known count: half of a week would pass for a change.
    """
    names = [n for n in (driver.upper, driver.lower, driver.squares) if n]
    rows = {n: panel[n][max(last - weeks + 1, 0) : last + 1] for n in names}
    known = ~np.isnan(rows[driver.upper]) & ~np.isnan(rows[driver.lower])
    return {n: sum_known(np.where(known, r, np.nan)) for n, r in rows.items()}


@dataclass(frozen=True)
class History:
    """Levels of the blocks before now, newest first: per market (B × M), pooled over markets (B), and a year ago."""

    blocks: Array
    errors: Array
    pooled: Array
    year_ago: Array  # B + 1: now's counterpart first


def history(driver: Driver, panel: Panel, last: int) -> History:
    """The driver's own history before the window that ends at `last`."""
    ends = [last - WINDOW * j for j in range(1, BLOCKS + 1) if last - WINDOW * (j + 1) + 1 >= 0]
    levels = [level(driver, window_sums(driver, panel, end)) for end in ends]
    width = len(panel.markets)
    return History(
        np.array([lv.log for lv in levels]).reshape(-1, width),
        np.array([lv.error for lv in levels]).reshape(-1, width),
        np.array([_pooled(driver, panel, end) for end in ends]),
        np.array([_pooled(driver, panel, end - YEAR) for end in [last, *ends]]),
    )


def _pooled(driver: Driver, panel: Panel, end: int) -> float:
    """Log level of all markets together over the window that ends at `end`; NaN before the data begins."""
    if end - WINDOW + 1 < 0:
        return float("nan")
    sums = {k: sum_known(v.reshape(-1, 1)) for k, v in window_sums(driver, panel, end).items()}
    return float(level(driver, sums).log[0])


def season(past: History) -> Array:
    """How much of each block (now first, B + 1) is the season's doing, as learned from the same weeks a year ago.

    Last year's deviations count as far as this year's movements follow them: the slope of one year's block-to-block
    changes on the other's, between 0 and 1. Zero when the data is younger than two years.
    """
    shape = past.year_ago - np.mean(past.year_ago) if past.year_ago.size else past.year_ago
    if past.pooled.size < MIN_BLOCKS or np.isnan(past.year_ago).any() or np.isnan(past.pooled).any():
        return np.zeros(past.year_ago.size)
    now, then = np.diff(past.pooled), np.diff(past.year_ago[1:])
    slope = float(np.clip(float(now @ then) / max(float(then @ then), TINY), 0, 1))
    return slope * shape
