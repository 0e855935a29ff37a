import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import intervals


def test_wilson_gives_the_published_interval():
    low, high = intervals.wilson(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_wilson_stays_within_zero_and_one_and_holds_the_rate(trials, share):
    hits = round(trials * share)
    low, high = intervals.wilson(hits, trials)
    assert 0 <= low <= hits / trials + 1e-12
    assert hits / trials - 1e-12 <= high <= 1


def test_newcombe_gives_the_published_interval_of_a_difference():
    low, high = intervals.newcombe(56, 70, 48, 80)
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


@given(st.integers(1, 500), st.floats(0, 1), st.integers(1, 500), st.floats(0, 1))
def test_a_difference_the_other_way_round_is_its_mirror_within_one(trials, share, others, other):
    groups = (round(trials * share), trials), (round(others * other), others)
    low, high = intervals.newcombe(*groups[0], *groups[1])
    back = intervals.newcombe(*groups[1], *groups[0])
    assert (-back[1], -back[0]) == pytest.approx((low, high))
    assert -1 - 1e-12 <= low <= groups[0][0] / trials - groups[1][0] / others <= high <= 1 + 1e-12


def test_mean_interval_of_known_sums():
    values = [10.0, 12.0, 14.0, 16.0]
    low, high = intervals.mean(sum(values), sum(v * v for v in values), len(values))
    half = 1.959963984540054 * (20 / 3) ** 0.5 / 2
    assert (low, high) == pytest.approx((13 - half, 13 + half))


def test_log_normal_interval_is_symmetric_in_ratio():
    low, high = intervals.log_normal(8.0, 0.1)
    assert 8.0 / low == pytest.approx(high / 8.0)
