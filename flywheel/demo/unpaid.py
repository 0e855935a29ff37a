"""Orders of the demo that were placed and never paid: what a part of the failed attempts of the traffic left behind.

They count in no KPI. Drawn with a generator of its own, so that nothing else depends on them.
"""

import numpy as np
import pandas as pd

FIRST = 500_001  # number of the first
LEFT = 0.5  # of failed attempts leave an order; others end before there is one
TROUBLE = {"boleto": 3.0, "konbini": 2.0, "klarna": 1.4, "paypal": 0.6}  # attempts failed per payment, beside a card's
OPEN_FROM, OPEN_SECONDS = 8 * 3600, 12 * 3600  # of the day in UTC, which is the same day in the shop's zone


def unpaid_orders(orders: pd.DataFrame, traffic: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The orders template for those who never paid; `orders` are the others, `traffic` all of the business's days."""
    rng = np.random.Generator(np.random.PCG64([seed, 6]))
    failed = (traffic["payment_attempts"] - traffic["payments"]).to_numpy()
    left = np.repeat(np.arange(len(traffic)), rng.binomial(failed, LEFT))
    placed = traffic[["date", "market", "channel", "device"]].iloc[left].reset_index(drop=True)
    seconds = OPEN_FROM + rng.integers(0, OPEN_SECONDS, len(placed))
    moments = placed["date"].to_numpy().astype("datetime64[s]") + seconds.astype("timedelta64[s]")
    return pd.DataFrame(
        {
            "order_id": np.char.add("U", np.arange(FIRST, FIRST + len(placed)).astype(str)).astype(object),
            "market": placed["market"],
            "channel": placed["channel"],
            "device": placed["device"],
            "payment_method": _methods(orders, placed["market"], rng),
            "status": "pending",
            "ordered_at": pd.Series(pd.DatetimeIndex(moments).tz_localize("UTC")),
            "currency": placed["market"].map(orders.groupby("market")["currency"].first()),
        }
    )


def _methods(orders: pd.DataFrame, markets: pd.Series, rng: np.random.Generator) -> np.ndarray:
    """A method for each, as often as the market's paid orders have it, times the trouble it makes."""
    found = np.empty(len(markets), dtype=object)
    for market, own in orders.groupby("market"):
        here = np.flatnonzero(markets.to_numpy() == market)
        sizes = own["payment_method"].value_counts().sort_index()
        weights = sizes.to_numpy() * np.array([TROUBLE.get(method, 1.0) for method in sizes.index])
        found[here] = rng.choice(sizes.index.to_numpy(dtype=object), len(here), p=weights / weights.sum())
    return found
