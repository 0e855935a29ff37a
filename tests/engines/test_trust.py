import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines import business, weekly
from engines.business import Business
from engines.kpi import KPIS
from engines.results import EngineInputError, Estimate, Unavailable
from engines.trust import STATES, WEEKS_AROUND, before_after, coverage

WEEKS = np.arange(np.datetime64("2026-01-05"), np.datetime64("2026-12-28"), np.timedelta64(7, "D"))


def test_what_is_not_known_counts_as_missing_and_what_does_not_apply_not_at_all():
    found = coverage(["yes", "yes", "no", "unknown", "not_applicable"])
    assert (found.yes, found.no, found.unknown, found.score, found.answered) == (2, 1, 1, 0.5, 0.75)
    assert coverage(["not_applicable"]).score is None
    with pytest.raises(EngineInputError, match="maybe"):
        coverage(["maybe"])


@given(st.lists(st.sampled_from(STATES), max_size=40))
def test_a_yes_more_never_lowers_the_score(states):
    before, after = coverage(states).score or 0.0, coverage([*states, "yes"]).score
    assert before <= after <= 1


def panel(sessions, orders):
    """A market's journey, a row per week; NaN is not known."""
    return business.panel(Business.of_journey(rows(sessions, orders)), WEEKS[0], WEEKS[-1])


def rows(sessions, orders, channel="shop"):
    return pd.DataFrame({"week": WEEKS.astype("datetime64[s]"), "market": "DE", "channel": channel,
                         "sessions": sessions, "orders": orders})  # fmt: skip


def test_the_week_of_the_change_belongs_to_neither_side():
    sessions = np.full(len(WEEKS), 1_000.0)
    orders = np.where(np.datetime64("2026-06-01") > WEEKS, 20.0, 30.0)
    orders[np.datetime64("2026-06-01") == WEEKS] = 999.0
    found = before_after(panel(sessions, orders), 0, np.datetime64("2026-06-03"))  # a Wednesday
    assert found.weeks == (WEEKS_AROUND, WEEKS_AROUND)
    assert (found.before.value, found.after.value) == (0.02, 0.03)
    assert found.difference.value == pytest.approx(0.01)
    assert found.difference.low > 0


@pytest.mark.parametrize("day", ["2026-06-01", "2026-06-04", "2026-06-07"])
def test_any_day_of_a_week_gives_the_same_sides(day):
    seen = panel(np.full(len(WEEKS), 800.0), np.arange(len(WEEKS), dtype=float))
    assert before_after(seen, 0, np.datetime64(day)) == before_after(seen, 0, np.datetime64("2026-06-01"))


def test_a_change_of_last_week_is_too_young_and_a_quiet_market_too_small():
    seen = panel(np.full(len(WEEKS), 1_000.0), np.full(len(WEEKS), 20.0))
    for day in (WEEKS[-1], WEEKS[-1] + 7, WEEKS[-1] + 300):  # of the newest week, of the one that runs, still to come
        young = before_after(seen, 0, day)
        assert young.difference == Unavailable("too_young", 0, 2)
    assert isinstance(before_after(seen, 0, WEEKS[-1]).before, Estimate)
    quiet = before_after(panel(np.full(len(WEEKS), 10.0), np.full(len(WEEKS), 1.0)), 0, WEEKS[26])
    assert quiet.before == Unavailable("too_few", 80, 500)


def test_weeks_that_are_not_known_are_left_out():
    sessions, orders = np.full(len(WEEKS), 1_000.0), np.full(len(WEEKS), 20.0)
    sessions[WEEKS[26] > WEEKS] = np.nan
    assert before_after(panel(sessions, orders), 0, WEEKS[26]).difference == Unavailable("no_traffic_data")
    sessions[22:25] = 1_000.0
    found = before_after(panel(sessions, orders), 0, WEEKS[26])
    assert (found.weeks, found.before.value, found.before.n) == ((3, 8), 0.02, 3_000)


def test_the_sides_are_the_kpis_own_whatever_else_is_sold_without_sessions():
    own = rows(np.full(len(WEEKS), 1_000.0), np.full(len(WEEKS), 20.0))
    marketplace = rows(np.nan, np.full(len(WEEKS), 500.0), "amazon")
    seen = business.panel(Business.of_journey(pd.concat([own, marketplace])), WEEKS[0], WEEKS[-1])
    found = before_after(seen, 0, WEEKS[26])
    assert found == before_after(panel(own["sessions"], own["orders"]), 0, WEEKS[26])
    assert found.after == weekly.result_at(KPIS["cvr"], seen, 26 + WEEKS_AROUND, 0, WEEKS_AROUND)
