"""The channel mix: what each channel costs and brings, the three costs of a new customer, and how much hangs on few.

CAC paid = advertising of the channels that spend ÷ new customers attributed to them; blended = all advertising ÷ all
new customers; fully loaded adds people, agencies, tools, and the discounts of first orders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt

import numpy as np
import pandas as pd

from engines import intervals, kpi
from engines.results import Estimate, Result, Unavailable

MEASURES = ("sessions", "first_orders", "orders", "net_base", "costed_net_base", "contribution_base")
OTHER_COSTS = ("people", "tools", "service")  # kinds of investment beside media
HIGH_HHI = 0.25  # above it a market counts as highly concentrated (US merger guidelines of 2010)


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel over a period. Money in base currency, NaN where not known; shares of all channels (0-1).

    `contribution` is the orders' contribution less the channel's spend.
    """

    channel: str
    cost_base: float
    sessions: float
    first_orders: float
    net_base: float
    spend_share: float
    customer_share: float
    cac: Result
    roas: Result
    contribution: float


@dataclass(frozen=True, slots=True)
class Mix:
    """All channels, by new customers; the totals' costs, returns, concentration, and contribution margin (0-1)."""

    channels: tuple[Channel, ...]
    cac_paid: Result
    cac_blended: Result
    cac_loaded: Result
    lacking: tuple[str, ...]  # what the fully loaded CAC could not add
    mer: Result
    hhi_customers: float
    hhi_spend: float
    margin: float


def mix(
    conversion: pd.DataFrame, market: pd.DataFrame, investments: Mapping[str, float], first_discount: float = nan
) -> Mix:
    """The mix of a period, from frames with a column channel and the measures.

    `investments`: kind of investment in the market engine (people, tools, service) -> money of the period.
    `first_discount`: discounts of first orders, NaN when not known.
    """
    journey = conversion.groupby("channel", observed=True)[list(MEASURES)].sum(min_count=1)
    spend = market.groupby("channel", observed=True)[["cost_base"]].sum(min_count=1)
    table = journey.join(spend, how="outer")
    sums = {str(name): float(table[name].sum(min_count=1)) for name in table}
    paid = table[table["cost_base"] > 0]
    loaded, lacking = _loaded(sums["cost_base"], investments, first_discount)
    channels = [_channel(str(code), row, sums) for code, row in table.iterrows()]
    return Mix(
        tuple(sorted(channels, key=lambda c: (-np.nan_to_num(c.first_orders), c.channel))),
        cost_per_customer(float(paid["cost_base"].sum(min_count=1)), float(paid["first_orders"].sum(min_count=1))),
        cost_per_customer(sums["cost_base"], sums["first_orders"]),
        cost_per_customer(loaded, sums["first_orders"]),
        lacking,
        return_on(sums["net_base"], sums["cost_base"], sums["orders"]),
        concentration(table["first_orders"].tolist()),
        concentration(table["cost_base"].tolist()),
        sums["contribution_base"] / sums["costed_net_base"] if sums["costed_net_base"] > 0 else nan,
    )


def _loaded(media: float, investments: Mapping[str, float], first_discount: float) -> tuple[float, tuple[str, ...]]:
    """All that was spent to win customers, and which parts of it are not known."""
    parts = {kind: investments.get(kind, nan) for kind in OTHER_COSTS} | {"first_discount": first_discount}
    lacking = tuple(name for name, amount in parts.items() if isnan(amount))
    if len(lacking) == len(parts):
        return nan, lacking
    return media + sum(amount for amount in parts.values() if not isnan(amount)), lacking


def cost_per_customer(cost: float, customers: float) -> Result:
    """Money ÷ new customers, whose count is Poisson; refused below the KPI's least number of customers."""
    return kpi.compute(kpi.KPIS["cac"], {"cost_base": cost, "first_orders": customers})


def return_on(revenue: float, cost: float, orders: float) -> Result:
    """Revenue ÷ spend (ROAS of a channel, MER of all), its interval from the number of orders behind it."""
    if not cost > 0:
        return Unavailable("no_spend_data")
    if isnan(revenue):
        return Unavailable("no_orders_data")
    if not orders >= kpi.MIN_ORDERS:
        return Unavailable("too_few", 0.0 if isnan(orders) else orders, kpi.MIN_ORDERS)
    value = revenue / cost
    low, high = intervals.log_normal(value, sqrt(2 / orders))  # amounts spread like their mean: variance doubles
    return Estimate(value, low, high, orders, "ratio")


def concentration(amounts: Sequence[float]) -> float:
    """HHI = Σ share² over the channels: 1 ÷ n when all are alike, 1 when all comes from one; NaN: not known."""
    known = [a for a in amounts if not isnan(a) and a > 0]
    return sum((a / sum(known)) ** 2 for a in known) if known else nan


def _channel(code: str, row: pd.Series, sums: Mapping[str, float]) -> Channel:
    values = {str(k): float(v) for k, v in row.items()}
    cost = values["cost_base"]
    return Channel(
        code,
        cost,
        values["sessions"],
        values["first_orders"],
        values["net_base"],
        cost / sums["cost_base"] if sums["cost_base"] > 0 else nan,
        values["first_orders"] / sums["first_orders"] if sums["first_orders"] > 0 else nan,
        cost_per_customer(cost, values["first_orders"]) if cost > 0 else Unavailable("no_spend_data"),
        return_on(values["net_base"], cost, values["orders"]),
        values["contribution_base"] - (0.0 if isnan(cost) else cost),
    )
