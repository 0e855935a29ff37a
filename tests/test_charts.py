"""Figures as plain data: a line says where it knows nothing."""

from engines.results import Estimate, Unavailable
from flywheel.diagnosis.charts import band_figure

MISSING = Unavailable("no_traffic_data")
WEEKS = ["2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26", "2026-02-02", "2026-02-09"]


def rate(value: float) -> Estimate:
    return Estimate(value, value - 0.01, value + 0.01, 1_000, "rate")


RESULTS = [rate(0.02), rate(0.03), MISSING, rate(0.04), MISSING, MISSING]


def test_a_missing_week_is_a_gap_in_the_line() -> None:
    _band, line = band_figure(WEEKS, RESULTS, "percent", "market")["data"]
    assert line["x"] == WEEKS
    assert line["y"] == [0.02, 0.03, None, 0.04, None, None]
    assert line["connectgaps"] is False


def test_the_interval_is_one_closed_shape_for_each_run_of_weeks() -> None:
    band, _line = band_figure(WEEKS, RESULTS, "percent", "market")["data"]
    assert band["fill"] == "toself"
    assert band["x"] == [WEEKS[0], WEEKS[1], WEEKS[1], WEEKS[0], None, WEEKS[3], WEEKS[3]]
    assert band["y"] == [0.03, 0.04, 0.03 - 0.01, 0.02 - 0.01, None, 0.05, 0.03]


def test_a_week_between_two_gaps_is_a_point_and_others_are_none() -> None:
    _band, line = band_figure(WEEKS, RESULTS, "percent", "market")["data"]
    assert [size > 0 for size in line["marker"]["size"]] == [False, False, False, True, False, False]


def test_where_there_is_no_interval_the_band_is_the_line() -> None:
    counts = [Estimate(float(n), None, None, float(n), "count") for n in (5, 7)]
    band, line = band_figure(WEEKS[:2], counts, "number", "market")["data"]
    assert band["y"] == [5, 7, 7, 5]
    assert line["y"] == [5, 7]
