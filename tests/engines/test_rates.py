"""Rates of parts of a whole: never above one, whoever builds them."""

from math import nan

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import aftersales, baskets, conversion, differences, experience, intervals, trust
from engines.business import Business, panel
from engines.kpi import KPIS, Shape, compute
from engines.rates import contradict, rate
from engines.results import Estimate, Unavailable

IMPOSSIBLE = Unavailable("more_than_all")


def test_a_rate_has_the_interval_of_wilson():
    low, high = intervals.wilson(81, 263)
    assert rate(81, 263) == Estimate(81 / 263, low, high, 263, "rate")


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_rate(sample):
    found = rate(*sample)
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1


@pytest.mark.parametrize(
    ("sample", "found"),
    [
        ((1_300, 1_000), IMPOSSIBLE),
        ((-1, 1_000), IMPOSSIBLE),
        ((nan, 1_000), Unavailable("not_measured")),
        ((3, nan), Unavailable("not_measured")),
        ((0, 0), Unavailable("too_few", 0, 1)),
        ((8, 5, 100), Unavailable("too_few", 5, 100)),  # of few it may be chance at the edges of a week
    ],
)
def test_what_is_no_rate_says_why(sample, found):
    assert rate(*sample) == found


def test_rounding_of_sums_is_no_contradiction():
    assert contradict(np.array([0.1 + 0.2, 1.3, nan]), np.array([0.3, 1.0, 1.0])).tolist() == [False, True, False]


WEEKS = np.arange(np.datetime64("2026-01-05"), np.datetime64("2026-12-28"), np.timedelta64(7, "D"))
SESSIONS = np.full(len(WEEKS), 1_000.0)


def around(orders):
    """The rate around the 27th week of a market with these orders."""
    rows = {"week": WEEKS.astype("datetime64[s]"), "market": "DE", "channel": "shop"}
    frame = pd.DataFrame({**rows, "sessions": SESSIONS, "orders": orders})
    return trust.before_after(panel(Business.of_journey(frame), WEEKS[0], WEEKS[-1]), 0, WEEKS[26])


@pytest.mark.parametrize(
    "found",
    [
        lambda: aftersales.rate(1_300, 1_000),
        lambda: baskets.share(1_300, 1_000),
        lambda: differences.of_rates(1_300, 1_000, 30, 1_000),
        lambda: differences.of_rates(30, 1_000, 1_300, 1_000),
        lambda: experience.mobile_gap((1_000, 1_300), (1_000, 30)),
        lambda: around(1.3 * SESSIONS).before,
        lambda: around(1.3 * SESSIONS).difference,
        lambda: conversion.funnel({"sessions": 1_000.0, "carts": 1_300.0})[1].step_rate,
        lambda: conversion.funnel({"sessions": 1_000.0, "carts": 1_300.0})[1].total_rate,
    ],
)
def test_more_than_all_is_refused_wherever_a_rate_is_built(found):
    assert found() == IMPOSSIBLE


def sums(kpi, part, whole):
    """Sums of a KPI whose part and whole are these; what else it reads fits a rate."""
    return dict.fromkeys(kpi.measures, 10_000.0) | {kpi.numerator: part, kpi.denominator: whole}


@pytest.mark.parametrize(
    "key", [k.key for k in KPIS.values() if k.shape in {Shape.RATE, Shape.PART, Shape.RATE_RATIO, Shape.RATE_GAP}]
)
def test_no_kpi_of_parts_of_a_whole_is_told_above_one(key):
    kpi = KPIS[key]
    assert compute(kpi, sums(kpi, 13_000.0, 10_000.0)) == IMPOSSIBLE
    assert compute(kpi, sums(kpi, kpi.min_n / 2, kpi.min_n / 4)).reason in {"too_few", "more_than_all"}
    assert isinstance(compute(kpi, sums(kpi, 5_000.0, 10_000.0)), Estimate)


def test_a_kpi_with_fewer_than_none_is_refused():
    found = compute(KPIS["on_time"], {"kept_promises": -20.0, "promised_deliveries": 500.0})  # more late than promised
    assert found == IMPOSSIBLE
