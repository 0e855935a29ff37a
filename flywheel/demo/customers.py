"""Customers: who orders again, who never does, and whom they bring along. One row per order, as arrays."""

from dataclasses import dataclass, fields

import numpy as np

from flywheel.demo import plants
from flywheel.demo.calendar import Calendar, Floats
from flywheel.demo.funnel import Grid, Ints
from flywheel.demo.world import Carrier, Customers, World

MIN_GAP = 1.0  # days between two orders of a customer: never two on one day
MAX_WAVES = 12  # friends of friends of friends ...; each wave is a tenth of the one before


@dataclass
class Purchases:
    """Orders as arrays of one length. `time`: days since the start of the world; the rest are indices and counts.

    `number`: 0 for a customer's first order. `wave`: 0 came by themselves, 1 was referred, 2 by a referred one ...
    `delivery_days` from the order's day to the delivery's; `late`: after the promised date. `asked`: has a ticket.
    """

    time: Floats
    market: Ints
    channel: Ints
    device: Ints
    customer: Ints
    number: Ints
    wave: Ints
    carrier: Ints
    promise_days: Ints
    delivery_days: Ints
    late: np.ndarray
    asked: np.ndarray
    reply_hours: Floats

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: np.ndarray) -> "Purchases":
        """The orders of `rows` (mask, indices or order)."""
        return Purchases(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def join(parts: list[Purchases]) -> Purchases:
    """All orders of `parts` in one."""
    return Purchases(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Purchases)})


class Population:
    """Plays the lives of customers forward from their first orders."""

    def __init__(self, world: World, calendar: Calendar, grid: Grid, rng: np.random.Generator) -> None:
        self.world, self.calendar, self.grid, self.rng = world, calendar, grid, rng
        self.people: Customers = world.customers
        self.success = grid.success
        self.clock = np.concatenate([[0.0], np.cumsum(calendar.demand / calendar.demand.mean())])
        self.codes = {
            "market": np.array([market.code for market in world.markets]),
            "channel": np.array([channel.code for channel in world.channels]),
            "device": np.array([device.code for device in world.devices]),
        }
        self.repeat_level = np.array([market.repeat for market in world.markets])
        self.device_shares = _normal(np.array([device.share for device in world.devices]))
        self.repeat_shares = _normal(np.array([channel.repeat_share for channel in world.channels]))
        self.closed = np.array([channel.closed for channel in world.channels])
        self.carriers = carrier_table(world)
        self.born = 0

    def play(self, first_orders: Ints) -> Purchases:
        """All orders that follow from `first_orders` (counts per day × market × channel × device), those included."""
        cells = np.repeat(np.arange(first_orders.size), first_orders.reshape(-1))
        day, market, channel, device = np.unravel_index(cells, first_orders.shape)
        time = day + self.rng.random(len(cells))
        orders: list[Purchases] = []
        for wave in range(MAX_WAVES):
            if not len(time):
                break
            lived = self._lives(self._begin(time, market, channel, device, wave))
            orders.append(lived)
            time, market, channel, device = self._friends(lived)
        return join(orders)

    def _begin(self, time: Floats, market: Ints, channel: Ints, device: Ints, wave: int) -> Purchases:
        people = np.arange(self.born, self.born + len(time))
        self.born += len(time)
        zero = np.zeros(len(time), dtype=np.int64)
        return self._deliver(time, market, channel, device, people, zero, zero + wave)

    def _lives(self, current: Purchases) -> Purchases:
        """First orders and every order after them."""
        people, rng = self.people, self.rng
        first_person, count = int(current.customer[0]), len(current)
        pace = rng.gamma(people.rate_shape, 1 / (people.rate_shape * people.rate_mean_gap), count)
        leaves = rng.beta(people.dropout_a, people.dropout_b, count)
        lived = [current]
        while len(current):
            stays = (1 - leaves[current.customer - first_person]) * (1 - people.unhappy_loss * self._unhappy(current))
            current = current.take(rng.random(len(current)) < stays)
            current = self._return(current, pace[current.customer - first_person])
            lived.append(current)
        return join(lived)

    def _return(self, last: Purchases, pace: Floats) -> Purchases:
        """The next orders of customers who stay; those after the end of the world are left out.

        Pace runs on a clock that follows demand. A customer who meets a broken journey tries again later; one whom
        a planted loss of repeat orders takes away is gone for good.
        """
        rows, time = np.arange(len(last)), last.time
        done: list[tuple[np.ndarray, Floats, Ints, Ints]] = []
        while True:
            time = self._later(time, self.rng.exponential(1 / (pace[rows] * self.repeat_level[last.market[rows]])))
            inside = time < self.calendar.days
            rows, time = rows[inside], time[inside]
            segment = (last.market[rows], *self._way_back(last.channel[rows], last.device[rows]))
            faithful = self.rng.random(len(rows)) < self._factor("repeat_rate", time, *segment)
            bought = faithful & (self.rng.random(len(rows)) < self.success[time.astype(np.int64), *segment])
            done.append((rows[bought], time[bought], segment[1][bought], segment[2][bought]))
            again = faithful & ~bought
            rows, time = rows[again], time[again]
            if not len(rows):
                break
        who, when, channel, device = (np.concatenate(column) for column in zip(*done, strict=True))
        back = last.take(who)
        return self._deliver(when, back.market, channel, device, back.customer, back.number + 1, back.wave)

    def _later(self, time: Floats, gap: Floats) -> Floats:
        """`gap` days of usual demand after `time`, at least MIN_GAP later."""
        days = np.arange(len(self.clock))
        target = np.interp(time, days, self.clock) + gap
        beyond = np.maximum(target - self.clock[-1], 0)  # after the end any later time will do
        return np.maximum(np.interp(target, self.clock, days) + beyond, time + MIN_GAP)

    def _way_back(self, channel: Ints, device: Ints) -> tuple[Ints, Ints]:
        """Channel and device of a returning customer."""
        rng, count = self.rng, len(channel)
        open_channel = rng.choice(len(self.repeat_shares), count, p=self.repeat_shares)
        other_device = rng.choice(len(self.device_shares), count, p=self.device_shares)
        same = rng.random(count) < self.people.same_device
        return np.where(self.closed[channel], channel, open_channel), np.where(same, device, other_device)

    def _factor(self, driver: str, time: Floats, market: Ints, channel: Ints, device: Ints) -> Floats:
        """What is planted in `driver` for each row."""
        names = self._names(market, channel, device)
        return plants.factor(self.world, self.calendar, driver, time.astype(np.int64), **names)

    def _names(self, market: Ints, channel: Ints, device: Ints) -> dict[str, np.ndarray]:
        codes = self.codes
        return {
            "market": codes["market"][market],
            "channel": codes["channel"][channel],
            "device": codes["device"][device],
        }

    def _unhappy(self, orders: Purchases) -> np.ndarray:
        return orders.late | (orders.asked & (orders.reply_hours > self.world.service.slow_hours))

    def _deliver(
        self, time: Floats, market: Ints, channel: Ints, device: Ints, customer: Ints, number: Ints, wave: Ints
    ) -> Purchases:
        """Give orders their carrier, delivery and, for some, a question to the service team."""
        rng, count, service = self.rng, len(time), self.world.service
        names, day = self._names(market, channel, device), time.astype(np.int64)
        carrier = self.carriers.pick(market, rng.random(count))
        promise, on_time_share = self.carriers.promise_days[carrier], self.carriers.on_time_share[carrier]
        planted = plants.factor(
            self.world, self.calendar, "on_time_share", day, **names, carrier=self.carriers.codes[carrier]
        )
        late = rng.random(count) >= on_time_share * planted
        early_days = np.maximum(np.rint(promise * rng.beta(6, 2.5, count)).astype(np.int64), 1)
        delivery = np.where(late, promise + rng.geometric(0.4, count), np.minimum(early_days, promise))
        asked = rng.random(count) < np.where(late, service.ticket_share_late, service.ticket_share)
        slower = self._factor("first_reply", time, market, channel, device)
        reply = rng.lognormal(np.log(service.reply_hours), service.reply_spread, count) * slower
        return Purchases(
            time, market, channel, device, customer, number, wave, carrier, promise, delivery, late, asked, reply
        )

    def _friends(self, orders: Purchases) -> tuple[Floats, Ints, Ints, Ints]:
        """Time, market, channel and device of the first orders of people whom these orders' customers brought."""
        rng, people, channel = self.rng, self.people, self.world.referral_channel
        if channel < 0:
            empty = np.empty(0, dtype=np.int64)
            return np.empty(0), empty, empty, empty
        mean = people.referrals * np.where(self._unhappy(orders), people.unhappy_referral, 1.0)
        behind = np.repeat(np.arange(len(orders)), rng.poisson(mean))
        delay = rng.gamma(2.0, people.referral_delay / 2, len(behind))
        time = orders.time[behind] + orders.delivery_days[behind] + delay
        inside = time < self.calendar.days
        time, market = time[inside], orders.market[behind][inside]
        device = rng.choice(len(self.device_shares), len(time), p=self.device_shares)
        way = np.full(len(time), channel)
        chance = self._factor("referral_rate", time, market, way, device)
        chance = chance * self.success[time.astype(np.int64), market, way, device]
        kept = rng.random(len(time)) < chance
        return time[kept], market[kept], way[kept], device[kept]


@dataclass(frozen=True)
class CarrierTable:
    """All carriers of all markets in one list; `upper` are a market's cumulative shares, `first` its first row."""

    codes: np.ndarray
    promise_days: Ints
    on_time_share: Floats
    upper: Floats
    first: Ints

    def pick(self, market: Ints, chance: Floats) -> Ints:
        """A carrier of each order's market, by uniform `chance`."""
        return self.first[market] + (chance[:, None] >= self.upper[market]).sum(axis=1)


def carrier_table(world: World) -> CarrierTable:
    """The carriers of the world's markets."""
    rows: list[Carrier] = [carrier for market in world.markets for carrier in market.carriers]
    most = max(len(market.carriers) for market in world.markets)
    upper = np.full((len(world.markets), most), 2.0)
    for number, market in enumerate(world.markets):
        shares = _normal(np.array([carrier.share for carrier in market.carriers]))
        upper[number, : len(shares) - 1] = np.cumsum(shares)[:-1]
    sizes = [len(market.carriers) for market in world.markets]
    return CarrierTable(
        np.array([carrier.code for carrier in rows]),
        np.array([carrier.promise_days for carrier in rows]),
        np.array([carrier.on_time_share for carrier in rows]),
        upper,
        np.concatenate([[0], np.cumsum(sizes)[:-1]]),
    )


def _normal(shares: Floats) -> Floats:
    return shares / shares.sum()
