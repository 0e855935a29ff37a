import numpy as np
import pytest

from engines.business import panel
from engines.results import Estimate, Unavailable
from engines.weekly import RECENT, YEAR, review
from tests.businesses import LAST, WEEKS, business

FIRST = LAST - (WEEKS - 1) * np.timedelta64(7, "D")


@pytest.fixture(scope="module")
def rows():
    return {r.key: r for r in review(panel(business(1), FIRST, LAST))}


def test_totals_are_ratios_of_sums_over_markets(rows):
    frame = business(1).conversion
    week = frame.loc[frame["week"].to_numpy().astype("datetime64[D]") == LAST]
    assert rows["cvr"].latest.value == pytest.approx(week["orders"].sum() / week["sessions"].sum())


def test_a_row_holds_six_weeks_and_a_year(rows):
    assert all(len(r.recent) == RECENT and len(r.year) == YEAR for r in rows.values())


def test_year_on_year_compares_with_52_weeks_before(rows):
    frame = business(1).conversion
    weeks = frame["week"].to_numpy().astype("datetime64[D]")
    now = frame.loc[weeks == LAST, "sessions"].sum()
    then = frame.loc[weeks == LAST - 52 * np.timedelta64(7, "D"), "sessions"].sum()
    assert rows["sessions"].year_on_year == pytest.approx(now / then - 1)


def test_repeat_rate_counts_only_customers_whose_90_days_are_over(rows):
    frame = business(1).cohorts
    cohort = frame.loc[frame["week"].to_numpy().astype("datetime64[D]") == LAST - 13 * np.timedelta64(7, "D")]
    expected = cohort["repeaters_90"].sum() / cohort["customers"].sum()
    assert rows["repeat_rate_90"].latest.value == pytest.approx(expected)
    assert rows["repeat_rate_90"].latest.n == cohort["customers"].sum()


def test_a_young_business_shows_what_it_has():
    young = panel(business(1, weeks=3), LAST - 2 * np.timedelta64(7, "D"), LAST)
    rows = {r.key: r for r in review(young)}
    assert len(rows["cvr"].recent) == 3
    assert isinstance(rows["cvr"].latest, Estimate)
    assert isinstance(rows["repeat_rate_90"].latest, Unavailable)
    assert rows["cvr"].year_on_year is None
    assert rows["cvr"].signal is None
