"""The after-sales engine: what late deliveries cost, what campaigns bring, what customers bring each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
import pandas as pd

from engines import intervals, rates
from engines.kpis.entry import MIN_EVENTS, MIN_ORDERS, MIN_RATE
from engines.panel import Array
from engines.results import EngineInputError, Estimate, Result, Unavailable

WINDOW_DAYS = 90  # after the promised date, in which a customer comes back or does not


def rate(hits: float, trials: float, needed: float = MIN_RATE, unknown: str = "no_campaign_data") -> Result:
    """`rates.rate` with what this engine needs at least."""
    return rates.rate(hits, trials, needed, unknown)


# --- differences of rates ---------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Strata:
    """Two groups in S strata: `hits` of `trials` in the group looked at, `hits_other` of `trials_other` in the other.

    Raises EngineInputError when a stratum has more hits than trials, or anything below zero.
    """

    hits: Array
    trials: Array
    hits_other: Array
    trials_other: Array

    def __post_init__(self) -> None:
        for hits, trials in ((self.hits, self.trials), (self.hits_other, self.trials_other)):
            if np.any(~(hits >= 0)) or np.any(hits > trials):
                raise EngineInputError("a stratum has more hits than trials, or fewer than none")

    @property
    def informative(self) -> "Strata":
        """The strata in which both groups are."""
        both = (self.trials > 0) & (self.trials_other > 0)
        return Strata(self.hits[both], self.trials[both], self.hits_other[both], self.trials_other[both])


def risk_difference(strata: Strata) -> Estimate:
    """The difference of the groups' rates, each compared within its stratum (Mantel-Haenszel); n: both groups.

    Strata with one group only say nothing and are left out; at least one must have both. One stratum gets Newcombe's
    interval, several the normal one with Sato's variance, which holds for few large strata and for many small ones.
    Reference: Greenland & Robins 1985, Biometrics 41:55, equation 1 (estimate); Sato 1989, Biometrics 45:1323.
    """
    used = strata.informative
    a, n1, b, n0 = used.hits, used.trials, used.hits_other, used.trials_other
    if not len(a):
        raise EngineInputError("no stratum has both groups")
    size = float((n1 + n0).sum())
    if len(a) == 1:
        low, high = intervals.newcombe(a[0], n1[0], b[0], n0[0])
        return Estimate(float(a[0] / n1[0] - b[0] / n0[0]), float(low), float(high), size, "difference")
    N = n1 + n0
    weight = float((n1 * n0 / N).sum())
    value = float(((a * n0 - b * n1) / N).sum()) / weight
    half = intervals.Z95 * float(np.sqrt(max(_sato(used, value), 0.0))) / weight
    return Estimate(value, max(value - half, -1.0), min(value + half, 1.0), size, "difference")


def _sato(strata: Strata, value: float) -> float:
    """The variance above the line: δ Σ P + Σ Q."""
    a, n1, b, n0 = strata.hits, strata.trials, strata.hits_other, strata.trials_other
    N = n1 + n0
    P = (n1**2 * b - n0**2 * a + n1 * n0 * (n0 - n1) / 2) / N**2
    Q = (a * (n0 - b) + b * (n1 - a)) / (2 * N)
    return float(value * P.sum() + Q.sum())


# --- late deliveries --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class LateEffect:
    """What a late first delivery does to coming back within WINDOW_DAYS days of the date it was promised for.

    `late` and `on_time`: plain repeat rates of the strata that have both. `difference`: late minus on time, compared
    within each stratum. `lost`: repeat customers that this cost, counted with its interval (above zero: lost).
    """

    late: Result
    on_time: Result
    difference: Estimate
    lost: Estimate
    strata: int

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out zero."""
        low, high = self.difference.low, self.difference.high
        return low is not None and high is not None and (low > 0 or high < 0)


def late_effect(frame: pd.DataFrame) -> LateEffect | Unavailable:
    """The effect from rows market, month (of the first order), late (1 or 0), customers, repeaters.

    Customers whose first order was promised and delivered, who had not ordered again by the end of the promised date,
    and whose WINDOW_DAYS days since that date are over. The promised date is the landmark: on its evening it is known
    who is late, and from then on both groups are watched over the same days. A clock from the delivery would not do:
    whoever orders again while the parcel is on its way had to be left out, late parcels are longer on their way, and so
    those left in would seem to come back less although lateness did nothing to them (immortal time). An order made
    while waiting counts as coming back; one that a late parcel moves beyond the last day counts as lost.

    Adjusted for market and month, by which both lateness and coming back differ; other causes of both remain, and
    parcels that never arrive are in neither group. Unavailable with fewer than MIN_ORDERS late or punctual customers in
    months and markets with both.
    Reference: Anderson, Cain & Gelber 1983, Journal of Clinical Oncology 1:710 (landmark method).
    """
    if frame.empty:
        return Unavailable("no_delivery_data")
    wide = frame.pivot_table(
        index=["market", "month"], columns="late", values=["customers", "repeaters"], aggfunc="sum", fill_value=0.0
    )
    late, on_time = (_group(wide, key) for key in (1.0, 0.0))
    used = Strata(*late, *on_time).informative
    least = float(min(used.trials.sum(), used.trials_other.sum())) if len(used.trials) else 0.0
    if least < MIN_ORDERS:
        return Unavailable("too_few", least, MIN_ORDERS)
    found = risk_difference(used)
    customers = float(used.trials.sum())
    return LateEffect(
        rate(float(used.hits.sum()), customers, MIN_ORDERS),
        rate(float(used.hits_other.sum()), float(used.trials_other.sum()), MIN_ORDERS),
        found,
        scaled(found, -customers, customers),
        len(used.trials),
    )


def _group(wide: pd.DataFrame, late: float) -> tuple[Array, Array]:
    parts = []
    for name in ("repeaters", "customers"):
        column = (name, late)
        parts.append(wide[column].to_numpy(dtype=np.float64) if column in wide else np.zeros(len(wide)))
    return parts[0], parts[1]


def scaled(result: Estimate, factor: float, n: float) -> Estimate:
    """`result` × `factor` as a count, its interval with it."""
    ends = sorted(factor * end for end in (result.low, result.high) if end is not None)
    low, high = (ends[0], ends[1]) if len(ends) == 2 else (None, None)
    return Estimate(factor * result.value, low, high, n, "count")


# --- campaigns to customers -------------------------------------------------------------------------------------------
COUNTS = ("sent", "opened", "clicked", "ordered", "unsubscribed", "revenue_base", "held_out", "held_out_ordered")


@dataclass(frozen=True)
class Mailing:
    """A mailing over its markets. Counts are sums, NaN where no market tells them; `sent_on` its first day.

    Rates are shares of the messages sent, over the markets that tell both. `lift`: order rate of those written to minus
    that of those held out; `extra_orders`: lift × messages sent.
    """

    key: str
    name: str
    channel: str
    sent_on: str
    markets: tuple[str, ...]
    counts: dict[str, float]
    opened: Result
    clicked: Result
    ordered: Result
    unsubscribed: Result
    lift: Result
    extra_orders: Result


def mailings(frame: pd.DataFrame) -> tuple[Mailing, ...]:
    """The mailings of rows campaign, name, channel, market, day and COUNTS (NaN not known), newest first."""
    found = [_mailing(str(key), rows) for key, rows in frame.groupby("campaign", sort=False)]
    return tuple(sorted(found, key=lambda m: (m.sent_on, m.key), reverse=True))


def _mailing(key: str, rows: pd.DataFrame) -> Mailing:
    lift, extra = lift_of(rows)
    shares = (_share(rows, name) for name in ("opened", "clicked", "ordered", "unsubscribed"))
    opened, clicked, ordered, unsubscribed = shares
    return Mailing(
        key,
        next((str(n) for n in rows["name"] if n), ""),
        next((str(n) for n in rows["channel"] if n), ""),
        str(rows["day"].min().date()),
        tuple(sorted(set(rows["market"].astype(str)))),
        _sums(rows),
        opened,
        clicked,
        ordered,
        unsubscribed,
        lift,
        extra,
    )


def _sums(rows: pd.DataFrame) -> dict[str, float]:
    return {name: float(rows[name].sum(min_count=1)) for name in COUNTS}


def _share(rows: pd.DataFrame, name: str) -> Result:
    both = rows.loc[rows[name].notna() & rows["sent"].notna()]
    if both.empty:
        return Unavailable("no_campaign_data")
    return rate(float(both[name].sum()), float(both["sent"].sum()))


@dataclass(frozen=True)
class Programme:
    """All mailings of a period together; `compared` of them had a hold-out."""

    counts: dict[str, float]
    opened: Result
    clicked: Result
    ordered: Result
    unsubscribed: Result
    lift: Result
    extra_orders: Result
    mailings: int
    compared: int


def programme(frame: pd.DataFrame) -> Programme:
    """The rows that `mailings` reads, as one; each mailing in each market is compared with its own hold-out."""
    lift, extra = lift_of(frame)
    opened, clicked, ordered, unsubscribed = (
        _share(frame, n) for n in ("opened", "clicked", "ordered", "unsubscribed")
    )
    held = frame.loc[_comparable(frame), "campaign"] if len(frame) else frame["campaign"]
    return Programme(
        _sums(frame),
        opened,
        clicked,
        ordered,
        unsubscribed,
        lift,
        extra,
        int(frame["campaign"].nunique()),
        int(held.nunique()),
    )


def lift_of(rows: pd.DataFrame) -> tuple[Result, Result]:
    """Order rate of those written to minus that of the hold-out, each row compared with its own; and extra orders.

    Unavailable without a hold-out, where a count exceeds its group, or below MIN_RATE customers in either group or
    MIN_EVENTS orders in both.
    """
    used = rows.loc[_comparable(rows)]
    if used.empty:
        return (Unavailable("no_holdout"),) * 2
    if (used["ordered"] > used["sent"]).any() or (used["held_out_ordered"] > used["held_out"]).any():
        return (Unavailable("more_than_all"),) * 2
    columns = ("ordered", "sent", "held_out_ordered", "held_out")
    strata = Strata(*(used[name].to_numpy(dtype=np.float64) for name in columns))
    least = float(min(strata.trials.sum(), strata.trials_other.sum()))
    if least < MIN_RATE:
        return (Unavailable("too_few", least, MIN_RATE),) * 2
    events = float(strata.hits.sum() + strata.hits_other.sum())
    if events < MIN_EVENTS:
        return (Unavailable("too_few", events, MIN_EVENTS),) * 2
    found = risk_difference(strata)
    sent = float(strata.trials.sum())
    return found, scaled(found, sent, sent)


@dataclass(frozen=True)
class Group:
    """What a group of customers ordered in the days of a campaign: sums and sums of squares over them, NaN not known.

    `ordered` of the `customers` had an order.
    """

    customers: float
    ordered: float
    orders: float
    orders_squares: float
    revenue: float
    revenue_squares: float
    contribution: float
    contribution_squares: float


@dataclass(frozen=True)
class Tested:
    """A campaign against its hold-out: who ordered of each, the lift of that share, and what the treated added."""

    ordered: Result
    held_out_ordered: Result
    lift: Result
    extra_orders: Result
    extra_revenue: Result
    extra_contribution: Result


def against_hold_out(treated: Group, held_out: Group | None) -> Tested:
    """The two groups compared; every comparison is refused as `lift_of` refuses the share of customers who order."""
    other = held_out or Group(*[float("nan")] * 8)
    row = {"sent": treated.customers, "ordered": treated.ordered,
           "held_out": other.customers, "held_out_ordered": other.ordered}  # fmt: skip
    lift, _customers = lift_of(pd.DataFrame([row]))
    return Tested(
        rate(treated.ordered, treated.customers),
        rate(other.ordered, other.customers, unknown="no_holdout"),
        lift,
        *(_extra(treated, other, name, lift) for name in ("orders", "revenue", "contribution")),
    )


def _extra(treated: Group, other: Group, name: str, lift: Result) -> Result:
    """What the treated brought beyond what those held out did: the difference of the means × the treated (Welch)."""
    if isinstance(lift, Unavailable):
        return lift
    means, variances = [], []
    for group in (treated, other):
        n, total, squares = group.customers, getattr(group, name), getattr(group, f"{name}_squares")
        means.append(total / n)
        variances.append(max(0.0, squares - total * total / n) / (n - 1) / n)
    value = (means[0] - means[1]) * treated.customers
    if isnan(value):
        return Unavailable("no_cost_data" if name == "contribution" else "no_orders_data")
    half = intervals.Z95 * float(np.sqrt(sum(variances))) * treated.customers
    unit = "count" if name == "orders" else "money"
    return Estimate(value, value - half, value + half, treated.customers + other.customers, unit)


def _comparable(rows: pd.DataFrame) -> "pd.Series[bool]":
    """The rows that tell the orders of both groups."""
    told = rows[["sent", "ordered", "held_out", "held_out_ordered"]].notna().all(axis=1)
    return told & (rows["sent"] > 0) & (rows["held_out"] > 0)


# --- word of mouth ----------------------------------------------------------------------------------------------------
def all_rounds(k: Result, elsewhere: float) -> tuple[Result, Result]:
    """What word of mouth makes of U₀ new customers from elsewhere: U₀ ÷ (1 − K), and the factor 1 ÷ (1 − K).

    `k`: the referral factor (new customers who came of an invitation ÷ all new customers), with its interval. Each
    round of invitations brings K times the one before. Unavailable where the interval of K reaches 1.
    """
    return _multiplied(k, elsewhere, "count"), _multiplied(k, 1.0, "ratio")


def _multiplied(k: Result, base: float, unit: str) -> Result:
    """`base` ÷ (1 − K) with K's interval."""
    if isinstance(k, Unavailable):
        return k
    if k.low is None or k.high is None or k.high >= 1:
        return Unavailable("grows_by_itself")
    return Estimate(base / (1 - k.value), base / (1 - k.low), base / (1 - k.high), k.n, unit)


@dataclass(frozen=True)
class Comparison:
    """Two conversion rates and their difference, first minus second."""

    first: Result
    second: Result
    difference: Result


def compared(orders: Sequence[float], sessions: Sequence[float], reasons: Sequence[str]) -> Comparison:
    """Orders ÷ sessions of two kinds of traffic (Wilson), and their difference (Newcombe). `reasons`: where unknown."""
    parts = [rate(o, s, unknown=r) for o, s, r in zip(orders, sessions, reasons, strict=True)]
    for part in parts:
        if isinstance(part, Unavailable):
            return Comparison(parts[0], parts[1], part)
    low, high = intervals.newcombe(orders[0], sessions[0], orders[1], sessions[1])
    gap = orders[0] / sessions[0] - orders[1] / sessions[1]
    return Comparison(
        parts[0], parts[1], Estimate(gap, float(low), float(high), sessions[0] + sessions[1], "difference")
    )


# --- product categories -----------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class CategoryReviews:
    """What customers say of one category; an order counts in every category that it holds."""

    category: str
    deliveries: float
    reviews: float
    review_rate: Result
    rating: Result
    media_share: Result


def category_reviews(frame: pd.DataFrame) -> tuple[CategoryReviews, ...]:
    """From rows category, deliveries, reviewed, reviews, rating_sum, rating_squares, media_known, media_reviews."""
    rows = [
        CategoryReviews(
            str(r["category"]),
            float(r["deliveries"]),
            float(r["reviews"]),
            rate(float(r["reviewed"]), float(r["deliveries"]), unknown="no_review_data"),
            _rating(float(r["rating_sum"]), float(r["rating_squares"]), float(r["reviews"])),
            _media(float(r["media_reviews"]), float(r["media_known"])),
        )
        for r in frame.to_dict("records")
    ]
    return tuple(sorted(rows, key=lambda r: (-r.deliveries, r.category)))


def _rating(total: float, squares: float, count: float) -> Result:
    if not count >= MIN_ORDERS:
        return Unavailable("too_few", 0.0 if isnan(count) else count, MIN_ORDERS)
    low, high = intervals.mean(total, squares, count)
    return Estimate(total / count, max(float(low), 1.0), min(float(high), 5.0), count, "stars")


def _media(hits: float, known: float) -> Result:
    if isnan(known) or known == 0:
        return Unavailable("no_media_data")
    return rate(hits, known, MIN_ORDERS)
