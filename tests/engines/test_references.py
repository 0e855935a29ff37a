import numpy as np
import pytest

from engines.drivers import STAGE_DRIVERS, History, Level
from engines.references import reference

DRIVER = STAGE_DRIVERS[-1]


def level(*values, error=0.01):
    return Level(np.log(np.array(values)), np.full(len(values), error))


def history(*rates, markets=5, noise=0.01, seed=1):
    """Twelve blocks around each market's rate, without a season."""
    rng = np.random.default_rng(seed)
    blocks = np.log(np.array(rates))[None, :] + rng.normal(0, noise, (12, markets))
    return History(blocks, np.full((12, markets), noise), blocks.mean(axis=1), np.full(13, np.nan))


def test_a_market_at_its_own_level_has_no_gap():
    now = level(0.8, 0.81, 0.79, 0.8, 0.8)
    ref = reference(DRIVER, now, history(0.8, 0.81, 0.79, 0.8, 0.8))
    assert not (now.log < ref.ceiling).any()
    assert set(ref.basis) == {"own"}


def test_a_fall_below_usual_variation_is_a_gap_to_the_own_upper_quartile():
    now = level(0.6, 0.81, 0.79, 0.8, 0.8)
    ref = reference(DRIVER, now, history(0.8, 0.81, 0.79, 0.8, 0.8))
    assert list(now.log < ref.ceiling) == [True, False, False, False, False]
    assert np.exp(ref.log[0]) == pytest.approx(0.8, rel=0.02)


def test_a_market_that_was_always_weak_is_measured_by_the_others():
    now = level(0.5, 0.81, 0.79, 0.8, 0.8)
    ref = reference(DRIVER, now, history(0.5, 0.81, 0.79, 0.8, 0.8))
    assert ref.basis[0] == "peers"
    assert now.log[0] < ref.ceiling[0]
    assert np.exp(ref.log[0]) == pytest.approx(0.8, rel=0.02)


def test_markets_that_merely_differ_have_no_gap():
    rates = (0.7, 0.85, 0.62, 0.78, 0.9)
    now = level(*rates)
    ref = reference(DRIVER, now, history(*rates))
    assert not (now.log < ref.ceiling).any()


def test_a_goal_outranks_both():
    now = level(0.8, 0.81, 0.79, 0.8, 0.8)
    goal = np.array([np.log(0.9), np.nan, np.nan, np.nan, np.nan])
    ref = reference(DRIVER, now, history(0.8, 0.81, 0.79, 0.8, 0.8), goal)
    assert ref.basis[0] == "goal"
    assert np.exp(ref.log[0]) == pytest.approx(0.9)
    assert now.log[0] < ref.ceiling[0]


def test_too_short_a_history_gives_no_own_reference():
    past = history(0.8, 0.8, 0.8, 0.8, 0.8)
    short = History(past.blocks[:3], past.errors[:3], past.pooled[:3], past.year_ago[:4])
    ref = reference(DRIVER, level(0.7, 0.8, 0.8, 0.8, 0.8), short)
    assert "own" not in ref.basis
