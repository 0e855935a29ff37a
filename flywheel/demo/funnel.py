"""Visits: how many come per day × market × channel × device, and how far down the journey they go."""

from dataclasses import dataclass

import numpy as np

from flywheel.demo import plants
from flywheel.demo.calendar import Calendar, Floats
from flywheel.demo.world import STAGE_RATES, World

MAX_RATE = 0.985
Ints = np.ndarray  # int64


@dataclass(frozen=True)
class Grid:
    """What is expected per cell; arrays of shape (days, markets, channels, devices) unless named otherwise.

    `visits`: sessions of new visitors, as planted and `visits_unplanted`; `rates` and `rates_unplanted` have the
    seven stage rates first: (7, days, markets, channels, devices). `spend`: base currency, (days, markets, channels).
    """

    visits: Floats
    visits_unplanted: Floats
    rates: Floats
    rates_unplanted: Floats
    spend: Floats

    @property
    def success(self) -> Floats:
        """The part of the unplanted conversion that is left, 0-1, per cell."""
        return np.minimum(self.rates.prod(axis=0) / self.rates_unplanted.prod(axis=0), 1.0)

    def first_orders(self) -> float:
        """Expected orders of new visitors over the whole time."""
        return float((self.visits * self.rates.prod(axis=0)).sum())


def segments(world: World, days: int) -> dict[str, np.ndarray]:
    """Day numbers and codes, shaped to broadcast over (days, markets, channels, devices)."""
    return {
        "day": np.arange(days).reshape(-1, 1, 1, 1),
        "market": np.array([market.code for market in world.markets]).reshape(1, -1, 1, 1),
        "channel": np.array([channel.code for channel in world.channels]).reshape(1, 1, -1, 1),
        "device": np.array([device.code for device in world.devices]).reshape(1, 1, 1, -1),
    }


def build_grid(world: World, calendar: Calendar, rng: np.random.Generator, scale: float) -> Grid:
    """The expected visits, rates and spend; `scale` is about the new visitors' sessions per day."""
    cells = segments(world, calendar.days)
    spend = _spend(world, calendar, rng, scale)
    unplanted = _visits(world, calendar, rng, scale, spend)
    yields = plants.factor(world, calendar, "sessions_per_spend", **cells)
    paid = np.array([channel.cost_per_session > 0 for channel in world.channels])[None, None, :, None]
    rates_unplanted = _rates(world, calendar, rng)
    factors = np.stack([_stage_factor(world, calendar, name, cells) for name in STAGE_RATES])
    return Grid(
        visits=unplanted * np.where(paid, yields, 1.0),
        visits_unplanted=unplanted,
        rates=np.minimum(rates_unplanted * factors, 0.995),
        rates_unplanted=rates_unplanted,
        spend=spend,
    )


def _shares(world: World, name: str) -> Floats:
    shares = np.array([item.share for item in getattr(world, name)])
    return shares / shares.sum()


def _lognormal(rng: np.random.Generator, spread: float, shape: tuple[int, ...]) -> Floats:
    """Noise around 1 with mean 1."""
    return np.exp(rng.normal(-spread * spread / 2, spread, shape))


def _spend(world: World, calendar: Calendar, rng: np.random.Generator, scale: float) -> Floats:
    """Base currency per day × market × channel; budgets follow demand."""
    shape = (calendar.days, len(world.markets), len(world.channels))
    price = np.array([market.media_price for market in world.markets])[None, :, None]
    cost = np.array([channel.cost_per_session for channel in world.channels])[None, None, :]
    size = scale * _shares(world, "markets")[None, :, None] * _shares(world, "channels")[None, None, :]
    demand = calendar.demand[:, None, None] * calendar.local[:, :, None]
    return size * price * cost * demand * _lognormal(rng, world.spend_noise, shape)


def _visits(world: World, calendar: Calendar, rng: np.random.Generator, scale: float, spend: Floats) -> Floats:
    """Expected sessions of new visitors per cell; paid ones grow with spend to the power of `saturation`."""
    size = scale * _shares(world, "markets")[None, :, None] * _shares(world, "channels")[None, None, :]
    usual = np.maximum(spend.mean(axis=0, keepdims=True), 1e-12)
    demand = calendar.demand[:, None, None] * calendar.local[:, :, None]
    pressure = np.where(spend > 0, (spend / usual) ** world.saturation, demand)
    per_channel = size * pressure * _lognormal(rng, world.traffic_noise, spend.shape)
    return per_channel[..., None] * _shares(world, "devices")


def _rates(world: World, calendar: Calendar, rng: np.random.Generator) -> Floats:
    """The seven stage rates per cell with nothing planted."""
    shape = (len(STAGE_RATES), calendar.days, len(world.markets), len(world.channels), len(world.devices))
    rates = np.broadcast_to(np.array(world.rates).reshape(-1, 1, 1, 1, 1), shape).copy()
    channels, devices = world.channels, world.devices
    stage = {name: number for number, name in enumerate(STAGE_RATES)}
    rates[stage["engaged_share"]] *= np.array([channel.engaged for channel in channels])[None, None, :, None]
    rates[stage["cart_rate"]] *= np.array([channel.intent for channel in channels])[None, None, :, None]
    rates[stage["cart_rate"]] *= np.array([device.cart for device in devices])
    rates[stage["cart_rate"]] *= np.array([market.conversion for market in world.markets])[None, :, None, None]
    rates[stage["cart_rate"]] *= calendar.lift[:, None, None, None]
    rates[stage["checkout_rate"]] *= np.array([device.checkout for device in devices])
    rates[stage["payment_rate"]] *= np.array([device.payment for device in devices])
    wobble = _lognormal(rng, world.rate_noise, (len(STAGE_RATES), calendar.weeks + 1, len(world.markets)))
    rates *= wobble[:, calendar.week_of][..., None, None]
    return np.minimum(rates, MAX_RATE)


def _stage_factor(world: World, calendar: Calendar, stage: str, cells: dict[str, np.ndarray]) -> Floats:
    shape = np.broadcast_shapes(*(values.shape for values in cells.values()))
    if stage != "payment_rate":
        return np.broadcast_to(plants.factor(world, calendar, stage, **cells), shape)
    result = np.zeros(shape)
    for number, market in enumerate(world.markets):
        here = {**cells, "market": np.array([market.code]).reshape(1, 1, 1, 1)}
        total = sum(share for _, share in market.methods)
        for method, share in market.methods:
            kept = plants.factor(world, calendar, stage, **here, method=np.array(method))
            result[:, number] += share / total * kept[:, 0]
    return result


def new_visitors(grid: Grid, rng: np.random.Generator) -> Ints:
    """Counts of new visitors' sessions at each of the eight stages, shape (8, days, markets, channels, devices)."""
    counts = [rng.poisson(grid.visits)]
    for rate in grid.rates:
        counts.append(rng.binomial(counts[-1], rate))
    return np.stack(counts)


def visits_behind(orders: Ints, grid: Grid, rng: np.random.Generator) -> Ints:
    """The stage counts behind `orders` per cell that were drawn first (returning and referred customers).

    How many sessions it took at a known rate is negative binomial, so measured rates agree with `grid.rates`.
    """
    flat = orders.reshape(-1)
    used = np.flatnonzero(flat)
    counts = [flat[used]]
    for rate in grid.rates.reshape(len(STAGE_RATES), -1)[::-1, used]:
        counts.append(counts[-1] + rng.negative_binomial(counts[-1], rate))
    result = np.zeros((len(counts), flat.size), dtype=np.int64)
    result[:, used] = np.stack(counts[::-1])
    return result.reshape(len(counts), *orders.shape)
