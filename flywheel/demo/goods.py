"""What is bought: a catalogue, the lines of orders, and the money of each order."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from flywheel.demo import plants
from flywheel.demo.calendar import Calendar, Floats
from flywheel.demo.customers import Purchases
from flywheel.demo.funnel import Ints
from flywheel.demo.world import World

CATEGORIES = ("jackets", "tents", "backpacks", "footwear", "cooking", "accessories")
ARTICLES = 48
PRICE_SPREAD = 0.75  # sd of the logarithm of the catalogue's prices
EXTRA_LINES = 0.55  # mean lines of an order beyond the first
SECOND_PIECE = 0.12  # share of lines with a quantity of 2
WHOLE_UNITS = {"JPY", "KRW"}  # currencies without cents
Rates = Mapping[str, Floats]  # currency -> units of it per unit of base currency, per day of the calendar


@dataclass(frozen=True)
class Lines:
    """Order lines as arrays: `order` is the order's row, `article` the catalogue's, `price` in the order's currency."""

    order: Ints
    number: Ints
    article: Ints
    quantity: Ints
    price: Floats


@dataclass(frozen=True)
class Money:
    """Per order, in its currency. `units_per_base` is the rate its prices were set at."""

    units_per_base: Floats
    decimals: Ints
    gross: Floats
    discount: Floats
    shipping: Floats
    tax: Floats
    cogs: Floats
    fulfilment_cost: Floats
    payment_cost: Floats

    @property
    def net(self) -> Floats:
        """Goods after discount."""
        return self.gross - self.discount

    @property
    def total(self) -> Floats:
        """What the customer pays."""
        return self.net + self.shipping + self.tax


def article_chances() -> Floats:
    """How often each article is picked when taste and whim are both uniform: triangular; shape (ARTICLES,)."""
    edges = np.linspace(0, 1, ARTICLES + 1)
    below = np.where(edges <= 0.5, 2 * edges**2, 1 - 2 * (1 - edges) ** 2)
    return np.diff(below)


def catalogue(world: World) -> Floats:
    """Prices in base currency, rising, so that an order's mean list value is `world.basket`; shape (ARTICLES,)."""
    position = (np.arange(ARTICLES) + 0.5) / ARTICLES
    prices = np.exp(PRICE_SPREAD * np.log(position / (1 - position)) / 1.7)
    pieces = (1 + EXTRA_LINES) * (1 + SECOND_PIECE)
    return prices * world.basket / (pieces * (prices * article_chances()).sum())


def fill_baskets(
    world: World, calendar: Calendar, orders: Purchases, rates: Rates, rng: np.random.Generator
) -> tuple[Lines, Money]:
    """Choose each order's lines and work out its money; `rates` as in `generate`."""
    units = price_rates(world, calendar, orders, rates)
    decimals = np.array([0 if m.currency in WHOLE_UNITS else 2 for m in world.markets])[orders.market]
    lines = _lines(world, calendar, orders, units, decimals, rng)
    gross = np.bincount(lines.order, weights=lines.quantity * lines.price, minlength=len(orders))
    return lines, _money(world, calendar, orders, _round(gross, decimals), units, decimals, rng)


def price_rates(world: World, calendar: Calendar, orders: Purchases, rates: Rates) -> Floats:
    """The exchange rate behind each order's prices: price lists follow it on the first of each month."""
    dates = calendar.dates()
    months = dates.astype("datetime64[M]").astype("datetime64[D]")
    review_day = np.maximum((months - dates[0]).astype(int), 0)
    flat = [np.full(calendar.days, market.units_per_base) for market in world.markets]
    daily = np.stack([rates.get(market.currency, usual) for market, usual in zip(world.markets, flat, strict=True)])
    return daily[orders.market, review_day[orders.time.astype(np.int64)]]


def _lines(
    world: World, calendar: Calendar, orders: Purchases, units: Floats, decimals: Ints, rng: np.random.Generator
) -> Lines:
    count = 1 + rng.poisson(EXTRA_LINES, len(orders))
    order = np.repeat(np.arange(len(orders)), count)
    number = np.arange(len(order)) - np.repeat(np.cumsum(count) - count, count) + 1
    taste = rng.random(int(orders.customer.max(initial=-1)) + 1)[orders.customer]
    article = (ARTICLES * (taste[order] + rng.random(len(order))) / 2).astype(np.int64)
    level = np.array([market.basket for market in world.markets])[orders.market] * units
    level = level * _basket_factor(world, calendar, orders)
    price = _round(catalogue(world)[article] * level[order], decimals[order])
    return Lines(order, number, article, 1 + (rng.random(len(order)) < SECOND_PIECE), price)


def _basket_factor(world: World, calendar: Calendar, orders: Purchases) -> Floats:
    return plants.factor(
        world,
        calendar,
        "aov",
        orders.time.astype(np.int64),
        market=np.array([market.code for market in world.markets])[orders.market],
        channel=np.array([channel.code for channel in world.channels])[orders.channel],
        device=np.array([device.code for device in world.devices])[orders.device],
    )


def _money(
    world: World,
    calendar: Calendar,
    orders: Purchases,
    gross: Floats,
    units: Floats,
    decimals: Ints,
    rng: np.random.Generator,
) -> Money:
    sale = calendar.discount[orders.time.astype(np.int64)]
    coupon = np.where(rng.random(len(orders)) < world.coupon_share, world.coupon, 0.0)
    discount = _round(gross * np.where(sale > 0, sale, coupon), decimals)
    net = gross - discount
    pays_shipping = net < world.free_shipping_from * units
    shipping = _round(np.where(pays_shipping, world.shipping * units, 0.0), decimals)
    tax = _round((net + shipping) * np.array([m.tax_rate for m in world.markets])[orders.market], decimals)
    commission = np.array([channel.commission for channel in world.channels])[orders.channel]
    costs = world.costs
    return Money(
        units_per_base=units,
        decimals=decimals,
        gross=gross,
        discount=discount,
        shipping=shipping,
        tax=tax,
        cogs=_round(costs.goods * gross, decimals),
        fulfilment_cost=_round(costs.fulfilment * gross, decimals),
        payment_cost=_round(costs.payment * (net + shipping + tax) + commission * net, decimals),
    )


def _round(amount: Floats, decimals: Ints) -> Floats:
    """Amounts rounded to each row's number of decimals."""
    unit = 10.0**decimals
    return np.rint(amount * unit) / unit
