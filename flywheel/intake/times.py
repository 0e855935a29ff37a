"""Columns of points in time, deadlines and calendar dates, and their texts for the database."""

import re
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from flywheel.facts.calendar import FIRST_YEAR, LAST_YEAR, to_local, to_utc
from flywheel.intake.cells import Parsed, Reading, Times
from flywheel.intake.dates import MICROSECOND, NAT, Moments, moments
from flywheel.intake.shapes import Bools
from flywheel.intake.spellings import MISSING, NO_DATE

LAST_MOMENT = np.timedelta64(86_399, "s")  # a deadline given as a date ends with its day


def timestamp(cells: list[str], reading: Reading) -> Parsed:
    """Points in time as UTC. A time without offset is the wall clock of the file's zone."""
    read = _moments(cells, reading)
    times = _in_utc(read.times, read.aware, reading)
    return Parsed(time_texts(times), times, bad=read.bad)


def deadline(cells: list[str], reading: Reading) -> Parsed:
    """Points in time as UTC, where a bare date means the end of that day on the clock of the file's zone."""
    read = _moments(cells, reading)
    dates = np.where(read.bare, read.times, NAT).astype("datetime64[D]")
    times = _in_utc(np.where(read.bare, read.times + LAST_MOMENT, read.times), read.aware, reading)
    return Parsed(time_texts(times), times, dates, read.bad)


def day(cells: list[str], reading: Reading) -> Parsed:
    """Calendar dates; a time with an offset is dated in the workspace's zone, one without as it stands."""
    read = _moments(cells, reading)
    times = read.times
    if read.aware.any():
        times = np.where(read.aware, to_local(times, reading.workspace_zone), times)
    days = times.astype("datetime64[D]")
    return Parsed(day_texts(days), days, bad=read.bad)


_MONTH = re.compile(r"[0-9]{4}[-/.][0-9]{1,2}", re.ASCII)


def month(cells: list[str], reading: Reading) -> Parsed:
    """The first days of months, each written as 2026-03 or as a date within it."""
    stripped = list(map(str.strip, cells))
    firsts = [f"{cell[:4]}-{cell[5:]:0>2}-01" if _MONTH.fullmatch(cell) else "" for cell in stripped]
    others = ["" if first else cell for first, cell in zip(firsts, stripped, strict=True)]
    named, dated = moments(firsts, ""), _moments(others, reading)
    times = np.where(np.isnat(named.times), dated.times, named.times)
    days = times.astype("datetime64[M]").astype("datetime64[D]")
    bad = {at: "month" if code == "timestamp" else code for at, code in (named.bad | dated.bad).items()}
    return Parsed(day_texts(days), days, bad=bad)


def _moments(cells: list[str], reading: Reading) -> Moments:
    return _by_format(cells, reading.date_format) if reading.date_format else moments(cells, reading.date_order)


def _in_utc(written: Times, aware: Bools, reading: Reading) -> Times:
    """Times as written, of which those that are `aware` are UTC already."""
    return written if aware.all() else np.where(aware, written, to_utc(written, reading.zone))


# --- by a format of the caller's ------------------------------------------------------------------------------------
_TIME_DIRECTIVE = re.compile("%[HIMSfpzZcX]")
_OFFSET = re.compile(r"(?:Z|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})$")
_DATE_LENGTH = len("2026-01-31")


def check_date_format(pattern: str) -> None:
    """Raise ValueError for a pattern by which a date cannot be told: an unknown directive, or no year, month or day."""
    moment = datetime(2026, 3, 31, 14, 5, 6, tzinfo=UTC)
    try:
        read = pd.to_datetime(moment.strftime(pattern), format=pattern, utc=True)
    except re.error as problem:  # a directive that comes twice
        raise ValueError(str(problem)) from problem
    if read.date() != moment.date():
        raise ValueError(f"no year, month and day in {pattern!r}")


def _by_format(cells: list[str], pattern: str) -> Moments:
    """A column in which every date is written by one pattern of strptime."""
    blanks = MISSING | NO_DATE
    cells = ["" if (stripped := cell.strip()).casefold() in blanks else stripped for cell in cells]
    aware = _with_offset(cells, pattern)
    series = pd.to_datetime(
        pd.Series(cells, dtype=object), format=pattern, errors="coerce", utc=bool(aware.any())
    ).dt.tz_localize(None)
    times = series.to_numpy(dtype=MICROSECOND).copy()
    filled = np.fromiter(map(bool, cells), dtype=bool, count=len(cells))
    bad = dict.fromkeys(np.flatnonzero(np.isnat(times) & filled).tolist(), "timestamp")
    years = times.astype("datetime64[Y]").astype(np.int64) + 1970
    odd = ~np.isnat(times) & ((years < FIRST_YEAR) | (years > LAST_YEAR))
    bad |= dict.fromkeys(np.flatnonzero(odd).tolist(), "year")
    times[odd] = NAT
    timed = _TIME_DIRECTIVE.search(pattern.replace("%%", ""))
    return Moments(times, aware, np.full(len(cells), timed is None), bad)


def _with_offset(cells: list[str], pattern: str) -> Bools:
    """Which cells end in an offset from UTC: each by itself, unless times by this pattern cannot."""
    if not (pattern.endswith("Z") or "%z" in pattern.replace("%%", "")):
        return np.zeros(len(cells), dtype=bool)  # its dashes are those of dates, wherever they stand
    found = (len(cell) > _DATE_LENGTH and _OFFSET.search(cell) is not None for cell in cells)
    return np.fromiter(found, dtype=bool, count=len(cells))


# --- texts of times -------------------------------------------------------------------------------------------------
_SPARE = np.timedelta64(45, "D")  # days of week and month starts, and of offsets, around the years that are read
_FIRST_DAY = np.datetime64(f"{FIRST_YEAR}-01-01") - _SPARE
_DAYS = np.datetime_as_string(np.arange(_FIRST_DAY, np.datetime64(f"{LAST_YEAR + 1}-01-01") + _SPARE)).tolist()
_CLOCK = [f" {second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}+00\n" for second in range(86_400)]
_DAYS_AS_BYTES, _CLOCK_AS_BYTES = (
    np.frombuffer("".join(texts).encode(), dtype=np.uint8).reshape(len(texts), -1) for texts in (_DAYS, _CLOCK)
)


def day_texts(days: Times) -> list[str]:
    """datetime64[D] as ISO texts, '' for NaT."""
    missing = np.isnat(days)
    numbers = np.where(missing, 0, (days - _FIRST_DAY).astype(np.int64))
    texts = list(map(_DAYS.__getitem__, numbers.tolist()))
    for at in np.flatnonzero(missing).tolist():
        texts[at] = ""
    return texts


def time_texts(times: Times) -> list[str]:
    """UTC datetime64[us] as texts for the database, '' for NaT. They are written as one text and cut into lines."""
    missing = np.isnat(times)
    number = np.where(missing, 0, (times - _FIRST_DAY).astype("timedelta64[us]").astype(np.int64))
    seconds, micros = np.divmod(number, 10**6)
    days, second_of_day = np.divmod(seconds, 86_400)
    lines = np.concatenate([_DAYS_AS_BYTES[days], _CLOCK_AS_BYTES[second_of_day]], axis=1)
    texts = lines.tobytes().decode().split("\n")[:-1]
    for at in np.flatnonzero(missing).tolist():
        texts[at] = ""
    for at in np.flatnonzero(micros).tolist():
        texts[at] = f"{texts[at][:19]}.{micros[at]:06}+00"
    return texts
