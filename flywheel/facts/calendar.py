"""Days, weeks and months as a workspace counts them, for one date and for arrays of a million."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from flywheel.accounts.models import Workspace

Times = npt.NDArray[np.datetime64]
EPOCH_WEEKDAY = 3  # 1970-01-01 was a Thursday
FIRST_YEAR, LAST_YEAR = 1990, 2100  # a time stamp outside is a typing error


def week_start(day: date, first_weekday: int) -> date:
    """The first day of the week that holds `day`; `first_weekday` counts from Monday = 0."""
    return day - timedelta(days=(day.weekday() - first_weekday) % 7)


def week_starts(days: Times, first_weekday: int) -> Times:
    """`week_start` of each of an array of datetime64[D]; NaT stays NaT."""
    ordinal = days.astype("datetime64[D]").astype(np.int64)
    past = (ordinal + EPOCH_WEEKDAY - first_weekday) % 7
    return days.astype("datetime64[D]") - past.astype("timedelta64[D]")


def month_starts(days: Times) -> Times:
    """The first day of the month of each of an array of datetime64[D]; NaT stays NaT."""
    return days.astype("datetime64[M]").astype("datetime64[D]")


def today(workspace: Workspace, now: datetime | None = None) -> date:
    """The calendar date in the workspace at `now` (aware; the clock's when None)."""
    return (now or datetime.now(UTC)).astimezone(workspace.zone).date()


def last_complete_week(workspace: Workspace, now: datetime | None = None) -> date:
    """The first day of the newest week that is over at `now` in the workspace's zone."""
    return week_start(today(workspace, now), workspace.first_weekday) - timedelta(days=7)


def to_utc(local: Times, zone: str) -> Times:
    """Wall-clock times of a zone as UTC. A time that comes twice is the first one, one that is skipped moves on.

    `local` is datetime64[us]; NaT stays NaT. These are Python's rules for fold=0 (PEP 495).
    """
    instants, offsets = _transitions(zone)
    switches = instants + np.maximum(offsets[:-1], offsets[1:])
    return local - offsets[_passed(switches, local)]


def to_local(instants: Times, zone: str) -> Times:
    """UTC times as wall-clock times of a zone; datetime64[us], NaT stays NaT."""
    switches, offsets = _transitions(zone)
    return instants + offsets[_passed(switches, instants)]


def _passed(switches: Times, times: Times) -> npt.NDArray[np.intp]:
    """How many switches each time has behind it. Both as integers, which numpy searches much faster than times."""
    return np.searchsorted(switches.view(np.int64), times.astype("datetime64[us]").view(np.int64), side="right")


@lru_cache(maxsize=64)
def _transitions(zone: str) -> tuple[Times, npt.NDArray[np.timedelta64]]:
    """The instants at which the zone's offset changes, and its offsets: before the first, between, after the last."""
    info = ZoneInfo(zone)
    instants, offsets = [], [_offset(_days()[0], info)]
    for day, following in zip(_days(), _days()[1:], strict=False):
        if _offset(following, info) != offsets[-1]:
            instants.append(_switch(day, following, info))
            offsets.append(_offset(following, info))
    naive = [instant.replace(tzinfo=None) for instant in instants]
    return np.array(naive, dtype="datetime64[us]"), np.array(offsets, dtype="timedelta64[us]")


@lru_cache(maxsize=1)
def _days() -> list[datetime]:
    """Every midnight UTC that can matter."""
    return list(_each_day(datetime(FIRST_YEAR - 1, 12, 1, tzinfo=UTC), datetime(LAST_YEAR + 1, 2, 1, tzinfo=UTC)))


def _each_day(day: datetime, last: datetime) -> Iterator[datetime]:
    while day <= last:
        yield day
        day += timedelta(days=1)


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta(0)


def _switch(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """The second between two instants at which the zone's offset changes, by bisection."""
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before).total_seconds() // 2)
        if _offset(middle, zone) == _offset(before, zone):
            before = middle
        else:
            after = middle
    return after
