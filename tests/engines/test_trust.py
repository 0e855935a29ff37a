import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_the_week_of_the_change_belongs_to_neither_side():
    sessions = np.full(len(WEEKS), 1_000.0)
    paid = np.where(np.datetime64("2026-06-01") > WEEKS, 20.0, 30.0)
    paid[np.datetime64("2026-06-01") == WEEKS] = 999.0
    found = before_after(WEEKS, sessions, paid, np.datetime64("2026-06-03"))  # a Wednesday
    assert found.weeks == (WEEKS_AROUND, WEEKS_AROUND)
    assert (found.before.value, found.after.value) == (0.02, 0.03)
    assert found.difference.value == pytest.approx(0.01)
    assert found.difference.low > 0


@pytest.mark.parametrize("day", ["2026-06-01", "2026-06-04", "2026-06-07"])
def test_any_day_of_a_week_gives_the_same_sides(day):
    sessions, paid = np.full(len(WEEKS), 800.0), np.arange(len(WEEKS), dtype=float)
    assert before_after(WEEKS, sessions, paid, np.datetime64(day)) == before_after(
        WEEKS, sessions, paid, np.datetime64("2026-06-01")
    )


def test_a_change_of_last_week_is_too_young_and_a_quiet_market_too_small():
    sessions, paid = np.full(len(WEEKS), 1_000.0), np.full(len(WEEKS), 20.0)
    young = before_after(WEEKS, sessions, paid, WEEKS[-1])
    assert isinstance(young.before, Estimate)
    assert young.difference == Unavailable("too_young", 0, 2)
    quiet = before_after(WEEKS, sessions / 100, paid / 100, WEEKS[26])
    assert quiet.before == Unavailable("too_few", 80, 500)


def test_weeks_that_are_not_known_are_left_out():
    sessions, paid = np.full(len(WEEKS), 1_000.0), np.full(len(WEEKS), 20.0)
    sessions[WEEKS[26] > WEEKS] = np.nan
    assert before_after(WEEKS, sessions, paid, WEEKS[26]).difference == Unavailable("too_young", 0, 2)
