import numpy as np
import pandas as pd
import pytest

from engines.cohorts import retention


def rows(*cells):
    return pd.DataFrame(cells, columns=["cohort", "month", "customers"]).astype(
        {"cohort": "datetime64[s]", "month": "datetime64[s]"}
    )


TABLE = rows(
    ("2026-01-01", "2026-01-01", 100),
    ("2026-01-01", "2026-02-01", 20),
    ("2026-01-01", "2026-03-01", 10),
    ("2026-02-01", "2026-02-01", 300),
    ("2026-02-01", "2026-03-01", 30),
)


def test_overall_retention_is_weighted_by_size_not_an_average_of_rates():
    table = retention(TABLE, np.datetime64("2026-03-31"), ages=3)
    assert table.overall[1] == pytest.approx(50 / 400)


def test_a_running_month_is_immature_and_left_out_of_the_total():
    table = retention(TABLE, np.datetime64("2026-03-15"), ages=3)
    assert not table.mature[1, 1]
    assert table.overall[1] == pytest.approx(20 / 100)


def test_a_month_not_begun_is_unknown_not_zero():
    table = retention(TABLE, np.datetime64("2026-03-31"), ages=4)
    assert np.isnan(table.active[1, 2])
    assert table.active[0, 2] == 10


def test_slices_of_one_cohort_add_up():
    doubled = pd.concat([TABLE, TABLE])
    once, twice = (retention(f, np.datetime64("2026-03-31"), ages=3) for f in (TABLE, doubled))
    np.testing.assert_allclose(once.rate, twice.rate)
    np.testing.assert_allclose(2 * once.sizes, twice.sizes)
