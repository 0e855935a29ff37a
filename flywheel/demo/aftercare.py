"""What happens after the sale: refunds, reviews and tickets, each on its own date."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from flywheel.demo import plants
from flywheel.demo.calendar import Calendar, Floats
from flywheel.demo.customers import Purchases
from flywheel.demo.frames import Moments, utc
from flywheel.demo.goods import Money
from flywheel.demo.world import World

STARS = np.array([1, 2, 3, 4, 5])
STARS_ON_TIME = (0.03, 0.04, 0.08, 0.25, 0.60)
STARS_LATE = (0.33, 0.20, 0.18, 0.16, 0.13)
MEDIA_SHARE = 0.18
CSAT_ANSWERED = 0.35
REFUND_REASONS = np.array(["fit", "not_as_described", "damaged", "changed_mind"], dtype=object)
TICKET_REASONS = np.array(["product", "payment", "return", "address", "warranty"], dtype=object)


@dataclass(frozen=True)
class Refunds:
    """Refunds that have been made: `order` is the order's row, `part` the share of its goods value."""

    order: np.ndarray
    part: Floats
    made: np.ndarray


def draw_states(world: World, orders: Purchases, moments: Moments, rng: np.random.Generator) -> np.ndarray:
    """The shop's word for each order: processing, shipped, delivered or cancelled."""
    state = np.full(len(orders), "processing", dtype=object)
    state[moments.shipped < moments.end] = "shipped"
    state[moments.delivered < moments.end] = "delivered"
    state[rng.random(len(orders)) < world.service.cancelled_share] = "cancelled"
    return state


def draw_refunds(
    world: World, calendar: Calendar, orders: Purchases, moments: Moments, state: np.ndarray, rng: np.random.Generator
) -> Refunds:
    """Which delivered orders are refunded, how much of them, and when."""
    factor = plants.factor(
        world,
        calendar,
        "refund_rate",
        orders.time.astype(np.int64),
        market=np.array([market.code for market in world.markets])[orders.market],
        channel=np.array([channel.code for channel in world.channels])[orders.channel],
        device=np.array([device.code for device in world.devices])[orders.device],
    )
    chosen = rng.random(len(orders)) < np.minimum(world.service.refund_share * factor, 0.95)
    wait = (rng.gamma(2.0, 5.0, len(orders)) * 86_400).astype("timedelta64[s]")
    made = moments.delivered + wait
    row = np.flatnonzero(chosen & (state == "delivered") & (made < moments.end))
    whole = rng.random(len(row)) < world.service.refund_full
    return Refunds(row, np.where(whole, 1.0, rng.uniform(0.2, 0.8, len(row))), made[row])


def refunds_frame(refunds: Refunds, orders: pd.DataFrame, money: Money, rng: np.random.Generator) -> pd.DataFrame:
    """The refunds template; amounts are of goods, without shipping and tax."""
    unit = 10.0 ** money.decimals[refunds.order]
    frame = pd.DataFrame(
        {
            "order_id": orders["order_id"].to_numpy()[refunds.order],
            "refunded_at": utc(refunds.made),
            "amount": np.rint(money.net[refunds.order] * refunds.part * unit) / unit,
            "currency": orders["currency"].to_numpy()[refunds.order],
            "reason": rng.choice(REFUND_REASONS, len(refunds.order), p=(0.4, 0.2, 0.15, 0.25)),
        }
    )
    return _numbered(frame, "refunded_at", "refund_id", "F")


def reviews_frame(
    world: World, orders: Purchases, facts: pd.DataFrame, moments: Moments, rng: np.random.Generator
) -> pd.DataFrame:
    """The reviews template: of delivered orders, some days after the delivery."""
    wait = (86_400 * (1 + rng.gamma(2.0, 3.0, len(orders)))).astype("timedelta64[s]")
    written = moments.delivered + wait
    chosen = (rng.random(len(orders)) < world.service.review_share) & facts["delivered_at"].notna().to_numpy()
    row = np.flatnonzero(chosen & (written < moments.end))
    happy = rng.choice(STARS, len(row), p=STARS_ON_TIME)
    angry = rng.choice(STARS, len(row), p=STARS_LATE)
    frame = pd.DataFrame(
        {
            "rating": np.where(orders.late[row], angry, happy),
            "reviewed_at": utc(written[row]),
            "order_id": facts["order_id"].to_numpy()[row],
            "market": facts["market"].to_numpy()[row],
            "channel": facts["channel"].to_numpy()[row],
            "has_media": rng.random(len(row)) < MEDIA_SHARE,
        }
    )
    return _numbered(frame, "reviewed_at", "review_id", "R")


def tickets_frame(
    world: World, orders: Purchases, facts: pd.DataFrame, moments: Moments, rng: np.random.Generator
) -> pd.DataFrame:
    """The tickets template: a late parcel is asked for when it is overdue, the rest within days of the order."""
    row = np.flatnonzero(orders.asked)
    count, late = len(row), orders.late[row]
    soon = moments.ordered[row] + (rng.exponential(4.0, count) * 86_400).astype("timedelta64[s]")
    overdue = moments.promised[row] + (rng.uniform(0.2, 2.0, count) * 86_400).astype("timedelta64[s]")
    opened = np.where(late, overdue, soon)
    reply = opened + (orders.reply_hours[row] * 3600).astype("timedelta64[s]")
    solved = reply + (rng.exponential(20.0, count) * 3600).astype("timedelta64[s]")
    slow = orders.reply_hours[row] > world.service.slow_hours
    frame = pd.DataFrame(
        {
            "opened_at": utc(opened),
            "order_id": facts["order_id"].to_numpy()[row],
            "customer_id": facts["customer_id"].to_numpy()[row],
            "market": facts["market"].to_numpy()[row],
            "channel": facts["channel"].to_numpy()[row],
            "first_reply_at": utc(reply, reply < moments.end),
            "solved_at": utc(solved, solved < moments.end),
            "reason": np.where(late, "where_is_my_order", rng.choice(TICKET_REASONS, count)),
            "proactive": rng.random(count) < world.service.proactive_share,
            "csat": _csat(late | slow, rng),
        }
    )
    frame.loc[frame["solved_at"].isna(), "csat"] = np.nan
    return _numbered(frame[opened < moments.end], "opened_at", "ticket_id", "T")


def _csat(unhappy: np.ndarray, rng: np.random.Generator) -> Floats:
    count = len(unhappy)
    happy = rng.choice(STARS, count, p=(0.02, 0.04, 0.10, 0.34, 0.50))
    angry = rng.choice(STARS, count, p=(0.28, 0.24, 0.22, 0.16, 0.10))
    return np.where(rng.random(count) < CSAT_ANSWERED, np.where(unhappy, angry, happy), np.nan)


def _numbered(frame: pd.DataFrame, by: str, name: str, prefix: str) -> pd.DataFrame:
    """`frame` in order of time, with an id column in front."""
    frame = frame.sort_values(by, kind="stable", ignore_index=True)
    frame.insert(0, name, [f"{prefix}{number}" for number in range(100_001, 100_001 + len(frame))])
    return frame
