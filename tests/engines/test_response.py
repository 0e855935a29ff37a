"""The response to spend: it finds the truth that was simulated, and is silent where data cannot tell."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import LinearConstraint, minimize

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
def curve(top, half, spend=1000.0, *, error=0.0, seed=0):
    """A curve whose height is known up to a share `error`."""
    rng = np.random.default_rng(seed)
    tops = top * (1 + error * rng.standard_normal(response.DRAWS))
    halves = np.full(response.DRAWS, half)
    low, middle, high = np.quantile(tops * halves / (halves + spend) ** 2, (0.025, 0.5, 0.975))
    return response.Response(spend, Estimate(middle, low, high, 104, "ratio"), tops, halves, 0.8, 104)


def planned(found):
    return {c.channel: c.planned for c in found.changes}


SURE = {"a": (9_000.0, 800.0, 1_000.0), "b": (6_000.0, 1_500.0, 1_100.0), "c": (12_000.0, 2_500.0, 1_400.0)}


def test_between_the_bounds_the_plan_is_the_optimum_in_closed_form():
    found = response.plan({code: curve(*known) for code, known in SURE.items()}, margin=0.4, bound=0.9)
    total = sum(spend for _top, _half, spend in SURE.values())
    halves = sum(half for _top, half, _spend in SURE.values())
    level = (total + halves) / sum(np.sqrt(top * half) for top, half, _spend in SURE.values())  # of the square roots
    best = {code: np.sqrt(top * half) * level - half for code, (top, half, _spend) in SURE.items()}
    assert planned(found) == pytest.approx(best, rel=1e-3)
    assert sum(planned(found).values()) == pytest.approx(total)
    returns = [c.marginal_planned.value for c in found.changes]
    assert returns == pytest.approx([returns[0]] * 3, rel=1e-3)
    gain = sum(
        0.4 * top * (best[code] / (best[code] + half) - spend / (spend + half))
        for code, (top, half, spend) in SURE.items()
    )
    assert found.gain.value == pytest.approx(gain, rel=1e-3)


@pytest.mark.parametrize("seed", range(8))
def test_within_the_bounds_no_other_plan_is_expected_to_bring_more(seed):
    rng = np.random.default_rng(seed)
    curves = {
        str(at): curve(top, half, spend, error=0.2, seed=at)
        for at, (top, half, spend) in enumerate(zip(*rng.uniform(500, 5_000, (3, 5)), strict=True))
    }
    spends = np.array([c.spend for c in curves.values()])

    def loss(x):
        return -sum(c.revenues(part).mean() for c, part in zip(curves.values(), x * spends, strict=True)) / 1e3

    best = minimize(
        loss,
        np.ones(5),
        method="SLSQP",
        bounds=[(0.7, 1.3)] * 5,
        constraints=LinearConstraint(spends / spends.sum(), 1, 1),
        options={"ftol": 1e-12},
    )
    parts = np.array(list(planned(response.plan(curves, margin=0.4)).values())) / spends
    assert loss(parts) == pytest.approx(best.fun, rel=1e-5)
    assert (parts * spends).sum() == pytest.approx(spends.sum())
    assert (np.abs(parts - 1) <= response.BOUND + 1e-9).all()


def test_a_channel_that_brings_nothing_more_gives_all_that_it_may():
    found = response.plan({"a": curve(9_000, 900), "b": curve(0.0, 900), "c": curve(9_000, 900)}, margin=0.4)
    assert planned(found) == pytest.approx({"a": 1_150, "b": 700, "c": 1_150}, rel=1e-3)
    assert found.moved == pytest.approx(300, rel=1e-3)
    assert found.is_clear


def test_to_cut_what_seems_to_drive_revenue_away_is_no_gain_by_itself():
    nothing = {"a": curve(9_000, 900), "b": curve(0.0, 900)}
    away = {"a": curve(9_000, 900), "b": curve(-5_000.0, 900)}
    assert response.plan(away, 0.4).gain == response.plan(nothing, 0.4).gain


def test_curves_that_are_alike_keep_their_budgets_and_nothing_is_suggested():
    found = response.plan({"a": curve(9_000, 900), "b": curve(9_000, 900)}, margin=0.4)
    assert planned(found) == pytest.approx({"a": 1_000, "b": 1_000})
    assert not found.is_clear
    without = response.plan({"a": curve(0.0, 900), "b": curve(0.0, 900, spend=500)}, margin=0.4)
    assert planned(without) == pytest.approx({"a": 1_000, "b": 500})
    assert not without.is_clear


def test_a_gain_whose_interval_holds_zero_is_not_suggested():
    found = response.plan({"a": curve(9_000, 900, error=0.9), "b": curve(6_000, 900, error=0.9, seed=1)}, margin=0.4)
    assert found.gain.value > 0
    assert found.gain.low < 0 < found.gain.high
    assert 0.5 < found.chance < 0.975
    assert not found.is_clear


def test_curves_that_were_drawn_alike_are_taken_as_independent():
    one, other = curve(9_000, 900, error=0.4), curve(7_000, 900, error=0.4)
    alike = 0.4 * (other.revenues(700) - other.revenues(1000) + one.revenues(1300) - one.revenues(1000))
    found = response.plan({"a": one, "b": other}, 0.4)
    assert found.gain.high - found.gain.low > 2 * np.subtract(*np.quantile(alike, (0.975, 0.025)))


def test_the_plan_does_not_depend_on_the_currency_and_gains_by_the_margin():
    one = response.plan({code: curve(*known, error=0.1) for code, known in SURE.items()}, 0.2)
    known = {code: tuple(7.8 * amount for amount in values) for code, values in SURE.items()}
    other = response.plan({code: curve(*values, error=0.1) for code, values in known.items()}, 0.4)
    assert {code: 7.8 * spend for code, spend in planned(one).items()} == pytest.approx(planned(other))
    assert other.gain.value == pytest.approx(2 * 7.8 * one.gain.value)


def test_one_channel_has_nothing_to_be_moved_to():
    assert response.plan({"a": curve(9_000, 900)}, 0.4) == Unavailable("too_few_channels", 1, 2)


def true_gain(found, lifts):
    """What the plan brings a week under the curves that `simulated` draws from, at a margin of one."""
    return sum(
        lift * (c.planned / (c.planned + 2000) - c.spend / (c.spend + 2000))
        for c, lift in zip(found.changes, lifts, strict=True)
    )


def fitted(seed, lifts):
    curves = {}
    for at, lift in enumerate(lifts):
        spend, revenue, _truth = simulated(1_000 * at + seed, lift=lift)
        curves[str(at)] = response.fit(spend, revenue)
    return response.plan(curves, 1.0)


def test_plans_on_simulated_channels_pay_as_they_say():
    lifts = (30_000.0, 12_000.0, 3_000.0)
    plans = [fitted(seed, lifts) for seed in range(25)]
    gains = [true_gain(found, lifts) for found in plans]
    covered = [p.gain.low <= gain <= p.gain.high for p, gain in zip(plans, gains, strict=True)]
    assert np.mean(covered) >= 0.85
    clear = [gain for p, gain in zip(plans, gains, strict=True) if p.is_clear]
    assert len(clear) > 12
    assert min(clear) > 0


def test_channels_that_bring_the_same_are_seldom_told_to_change():
    assert np.mean([fitted(seed, (15_000.0, 15_000.0)).is_clear for seed in range(40)]) <= 0.15


def word(marginal):
    draws = marginal + 0.1 * np.random.default_rng(0).standard_normal(2000)
    low, high = np.quantile(draws, (0.025, 0.975))
    return response.verdict(Estimate(marginal, float(low), float(high), 104, "ratio"), 0.4)


@pytest.mark.parametrize(("marginal", "said"), [(4.0, "scale"), (2.5, "unclear"), (1.0, "cut")])
def test_a_channel_is_scaled_while_its_marginal_return_is_above_one_over_the_margin(marginal, said):
    assert word(marginal) == said


def test_without_a_margin_or_a_curve_there_is_no_word():
    assert response.verdict(curve(9_000, 900).marginal, float("nan")) == ""
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
