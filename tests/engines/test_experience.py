import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.experience import gap_money, mobile_gap, rating
from engines.results import Estimate, Unavailable


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        ("lcp_ms", 2500, "good"),
        ("lcp_ms", 2501, "medium"),
        ("lcp_ms", 4000, "medium"),
        ("lcp_ms", 4001, "poor"),
        ("inp_ms", 200, "good"),
        ("inp_ms", 501, "poor"),
        ("cls", 0.1, "good"),
        ("cls", 0.25, "medium"),
        ("cls", 0.3, "poor"),
    ],
)
def test_ratings_follow_the_published_limits(metric, value, expected):
    assert rating(metric, value) == expected


def test_the_gap_is_desktop_minus_phone_and_worth_the_phones_sessions():
    gap = mobile_gap((10_000, 200), (5_000, 150))
    assert gap.value == pytest.approx(0.01)
    money = gap_money(gap, 10_000, Estimate(80.0, 70, 90, 300, "money_per"))
    assert money.value == pytest.approx(8_000)
    assert money.low == pytest.approx(gap.low * 800_000)


@given(st.integers(100, 10_000), st.integers(100, 10_000))
def test_equal_devices_have_no_gap(mobile, desktop):
    gap = mobile_gap((mobile * 10, mobile), (desktop * 10, desktop))
    assert gap.value == pytest.approx(0)
    assert gap.low < 0 < gap.high


def test_what_is_missing_is_said():
    assert mobile_gap((math.nan, 3), (500, 20)) == Unavailable("not_measured")
    assert mobile_gap((99, 3), (500, 20)) == Unavailable("too_few", 99, 100)
    gap = mobile_gap((1000, 3), (500, 20))
    assert gap_money(gap, 1000, Unavailable("no_orders_data")) == Unavailable("no_orders_data")
    assert gap_money(Unavailable("not_measured"), 5, gap) == Unavailable("not_measured")
