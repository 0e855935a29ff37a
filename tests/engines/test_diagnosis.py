from dataclasses import replace

import numpy as np
import pytest

from engines.diagnosis import diagnose
from tests.businesses import LAST, Plant, business

PLANTS = [
    (Plant("payments", 0.7, 10, {"market": "US", "device": "mobile"}), "conversion", "payment_rate"),
    (Plant("engaged_sessions", 0.8, 8, {"market": "DE"}), "market", "engaged_share"),
    (Plant("sessions", 0.75, 8, {"market": "DE"}), "market", "sessions_per_spend"),
    (Plant("first_aov", 0.8, 8), "conversion", "first_aov"),
    (Plant("repeat_orders", 0.7, 30), "aftersales", "repeat_orders"),
    (Plant("refunds", 3.0, 8), "aftersales", "kept_share"),
]


@pytest.mark.parametrize(("plant", "engine", "driver"), PLANTS, ids=lambda p: getattr(p, "measure", p))
def test_it_names_the_planted_weakness(plant, engine, driver):
    verdict = diagnose(business(2, plant), LAST).verdict
    assert verdict.called
    assert (verdict.engine, verdict.driver) == (engine, driver)
    assert verdict.low > 0


def test_it_says_where_and_since_when():
    plant = Plant("payments", 0.7, 10, {"market": "US", "device": "mobile"})
    verdict = diagnose(business(2, plant), LAST).verdict
    assert {(s.dimension, s.value) for s in verdict.segments} == {("market", "US"), ("device", "mobile")}
    assert verdict.since == str(LAST - 9 * np.timedelta64(7, "D"))


def test_a_business_with_nothing_wrong_gets_no_call_in_nineteen_of_twenty():
    calls = [diagnose(business(seed), LAST).verdict.called for seed in range(100, 140)]
    assert sum(calls) <= 2


def test_the_loss_is_about_what_was_planted():
    plant = Plant("payments", 0.7, 10, {"market": "US"})
    weak, sound = diagnose(business(3, plant), LAST), diagnose(business(3), LAST)
    planted = sound.value - weak.value
    assert weak.verdict.loss == pytest.approx(planted, rel=0.25)


def test_the_verdict_does_not_depend_on_row_order():
    plant = Plant("payments", 0.7, 10, {"market": "US"})
    original = business(2, plant)
    shuffled = replace(
        original,
        **{
            name: getattr(original, name).sample(frac=1, random_state=7)
            for name in ("conversion", "market", "aftersales", "cohorts")
        },
    )
    one, other = diagnose(shuffled, LAST).verdict, diagnose(original, LAST).verdict
    assert replace(one, loss=0, low=0, high=0) == replace(other, loss=0, low=0, high=0)
    assert (one.loss, one.low, one.high) == pytest.approx((other.loss, other.low, other.high), rel=1e-9)


def test_another_currency_scales_the_money_and_changes_no_verdict():
    plant = Plant("payments", 0.7, 10, {"market": "US"})
    euro = business(2, plant)
    yen = replace(
        euro,
        conversion=_scaled(euro.conversion, 160.0),
        market=_scaled(euro.market, 160.0),
        aftersales=_scaled(euro.aftersales, 160.0),
        cohorts=_scaled(euro.cohorts, 160.0),
    )
    one, other = diagnose(euro, LAST).verdict, diagnose(yen, LAST).verdict
    assert (one.engine, one.driver, one.segments, one.since) == (
        other.engine,
        other.driver,
        other.segments,
        other.since,
    )
    assert other.loss == pytest.approx(160 * one.loss, rel=1e-6)


def _scaled(frame, rate):
    money = [c for c in frame if c.endswith("_base") or c == "contribution_365"]
    squares = [c for c in frame if c.endswith("_squares") or c == "contribution_squares_365"]
    squares = [c for c in squares if c != "rating_squares"]
    return frame.assign(**{c: frame[c] * rate for c in money}, **{c: frame[c] * rate**2 for c in squares})


@pytest.mark.parametrize(
    ("part", "columns", "reason"),
    [
        ("conversion", ["sessions", "engaged_sessions"], "no_traffic_data"),
        ("conversion", ["orders"], "no_orders_data"),
        ("conversion", ["contribution_base"], "no_cost_data"),
        ("market", ["cost_base"], "no_spend_data"),
    ],
)
def test_missing_data_gives_no_call_with_its_reason(part, columns, reason):
    whole = business(1)
    frame = getattr(whole, part).assign(**dict.fromkeys(columns, np.nan))
    verdict = diagnose(replace(whole, **{part: frame}), LAST).verdict
    assert (verdict.called, verdict.reason) == (False, reason)


def test_orders_without_customers_give_no_call():
    whole = business(1)
    frame = whole.conversion.assign(first_orders=np.nan)
    assert diagnose(replace(whole, conversion=frame), LAST).verdict.reason == "no_customer_data"


def test_data_that_ended_before_the_week_is_stale():
    whole = business(1)
    old = whole.conversion["week"] <= LAST - 3 * np.timedelta64(7, "D")
    assert diagnose(replace(whole, conversion=whole.conversion.loc[old]), LAST).verdict.reason == "stale"


def test_data_far_behind_the_calendar_is_stale():
    week = np.timedelta64(7, "D")
    assert diagnose(business(1), LAST, LAST + 2 * week).verdict.reason == "stale"
    assert diagnose(business(1), LAST, LAST + week).verdict.reason != "stale"


def test_a_tiny_business_has_too_little_data():
    verdict = diagnose(business(1, sessions=100), LAST).verdict
    assert (verdict.reason, verdict.called) == ("too_few_sessions", False)
    assert verdict.have < verdict.needed


def test_a_young_business_has_no_twelve_month_value_yet():
    assert diagnose(business(1, weeks=40), LAST).verdict.reason == "too_young"


def test_an_empty_business_has_no_data():
    whole = business(1)
    empty = {n: getattr(whole, n).iloc[:0] for n in ("conversion", "market", "aftersales", "cohorts")}
    assert diagnose(replace(whole, **empty), LAST).verdict.reason == "no_data"


def test_a_stage_that_is_not_measured_is_joined_to_the_next():
    whole = business(2, Plant("payments", 0.7, 10, {"market": "US"}))
    frame = whole.conversion.assign(payment_attempts=np.nan)
    verdict = diagnose(replace(whole, conversion=frame), LAST).verdict
    assert (verdict.engine, verdict.driver) == ("conversion", "payment_rate")
