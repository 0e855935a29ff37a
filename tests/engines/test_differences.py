import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import differences, intervals
from engines.results import Unavailable

PUBLISHED = [
    ((56, 70, 48, 80), (0.0524, 0.3339)),
    ((9, 10, 3, 10), (0.1705, 0.8090)),
    ((6, 7, 2, 7), (0.0582, 0.8062)),
    ((5, 56, 0, 29), (-0.0381, 0.1926)),
    ((10, 10, 0, 10), (0.6075, 1.0)),
]
counts = st.integers(1, 5_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(("sample", "limits"), PUBLISHED)
def test_it_gives_newcombes_published_intervals(sample, limits):
    assert tuple(round(x, 4) for x in intervals.newcombe(*sample)) == limits


@given(counts, counts)
def test_the_interval_holds_the_difference_and_turns_with_its_sign(one, other):
    found = differences.of_rates(*one, *other)
    assert -1 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1
    back = differences.of_rates(*other, *one)
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_equal_samples_are_not_told_apart():
    assert not differences.is_told_apart(differences.of_rates(30, 1000, 30, 1000))
    assert differences.is_told_apart(differences.of_rates(60, 1000, 30, 1000))
    assert not differences.is_told_apart(None)


def test_no_difference_without_trials_and_none_of_more_hits_than_trials():
    assert differences.of_rates(0, 0, 3, 10) == Unavailable("too_few", 0, 1)
    assert differences.of_rates(11, 10, 3, 10) == Unavailable("more_than_all")
    assert not differences.is_told_apart(differences.of_rates(11, 10, 3, 10))
