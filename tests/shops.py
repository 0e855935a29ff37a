"""Simulated customers whose parameters are known: histories, values and what each does afterwards."""

from dataclasses import dataclass

import numpy as np

from engines.lifetime import Customers
from engines.ltv import OrderModel, ValueModel

ORDERS = OrderModel("bg", 0.8, 12.0, 0.8, 2.5)  # in weeks
VALUES = ValueModel(6.0, 4.0, 45.0)
SPAN, YEAR = 104.0, 52.0
EARNED, EARNED_SD = 0.45, 0.35  # contribution ÷ net of an order, and how much that differs between orders
TOLD, RETURNED = 0.4, 0.05  # shares of orders that tell their costs, and that are given back whole
MARGIN = EARNED - RETURNED


@dataclass(frozen=True)
class Shop:
    """Customers at the end of `SPAN` weeks, and what they order and spend in the year after."""

    customers: Customers
    orders: np.ndarray
    spent: np.ndarray


def shop(
    rng: np.random.Generator, size: int, orders: OrderModel = ORDERS, values: ValueModel = VALUES, span: float = SPAN
) -> Shop:
    """A shop of `size` customers whose first orders are spread over the span; times in whole days, in weeks."""
    age = np.ceil(rng.uniform(0, span, size) * 7) / 7
    rate, leaves = rng.gamma(orders.r, 1 / orders.alpha, size), rng.beta(orders.a, orders.b, size)
    x, last, later, now = np.zeros((4, size))
    there = np.ones(size, dtype=bool)
    if orders.kind == "mbg":
        there = rng.random(size) >= leaves
    while there.any():
        now = now + rng.exponential(size=size) / rate
        there &= now <= age + YEAR
        past = there & (now <= age)
        x, last, later = x + past, np.where(past, now, last), later + (there & ~past)
        there &= rng.random(size) >= leaves
    spending = values.gamma / rng.gamma(values.q, size=size)
    mean = np.full(size, np.nan)
    again, after = x > 0, later > 0
    mean[again] = rng.gamma(values.p * x[again]) * spending[again] / x[again]
    spent = np.zeros(size)
    spent[after] = rng.gamma(values.p * later[after]) * spending[after]
    return Shop(Customers(x, last, age, mean), later, spent)


def ledger(rng: np.random.Generator, sold: Shop, values: ValueModel = VALUES) -> tuple[np.ndarray, ...]:
    """What each customer's orders told of money: net, net of orders with known costs, contribution of those, refunded.

    NaN where no order of a customer tells its costs.
    """
    who = sold.customers
    once = values.p * values.gamma / rng.gamma(values.q, size=who.x.size)  # means of those who came once
    mean = np.where(who.x > 0, who.mean_value, once)
    at = np.repeat(np.arange(who.x.size), who.x.astype(int) + 1)
    net = rng.gamma(values.p, size=at.size) / values.p * mean[at]
    told, back = rng.random(at.size) < TOLD, rng.random(at.size) < RETURNED
    earned = net * rng.normal(EARNED, EARNED_SD, at.size)

    def total(amounts: np.ndarray) -> np.ndarray:
        return np.bincount(at, weights=amounts, minlength=who.x.size)

    known = total(told * 1.0) > 0
    costed, contribution = (np.where(known, total(told * amounts), np.nan) for amounts in (net, earned))
    return total(net), costed, contribution, total(back * net)
