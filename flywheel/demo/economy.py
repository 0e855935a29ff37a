"""What a simulated business amounts to, measured from its files: a check by eye and by tests."""

import datetime as dt

import numpy as np
import pandas as pd

COUNTED = ("processing", "shipped", "delivered", "returned")
REPEAT_DAYS = np.timedelta64(90, "D")
YEAR_DAYS = np.timedelta64(365, "D")


def economy(frames: dict[str, pd.DataFrame], units_per_base: dict[str, float], until: dt.date) -> pd.DataFrame:
    """Per market and for "all": orders, cvr, aov, repeat_90, ltv_cac, refund_rate, on_time, margin, referred.

    `frames` as from `generate.generate`. Money is turned into the base currency at the constant `units_per_base`
    (currency -> units per unit of base currency). Repeat rate and lifetime value count customers old enough.
    """
    orders = _orders_in_base(frames["orders"], units_per_base)
    orders = orders[orders["status"].isin(COUNTED)].sort_values("ordered_at")
    orders["first_at"] = orders.groupby("customer_id")["ordered_at"].transform("min")
    markets = list(dict.fromkeys(orders["market"]))
    rows = {market: _economy_of(market, frames, orders, units_per_base, until) for market in [*markets, "all"]}
    return pd.DataFrame(rows).T


def _orders_in_base(orders: pd.DataFrame, units_per_base: dict[str, float]) -> pd.DataFrame:
    units = orders["currency"].map(units_per_base).astype(float)
    net = orders["gross"] - orders["discount"]
    cost = orders["cogs"] + orders["fulfilment_cost"] + orders["payment_cost"]
    return orders.assign(net=net / units, contribution=(net - cost) / units)


def _economy_of(
    market: str,
    frames: dict[str, pd.DataFrame],
    orders: pd.DataFrame,
    units_per_base: dict[str, float],
    until: dt.date,
) -> dict[str, float]:
    if market != "all":
        orders = orders[orders["market"] == market]
        frames = {name: frame[frame["market"] == market] for name, frame in frames.items() if "market" in frame}
    else:
        frames = {name: frame for name, frame in frames.items() if "market" in frame}
    spend = (frames["spend"]["cost"] / frames["spend"]["currency"].map(units_per_base).astype(float)).sum()
    first = orders["ordered_at"] == orders["first_at"]
    arrived = orders[orders["delivered_at"].notna()]
    late = arrived["delivered_at"] > arrived["promised_at"] + np.timedelta64(6, "h")  # promised at 18:00
    return {
        "orders": len(orders),
        "cvr": frames["traffic"]["payments"].sum() / frames["traffic"]["sessions"].sum(),
        "aov": orders["net"].mean(),
        "margin": orders["contribution"].sum() / orders["net"].sum(),
        "repeat_90": _repeat_rate(orders, until),
        "cac": spend / first.sum(),
        "ltv_cac": _lifetime_value(orders, until) / (spend / first.sum()),
        "returned": (orders["status"] == "returned").mean(),
        "on_time": 1 - late.mean(),
        "referred": (orders.loc[first, "channel"] == "referral").mean(),
        "rating": frames["reviews"]["rating"].mean(),
        "tickets": len(frames["tickets"]) / len(orders),
    }


def _repeat_rate(orders: pd.DataFrame, until: dt.date) -> float:
    """Share of customers with a second order within 90 days, of those old enough."""
    old = orders[orders["first_at"] <= _ago(until, REPEAT_DAYS)]
    soon = old[(old["ordered_at"] > old["first_at"]) & (old["ordered_at"] <= old["first_at"] + REPEAT_DAYS)]
    return soon["customer_id"].nunique() / old["customer_id"].nunique()


def _lifetime_value(orders: pd.DataFrame, until: dt.date) -> float:
    """Contribution within 12 months per customer old enough, base currency."""
    old = orders[orders["first_at"] <= _ago(until, YEAR_DAYS)]
    within = old[old["ordered_at"] <= old["first_at"] + YEAR_DAYS]
    return within["contribution"].sum() / old["customer_id"].nunique()


def _ago(until: dt.date, days: np.timedelta64) -> pd.Timestamp:
    return pd.Timestamp(until, tz="UTC") - pd.Timedelta(days)
