"""Which payment method a fall of payment success sits in: the one that is chosen less often among what was paid."""

from collections.abc import Sequence

import numpy as np

from engines.business import Business
from engines.panel import WEEK

MOST = 0.6  # a method is named when its missing orders are at least this share of all that are missing
SIGMAS = 4.0  # by which its share of the paid orders must have fallen
BEFORE = 26  # weeks before the onset that tell the usual shares
MIN_WEEKS = 2


def method(
    business: Business, markets: Sequence[str], weeks: np.ndarray, onset: int, drop: float
) -> tuple[str, float] | None:
    """The payment method that a fall by `drop` (log) of the payment rate since position `onset` sits in, and the share
    of the missing orders that it explains; None when no method stands out.

    A method whose payments fail is rarer among the paid: with the others as before, its missing orders are its usual
    share of the orders there would have been, less those there are.
    """
    frame = business.payments
    day = frame["week"].to_numpy().astype("datetime64[D]")
    inside = frame["market"].astype(str).isin(markets).to_numpy()
    since = inside & (day >= weeks[min(onset + MIN_WEEKS, len(weeks) - 1)]) & (day <= weeks[-1])
    before = inside & (day < weeks[onset]) & (day >= weeks[onset] - BEFORE * WEEK)
    after, usual = (frame.loc[rows].groupby("method")["paid_orders"].sum() for rows in (since, before))
    names = [str(n) for n in usual.index if n and usual[n] > 0]
    if len(names) < 2 or after.sum() <= 0:
        return None
    share = usual[names].to_numpy() / usual[names].sum()
    now = after.reindex(names).fillna(0.0).to_numpy()
    total = now.sum()
    error = np.sqrt(np.maximum(share * (1 - share) * total * (1 + total / usual[names].sum()), 1e-12))
    fell = (share * total - now) / error
    missing = share * total * np.exp(drop) - now
    at = int(fell.argmax())
    explained = float(missing[at] / max(total * np.expm1(drop), 1e-12))
    return (names[at], min(explained, 1.0)) if fell[at] >= SIGMAS and explained >= MOST else None
