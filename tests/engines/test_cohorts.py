import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.cohorts import cohort_rows, growth, quick_ratio_of, repeat_windows, retention
from engines.results import EngineInputError, Unavailable


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


# --- money ------------------------------------------------------------------------------------------------------------
def test_money_is_per_month_of_age_and_unknown_where_no_order_tells_it():
    frame = TABLE.assign(net_base=[1000.0, 200.0, np.nan, 3000.0, 150.0])
    table = retention(frame, np.datetime64("2026-03-31"), ages=3)
    assert table.money[0, 1] == 200
    assert np.isnan(table.money[0, 2])
    assert table.money_each[1, 1] == 0.5


def test_a_month_without_orders_brought_nothing():
    table = retention(TABLE.assign(net_base=50.0).iloc[:1], np.datetime64("2026-02-28"), ages=2)
    assert (table.active[0, 1], table.money[0, 1]) == (0, 0)


# --- straight from orders ---------------------------------------------------------------------------------------------
orders_of_shops = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 9), st.one_of(st.just(np.nan), st.integers(0, 90).map(float))),
    min_size=1,
    max_size=60,
)


def in_pandas(frame):
    """The same table, customer by customer."""
    first = frame.groupby("customer")["month"].transform("min")
    groups = frame.assign(cohort=first).groupby(["cohort", "month"], as_index=False)
    return groups.agg(
        customers=("customer", "nunique"), orders=("customer", "size"), net_base=("net", lambda v: v.sum(min_count=1))
    )


@given(orders_of_shops)
def test_the_bitmap_counts_what_a_group_by_counts(orders):
    frame = pd.DataFrame(orders, columns=["customer", "at", "net"])
    frame["month"] = np.datetime64("2025-06", "M") + frame["at"].to_numpy()
    found = cohort_rows(frame["customer"].to_numpy(), frame["month"].to_numpy(), frame["net"].to_numpy())
    expected = in_pandas(frame)
    for name in ("cohort", "month"):
        assert (found[name].to_numpy() == expected[name].to_numpy().astype("datetime64[s]")).all()
    for name in ("customers", "orders", "net_base"):
        np.testing.assert_array_equal(found[name].to_numpy(), expected[name].to_numpy(dtype=float))


def test_no_orders_are_no_rows():
    assert cohort_rows(np.array([], dtype=np.int64), np.array([], dtype="datetime64[M]")).empty


def test_orders_without_amounts_have_unknown_money():
    found = cohort_rows(np.array([0, 0]), np.array(["2026-01", "2026-02"], dtype="datetime64[M]"))
    assert found["net_base"].isna().all()
    assert found["orders"].tolist() == [1, 1]


# --- repeat windows ---------------------------------------------------------------------------------------------------
def cohort_weeks(*cells):
    frame = pd.DataFrame(cells, columns=["week", "market", "customers", "repeaters_30"])
    return frame.astype({"week": "datetime64[s]"}).assign(
        repeaters_60=frame["repeaters_30"] * 2, repeaters_90=frame["repeaters_30"] * 2, repeaters_180=np.nan
    )


WEEKS = cohort_weeks(
    ("2026-01-05", "DE", 200, 20),
    ("2026-03-02", "DE", 400, 80),
    ("2026-03-16", "DE", 900, 0),
    ("2026-01-05", "FR", 50, 9),
)


def test_customers_too_young_for_a_window_are_not_below_the_line():
    row = repeat_windows(WEEKS.query("market == 'DE'"), "market", None, np.datetime64("2026-04-06"))[0]
    within_30, within_60, within_90, within_180 = row.results
    assert (within_30.n, within_30.value) == (600, pytest.approx(100 / 600))  # the week of 16 March is too young
    assert (within_60.n, within_90.n) == (200, 200)
    assert within_180 == Unavailable("too_few", 0, 100)


def test_a_window_counts_those_whose_days_ended_in_the_weeks_chosen():
    row = repeat_windows(WEEKS, "market", np.datetime64("2026-03-30"), np.datetime64("2026-04-06"))[0]
    assert (row.slice, row.results[0].n) == ("all", 400)


def test_markets_come_largest_first_after_all_together_and_small_ones_say_why():
    rows = repeat_windows(WEEKS, "market", None, np.datetime64("2026-04-06"))
    assert [r.slice for r in rows] == ["all", "DE", "FR"]
    assert rows[2].results[0] == Unavailable("too_few", 50, 100)
    assert rows[0].customers == 650


# --- growth accounting ------------------------------------------------------------------------------------------------
def months(*cells):
    names = ["month", "active", "new", "retained", "resurrected"]
    return pd.DataFrame(cells, columns=names).astype({"month": "datetime64[s]"})


GROWTH = months(("2026-01-01", 100, 100, 0, 0), ("2026-02-01", 130, 90, 40, 0), ("2026-03-01", 120, 60, 50, 10))
FEBRUARY = np.datetime64("2026-02-01")


def test_active_is_new_and_retained_and_resurrected_and_who_is_not_retained_is_lost():
    february, march = growth(GROWTH, FEBRUARY, np.datetime64("2026-03-31"))
    assert (february.lost, march.lost) == (60, 80)
    assert march.active == march.new + march.retained + march.resurrected
    assert march.quick_ratio.value == pytest.approx(70 / 80)
    assert march.quick_ratio.low < 70 / 80 < march.quick_ratio.high


def test_the_first_month_there_is_lost_nobody_and_so_has_no_ratio():
    january = growth(GROWTH, np.datetime64("2026-01-01"), np.datetime64("2026-03-31"))[0]
    assert january.lost == 0
    assert january.quick_ratio == Unavailable("too_few", 0, 10)


def test_a_running_month_has_no_quick_ratio_and_does_not_count_in_the_total():
    table = growth(GROWTH, FEBRUARY, np.datetime64("2026-03-30"))
    assert table[1].quick_ratio == Unavailable("too_young")
    assert quick_ratio_of(table).value == pytest.approx(90 / 60)


def test_a_month_without_orders_loses_everybody():
    table = growth(GROWTH, FEBRUARY, np.datetime64("2026-04-30"))
    assert (table[2].active, table[2].lost) == (0, 120)


@pytest.mark.parametrize(
    "wrong",
    [("2026-02-01", 130, 90, 30, 0), ("2026-02-01", 230, 90, 140, 0)],
    ids=["does not add up", "more than were"],
)
def test_numbers_that_do_not_add_up_are_refused_by_month(wrong):
    with pytest.raises(EngineInputError, match="2026-02"):
        growth(months(("2026-01-01", 100, 100, 0, 0), wrong), FEBRUARY, np.datetime64("2026-02-28"))
