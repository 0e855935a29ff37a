import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.conversion import STAGES, common_stages, compared, funnel, losses
from engines.results import Estimate, Unavailable

AOV = Estimate(50.0, 45.0, 55.0, 100, "money_per")
journeys = st.lists(st.integers(0, 100_000), min_size=len(STAGES), max_size=len(STAGES)).map(
    lambda counts: dict(zip(STAGES, map(float, sorted(counts, reverse=True)), strict=True))
)


def journey(*counts):
    return funnel(dict(zip(STAGES, map(float, counts), strict=True)))


def test_funnel_gives_step_and_total_rates():
    steps = funnel({"sessions": 1000.0, "engaged_sessions": 600.0, "product_views": 300.0})
    assert [s.key for s in steps] == ["sessions", "engaged_sessions", "product_views"]
    assert steps[2].step_rate.value == 0.5
    assert steps[2].total_rate.value == 0.3
    assert steps[2].lost == 300


def test_a_stage_that_is_not_measured_is_left_out():
    steps = funnel({"sessions": 1000.0, "engaged_sessions": math.nan, "carts": 100.0})
    assert [s.key for s in steps] == ["sessions", "carts"]


def test_no_funnel_without_sessions():
    assert funnel({}) == ()
    assert funnel({"sessions": math.nan, "payments": 3.0}) == ()
    assert funnel({"sessions": 0.0}) == ()


# --- what is lost -----------------------------------------------------------------------------------------------------
def test_what_a_step_loses_is_its_lost_sessions_at_the_rate_of_those_who_went_on():
    found = {loss.key: loss for loss in losses(journey(1000, 600, 500, 100, 80, 60, 50, 40), AOV)}
    assert found["carts"].sessions == 400
    assert found["carts"].onward == 0.4
    assert found["carts"].orders == 160
    assert found["carts"].money.value == 8000
    assert found["payments"].orders == 10


def test_nothing_is_said_of_losses_where_payments_are_not_measured():
    assert losses(funnel({"sessions": 1000.0, "carts": 100.0}), AOV) == ()


def test_without_an_order_value_there_is_no_money():
    assert losses(journey(9, 8, 7, 6, 5, 4, 3, 2), Unavailable("no_orders_data"))[0].money == Unavailable(
        "no_orders_data"
    )


@given(journeys)
def test_a_step_that_lost_nobody_would_multiply_orders_by_one_over_its_rate(sums):
    steps = funnel(sums)
    for loss, step in zip(losses(steps, AOV), steps[1:], strict=False):
        if step.count:
            assert steps[-1].count + loss.orders == pytest.approx(steps[-1].count / step.step_rate.value)


def test_a_step_that_more_reach_than_the_one_before_has_no_rate_and_loses_nothing_that_could_be_told():
    """Checkouts without a cart ("buy now") or of another source: 130 of 100 is no share, and what is lost not known."""
    steps = journey(1000, 600, 500, 100, 100, 130, 50, 40)
    checkouts = steps[5]
    assert checkouts.step_rate == Unavailable("more_than_all")
    assert checkouts.total_rate.value == 0.13
    assert math.isnan(checkouts.lost)
    found = {loss.key: loss for loss in losses(steps, AOV)}
    assert found["checkouts"].money == Unavailable("more_than_all")
    assert found["carts"].money.value == 400 * 0.4 * 50


def test_money_is_not_told_where_more_paid_than_reached_the_step():
    found = {loss.key: loss for loss in losses(journey(1000, 600, 500, 30, 30, 28, 50, 40), AOV)}
    assert found["carts"].money == Unavailable("more_than_all")
    assert found["engaged_sessions"].money.value == pytest.approx(400 * 40 / 600 * 50)


def test_a_contradiction_in_either_period_leaves_no_change():
    sound, broken = journey(1000, 600, 500, 100, 100, 80, 50, 40), journey(1000, 600, 500, 100, 100, 130, 50, 40)
    for now, then in ((sound, broken), (broken, sound)):
        row = next(r for r in compared(now, then, AOV) if r.key == "checkouts")
        assert row.step_change == row.money == Unavailable("more_than_all")
        assert isinstance(row.total_change, Estimate)


# --- two periods ------------------------------------------------------------------------------------------------------
def test_a_step_beside_another_period_has_its_difference_and_what_that_brings():
    now, then = journey(1000, 600, 500, 100, 80, 60, 50, 20), journey(1000, 600, 500, 100, 80, 60, 50, 40)
    last = compared(now, then, AOV)[-1]
    assert last.step_change.value == pytest.approx(-0.4)
    assert last.total_change.value == pytest.approx(-0.02)
    assert last.money.value == pytest.approx(-20 * 50)
    assert last.money.low < last.money.value < last.money.high < 0


def test_steps_that_the_other_period_measures_differently_are_not_compared():
    now = journey(1000, 600, 500, 100, 80, 60, 50, 20)
    then = funnel({"sessions": 1000.0, "engaged_sessions": 600.0, "carts": 100.0, "payments": 30.0})
    rows = {row.key: row for row in compared(now, then, AOV)}
    assert rows["engaged_sessions"].step_change is not None
    assert rows["carts"].step_change is None  # after product views now, after engaged sessions then
    assert rows["carts"].total_change is not None
    assert rows["product_views"].then is None
    assert isinstance(rows["payments"].money, Unavailable)


def test_no_other_period_leaves_the_steps_alone():
    assert all(row.then is None and row.step_change is None for row in compared(journey(*range(8, 0, -1)), (), AOV))


@given(journeys, journeys)
def test_swapping_the_periods_turns_the_sign(one, other):
    there, back = compared(funnel(one), funnel(other), AOV), compared(funnel(other), funnel(one), AOV)
    for a, b in zip(there, back, strict=False):
        if a.step_change is not None and b.step_change is not None:
            assert a.step_change.value == pytest.approx(-b.step_change.value)


# --- rows of different sources ----------------------------------------------------------------------------------------
def known(*rows):
    return np.array([[key in row for key in STAGES] for row in rows])


def taken(rows, sessions):
    return {k for k, is_taken in zip(STAGES, common_stages(known(*rows), np.array(sessions)), strict=True) if is_taken}


def test_the_journey_is_told_by_the_stages_that_most_paying_sessions_know():
    shop, marketplace = {"sessions", "carts", "checkouts", "payments"}, {"sessions", "product_views"}
    assert taken([shop, marketplace], [100.0, 9_000.0]) == shop
    assert taken([marketplace], [9_000.0]) == marketplace
    fuller = shop | {"engaged_sessions"}
    assert taken([shop, fuller], [1_000.0, 10.0]) == shop  # a small source that counts more is part of it
    assert taken([shop, fuller], [10.0, 1_000.0]) == fuller


def test_rows_without_sessions_tell_no_journey():
    assert taken([set(STAGES) - {"sessions"}, set(STAGES)], [0.0, 0.0]) == set()
