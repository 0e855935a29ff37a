"""Session events of one market's recent weeks in place of its daily traffic.

The events are made of the traffic rows they replace, so that sessions and every stage count stay what they were; they
have a seed of their own, so nothing that is drawn elsewhere changes.
"""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flywheel.demo.frames import stamps
from flywheel.demo.world import STAGES, World

MARKET = "JP"  # small enough for a quick load, large enough for a map
WEEKS = 6  # complete weeks that come as events; the running one does too
EVENTS = ("", "", "product_view", "add_to_cart", "view_cart", "begin_checkout", "add_payment_info", "purchase")
WANDER = ("category", "search", "size_guide", "reviews", "shipping_info")
WANDER_WEIGHTS = (0.45, 0.25, 0.12, 0.1, 0.08)
LANDINGS = {
    "email": "campaign_page",
    "google_ads": "landing_page",
    "meta_ads": "landing_page",
    "tiktok_ads": "landing_page",
}
PAUSES = (20, 15, 25, 40, 35, 30, 55, 70)  # median seconds before each stage
SPREAD = 0.8  # sd of the logarithm of a pause
OPEN_FROM, OPEN_SECONDS = 7 * 3600, 15 * 3600  # when sessions begin: late enough to end on their day


def split(world: World, traffic: pd.DataFrame, until: dt.date, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The traffic without the rows that come as events, and these events (the columns of the events template)."""
    first = pd.Timestamp(until + dt.timedelta(days=1))
    first -= pd.Timedelta(days=first.weekday() + 7 * WEEKS)
    chosen = (traffic["market"] == MARKET) & (traffic["date"] >= first)
    rng = np.random.Generator(np.random.PCG64([seed, 2]))
    return traffic[~chosen].reset_index(drop=True), _events(world, traffic[chosen], rng)


@dataclass(frozen=True)
class _Visit:
    """A session: how far it came (an index of STAGES), where from, and the day's seconds at its start."""

    number: int
    depth: int
    date: np.datetime64
    channel: str
    device: str


def _visits(traffic: pd.DataFrame) -> Iterator[_Visit]:
    number = 0
    for row in traffic.to_dict("records"):
        reached = [int(row[stage]) for stage in STAGES] + [0]
        for depth in range(len(STAGES)):
            for _ in range(reached[depth] - reached[depth + 1]):
                yield _Visit(number, depth, np.datetime64(row["date"], "s"), row["channel"], row["device"])
                number += 1


def _events(world: World, traffic: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    rows = [event for visit in _visits(traffic) for event in _steps(visit, rng)]
    columns = ["session_id", "visitor_id", "event", "happened_at", "market", "channel", "device"]
    frame = pd.DataFrame(rows, columns=columns)
    moments = stamps(frame["happened_at"].to_numpy(dtype=np.float64), world.time_zone)
    return frame.assign(happened_at=pd.Series(pd.DatetimeIndex(moments).tz_localize("UTC")))


def _steps(visit: _Visit, rng: np.random.Generator) -> Iterator[tuple[object, ...]]:
    """The session's events: where it lands, what it looks at on the way, and the stages it reaches."""
    names = [LANDINGS.get(visit.channel, "home")]
    wandered = int(rng.integers(0, 3)) if visit.depth else 0
    if visit.depth == 1:
        wandered = max(wandered, 1)  # engaged: two events or more
    names += [str(name) for name in rng.choice(WANDER, wandered, p=WANDER_WEIGHTS)]
    names += list(EVENTS[2 : visit.depth + 1])
    clock = visit.date.astype(np.int64) + OPEN_FROM + int(rng.integers(0, OPEN_SECONDS))
    slower = 1.35 if visit.device == "mobile" else 1.0
    for name in names:
        yield (f"J{visit.number:07d}", f"V{visit.number // 2:07d}", name, clock, MARKET, visit.channel, visit.device)
        median = PAUSES[EVENTS.index(name)] if name in EVENTS else PAUSES[0]
        clock += 1 + int(median * slower * rng.lognormal(0, SPREAD))
