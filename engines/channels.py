"""The channel mix: what each channel costs and brings, and how much hangs on few.

What a channel costs and brings per customer, session and unit of spend are the KPIs of the channel; those of all
together (CAC paid, blended and fully loaded, MER, concentration of customers) are the KPIs of the business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan, nan

import numpy as np

from engines import weekly
from engines.kpi import KPIS
from engines.panel import Array, Panel, sum_known
from engines.results import Estimate, Result, Unavailable

SOLD = ("net_base", "costed_orders", "costed_net_base", "contribution_base")
MEASURES = ("cost_base", "sessions", "first_orders", *SOLD)
RATES = ("cost_per_session", "cac", "cvr", "roas", "ctr", "cpc")
HIGH_HHI = 0.25  # above it a market counts as highly concentrated (US merger guidelines of 2010)


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel over a period. Money in base currency, NaN where not known; shares of all channels (0-1).

    `cost_per_session`, `cac`, `cvr`, `roas`, `ctr` and `cpc` are the KPIs of those names. `contribution` is what all
    orders brought at the margin of those that tell their costs, less the spend, over the weeks whose spend is known;
    its `n` are the orders that tell. `costed_share`: their part of net revenue.
    """

    channel: str
    cost_base: float
    sessions: float
    first_orders: float
    net_base: float
    spend_share: float
    customer_share: float
    cost_per_session: Result
    cac: Result
    cvr: Result
    roas: Result
    ctr: Result
    cpc: Result
    contribution: Result
    costed_share: float


@dataclass(frozen=True, slots=True)
class Mix:
    """All channels, by new customers; concentration of spend, and contribution margin (0-1)."""

    channels: tuple[Channel, ...]
    hhi_spend: float
    margin: float


def mix(panel: Panel, weeks: int) -> Mix:
    """The mix of the panel's last `weeks` weeks; its columns are channels (`Business.by_channel`)."""
    last = len(panel.weeks) - 1
    sums = {name: panel.window(name, last - weeks + 1, last) for name in MEASURES}
    beside = _beside_spend(panel, last - weeks + 1, last)
    totals = {name: float(sum_known(each[:, None])[0]) for name, each in sums.items()}
    rates = {key: weekly.by_market(KPIS[key], panel, last, weeks) for key in RATES}
    found = (
        _channel(code, {name: float(each[at]) for name, each in sums.items()}, totals,
                 {key: figures[at] for key, figures in rates.items()},
                 {name: float(each[at]) for name, each in beside.items()})
        for at, code in enumerate(panel.markets)
        if any(np.isfinite(each[at]) for each in sums.values())
    )  # fmt: skip
    return Mix(
        tuple(sorted(found, key=lambda c: (-np.nan_to_num(c.first_orders), c.channel))),
        concentration(sums["cost_base"].tolist()),
        totals["contribution_base"] / totals["costed_net_base"] if totals["costed_net_base"] > 0 else nan,
    )


def _beside_spend(panel: Panel, first: int, last: int) -> dict[str, Array]:
    """What was sold in the weeks whose spend is known, and the spend, per channel."""
    span = slice(max(first, 0), last + 1)
    told = ~np.isnan(panel["cost_base"][span])
    return {name: sum_known(np.where(told, panel[name][span], np.nan)) for name in ("cost_base", *SOLD)}


def brought(sums: Mapping[str, float]) -> float:
    """Contribution of all orders: their net revenue × the margin of those that tell their costs; NaN: not known.

    `sums`: net_base; contribution_base and costed_net_base of the orders that tell. Nothing sold has brought nothing.
    """
    if sums["net_base"] == 0:
        return 0.0
    margin = sums["contribution_base"] / sums["costed_net_base"] if sums["costed_net_base"] > 0 else nan
    return sums["net_base"] * margin


def _after_spend(sums: Mapping[str, float]) -> Result:
    if isnan(sums["cost_base"]):
        return Unavailable("no_spend_data")
    if isnan(sums["net_base"]):
        return Unavailable("no_orders_data")
    found = brought(sums)
    if isnan(found):
        return Unavailable("no_cost_data")
    return Estimate(found - sums["cost_base"], None, None, float(np.nan_to_num(sums["costed_orders"])), "money")


def _channel(
    code: str,
    sums: Mapping[str, float],
    totals: Mapping[str, float],
    rates: Mapping[str, Result],
    beside: Mapping[str, float],
) -> Channel:
    cost, customers = sums["cost_base"], sums["first_orders"]
    return Channel(
        channel=code,
        cost_base=cost,
        sessions=sums["sessions"],
        first_orders=customers,
        net_base=sums["net_base"],
        spend_share=cost / totals["cost_base"] if totals["cost_base"] > 0 else nan,
        customer_share=customers / totals["first_orders"] if totals["first_orders"] > 0 else nan,
        contribution=_after_spend(beside),
        costed_share=beside["costed_net_base"] / beside["net_base"] if beside["net_base"] > 0 else nan,
        **rates,
    )


def concentration(amounts: Sequence[float]) -> float:
    """HHI = Σ share² over the channels: 1 ÷ n when all are alike, 1 when all comes from one; NaN: not known."""
    known = [a for a in amounts if not isnan(a) and a > 0]
    return sum((a / sum(known)) ** 2 for a in known) if known else nan
