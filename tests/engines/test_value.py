import numpy as np
import pytest

from engines import value
from engines.drivers import model_panel
from engines.panel import week_range
from tests.businesses import LAST, SIZES, WEEKS, Plant, business

US = sorted(SIZES).index("US")


@pytest.fixture(scope="module")
def model():
    whole = business(4, Plant("payments", 0.7, 10, {"market": "US"}))
    panel = model_panel(whole, week_range(LAST - (WEEKS - 1) * np.timedelta64(7, "D"), LAST))
    state = value.state(whole, panel)
    return panel, len(panel.weeks) - 1, state, value.draw(state, seed=1)


def levels_at_point(state):
    return {d.key: lv.value[None, :] for d, lv in zip(state.drivers, state.now, strict=True)}


def test_the_chain_reproduces_the_counted_first_orders(model):
    panel, last, state, _ = model
    result = value.evaluate(state, levels_at_point(state), np.array([state.fixed.repeat_uplift]))
    np.testing.assert_allclose(result.first_orders[0], panel.window("first_orders", last - 3, last) / 4, rtol=1e-9)


def test_value_is_customers_times_worth_over_the_loop_minus_spend(model):
    panel, last, state, _ = model
    at = levels_at_point(state)
    uplift = state.fixed.repeat_uplift
    result = value.evaluate(state, at, np.array([uplift]))
    worth = 0.45 * at["kept_share"] * (at["first_aov"] + at["repeat_orders"] * uplift * at["repeat_aov"])
    spend = panel.window("cost_base", last - 3, last) / 4
    np.testing.assert_allclose(result.value, result.first_orders * worth / (1 - at["referral"]) - spend, rtol=1e-9)


def test_draws_centre_on_the_counted_levels(model):
    _, _, state, draws = model
    for driver, now in zip(state.drivers, state.now, strict=True):
        np.testing.assert_allclose(np.median(draws.now[driver.key], axis=0), now.value, rtol=0.05)


def test_raising_nothing_gains_nothing(model):
    _, _, state, draws = model
    same = value.evaluate(state, value.raised(draws, set()), draws.uplift).value
    np.testing.assert_array_equal(same, value.evaluate(state, draws.now, draws.uplift).value)


def test_reached_levels_are_never_below_the_level_now(model):
    _, _, _, draws = model
    for key, reached in draws.reached.items():
        assert np.all(reached >= draws.now.get(key, 1.0) - 1e-12)
    assert np.all(draws.reached["payment_rate"][:, US] > draws.now["payment_rate"][:, US])


def test_the_same_seed_gives_the_same_draws(model):
    _, _, state, draws = model
    again = value.draw(state, seed=1)
    np.testing.assert_array_equal(again.uplift, draws.uplift)
    for key in draws.now:
        np.testing.assert_array_equal(again.now[key], draws.now[key])
