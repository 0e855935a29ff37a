"""Lifetime value: the formula, its refusals, and intervals that hold what they promise."""

import numpy as np
import pytest

from engines import lifetime, ltv
from engines.results import Estimate, Unavailable
from tests.shops import MARGIN, ORDERS, SPAN, VALUES, YEAR, ledger, shop

KNOWN = lifetime.Margin(MARGIN, 0.0, 100)
SHOPS = 200  # bench/ltv_coverage.py draws 1,000 of each of five kinds


@pytest.fixture(scope="module")
def customers() -> lifetime.Customers:
    return shop(np.random.default_rng(11), 1500).customers


def fitted(who: lifetime.Customers) -> tuple[ltv.OrderModel, ltv.ValueModel]:
    orders, values = ltv.fit_orders(ltv.histories(who.x, who.t_x, who.T)), ltv.fit_values(who.x, who.mean_value)
    assert isinstance(orders, ltv.OrderModel)
    assert isinstance(values, ltv.ValueModel)
    return orders, values


@pytest.fixture(scope="module")
def models(customers) -> tuple[ltv.OrderModel, ltv.ValueModel]:
    return fitted(customers)


def test_twelve_months_are_the_first_order_and_each_months_repeats_discounted(models) -> None:
    orders, values = models
    by_month = np.diff([0.0, *(ltv.orders_of_new(orders, YEAR * m / 12) for m in range(1, 13))])
    repeats = sum(n / 1.1 ** (m / 12) for m, n in enumerate(by_month, 1))
    found = lifetime.lifetime_value(orders, values, KNOWN, YEAR, SPAN, discount=0.1)
    assert found.value == pytest.approx(MARGIN * values.mean * (1 + repeats))
    assert found.low < found.value < found.high
    assert (found.n, found.unit) == (1500, "money")


def test_without_discount_the_months_add_up_to_the_year(models) -> None:
    found = lifetime.lifetime_value(models[0], models[1], lifetime.Margin(1.0, 0.0, 100), YEAR, SPAN, discount=0.0)
    assert found.value == pytest.approx(models[1].mean * (1 + ltv.orders_of_new(models[0], YEAR)))


def test_a_year_is_not_foretold_from_less_than_half_a_year(models) -> None:
    assert lifetime.lifetime_value(models[0], models[1], KNOWN, YEAR, 25.0) == Unavailable("too_young", 25.0, 26.0)
    assert isinstance(lifetime.lifetime_value(models[0], models[1], KNOWN, YEAR, 26.0), Estimate)


def test_scores_are_those_of_each_customer_alone(customers, models) -> None:
    found = lifetime.scores(
        models[0], models[1], ltv.histories(customers.x, customers.t_x, customers.T), customers, YEAR
    )
    alone = ltv.expected_orders(models[0], customers.x, customers.t_x, customers.T, YEAR)
    np.testing.assert_allclose(found.orders, alone, rtol=1e-12)
    np.testing.assert_array_equal(found.alive, ltv.alive(models[0], customers.x, customers.t_x, customers.T))
    np.testing.assert_allclose(
        found.value, alone * ltv.expected_value(models[1], customers.x, customers.mean_value), rtol=1e-12
    )


def test_a_forecast_lies_around_the_sum_of_the_scores(customers, models) -> None:
    found = lifetime.scores(
        models[0], models[1], ltv.histories(customers.x, customers.t_x, customers.T), customers, YEAR
    )
    ahead = lifetime.forecast(models[0], models[1], customers, YEAR)
    assert ahead.orders.value == pytest.approx(found.orders.sum())
    assert ahead.value.value == pytest.approx(found.value.sum())
    assert ahead.orders.low < ahead.orders.value < ahead.orders.high
    assert ahead == lifetime.forecast(models[0], models[1], customers, YEAR)


def test_simulated_orders_are_on_average_those_expected(customers) -> None:
    rng = np.random.default_rng(2)
    drawn = np.mean([lifetime.simulate_orders(ORDERS, customers, YEAR, rng).sum() for _ in range(300)])
    expected = ltv.expected_orders(ORDERS, customers.x, customers.t_x, customers.T, YEAR).sum()
    assert drawn == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("kind", ["bg", "mbg"])
def test_the_next_year_of_simulated_shops_is_the_one_expected(kind) -> None:
    """The formula against customers that are made one order at a time."""
    model = ltv.OrderModel(kind, 0.8, 12.0, 0.8, 2.5)
    sold = shop(np.random.default_rng(4), 60_000, model)
    who = sold.customers
    assert ltv.expected_orders(model, who.x, who.t_x, who.T, YEAR).sum() == pytest.approx(sold.orders.sum(), rel=0.02)
    worth = ltv.expected_value(VALUES, who.x, who.mean_value) * ltv.expected_orders(model, who.x, who.t_x, who.T, YEAR)
    assert worth.sum() == pytest.approx(sold.spent.sum(), rel=0.02)


def test_95_percent_intervals_hold_the_truth_in_93_to_97_percent_of_simulated_shops() -> None:
    """LTV of a new customer against the true one, and the present customers' next year against what they then did."""
    truth = MARGIN * VALUES.mean * (1 + float(lifetime.discounted_orders_of_new(ORDERS, YEAR)))
    held, narrow = [], []
    for seed in range(SHOPS):
        sold = shop(np.random.default_rng((9, seed)), 400)
        who = sold.customers
        fit = fitted(who)
        margin = lifetime.margin(*ledger(np.random.default_rng((9, seed, 1)), sold))
        assert isinstance(margin, lifetime.Margin)
        value = lifetime.lifetime_value(fit[0], fit[1], margin, YEAR, SPAN)
        taken = lifetime.lifetime_value(fit[0], fit[1], lifetime.Margin(margin.value, 0.0, 1), YEAR, SPAN)
        narrow.append(taken.low <= truth <= taken.high)
        assert isinstance(value, Estimate)
        assert value.low is not None and value.high is not None  # noqa: PT018
        ahead = lifetime.forecast(fit[0], fit[1], who, YEAR)
        held.append(
            (
                value.low <= truth <= value.high,
                ahead.orders.low <= sold.orders.sum() <= ahead.orders.high,
                ahead.value.low <= sold.spent.sum() <= ahead.value.high,
            )
        )
    shares = np.mean(held, axis=0)
    assert ((shares >= 0.93) & (shares <= 0.97)).all(), shares
    assert np.mean(narrow) < 0.93  # were the margin taken as known, they would not


# --- the margin -------------------------------------------------------------------------------------------------------
def test_95_percent_intervals_hold_the_margin_of_simulated_shops() -> None:
    held = []
    for seed in range(4 * SHOPS):
        rng = np.random.default_rng((3, seed))
        found = lifetime.margin(*ledger(rng, shop(rng, 300))).estimate
        held.append(found.low <= MARGIN <= found.high)
    assert 0.93 <= np.mean(held) <= 0.97


def test_the_margin_is_of_orders_that_tell_their_costs_and_refunds_of_all() -> None:
    net, costed = np.full(60, 100.0), np.where(np.arange(60) < 40, 100.0, np.nan)
    found = lifetime.margin(net, costed, costed * 0.5, np.where(np.arange(60) < 6, 100.0, 0.0))
    assert found.value == pytest.approx(0.5 - 0.1)
    assert found.customers == 40
    assert found.error == pytest.approx(np.sqrt(0.1 * 0.9 / 59), rel=1e-9)  # of the share that is given back


def test_a_margin_of_few_customers_or_of_none_is_refused() -> None:
    net, unknown = np.full(60, 100.0), np.full(60, np.nan)
    few = np.where(np.arange(60) < 29, 100.0, np.nan)
    assert lifetime.margin(net, few, few * 0.5, net * 0) == Unavailable("too_few", 29, 30)
    assert lifetime.margin(net, unknown, unknown, net * 0) == Unavailable("no_cost_data")


def test_what_is_left_of_a_forecast_has_the_errors_of_both() -> None:
    ahead = Estimate(1000.0, 900.0, 1150.0, 50, "money")
    assert lifetime.Margin(0.4, 0.0, 50).of(ahead) == Estimate(400.0, 360.0, 460.0, 50, "money")
    left = lifetime.Margin(0.4, 0.02, 50).of(ahead)
    assert left.value - left.low == pytest.approx(np.hypot(40, 1.96 * 20), rel=1e-3)
    assert left.high - left.value == pytest.approx(np.hypot(60, 1.96 * 20), rel=1e-3)
    loss = lifetime.Margin(-0.4, 0.0, 50).of(ahead)
    assert [loss.low, loss.high] == pytest.approx([-460.0, -360.0])
    nothing = lifetime.Margin(0.0, 0.02, 50).of(ahead)
    assert [nothing.low, nothing.value, nothing.high] == pytest.approx([-39.2, 0.0, 39.2], rel=1e-3)


def test_a_hold_out_tells_its_error_and_whether_chance_explains_it() -> None:
    sold = shop(np.random.default_rng(8), 2000)
    found = lifetime.hold_out(sold.customers, sold.orders, YEAR)
    assert found.error == pytest.approx(found.forecast.value / sold.orders.sum() - 1)
    assert found.is_covered
    worse = lifetime.hold_out(sold.customers, sold.orders * 3, YEAR)
    assert worse.error < -0.5
    assert not worse.is_covered


def test_a_hold_out_of_too_few_customers_is_refused() -> None:
    few = shop(np.random.default_rng(8), 40)
    assert lifetime.hold_out(few.customers, few.orders, YEAR) == Unavailable("too_few", 40, ltv.MIN_CUSTOMERS)


# --- the next order ---------------------------------------------------------------------------------------------------
def test_so_many_have_ordered_again_by_each_day_of_the_wait() -> None:
    """Against waits that are drawn: a rate given the history, then an exponential wait."""
    rng = np.random.default_rng(5)
    shares = np.array([0.25, 0.5, 0.75])
    for x, age in ((0.0, 10.0), (3.0, 40.0)):
        ends = lifetime.waits(ORDERS, np.array([x]), np.array([age]), shares)[:, 0]
        rate = rng.gamma(ORDERS.r + x, 1 / (ORDERS.alpha + age), 200_000)
        drawn = rng.exponential(1 / rate)
        assert [(drawn <= end).mean() for end in ends] == pytest.approx(shares, abs=0.005)


def test_who_orders_more_often_waits_less_and_no_wait_overflows() -> None:
    found = lifetime.waits(ORDERS, np.array([0.0, 1.0, 9.0]), np.full(3, 50.0), np.array([0.5]))[0]
    assert found[0] > found[1] > found[2] > 0
    rare = ltv.OrderModel("bg", 1e-4, 5.0, 1.0, 1.0)
    assert lifetime.waits(rare, np.zeros(1), np.ones(1), np.array([0.75]))[0, 0] == np.inf


# --- what was observed ------------------------------------------------------------------------------------------------
def curve(rows: list[tuple[str, int, float, float]], as_of: str) -> lifetime.Observed:
    """The curve of rows (month of the first order, age, customers active, contribution)."""
    cohort, age, active, brought = zip(*rows, strict=True)
    months = np.array(cohort, dtype="datetime64[M]").astype("datetime64[D]")
    unknown = np.full(len(age), np.nan)
    return lifetime.observed(months, np.array(age), np.array(active), np.array(brought), unknown, np.datetime64(as_of))


def test_the_means_of_each_month_add_up_over_the_cohorts_that_are_old_enough() -> None:
    found = curve([("2025-01", 0, 50, 500.0), ("2025-01", 1, 5, 100.0), ("2025-02", 0, 50, 1000.0)], "2025-04-02")
    assert found.customers.tolist() == [100, 50]  # those of February are not over their second month
    assert found.total.tolist() == [15.0, 17.0]


def test_a_month_that_is_not_over_for_the_youngest_does_not_count() -> None:
    rows = [("2025-01", 0, 50, 500.0), ("2025-01", 1, 5, 100.0)]
    assert curve(rows, "2025-03-01").total.size == 0  # the youngest came on 31 January
    assert curve(rows, "2025-03-03").total.tolist() == [10.0]


def test_a_month_in_which_nobody_ordered_adds_nothing_and_is_not_left_out() -> None:
    found = curve([("2025-01", 0, 40, 400.0), ("2025-01", 2, 4, 40.0)], "2025-12-31")
    assert found.total.tolist() == [10.0, 10.0, 11.0]


def test_ages_of_few_customers_are_left_out() -> None:
    found = curve([("2025-01", 0, 29, 400.0), ("2025-02", 0, 31, 310.0), ("2025-01", 9, 1, 90.0)], "2025-12-31")
    assert found.customers.tolist()[:2] == [60, 60]
    assert curve([("2025-01", 0, 29, 400.0)], "2025-12-31").total.size == 0


def test_a_cost_is_paid_back_in_the_first_month_that_reaches_it() -> None:
    found = lifetime.Observed(np.array([10.0, 12.0, 15.0]), np.array([90.0, 60.0, 40.0]), np.full(3, np.nan))
    assert [found.payback(cost) for cost in (10, 10.5, 15, 16)] == [1, 2, 3, None]


def test_the_payback_month_has_the_errors_of_the_path_and_of_the_cost() -> None:
    path = lifetime.Observed(np.array([10.0, 12.0, 14.0, 16.0]), np.full(4, 90.0), np.array([0.3, 0.4, 0.5, 0.6]))
    assert path.payback(12.0) == 2
    assert path.payback_range(12.0, 0.0) == (2, 3)  # 12 - 1.96 x 0.4 is below
    assert path.payback_range(12.0, 1.2) == (1, 4)
    assert path.payback_range(15.9, 0.0) == (4, None)
    unknown = lifetime.Observed(path.total, path.customers, np.full(4, np.nan))
    assert unknown.payback_range(12.0, 0.0) == (None, None)


def test_95_percent_intervals_hold_what_customers_bring_by_each_age() -> None:
    """Shops whose customers bring 0, or Gamma amounts, in each of four months; all of one cohort."""
    mean, held = 8.0 * 0.3, []
    for seed in range(4 * SHOPS):
        rng = np.random.default_rng((6, seed))
        brought = rng.gamma(2.0, 4.0, (150, 4)) * (rng.random((150, 4)) < 0.3) * rng.gamma(4, 0.25, (150, 1))
        upto = brought.cumsum(axis=1)
        raised = np.diff(np.concatenate([np.zeros((150, 1)), upto**2], axis=1), axis=1).sum(axis=0)
        found = lifetime.observed(
            np.full(4, np.datetime64("2025-01-01")), np.arange(4), np.array([150.0, 1, 1, 1]), brought.sum(axis=0),
            raised, np.datetime64("2025-12-31"),
        )  # fmt: skip
        assert found.error[3] == pytest.approx(upto[:, 3].std(ddof=1) / np.sqrt(150))
        held.append([found.at(age).low <= mean * (age + 1) <= found.at(age).high for age in range(4)])
    shares = np.mean(held, axis=0)
    assert ((shares >= 0.92) & (shares <= 0.97)).all(), shares


def test_what_was_kept_without_its_spread_has_no_interval() -> None:
    found = curve([("2025-01", 0, 50, 500.0)], "2025-12-31").at(0)
    assert (found.value, found.low, found.high, found.n) == (10.0, None, None, 50)


def cost(value: float, n: float = 100.0) -> Estimate:
    return Estimate(value, value, value, n, "money")


def test_ltv_against_cost_has_the_errors_of_both() -> None:
    found = lifetime.against_cost(Estimate(50.0, 45.0, 55.0, 900, "money"), cost(25.0))
    assert found.value == pytest.approx(2.0)
    assert found.high - found.value == pytest.approx(np.hypot(0.2, 1.96 * 2 / 10), rel=1e-3)
    assert lifetime.against_cost(Unavailable("too_few"), cost(1.0)) == Unavailable("too_few")
    few = lifetime.against_cost(Estimate(50.0, 45.0, 55.0, 900, "money"), cost(25.0, 29.0))
    assert few == Unavailable("too_few", 29.0, 30)


def test_where_nothing_was_spent_there_is_no_ratio_to_it() -> None:
    worth = Estimate(50.0, 45.0, 55.0, 900, "money")
    assert lifetime.against_cost(worth, cost(0.0)) == Unavailable("nothing_spent")
    assert lifetime.against_cost(worth, Unavailable("no_spend_data")) == Unavailable("no_spend_data")
