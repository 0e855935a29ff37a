import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines import durations
from engines.durations import DELIVERY, REPLY, percentile, places, unpack, within


def counted(minutes, edges):
    """Durations as a histogram over `edges`."""
    return np.bincount(places(np.array(minutes, dtype=np.int64), edges), minlength=edges.size).astype(float)


def test_even_durations_inside_a_bucket_are_interpolated():
    counts = np.zeros(DELIVERY.size)
    counts[240] = 100  # a hundred between 240 and 241 hours
    value, low, high, n = percentile(counts, DELIVERY, 0.5)
    assert float(value) == 240.5 * 60
    assert int(n) == 100
    assert 240 * 60 < low < value < high < 241 * 60


def test_the_interval_holds_the_ranks_of_order_statistics():
    hours = np.arange(1, 1001) % 500
    value, low, high, n = percentile(counted(hours * 60, DELIVERY), DELIVERY, 0.9)
    half = 1.96 * np.sqrt(0.9 * 0.1 / 1000)
    assert value / 60 == pytest.approx(450, abs=1)
    assert low / 60 == pytest.approx(500 * (0.9 - half), abs=1)
    assert high / 60 == pytest.approx(500 * (0.9 + half), abs=1)
    assert n == 1000


def test_nothing_has_no_percentile():
    value, low, high, n = percentile(np.zeros((2, 5)), DELIVERY, 0.5)
    assert n.tolist() == [0, 0]
    assert np.isnan([value, low, high]).all()


def test_a_single_duration_is_somewhere_in_its_bucket():
    value, low, high, _n = percentile(counted([75], REPLY), REPLY, 0.5)
    assert 75 <= low <= value <= high <= 80


def test_what_is_beyond_the_last_edge_is_at_it():
    assert percentile(counted([DELIVERY[-1]], DELIVERY), DELIVERY, 0.9)[0] == DELIVERY[-1]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 80_000), min_size=1, max_size=300), st.sampled_from([0.5, 0.9]))
def test_it_is_within_a_bucket_of_the_true_percentile(minutes, share):
    value, low, high, _n = percentile(counted(minutes, DELIVERY), DELIVERY, share)
    true = np.quantile(minutes, share, method="inverted_cdf")
    assert abs(value - true) <= 60
    assert low <= value <= high


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 20_000), min_size=1, max_size=100), st.integers(1, 4))
def test_a_histogram_counted_twice_has_the_same_percentile(minutes, times):
    once = percentile(counted(minutes, REPLY), REPLY, 0.5)[0]
    assert percentile(times * counted(minutes, REPLY), REPLY, 0.5)[0] == pytest.approx(once)


@pytest.mark.parametrize(("hours", "answered"), [(1, 2), (24, 3), (25, 4), (168, 4)])
def test_replies_within_whole_hours_are_counted_exactly(hours, answered):
    counts = counted([0, 59, 60 * 23, 60 * 24, 60 * 24 * 9], REPLY)
    assert within(counts, REPLY, 60 * hours) == answered


def test_packed_counts_come_back_as_they_were():
    packed = [np.array([[60, 3], [1_440, 1]], dtype=">i4").tobytes(), b"", np.array([[0, 9]], dtype=">i4").tobytes()]
    at, buckets, counts = unpack(packed)
    assert (at.tolist(), buckets.tolist(), counts.tolist()) == ([0, 0, 2], [60, 1_440, 0], [3, 1, 9])


@pytest.mark.parametrize("edges", [DELIVERY, REPLY])
def test_edges_rise(edges):
    assert (np.diff(edges) > 0).all()
    assert durations.places(edges, edges).tolist() == list(range(edges.size))
