"""What customers say and bring, what is written to them, how fast pages are, what the team costs: from the orders.

Drawn from the finished tables with a generator of its own, so that the business itself does not depend on it.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from flywheel.demo.calendar import Calendar
from flywheel.demo.holdouts import with_holdouts
from flywheel.demo.world import World

ANSWERED = 0.09  # of deliveries, asked how likely a recommendation is
SCORES_ON_TIME = (0.01, 0.01, 0.01, 0.02, 0.02, 0.04, 0.06, 0.13, 0.22, 0.22, 0.26)
SCORES_LATE = (0.10, 0.06, 0.07, 0.08, 0.08, 0.13, 0.12, 0.12, 0.11, 0.07, 0.06)
INVITATIONS_PER_ORDER = 5.5  # that a customer sends until one becomes an order
MAILED = 0.85  # of a market's customers get the weekly mail
OPENED, CLICKED, ORDERED = 0.34, 0.038, 0.0042  # of the mails sent
NEWS = ("New this week", "From the workshop", "Back in stock", "Weekend tours", "Care for your gear")
LCP_MS = {"mobile": 2_450, "desktop": 1_750, "tablet": 2_150}
INP_MS = {"mobile": 185, "desktop": 95, "tablet": 140}
CLS = {"mobile": 0.09, "desktop": 0.05, "tablet": 0.07}
SLOW = {"BR": 1.35, "AU": 1.2, "JP": 1.1}  # markets far from the servers
EFFORT = (
    ("market", "people", "local teams", 0.022),
    ("market", "service", "agencies", 0.011),
    ("market", "tools", "analytics and ad tools", 0.004),
    ("conversion", "people", "shop team", 0.016),
    ("conversion", "tools", "shop platform", 0.006),
    ("aftersales", "people", "customer service", 0.024),
    ("aftersales", "service", "returns handling", 0.007),
    ("aftersales", "tools", "help desk", 0.003),
)  # engine, kind, what for, share of a month's goods value
LARGE = 3  # markets that have agencies of their own

Tables = Mapping[str, pd.DataFrame]


def community_tables(world: World, calendar: Calendar, tables: Tables, seed: int) -> dict[str, pd.DataFrame]:
    """Survey answers, referrals, campaigns, page experience and investments, in the columns of their templates."""
    streams = np.random.Generator(np.random.PCG64([seed, 2])).spawn(5)
    last_day = calendar.first + dt.timedelta(days=calendar.days - 1)
    end = pd.Timestamp(last_day + dt.timedelta(days=1), tz=world.time_zone)
    orders = tables["orders"]
    return {
        "survey_answers": _answers(orders, end, streams[0]),
        "referrals": _referrals(orders, end, streams[1]),
        "campaigns": with_holdouts(_campaigns(world, calendar, orders, end, streams[2]), seed),
        "page_experience": _pages(world, calendar, streams[3]),
        "investments": _investments(world, orders, last_day, streams[4]),
    }


def _answers(orders: pd.DataFrame, end: pd.Timestamp, rng: np.random.Generator) -> pd.DataFrame:
    """Asked a week or more after the delivery; a late parcel is not forgotten."""
    late = (orders["delivered_at"] > orders["promised_at"]).to_numpy()
    at = orders["delivered_at"] + pd.to_timedelta((7 + rng.gamma(2.0, 3.0, len(orders))) * 86_400 // 1, unit="s")
    chosen = (rng.random(len(orders)) < ANSWERED) & (at < end).to_numpy()
    happy = rng.choice(11, len(orders), p=SCORES_ON_TIME)
    angry = rng.choice(11, len(orders), p=SCORES_LATE)
    frame = orders.assign(score=np.where(late, angry, happy), answered_at=at).loc[chosen]
    columns = ["score", "answered_at", "customer_id", "order_id", "market", "channel"]
    return _numbered(frame[columns], "answered_at", "answer_id", "N")


def _referrals(orders: pd.DataFrame, end: pd.Timestamp, rng: np.random.Generator) -> pd.DataFrame:
    """The invitations behind the orders that came by referral, and those that nobody took up."""
    came = orders.loc[orders["channel"] == "referral"]
    wait = pd.to_timedelta(rng.integers(3_600, 9 * 86_400, len(came)), unit="s")
    taken = came.assign(invited_at=came["ordered_at"] - wait, referred_id=came["customer_id"])
    taken = taken.assign(referrer_id=_earlier_customers(orders, taken["invited_at"], rng))
    count = round(len(came) * (INVITATIONS_PER_ORDER - 1))
    idle = orders.iloc[np.sort(rng.integers(0, len(orders), count))]
    at = idle["ordered_at"] + pd.to_timedelta(rng.integers(86_400, 30 * 86_400, count), unit="s")
    idle = idle.assign(invited_at=at, referrer_id=idle["customer_id"], referred_id="", order_id="", channel="referral")
    columns = ["referrer_id", "invited_at", "referred_id", "order_id", "market", "channel"]
    both = pd.concat([taken[columns], idle.loc[(at < end).to_numpy(), columns]], ignore_index=True)
    return _numbered(both, "invited_at", "referral_id", "I")


def _earlier_customers(orders: pd.DataFrame, moments: pd.Series, rng: np.random.Generator) -> np.ndarray:
    """For each moment, somebody who had ordered before it; the first customer where nobody had."""
    before = np.searchsorted(orders["ordered_at"].to_numpy(), moments.to_numpy())
    return orders["customer_id"].to_numpy()[(rng.random(len(moments)) * np.maximum(before, 1)).astype(int)]


def _campaigns(
    world: World, calendar: Calendar, orders: pd.DataFrame, end: pd.Timestamp, rng: np.random.Generator
) -> pd.DataFrame:
    """A mail every Thursday to those who have ordered in a market."""
    first = orders.loc[~orders["customer_id"].duplicated()]
    rows = []
    for week in range(calendar.weeks + 1):
        day = calendar.first + dt.timedelta(days=7 * week + 3)
        at = pd.Timestamp(day, tz=world.time_zone) + pd.Timedelta(hours=9)
        if at >= end:
            break
        for code, count in first.loc[first["ordered_at"] < at, "market"].value_counts(sort=False).items():
            rows.append(_mail(week, at.tz_convert("UTC"), str(code), round(count * MAILED), rng))
    return pd.DataFrame(rows)


def _mail(week: int, at: pd.Timestamp, market: str, sent: int, rng: np.random.Generator) -> dict[str, Any]:
    opened = rng.binomial(sent, OPENED)
    clicked = rng.binomial(opened, CLICKED / OPENED)
    return {
        "campaign_id": f"M{week + 1:03}",
        "sent_at": at,
        "name": NEWS[week % len(NEWS)],
        "channel": "email",
        "market": market,
        "sent": sent,
        "opened": opened,
        "clicked": clicked,
        "ordered": rng.binomial(clicked, ORDERED / CLICKED),
        "unsubscribed": rng.binomial(sent, 0.0012),
    }


def _pages(world: World, calendar: Calendar, rng: np.random.Generator) -> pd.DataFrame:
    """Slower on phones and far from the servers; a little faster after a year, when the shop was rebuilt."""
    rows = [
        {
            "week": pd.Timestamp(calendar.first + dt.timedelta(days=7 * week)),
            "market": market.code,
            "device": device.code,
            **_speed(device.code, SLOW.get(market.code, 1.0) * (0.93 if week >= 52 else 1.0), rng),
        }
        for week in range(calendar.weeks)
        for market in world.markets
        for device in world.devices
    ]
    return pd.DataFrame(rows)


def _speed(device: str, slow: float, rng: np.random.Generator) -> dict[str, float]:
    noise = np.exp(0.04 * rng.standard_normal(3))
    return {
        "lcp_ms": round(LCP_MS.get(device, 2_000) * slow * noise[0]),
        "inp_ms": round(INP_MS.get(device, 120) * slow**0.5 * noise[1]),
        "cls": round(CLS.get(device, 0.07) * noise[2], 3),
    }


def _investments(world: World, orders: pd.DataFrame, last_day: dt.date, rng: np.random.Generator) -> pd.DataFrame:
    """What each engine costs beside advertising, by month; the running month is planned already."""
    units = {market.currency: market.units_per_base for market in world.markets}
    goods = orders["gross"] / orders["currency"].map(units).fillna(1.0)
    months = orders["ordered_at"].dt.tz_convert(world.time_zone).dt.tz_localize(None).dt.to_period("M")
    level = goods.groupby(months).sum().median()
    shares = goods.groupby(orders["market"]).sum().sort_values(ascending=False) / goods.sum()
    rows = [
        {
            "month": month,
            "engine": engine,
            "market": market,
            "kind": kind,
            "amount": round(level * share * part * float(rng.uniform(0.96, 1.04)), 2),
            "currency": world.base_currency,
            "name": what,
        }
        for month in pd.period_range(months.min(), pd.Period(last_day, "M"), freq="M").astype(str)
        for engine, kind, what, share in EFFORT
        for market, part in _parts(kind, engine, shares)
    ]
    return pd.DataFrame(rows)


def _parts(kind: str, engine: str, shares: "pd.Series[float]") -> Iterator[tuple[str, float]]:
    """An effort as a whole, or by market where large markets have agencies of their own."""
    if (engine, kind) != ("market", "service"):
        yield "", 1.0
        return
    for market in shares.index[:LARGE]:
        yield str(market), float(shares[market])


def _numbered(frame: pd.DataFrame, by: str, name: str, prefix: str) -> pd.DataFrame:
    """`frame` in order of time, with an id column in front."""
    frame = frame.sort_values(by, kind="stable", ignore_index=True)
    frame.insert(0, name, [f"{prefix}{number}" for number in range(100_001, 100_001 + len(frame))])
    return frame
