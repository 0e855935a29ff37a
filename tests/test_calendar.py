"""Days, weeks and months as a workspace counts them."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flywheel.accounts.models import Workspace
from flywheel.facts import calendar

DAYS = st.dates(dt.date(1990, 1, 1), dt.date(2100, 12, 31))
MOMENTS = st.datetimes(dt.datetime(1990, 1, 2), dt.datetime(2100, 12, 30))
ZONES = ("Europe/Berlin", "America/Sao_Paulo", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe", "UTC")


def array(moment: dt.datetime) -> np.ndarray:
    return np.array([moment], dtype="datetime64[us]")


@given(DAYS, st.sampled_from([0, 5, 6]))
def test_a_week_starts_on_its_first_weekday_and_holds_the_day(day: dt.date, first: int) -> None:
    start = calendar.week_start(day, first)
    assert start.weekday() == first
    assert 0 <= (day - start).days < 7


@given(DAYS, st.sampled_from([0, 5, 6]))
def test_arrays_and_single_days_agree(day: dt.date, first: int) -> None:
    days = np.array([day, "NaT"], dtype="datetime64[D]")
    weeks, months = calendar.week_starts(days, first), calendar.month_starts(days)
    assert weeks[0].item() == calendar.week_start(day, first)
    assert months[0].item() == day.replace(day=1)
    assert np.isnat(weeks[1])
    assert np.isnat(months[1])


@given(MOMENTS, st.sampled_from(ZONES))
def test_wall_clock_times_follow_the_zone(moment: dt.datetime, zone: str) -> None:
    info = ZoneInfo(zone)
    local = calendar.to_local(array(moment), zone)[0].item()
    assert local == moment.replace(tzinfo=dt.UTC).astimezone(info).replace(tzinfo=None)
    back = calendar.to_utc(array(moment), zone)[0].item()
    assert back == moment.replace(tzinfo=info).astimezone(dt.UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("wall", "utc"),
    [
        ("2026-03-29 02:30:00", "2026-03-29 01:30:00"),  # skipped in Berlin: moves on to 03:30
        ("2026-10-25 02:30:00", "2026-10-25 00:30:00"),  # comes twice: the first one
    ],
)
def test_clock_changes_are_read_as_python_reads_them(wall: str, utc: str) -> None:
    found = calendar.to_utc(np.array([wall.replace(" ", "T")], dtype="datetime64[us]"), "Europe/Berlin")
    assert str(found[0])[:19].replace("T", " ") == utc


@pytest.mark.parametrize(
    ("now", "first_weekday", "week"),
    [
        ("2026-03-15T22:59:59+00:00", 0, "2026-03-02"),  # still Sunday in Berlin
        ("2026-03-15T23:00:00+00:00", 0, "2026-03-09"),  # Monday in Berlin
        ("2026-03-15T23:00:00+00:00", 6, "2026-03-08"),
    ],
)
def test_the_last_complete_week_is_over_in_the_workspaces_zone(now: str, first_weekday: int, week: str) -> None:
    workspace = Workspace(time_zone="Europe/Berlin", first_weekday=first_weekday)
    assert str(calendar.last_complete_week(workspace, dt.datetime.fromisoformat(now))) == week
