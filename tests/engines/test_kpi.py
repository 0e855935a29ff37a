import math

import pytest

from engines.kpi import KPIS, MIN_ORDERS, MIN_RATE, Shape, compute
from engines.results import REASONS, Estimate, Unavailable


def test_a_rate_is_the_ratio_of_sums_with_a_wilson_interval():
    cvr = compute(KPIS["cvr"], {"tracked_orders": 81.0, "sessions": 263.0})
    assert isinstance(cvr, Estimate)
    assert cvr.value == pytest.approx(81 / 263)
    assert (round(cvr.low, 4), round(cvr.high, 4)) == (0.2553, 0.3662)
    assert cvr.n == 263


def test_missing_traffic_is_not_zero():
    assert compute(KPIS["cvr"], {"tracked_orders": 81.0, "sessions": math.nan}) == Unavailable("no_traffic_data")
    assert compute(KPIS["sessions"], {}) == Unavailable("no_traffic_data")


def test_a_step_that_traffic_does_not_count_is_not_measured():
    sums = {"product_views": 700.0, "engaged_sessions": math.nan, "sessions": 1000.0}
    assert compute(KPIS["view_rate"], sums) == Unavailable("not_measured")
    assert compute(KPIS["view_rate"], sums | {"sessions": math.nan}) == Unavailable("no_traffic_data")


def test_missing_spend_leaves_cac_unavailable():
    assert compute(KPIS["cac"], {"first_orders": 500.0}) == Unavailable("no_spend_data")


def test_it_withholds_a_rate_below_its_minimum_sample():
    result = compute(KPIS["cvr"], {"tracked_orders": 1.0, "sessions": MIN_RATE - 1.0})
    assert result == Unavailable("too_few", MIN_RATE - 1.0, MIN_RATE)


def test_aov_carries_the_interval_of_its_spread():
    n = 400.0
    aov = compute(KPIS["aov"], {"net_base": 50 * n, "priced_orders": n, "net_squares": n * (50**2 + 20**2)})
    assert isinstance(aov, Estimate)
    assert aov.value == 50
    assert aov.high - aov.value == pytest.approx(1.96 * 20 / math.sqrt(n), rel=0.01)


def test_cac_interval_narrows_with_new_customers():
    few = compute(KPIS["cac"], {"cost_base": 1000.0, "first_orders": float(MIN_ORDERS)})
    many = compute(KPIS["cac"], {"cost_base": 100_000.0, "first_orders": 100.0 * MIN_ORDERS})
    assert isinstance(few, Estimate)
    assert isinstance(many, Estimate)
    assert few.high / few.low > many.high / many.low > 1


def test_ltv_cac_is_mean_contribution_over_cac():
    sums = {
        "contribution_365": 60_000.0,
        "contribution_squares_365": 60_000.0 * 60 * 2,
        "costed_customers_365": 1000.0,
        "cost_base": 20_000.0,
        "first_orders": 1000.0,
    }
    result = compute(KPIS["ltv_cac"], sums)
    assert isinstance(result, Estimate)
    assert result.value == pytest.approx(3.0)
    assert result.low < 3 < result.high


@pytest.mark.parametrize("contribution", [-60_000.0, 0.0, 0.001])
def test_customers_that_lose_money_show_a_ratio_below_one(contribution):
    sums = {
        "contribution_365": contribution,
        "contribution_squares_365": 60_000.0 * 60 * 2,
        "costed_customers_365": 1000.0,
        "cost_base": 20_000.0,
        "first_orders": 1000.0,
    }
    result = compute(KPIS["ltv_cac"], sums)
    assert isinstance(result, Estimate)
    assert result.value == pytest.approx(contribution / 20_000.0)
    assert result.low < result.value < result.high


def test_refunds_in_a_week_without_revenue_have_no_rate():
    result = compute(KPIS["refund_rate"], {"refund_base": 500.0, "refunds": 50.0, "net_base": 0.0})
    assert result == Unavailable("no_orders_data")


@pytest.mark.parametrize("kpi", KPIS.values(), ids=lambda k: k.key)
def test_every_kpi_says_in_both_languages_what_it_is(kpi):
    for words in (kpi.name, kpi.definition, kpi.source, kpi.owner):
        assert words.en
        assert words.zh
        assert any("\u4e00" <= c <= "\u9fff" for c in words.zh)


@pytest.mark.parametrize("kpi", KPIS.values(), ids=lambda k: k.key)
def test_every_kpi_without_data_has_a_known_reason(kpi):
    result = compute(kpi, {})
    assert isinstance(result, Unavailable)
    assert result.reason in REASONS


@pytest.mark.parametrize("kpi", [k for k in KPIS.values() if k.shape is Shape.RATE], ids=lambda k: k.key)
def test_rates_do_not_change_when_every_count_doubles(kpi):
    once = compute(kpi, {"sessions": 5000.0, kpi.numerator: 300.0, kpi.denominator: 1000.0})
    twice = compute(kpi, {"sessions": 10_000.0, kpi.numerator: 600.0, kpi.denominator: 2000.0})
    assert once.value == twice.value
    assert twice.high - twice.low < once.high - once.low
