"""The channel mix: what each channel costs and brings, and how much hangs on few.

What all channels together cost (CAC paid, blended and fully loaded, MER) is the KPIs'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan, sqrt

import numpy as np
import pandas as pd

from engines import intervals, kpi
from engines.results import Estimate, Result, Unavailable

MEASURES = ("sessions", "first_orders", "orders", "net_base", "costed_net_base", "contribution_base")
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
    """All channels, by new customers; concentration, and contribution margin (0-1)."""

    channels: tuple[Channel, ...]
    hhi_customers: float
    hhi_spend: float
    margin: float


def mix(conversion: pd.DataFrame, market: pd.DataFrame) -> Mix:
    """The mix of a period, from frames with a column channel and the measures."""
    journey = conversion.groupby("channel", observed=True)[list(MEASURES)].sum(min_count=1)
    spend = market.groupby("channel", observed=True)[["cost_base"]].sum(min_count=1)
    table = journey.join(spend, how="outer")
    sums = {str(name): float(table[name].sum(min_count=1)) for name in table}
    channels = [_channel(str(code), row, sums) for code, row in table.iterrows()]
    return Mix(
        tuple(sorted(channels, key=lambda c: (-np.nan_to_num(c.first_orders), c.channel))),
        concentration(table["first_orders"].tolist()),
        concentration(table["cost_base"].tolist()),
        sums["contribution_base"] / sums["costed_net_base"] if sums["costed_net_base"] > 0 else nan,
    )


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
