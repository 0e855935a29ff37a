import math
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.paths import ENTRY, EXIT, MIN_GAPS, MIN_SESSIONS, OTHER, duration_bin, path_map, percentile
from engines.results import Unavailable

sessions = st.lists(
    st.tuples(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8), st.booleans()),
    min_size=MIN_SESSIONS,
    max_size=90,
)


def moves(paths):
    """The moves of sessions (touch points in order, whether it was paid)."""
    counts: Counter = Counter()
    paid: Counter = Counter()
    for points, is_paid in paths:
        steps = [p for n, p in enumerate(points) if n == 0 or points[n - 1] != p]
        for pair in zip([None, *steps], [*steps, None], strict=True):
            counts[pair] += 1
            paid[pair] += is_paid
    return [(*pair, n, paid[pair]) for pair, n in counts.items()]


def test_a_map_of_two_paths():
    found = path_map(moves([(["home", "product", "cart"], True)] * 30 + [(["product"], False)] * 70))
    assert (found.sessions, found.paid) == (100, 30)
    product = found.points[0]
    assert (product.key, product.visits, product.entries, product.exits) == ("product", 100, 70, 70)
    assert product.exit_rate.low < 0.7 < product.exit_rate.high
    assert found.flows[0].source == ENTRY
    to_cart = next(f for f in found.flows if f.target == "cart")
    assert (to_cart.count, to_cart.share, to_cart.paid) == (30, 0.3, 30)


def test_too_few_sessions_make_no_map():
    assert path_map(moves([(["a"], False)] * (MIN_SESSIONS - 1))) == Unavailable("too_few", 49, 50)
    assert path_map([]) == Unavailable("too_few", 0, 50)


def test_rare_touch_points_are_one():
    found = path_map(moves([(["a", "b"], False)] * 60 + [(["c", "d", "a"], False)] * 5), top=2)
    assert [p.key for p in found.points] == ["a", "b", OTHER]
    assert (OTHER, OTHER) not in {(f.source, f.target) for f in found.flows}


def test_the_stages_of_the_journey_are_named_however_rarely_they_are_reached() -> None:
    rows = moves([(["a", "b"], False)] * 60 + [(["c", "pay"], True)] * 2)
    found: Any = path_map(rows, top=2, always=("pay", "never"))
    assert {point.key for point in found.points} == {"a", "pay", OTHER}
    assert found.paid == 2


@given(sessions)
def test_every_session_begins_and_ends_once_and_what_comes_in_goes_out(paths):
    found: Any = path_map(moves(paths))
    assert sum(p.entries for p in found.points) == sum(p.exits for p in found.points) == len(paths)
    for point in found.points:
        into = sum(f.count for f in found.flows if f.target == point.key)
        out = sum(f.count for f in found.flows if f.source == point.key)
        assert into == out == point.visits
    assert all(f.paid <= f.count for f in found.flows)


@given(sessions, st.randoms(use_true_random=False))
def test_the_map_does_not_depend_on_the_order_of_rows(paths, random):
    rows = moves(paths)
    shuffled = rows.copy()
    random.shuffle(shuffled)
    assert path_map(rows) == path_map(shuffled)


# --- time between steps -----------------------------------------------------------------------------------------------
def counted(seconds):
    return Counter(map(duration_bin, seconds))


@given(st.lists(st.floats(0, 1e6), min_size=MIN_GAPS, max_size=200), st.sampled_from([0.5, 0.9]))
def test_a_percentile_is_the_true_one_to_five_percent(seconds, share):
    found = percentile(counted(seconds), share)
    true = sorted(seconds)[max(math.ceil(share * len(seconds)), 1) - 1]
    assert math.log1p(found.value) == pytest.approx(math.log1p(true), abs=0.051)
    assert found.low <= found.value <= found.high


def test_the_interval_of_the_median_covers_it():
    rng, hits = np.random.default_rng(7), 0
    for _ in range(200):
        found = percentile(counted(rng.exponential(60, 80)), 0.5)
        hits += found.low <= 60 * math.log(2) <= found.high
    assert 0.92 <= hits / 200 <= 1.0


def test_few_durations_tell_no_percentile():
    assert percentile(counted([3.0] * (MIN_GAPS - 1)), 0.9) == Unavailable("too_few", 19, 20)
    assert EXIT != ENTRY
