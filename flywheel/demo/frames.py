"""The simulated facts as tables with the columns of the generic templates."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flywheel.demo import plants
from flywheel.demo.articles import article_names, with_companions
from flywheel.demo.calendar import Calendar, Floats
from flywheel.demo.customers import Purchases, carrier_table
from flywheel.demo.funnel import Grid, Ints
from flywheel.demo.goods import CATEGORIES, Lines, Money, Rates
from flywheel.demo.world import STAGES, Channel, Device, Market, World

FIRST_ORDER = 1_000_001
FIRST_CUSTOMER = 500_001
HOUR_WEIGHTS = np.array([3, 2, 1, 1, 1, 1, 2, 4, 5, 6, 6, 6, 7, 6, 6, 6, 6, 7, 8, 10, 12, 11, 8, 5], dtype=float)
SECONDS_PER_DAY = 86_400
DAY = np.timedelta64(1, "D")


def stamps(seconds: Floats, zone: str) -> np.ndarray:
    """Seconds since 1970 on a wall clock in `zone` as UTC datetime64[s]; a skipped hour moves forward."""
    wall = pd.DatetimeIndex(np.asarray(seconds).astype("datetime64[s]"))
    local = wall.tz_localize(zone, ambiguous=np.ones(len(wall), dtype=bool), nonexistent="shift_forward")
    return local.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[s]")


def local_midnights(utc: np.ndarray, zone: str) -> Ints:
    """For UTC moments, the seconds since 1970 of that day's midnight on a wall clock in `zone`."""
    local = pd.DatetimeIndex(utc, tz="UTC").tz_convert(zone).tz_localize(None).to_numpy().astype("datetime64[D]")
    return local.astype(np.int64) * SECONDS_PER_DAY


@dataclass(frozen=True)
class Moments:
    """When things happen to orders, UTC datetime64[s]; `end` is the end of what the world knows."""

    ordered: np.ndarray
    promised: np.ndarray
    shipped: np.ndarray
    delivered: np.ndarray
    end: np.datetime64


def place_in_time(world: World, calendar: Calendar, orders: Purchases, rng: np.random.Generator) -> Moments:
    """Clock times for orders: the day is the workspace's, the hour the customers' habit in their own zone.

    A delivery is promised for 18:00 in the market; some that arrive on the day arrive later than that.
    """
    count = len(orders)
    first = (calendar.first - dt.date(1970, 1, 1)).days
    seconds = (first + orders.time.astype(np.int64)) * SECONDS_PER_DAY + _seconds_of_day(world, calendar, orders, rng)
    ordered = stamps(seconds, world.time_zone)
    promised, delivered = ordered.copy(), ordered.copy()
    hour = rng.uniform(9, 20, count)
    for number, market in enumerate(world.markets):
        here = np.flatnonzero(orders.market == number)
        midnight = local_midnights(ordered[here], market.time_zone)
        promised[here] = stamps(midnight + orders.promise_days[here] * SECONDS_PER_DAY + 18 * 3600, market.time_zone)
        arrival = orders.delivery_days[here] * SECONDS_PER_DAY + (hour[here] * 3600).astype(np.int64)
        delivered[here] = stamps(midnight + arrival, market.time_zone)
    handling = (rng.uniform(0.1, 0.6, count) * (delivered - ordered).astype(np.int64)).astype("timedelta64[s]")
    last_day = np.datetime64(calendar.first, "D") + calendar.days
    end = stamps(np.array([last_day.astype(np.int64) * SECONDS_PER_DAY]), world.time_zone)[0]
    return Moments(ordered, promised, ordered + handling, delivered, end)


def _seconds_of_day(world: World, calendar: Calendar, orders: Purchases, rng: np.random.Generator) -> Ints:
    hour = rng.choice(24, len(orders), p=HOUR_WEIGHTS / HOUR_WEIGHTS.sum())
    noon = pd.Timestamp(calendar.first) + pd.Timedelta(hours=12)
    home = noon.tz_localize(world.time_zone)
    ahead = [home - noon.tz_localize(market.time_zone) for market in world.markets]
    shift = np.array([int(gap.total_seconds() // 3600) for gap in ahead])[orders.market]
    return ((hour - shift) % 24) * 3600 + rng.integers(0, 3600, len(orders))


def _codes(items: tuple[Market, ...] | tuple[Channel, ...] | tuple[Device, ...], index: Ints) -> np.ndarray:
    return np.array([item.code for item in items], dtype=object)[index]


def order_ids(count: int) -> np.ndarray:
    """Ids of `count` orders in order of time."""
    return np.char.add("N", np.arange(FIRST_ORDER, FIRST_ORDER + count).astype(str)).astype(object)


def customer_ids(customer: Ints) -> np.ndarray:
    """Ids of customers, numbered from 0."""
    return np.char.add("C", (FIRST_CUSTOMER + customer).astype(str)).astype(object)


def utc(moments: np.ndarray, known: np.ndarray | None = None) -> pd.Series:
    """Moments as a UTC column; NaT where not `known`."""
    shown = moments if known is None else np.where(known, moments, np.datetime64("NaT", "s"))
    return pd.Series(pd.DatetimeIndex(shown.astype("datetime64[s]")).tz_localize("UTC"))


def orders_frame(
    world: World, orders: Purchases, money: Money, moments: Moments, methods: np.ndarray, state: np.ndarray, units: Ints
) -> pd.DataFrame:
    """The orders template; `state` is the shop's word for each order."""
    alive = state != "cancelled"
    shipped = alive & (moments.shipped < moments.end)
    arrived = alive & (moments.delivered < moments.end)
    return pd.DataFrame(
        {
            "order_id": order_ids(len(orders)),
            "customer_id": customer_ids(orders.customer),
            "market": _codes(world.markets, orders.market),
            "channel": _codes(world.channels, orders.channel),
            "device": _codes(world.devices, orders.device),
            "payment_method": methods,
            "carrier": carrier_table(world).codes.astype(object)[orders.carrier],
            "status": state,
            "ordered_at": utc(moments.ordered),
            "currency": np.array([market.currency for market in world.markets], dtype=object)[orders.market],
            "gross": money.gross,
            "discount": money.discount,
            "shipping": money.shipping,
            "tax": money.tax,
            "total": money.total.round(2),
            "cogs": money.cogs,
            "fulfilment_cost": money.fulfilment_cost,
            "payment_cost": money.payment_cost,
            "units": units,
            "promised_at": utc(moments.promised, alive),
            "shipped_at": utc(moments.shipped, shipped),
            "delivered_at": utc(moments.delivered, arrived),
        }
    )


def customers_frame(orders: pd.DataFrame) -> pd.DataFrame:
    """The customers template, one row per customer, in the order they came; no e-mail addresses."""
    first = orders.drop_duplicates("customer_id")
    ids = first["customer_id"].to_numpy()
    return pd.DataFrame({"customer_id": ids, "person_id": ids, "market": first["market"].to_numpy()})


def lines_frame(world: World, lines: Lines, orders: pd.DataFrame) -> pd.DataFrame:
    """The order lines template."""
    article = with_companions(lines)
    articles = np.arange(article.max(initial=0) + 1)
    skus = np.array([f"NO-{number:03d}" for number in articles], dtype=object)
    categories = np.array([CATEGORIES[number % len(CATEGORIES)] for number in articles], dtype=object)
    return pd.DataFrame(
        {
            "order_id": orders["order_id"].to_numpy()[lines.order],
            "line": lines.number,
            "sku": skus[article],
            "name": np.array(article_names(len(articles)), dtype=object)[article],
            "category": categories[article],
            "quantity": lines.quantity,
            "price": lines.price,
            "currency": orders["currency"].to_numpy()[lines.order],
        }
    )


def payments_frame(orders: pd.DataFrame) -> pd.DataFrame:
    """The payments template: one payment per order."""
    return pd.DataFrame(
        {
            "order_id": orders["order_id"],
            "sequence": 1,
            "method": orders["payment_method"],
            "amount": orders["total"],
        }
    )


def payment_methods(world: World, calendar: Calendar, orders: Purchases, rng: np.random.Generator) -> np.ndarray:
    """The method each order was paid with; a method whose payments fail appears less often among the paid."""
    result = np.empty(len(orders), dtype=object)
    day = orders.time.astype(np.int64)
    for number, market in enumerate(world.markets):
        here = np.flatnonzero(orders.market == number)
        where = {
            "market": np.array([market.code]),
            "channel": _codes(world.channels, orders.channel[here]),
            "device": _codes(world.devices, orders.device[here]),
        }
        weights = [
            share * plants.factor(world, calendar, "payment_rate", day[here], **where, method=np.array([method]))
            for method, share in market.methods
        ]
        upper = np.cumsum(np.stack(weights), axis=0)
        picked = (rng.random(len(here)) * upper[-1] >= upper).sum(axis=0)
        result[here] = np.array([method for method, _ in market.methods], dtype=object)[picked]
    return result


def traffic_frame(world: World, calendar: Calendar, counts: Ints) -> pd.DataFrame:
    """The traffic template: one row per day × market × channel × device with at least one session."""
    used = np.nonzero(counts[0])
    day, market, channel, device = used
    frame = {
        "date": calendar.dates()[day],
        "market": _codes(world.markets, market),
        "channel": _codes(world.channels, channel),
        "device": _codes(world.devices, device),
    }
    return pd.DataFrame(frame | {stage: counts[number][used] for number, stage in enumerate(STAGES)})


def spend_frame(
    world: World, calendar: Calendar, grid: Grid, sessions: Ints, rates: Rates, rng: np.random.Generator
) -> pd.DataFrame:
    """The spend template in the ad accounts' currencies; `sessions`: per day × market × channel."""
    parts = [
        _campaign(world, calendar, grid, sessions, rates, rng, channel, campaign)
        for channel, item in enumerate(world.channels)
        for campaign in range(len(item.campaigns))
        if item.cost_per_session > 0
    ]
    frame = pd.concat(parts, ignore_index=True)
    return frame.sort_values(["date", "market", "channel", "campaign"], kind="stable", ignore_index=True)


def _campaign(
    world: World,
    calendar: Calendar,
    grid: Grid,
    sessions: Ints,
    rates: Rates,
    rng: np.random.Generator,
    channel: int,
    campaign: int,
) -> pd.DataFrame:
    """Rows of one campaign in every market and on every day; a click in twenty never becomes a session."""
    name, share = world.channels[channel].campaigns[campaign]
    part = share / sum(weight for _, weight in world.channels[channel].campaigns)
    currencies = [market.ad_currency for market in world.markets]
    daily = np.stack([rates.get(code, _usual(world, calendar, code)) for code in currencies], axis=1)
    cost = (grid.spend[:, :, channel] * part * daily).round(2)
    clicks = rng.binomial(np.rint(sessions[:, :, channel] * part / 0.9).astype(np.int64), 0.95)
    shown = np.rint(clicks * rng.uniform(45, 75, clicks.shape)).astype(np.int64)
    day, market = (index.ravel() for index in np.indices(cost.shape))
    return pd.DataFrame(
        {
            "date": calendar.dates()[day],
            "currency": np.array(currencies, dtype=object)[market],
            "cost": cost.ravel(),
            "market": _codes(world.markets, market),
            "channel": world.channels[channel].code,
            "campaign": name,
            "impressions": shown.ravel(),
            "clicks": clicks.ravel(),
        }
    )


def _usual(world: World, calendar: Calendar, currency: str) -> Floats:
    known = {market.currency: market.units_per_base for market in world.markets} | {world.base_currency: 1.0}
    if currency not in known:
        raise ValueError(f"ad currency {currency}: no market of the world tells its rate")
    return np.full(calendar.days, known[currency])
