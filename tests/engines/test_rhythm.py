"""Whether records arrive as usual: gaps, weeks of unusual volume, age against what was agreed."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.results import Unavailable
from engines.rhythm import (
    Gap,
    Volume,
    freshness,
    gaps,
    newest_whole_week,
    open_weekdays,
    usual_day,
    usual_pause,
    volume,
)

MONDAY = date(2026, 3, 2)
SUNDAY = 6


def day(number: int) -> date:
    """A day counted from MONDAY = 0."""
    return MONDAY + timedelta(days=number)


def counts(days: range, per_day: int = 10, without: tuple[int, ...] = (), closed: tuple[int, ...] = ()) -> dict:
    """`per_day` records on each of the days, but not on those `without` nor on closed weekdays."""
    return {day(n): per_day for n in days if n not in without and n % 7 not in closed}


def weeks(*totals: int) -> dict[date, int]:
    """A record count for each week from MONDAY on, all of it on the week's first and last day."""
    first = {day(7 * n): total - total // 2 for n, total in enumerate(totals)}
    return first | {day(7 * n + 6): total // 2 for n, total in enumerate(totals)}


# --- days -------------------------------------------------------------------------------------------------------------
def test_days_without_records_are_a_gap() -> None:
    assert gaps(counts(range(30), without=(10, 11, 20))) == [Gap(day(10), day(11), 2), Gap(day(20), day(20), 1)]


def test_what_lies_before_the_first_and_after_the_newest_record_is_no_gap() -> None:
    assert gaps(counts(range(5, 9))) == []


def test_no_records_have_no_gaps() -> None:
    assert gaps({}) == []


def test_a_closed_sunday_is_no_gap() -> None:
    assert gaps(counts(range(42), closed=(SUNDAY,))) == []


def test_a_single_sunday_with_records_opens_no_sundays() -> None:
    assert gaps(counts(range(56), closed=(SUNDAY,)) | {day(6): 1}) == []


def test_a_gap_runs_over_a_closed_day_and_does_not_count_it() -> None:
    found = gaps(counts(range(42), closed=(SUNDAY,), without=(19, 21)))  # a Saturday and the Monday after
    assert found == [Gap(day(19), day(21), 2)]


def test_a_weekday_seen_twice_is_not_taken_for_closed() -> None:
    assert gaps(counts(range(14), closed=(2,))) == [Gap(day(2), day(2), 1), Gap(day(9), day(9), 1)]


def test_a_long_outage_closes_no_weekday() -> None:
    found = gaps(counts(range(110), without=tuple(range(14, 98))))
    assert found == [Gap(day(14), day(97), 84)]


@given(st.sets(st.integers(0, 60), min_size=1))
def test_gaps_hold_exactly_the_open_days_without_records(numbers: set[int]) -> None:
    known = {day(n): 1 for n in numbers}
    found = gaps(known)
    inside = [day(n) for n in range(min(numbers), max(numbers)) if any(g.first <= day(n) <= g.last for g in found)]
    missing = [d for d in inside if d not in known and d.weekday() in open_weekdays(known)]
    assert sum(gap.days for gap in found) == len(missing)
    assert not set(inside) & set(known)


def test_a_usual_day_counts_days_without_records_but_neither_closed_days_nor_outages() -> None:
    assert usual_day(counts(range(110), 6, closed=(SUNDAY,), without=tuple(range(14, 98)))) == 6
    assert usual_day({day(n): 9 for n in range(0, 60, 3)}) == 0
    assert usual_day({}) == 0


def test_the_usual_pause_is_the_longest_between_two_days_with_records() -> None:
    assert usual_pause({day(n): 1 for n in (0, 4, 5, 12)}) == 7
    assert usual_pause({day(0): 5, day(40): 5}) is None


# --- weeks ------------------------------------------------------------------------------------------------------------
def test_a_week_that_is_still_arriving_is_not_the_newest_whole_one() -> None:
    assert newest_whole_week(counts(range(66)), complete=day(63)) == day(56)  # the last week ends on its third day
    assert newest_whole_week(counts(range(70)), complete=day(63)) == day(63)


def test_a_week_that_ends_on_a_closed_day_is_whole_without_it() -> None:
    assert newest_whole_week(counts(range(69), closed=(SUNDAY,)), complete=day(63)) == day(63)


def test_the_running_week_is_never_the_newest_whole_one() -> None:
    assert newest_whole_week(counts(range(70)), complete=day(56)) == day(56)


def test_no_week_is_whole_without_records_or_when_all_of_them_are_younger() -> None:
    assert newest_whole_week({}, complete=day(0)) is None
    assert newest_whole_week(counts(range(7, 12)), complete=day(0)) is None


def judged(*totals: int) -> int:
    """The signal of the last of these weeks."""
    found = volume(weeks(*totals), day(7 * (len(totals) - 1)))
    assert not isinstance(found, Unavailable)
    return found.signal


def test_a_drop_below_sixty_percent_is_a_signal() -> None:
    found = volume(weeks(*[100, 104, 96, 100, 102, 98, 101, 99], 55), day(56))
    assert found == Volume(week=day(56), count=55, usual=100.0, signal=-1)


def test_a_jump_above_seventy_percent_more_is_a_signal() -> None:
    assert judged(*[100, 104, 96, 100, 102, 98, 101, 99], 171) == 1


@pytest.mark.parametrize("count", [60, 100, 170])
def test_on_the_limits_and_between_them_a_week_is_as_usual(count: int) -> None:
    assert judged(*[100] * 8, count) == 0


def test_a_small_shop_may_halve_by_chance() -> None:
    assert judged(*[49] * 8, 5) == 0
    assert judged(*[50] * 8, 5) == -1


def test_a_drop_within_the_weeks_own_spread_is_no_signal() -> None:
    assert judged(*[200, 60, 150, 90, 210, 80, 170, 100], 60) == 0


def test_seven_weeks_before_are_too_few() -> None:
    assert volume(weeks(*[100] * 8), day(49)) == Unavailable("too_young", n=7, needed=8)
    assert volume({}, None) == Unavailable("too_young", n=0, needed=8)


# --- age --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("record_age", "load_age", "cadence", "delay", "state"),
    [
        (1, 0, 1, None, "fresh"),
        (2, 1, 1, None, "due"),  # twice the cadence is still allowed
        (3, 3, 1, None, "late"),
        (3, 0, 1, None, "late"),  # loaded today, but of old records
        (3, 0, 1, 3, "fresh"),
        (8, 7, 7, 8, "due"),
        (9, 8, 7, 8, "late"),
        (4, 4, None, 5, "fresh"),
        (6, 6, None, 5, "late"),
        (900, 900, None, None, "not_agreed"),
        (None, 1, 7, None, "fresh"),  # customers have no dates: their load has
        (None, 15, 7, None, "late"),
    ],
)
def test_age_is_judged_by_what_was_agreed(record_age, load_age, cadence, delay, state) -> None:
    assert freshness(record_age, load_age, 0, cadence, delay) == state


def test_rare_records_may_be_as_old_as_their_usual_pause() -> None:
    assert freshness(9, 0, 10, 1, None) == "fresh"
    assert freshness(11, 0, 10, 1, None) == "late"
    assert freshness(9, 3, 10, 1, None) == "late"  # nothing has been loaded for three days


def test_where_the_pause_is_not_known_the_load_decides() -> None:
    assert freshness(90, 0, None, 1, None) == "fresh"
