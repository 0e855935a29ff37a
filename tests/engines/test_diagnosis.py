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
    assert weak.verdict.loss <= weak.verdict.engine_loss


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
    assert _words(one) == _words(other)
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
    assert _words(one) == _words(other)
    assert other.loss == pytest.approx(160 * one.loss, rel=1e-6)


def _words(verdict):
    """What the verdict says apart from its money."""
    places = [(s.dimension, s.value) for s in verdict.segments]
    return verdict.called, verdict.engine, verdict.driver, verdict.market, places, verdict.since


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


# --- odd data ---------------------------------------------------------------------------------------------------------
def test_spend_under_other_channel_names_changes_no_value():
    whole = business(1)
    renamed = whole.market.assign(channel=whole.market["channel"].astype(str).str.upper())
    matched, unmatched = diagnose(whole, LAST), diagnose(replace(whole, market=renamed), LAST)
    assert unmatched.value == pytest.approx(matched.value, rel=0.01)
    assert unmatched.first_orders == pytest.approx(matched.first_orders, rel=0.01)


def test_a_business_that_spends_nothing_has_its_value():
    whole = business(1)
    free = diagnose(replace(whole, market=whole.market.assign(cost_base=0.0)), LAST)
    assert free.value > diagnose(whole, LAST).value
    assert free.verdict.reason in {"nothing_stands_out", "at_reference"}


def test_orders_that_earn_nothing_give_no_call():
    whole = business(1)
    frame = whole.conversion.assign(contribution_base=-1.0)
    assert diagnose(replace(whole, conversion=frame), LAST).verdict.reason == "no_margin"


def test_orders_without_amounts_give_no_call():
    whole = business(1)
    frame = whole.conversion.assign(first_net_base=np.nan)
    assert diagnose(replace(whole, conversion=frame), LAST).verdict.reason == "no_amount_data"


def test_a_market_that_does_not_measure_a_stage_keeps_its_value():
    whole = business(1)
    blank = whole.conversion["payment_attempts"].where(whole.conversion["market"] != "DE")
    some = diagnose(replace(whole, conversion=whole.conversion.assign(payment_attempts=blank)), LAST)
    assert some.value == pytest.approx(diagnose(whole, LAST).value, rel=0.01)
    assert some.left_out == ()


def test_a_market_without_traffic_is_left_out_and_named():
    whole = business(1)
    stages = ["sessions", "engaged_sessions", "product_views", "carts", "checkouts", "payment_attempts", "payments"]
    frame = whole.conversion.copy()
    frame.loc[frame["market"] == "DE", stages] = np.nan
    found = diagnose(replace(whole, conversion=frame), LAST)
    assert found.left_out == ("DE",)
    assert found.value < diagnose(whole, LAST).value


def test_refunds_above_revenue_lower_the_value():
    whole = business(1)
    hit = (whole.aftersales["market"] == "DE") & (whole.aftersales["week"] > LAST - 4 * np.timedelta64(7, "D"))
    frame = whole.aftersales.assign(refund_base=whole.aftersales["refund_base"].where(~hit, 1e6))
    found = diagnose(replace(whole, aftersales=frame), LAST)
    assert found.value < diagnose(whole, LAST).value
    assert (found.verdict.engine, found.verdict.driver) == ("aftersales", "kept_share")


def test_a_shop_without_devices_is_not_told_where_on_them():
    whole = business(2, Plant("payments", 0.7, 10, {"market": "US"}))
    frame = whole.conversion.assign(device="")
    segments = diagnose(replace(whole, conversion=frame), LAST).verdict.segments
    assert {s.dimension for s in segments} == {"market"}


def test_a_paused_ad_account_is_not_stale_data():
    whole = business(1)
    paused = whole.market.loc[whole.market["week"] < LAST]
    assert diagnose(replace(whole, market=paused), LAST).verdict.reason != "stale"


def test_one_market_alone_can_be_diagnosed():
    whole = business(2, Plant("payments", 0.7, 10, {"market": "US"}))
    verdict = diagnose(_only(whole, "US"), LAST).verdict
    assert (verdict.engine, verdict.driver) == ("conversion", "payment_rate")


def _only(whole, market):
    keep = {n: getattr(whole, n) for n in ("conversion", "market", "aftersales", "cohorts")}
    return replace(whole, **{n: f.loc[f["market"] == market] for n, f in keep.items()})


# --- scale ------------------------------------------------------------------------------------------------------------
def test_doubling_every_count_and_amount_changes_no_verdict():
    for plant in (None, Plant("payments", 0.7, 10, {"market": "US", "device": "mobile"})):
        once = business(2, plant)
        twice = replace(once, **{name: _doubled(getattr(once, name)) for name in _FRAMES})
        one, two = diagnose(once, LAST).verdict, diagnose(twice, LAST).verdict
        assert _words(one) == _words(two)
        assert two.loss == pytest.approx(2 * one.loss, rel=0.02)


def test_other_names_for_the_markets_change_no_verdict():
    plant = Plant("payments", 0.7, 10, {"market": "US", "device": "mobile"})
    names = {"DE": "Z9", "US": "A1", "GB": "M5", "FR": "K3", "JP": "B2", "BR": "Y8"}
    plain = business(2, plant)
    frames = {n: (f := getattr(plain, n)).assign(market=f["market"].astype(str).map(names)) for n in _FRAMES}
    one, other = diagnose(plain, LAST).verdict, diagnose(replace(plain, **frames), LAST).verdict
    assert other.market == names[one.market]
    assert (one.engine, one.driver, one.since) == (other.engine, other.driver, other.since)
    assert other.loss == pytest.approx(one.loss, rel=0.02)


_FRAMES = ("conversion", "market", "aftersales", "cohorts")


def _doubled(frame):
    """Twice as many of everything: counts, amounts and squares are sums over twice as many facts."""
    return frame.assign(**{c: 2 * frame[c] for c in frame.select_dtypes("number")})


# --- goals ------------------------------------------------------------------------------------------------------------
def test_a_weakness_that_was_always_everywhere_is_known_by_the_goal():
    always = business(2, Plant("payments", 0.8, 200))
    assert not diagnose(always, LAST).verdict.called
    verdict = diagnose(always, LAST, goals={"payment_rate": {"": 0.85}}).verdict
    assert (verdict.engine, verdict.driver, verdict.segments) == ("conversion", "payment_rate", ())


def test_a_goal_that_is_met_is_no_gap():
    whole = business(2, Plant("payments", 0.7, 10, {"market": "US"}))
    verdict = diagnose(whole, LAST, goals={"payment_rate": {"": 0.4}}).verdict
    assert not verdict.called
