from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.profiles import MIN_CUSTOMERS, SEGMENTS, profile, quintile
from engines.results import EngineInputError, Unavailable

customers = st.lists(
    st.tuples(st.integers(0, 700), st.integers(1, 9), st.integers(-50, 5_000)), min_size=MIN_CUSTOMERS, max_size=200
).map(lambda rows: tuple(np.array(column, dtype=float) for column in zip(*rows, strict=True)))


def shop(n=1_000, seed=1):
    rng = np.random.default_rng(seed)
    orders = 1.0 + rng.poisson(0.8, n)
    return rng.integers(0, 600, n).astype(float), orders, orders * rng.gamma(3, 25, n)


def test_different_values_fall_into_equal_fifths():
    assert np.bincount(quintile(np.arange(500.0)))[1:].tolist() == [100] * 5


def test_equal_values_have_one_score():
    assert set(quintile(np.array([1.0] * 80 + [2.0] * 20))) == {3, 5}  # middle ranks .4 and .9
    assert set(quintile(np.ones(50))) == {3}


@given(customers)
def test_scores_rise_with_their_value_and_every_customer_has_a_segment(rows):
    days, orders, revenue = rows
    found = profile(days, orders, revenue)
    for score, values in ((found.recency, -days), (found.frequency, orders), (found.money, revenue)):
        ranked = score[np.argsort(values, kind="stable")]
        assert (np.diff(ranked) >= 0).all()
        assert set(score) <= {1, 2, 3, 4, 5}
    assert ((found.segment >= 0) & (found.segment < len(SEGMENTS))).all()


@given(customers, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_the_currency_change_nothing(rows, random):
    order = list(range(len(rows[0])))
    random.shuffle(order)
    here, there = profile(*rows), profile(*(column[order] for column in (rows[0], rows[1], rows[2] * 7.3)))
    assert (here.segment[order] == there.segment).all()


def test_segments_are_what_they_are_called():
    days, orders, revenue = shop()
    found = profile(days, orders, revenue)
    is_in = {name: found.segment == number for number, name in enumerate(SEGMENTS)}
    assert orders[is_in["new"]].max() == orders[is_in["one_time"]].max() == 1
    assert orders[is_in["champions"]].min() >= 2
    assert days[is_in["champions"]].max() < days[is_in["cannot_lose"]].min()
    assert days[is_in["new"]].max() < days[is_in["one_time"]].min()
    assert revenue[is_in["at_risk"]].mean() > revenue[is_in["hibernating"]].mean()
    assert sum(mask.sum() for mask in is_in.values()) == len(days)


def test_ranges_cover_the_values_and_do_not_overlap():
    found = profile(*shop())
    recency = found.ranges["recency"]
    assert recency[0][1] > recency[4][1]
    assert all(better[1] < worse[0] for worse, better in pairwise(recency))
    assert None in found.ranges["frequency"]  # one-time buyers are more than a fifth


def test_few_customers_have_no_quintiles_and_unknown_values_are_refused():
    few = np.ones(MIN_CUSTOMERS - 1)
    assert profile(few, few, few) == Unavailable("too_few", 99, 100)
    with pytest.raises(EngineInputError, match="revenue"):
        profile(np.ones(100), np.ones(100), np.full(100, np.nan))
