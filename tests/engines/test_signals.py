import numpy as np
import pytest

from engines.signals import xmr


def test_limits_are_mean_plus_minus_2_66_mean_moving_ranges():
    series = np.array([10.0, 12, 11, 13, 12, 14, 11, 12, 13, 12])
    chart = xmr(series)
    ranges = np.abs(np.diff(series)).mean()
    assert chart.centre == series.mean()
    assert chart.high == pytest.approx(series.mean() + 2.66 * ranges)
    assert chart.low == pytest.approx(series.mean() - 2.66 * ranges)
    assert chart.moving_range_limit == pytest.approx(3.268 * ranges)


def test_no_chart_below_ten_points():
    assert xmr(np.arange(9.0)) is None
    assert xmr(np.array([1.0, 2, 3] + [np.nan] * 20)) is None


def test_a_point_outside_is_a_signal():
    series = np.array([10.0, 11] * 10)
    series[15] = 40
    assert xmr(series).signal[15] == 1


def test_eight_on_one_side_are_a_signal_and_seven_are_not():
    rng = np.random.default_rng(5)
    base = np.tile([10.0, 10.4, 10.2, 9.6], 5) + rng.normal(0, 0.01, 20)
    seven = np.concatenate([base, np.full(7, 10.3), [9.9]])
    eight = np.concatenate([base, np.full(8, 10.3)])
    assert not any(s > 0 for s in xmr(seven).signal[20:])
    assert xmr(eight).signal[27] == 1


def test_a_constant_series_has_no_signal():
    assert set(xmr(np.full(20, 3.0)).signal) == {0}
