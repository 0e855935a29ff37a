"""A campaign against its hold-out: the comparison, what it refuses, and intervals that hold what they promise."""

from math import nan

import numpy as np
import pytest

from engines.aftersales import Group, against_hold_out
from engines.results import Unavailable

Amounts = np.ndarray


def group(orders: Amounts, revenue: Amounts) -> Group:
    """Customers with their orders and revenue; half of the revenue is contribution."""
    sums = [(float(v.sum()), float((v**2).sum())) for v in (orders, revenue, revenue / 2)]
    return Group(float(orders.size), float((orders > 0).sum()), *(each for pair in sums for each in pair))


def drawn(rng: np.random.Generator, size: int, rate: float) -> Group:
    orders = rng.poisson(rate, size).astype(float)
    return group(orders, orders * rng.gamma(2.0, 20.0, size))


def test_extra_is_the_difference_of_the_means_times_those_written_to() -> None:
    treated, held = (
        group(np.repeat([0.0, 1, 2], [200, 60, 40]), np.repeat([0.0, 30, 50], [200, 60, 40])),
        drawn(np.random.default_rng(1), 200, 0.2),
    )
    found = against_hold_out(treated, held)
    assert found.ordered.value == pytest.approx(1 / 3)
    assert found.extra_orders.value == pytest.approx(300 * (140 / 300 - held.orders / 200))
    assert found.extra_revenue.value == pytest.approx(300 * (3800 / 300 - held.revenue / 200))
    assert found.extra_contribution.value == pytest.approx(found.extra_revenue.value / 2)
    assert (found.extra_orders.unit, found.extra_revenue.unit, found.extra_revenue.n) == ("count", "money", 500)


def test_95_percent_intervals_hold_what_a_campaign_brings() -> None:
    """Order rates of 0.30 and 0.20 a head, 40 a piece: 100 extra orders and 4,000 for 1,000 customers."""
    held = []
    for seed in range(1000):
        rng = np.random.default_rng((2, seed))
        found = against_hold_out(drawn(rng, 1000, 0.30), drawn(rng, 300, 0.20))
        truths = (np.exp(-0.2) - np.exp(-0.3), 100.0, 4000.0, 2000.0)
        results = (found.lift, found.extra_orders, found.extra_revenue, found.extra_contribution)
        held.append([r.low <= truth <= r.high for r, truth in zip(results, truths, strict=True)])
    shares = np.mean(held, axis=0)
    assert ((shares >= 0.93) & (shares <= 0.97)).all(), shares


def test_without_hold_out_there_is_nothing_to_compare_with() -> None:
    found = against_hold_out(drawn(np.random.default_rng(1), 500, 0.3), None)
    assert found.ordered.n == 500
    assert found.held_out_ordered == found.lift == found.extra_revenue == Unavailable("no_holdout")


def test_few_customers_or_orders_are_refused_alike() -> None:
    rng = np.random.default_rng(1)
    small = against_hold_out(drawn(rng, 500, 0.3), drawn(rng, 50, 0.3))
    assert small.lift == small.extra_orders == small.extra_contribution == Unavailable("too_few", 50, 100)
    nothing = against_hold_out(drawn(rng, 500, 0.0), drawn(rng, 200, 0.0))
    assert isinstance(nothing.lift, Unavailable)
    assert nothing.extra_orders == nothing.lift


def test_money_that_is_not_known_is_told_and_orders_still_are() -> None:
    known = drawn(np.random.default_rng(1), 500, 0.3)
    unknown = Group(known.customers, known.ordered, known.orders, known.orders_squares, nan, nan, nan, nan)
    found = against_hold_out(known, unknown)
    assert found.extra_revenue == Unavailable("no_orders_data")
    assert found.extra_contribution == Unavailable("no_cost_data")
    assert found.extra_orders.value == 0
