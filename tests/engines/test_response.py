"""The response to spend: it finds the truth that was simulated, and is silent where data cannot tell."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engines import response
from engines.results import EngineInputError, Estimate, Unavailable

REAL = os.environ.get("FLYWHEEL_REAL_DATA", "")


def simulated(seed, weeks=104, decay=0.4, half=1.0, lift=20_000.0, noise=1_500.0, spread=0.5):
    """Weekly spend and revenue by known carry-over and saturation, and the true marginal return now."""
    rng = np.random.default_rng(seed)
    spend = 2000 * np.exp(rng.normal(0, spread, weeks))
    stock, held = np.zeros(weeks), 1.0
    for week in range(weeks):
        held = (1 - decay) * spend[week] / 2000 + decay * held
        stock[week] = held
    t = np.arange(weeks)
    base = 15_000 + 20 * t + 2_000 * np.cos(2 * np.pi * t / response.YEAR_WEEKS)
    revenue = base + lift * stock / (stock + half) + rng.normal(0, noise, weeks)
    now = spend[-response.RECENT_WEEKS :].mean() / 2000
    return spend, revenue, lift * half / (half + now) ** 2 / 2000


def test_the_interval_holds_the_simulated_truth_about_as_often_as_it_says():
    covered, errors = [], []
    for seed in range(60):
        spend, revenue, truth = simulated(seed)
        found = response.fit(spend, revenue).marginal
        covered.append(found.low <= truth <= found.high)
        errors.append(abs(found.value / truth - 1))
    assert 0.87 <= np.mean(covered) <= 1.0
    assert np.median(errors) < 0.25


def test_where_nothing_is_brought_the_interval_holds_zero():
    hits = []
    for seed in range(30):
        spend, revenue, _truth = simulated(seed, lift=0.0)
        found = response.fit(spend, revenue).marginal
        hits.append(found.low <= 0 <= found.high)
    assert np.mean(hits) >= 0.85


def test_the_result_does_not_depend_on_the_currency():
    spend, revenue, _truth = simulated(3)
    one, other = response.fit(spend, revenue), response.fit(spend * 7.8, revenue * 7.8)
    assert one.marginal.value == pytest.approx(other.marginal.value)
    assert other.spend == pytest.approx(7.8 * one.spend)


def test_less_than_a_year_of_weeks_is_too_little():
    spend, revenue, _truth = simulated(1)
    spend[60:] = np.nan
    assert isinstance(response.fit(spend, revenue), response.Response)
    spend[51:] = np.nan
    assert response.fit(spend, revenue) == Unavailable("too_few_weeks", 51, 52)


def test_spend_that_hardly_moves_tells_nothing():
    spend, revenue, _truth = simulated(1, spread=0.02)
    assert response.fit(spend, revenue) == Unavailable("too_steady")


def test_a_channel_without_spend_now_has_no_marginal_return_now():
    spend, revenue, _truth = simulated(1)
    spend[-response.RECENT_WEEKS :] = 0
    assert response.fit(spend, revenue) == Unavailable("no_spend_now")


def test_columns_that_do_not_fit_and_negative_spend_are_refused():
    with pytest.raises(EngineInputError):
        response.fit(np.ones(60), np.ones(59))
    with pytest.raises(EngineInputError):
        response.fit(-np.ones(60), np.ones(60))


# --- what follows from curves -----------------------------------------------------------------------------------------
def curve(marginal, spend=1000.0, error=0.1):
    draws = marginal + error * np.random.default_rng(0).standard_normal(2000)
    low, high = np.quantile(draws, (0.025, 0.975))
    return response.Response(spend, Estimate(marginal, float(low), float(high), 104, "ratio"), draws, 0.8, 104)


def test_spend_is_moved_from_the_lowest_marginal_return_to_the_highest():
    found = response.shift({"a": curve(3.0), "b": curve(1.0, spend=500.0), "c": curve(2.0)}, margin=0.4)
    assert (found.giver, found.taker, found.amount) == ("b", "a", 50.0)
    assert found.gain.value == pytest.approx(50 * 0.4 * 2, rel=0.05)
    assert found.is_worth_a_test


def test_curves_that_are_not_told_apart_are_not_worth_a_test():
    same = {
        "a": curve(2.0, error=1.0),
        "b": response.Response(1000, curve(2.0).marginal, curve(2.0).draws[::-1], 0, 104),
    }
    assert not response.shift(same, 0.4).is_worth_a_test


def test_curves_that_were_drawn_alike_are_taken_as_independent():
    found = response.shift({"a": curve(2.0, error=1.0), "b": curve(2.1, error=1.0)}, 0.4)
    assert 0.45 < found.chance < 0.6
    assert found.gain.low < 0 < found.gain.high


def test_one_channel_has_nothing_to_be_moved_to():
    assert response.shift({"a": curve(2.0)}, 0.4) == Unavailable("too_few_channels", 1, 2)


@pytest.mark.parametrize(("marginal", "word"), [(4.0, "scale"), (2.5, "unclear"), (1.0, "cut")])
def test_a_channel_is_scaled_while_its_marginal_return_is_above_one_over_the_margin(marginal, word):
    assert response.verdict(curve(marginal).marginal, 0.4) == word


def test_without_a_margin_or_a_curve_there_is_no_word():
    assert response.verdict(curve(1.0).marginal, float("nan")) == ""
    assert response.verdict(Unavailable("too_steady"), 0.4) == ""


# --- samples of other tools -------------------------------------------------------------------------------------------
@pytest.mark.skipif(not REAL, reason="FLYWHEEL_REAL_DATA is not set: no folder with public data sets")
def test_the_robyn_samples_television_pays_and_its_season_is_told_apart():
    sample = pd.read_csv(Path(REAL) / "ads" / "dt_simulated_weekly.csv")
    found = response.fit(sample["tv_S"].to_numpy(float), sample["revenue"].to_numpy(float))
    assert found.weeks == 208
    assert found.marginal.low > 0
    assert found.r2 > 0.7


@pytest.mark.skipif(not REAL, reason="FLYWHEEL_REAL_DATA is not set: no folder with public data sets")
def test_each_channel_of_the_meridian_sample_gets_an_interval():
    sample = pd.read_csv(Path(REAL) / "ads" / "national_all_channels.csv")
    revenue = (sample["conversions"] * sample["revenue_per_conversion"]).to_numpy(float)
    for n in range(5):
        found = response.fit(sample[f"Channel{n}_spend"].to_numpy(float), revenue).marginal
        assert found.low < found.value < found.high
