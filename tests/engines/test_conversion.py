import math

from engines.conversion import funnel


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
