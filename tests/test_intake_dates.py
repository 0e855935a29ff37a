"""Dates and times as people and exports write them, and what a column tells about the order of day and month."""

import dataclasses
import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from babel import Locale
from babel.dates import format_date
from hypothesis import given, settings
from hypothesis import strategies as st

from flywheel.intake.dates import LANGUAGES
from flywheel.intake.parsing import DateEvidence, Reading, date_evidence, parse

READING = Reading(workspace_zone="Europe/Berlin", zone="Europe/Berlin", hash_key=b"k" * 32)


def one(kind: str, cell: str, order: str = "") -> str:
    """The value of a cell, or the code of what was expected in capitals."""
    parsed = parse(kind, [cell, "2026-01-01"], dataclasses.replace(READING, date_order=order))
    return parsed.bad[0].upper() if parsed.bad else parsed.texts[0]


# --- cells -> dates -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("cell", "day"),
    [
        ("2026-04-13", "2026-04-13"),
        ("2026/4/13", "2026-04-13"),
        ("2026.04.13", "2026-04-13"),
        ("2026. 4. 13.", "2026-04-13"),
        ("20260413", "2026-04-13"),
        ("２０２６－０４－１３", "2026-04-13"),
        ("2026年4月13日", "2026-04-13"),
        ("2026 年 4 月 13 日", "2026-04-13"),
        ("26年4月13日", "2026-04-13"),
        ("Apr 9, 2025", "2025-04-09"),
        ("April 9th, 2025", "2025-04-09"),
        ("9 April 2025", "2025-04-09"),
        ("09-Apr-25", "2025-04-09"),
        ("Thu, 09 Apr 2026", "2026-04-09"),
        ("9. März 2025", "2025-03-09"),
        ("9. Mrz. 2025", "2025-03-09"),
        ("Do., 9. Apr. 2026", "2026-04-09"),
        ("9 févr. 2025", "2025-02-09"),
        ("9 aout 2025", "2025-08-09"),
        ("1er août 2025", "2025-08-01"),
        ("9 de abril de 2025", "2025-04-09"),
        ("9 agosto 2025", "2025-08-09"),
        ("1º de março de 2025", "2025-03-01"),
        ("9 mei 2025", "2025-05-09"),
        ("2025-Apr-09", "2025-04-09"),
        ("13/04/2026", "2026-04-13"),
        ("04/13/2026", "2026-04-13"),
        ("04-13-2026", "2026-04-13"),
        ("03/03/2026", "2026-03-03"),
        ("03.04.2026", "2026-04-03"),
        ("3.4.26", "2026-04-03"),
        ("13.04.89", "2089-04-13"),
        ("13.04.90", "1990-04-13"),
        ("03/04/2026", "DATE_ORDER"),
        ("3-4-26", "DATE_ORDER"),
        ("31.02.2026", "TIMESTAMP"),
        ("29.02.2025", "TIMESTAMP"),
        ("13/13/2026", "TIMESTAMP"),
        ("00/04/2026", "TIMESTAMP"),
        ("46113.5", "TIMESTAMP"),
        ("46113", "TIMESTAMP"),
        ("9 Foo 2025", "TIMESTAMP"),
        ("Foo, 9 Apr 2025", "TIMESTAMP"),
        ("2026-04", "TIMESTAMP"),
        ("13/04/0203", "YEAR"),
        ("13041989", "TIMESTAMP"),
        ("0000-00-00", ""),
        ("00.00.0000 00:00", ""),
        ("--", ""),
        (" n/a ", ""),
        ("   ", ""),
    ],
)
def test_a_date_is_read_or_refused_when_no_order_is_known(cell: str, day: str) -> None:
    assert one("date", cell) == day


@pytest.mark.parametrize(
    ("order", "cell", "day"),
    [
        ("day", "03/04/2026", "2026-04-03"),
        ("month", "03/04/2026", "2026-03-04"),
        ("month", "03/04/26", "2026-03-04"),
        ("month", "03.04.2026", "2026-03-04"),
        ("year", "26/04/03", "2026-04-03"),
        ("year", "99-12-31", "1999-12-31"),
        ("year", "03/04/2026", "DATE_ORDER"),
        ("day", "04/13/2026", "TIMESTAMP"),
        ("month", "13/04/2026", "TIMESTAMP"),
        ("month", "2026-04-03", "2026-04-03"),
        ("month", "3. April 2026", "2026-04-03"),
    ],
)
def test_a_known_order_settles_which_number_is_the_month(order: str, cell: str, day: str) -> None:
    assert one("date", cell, order) == day


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2026-04-05 22:47:04 +0500", "2026-04-05 17:47:04+00"),
        ("2026-04-05T22:47:04.5Z", "2026-04-05 22:47:04.500000+00"),
        ("2026-04-05 22:47:04.123456789", "2026-04-05 20:47:04.123456+00"),
        ("2026-04-05 22:47 UTC", "2026-04-05 22:47:00+00"),
        ("2026-04-05 22:47 GMT", "2026-04-05 22:47:00+00"),
        ("2026-04-05 22:47:00 UTC+08:00", "2026-04-05 14:47:00+00"),
        ("Jan 1, 2026 12:05:33 AM PST", "2026-01-01 08:05:33+00"),
        ("Jul 1, 2026 12:05:33 PM PDT", "2026-07-01 19:05:33+00"),
        ("01.07.2026 14:05:00 MESZ", "2026-07-01 12:05:00+00"),
        ("1 Jul 2026 14:05:00 JST", "2026-07-01 05:05:00+00"),
        ("Wed Apr 08 2026 10:00:00 GMT+0200 (Central European Summer Time)", "2026-04-08 08:00:00+00"),
        ("2026-04-05 10:00 pm", "2026-04-05 20:00:00+00"),
        ("04/13/2026, 12:30 a.m.", "2026-04-12 22:30:00+00"),
        ("2026年7月1日 下午2:05", "2026-07-01 12:05:00+00"),
        ("2026年7月1日14:05", "2026-07-01 12:05:00+00"),
        ("2026年7月1日 14时05分06秒", "2026-07-01 12:05:06+00"),
        ("2026/7/1 上午 9:05:01", "2026-07-01 07:05:01+00"),
        ("13.04.2026 14:05 Uhr", "2026-04-13 12:05:00+00"),
        ("13.04.2026, 14.05", "2026-04-13 12:05:00+00"),
        ("9 avr. 2025 à 14:05", "2025-04-09 12:05:00+00"),
        ("13/04/2026 9 AM", "2026-04-13 07:00:00+00"),
        ("2026-04-05 22:47 CST", "TIMESTAMP"),  # in China, in Chicago or in Cuba
        ("2026-04-05 24:00", "TIMESTAMP"),
        ("2026-04-05 10:60", "TIMESTAMP"),
        ("2026-04-05 13:00 AM", "TIMESTAMP"),
        ("2026-04-05 10:00 +9900", "TIMESTAMP"),
        ("2026-04-05 soon", "TIMESTAMP"),
    ],
)
def test_a_time_of_day_may_follow_in_any_clock_and_with_any_offset(cell: str, moment: str) -> None:
    assert one("timestamp", cell) == moment


def test_each_row_counts_with_its_own_offset_on_both_sides_of_a_clock_change() -> None:
    cells = ["2026-03-08 01:30:00 -0500", "2026-03-08 03:30:00 -0400", "", "2026-11-01 01:30:00 -0400"]
    parsed = parse("timestamp", [*cells, "2026-11-01 01:30:00 -0500"], READING)
    assert [text[11:16] for text in parsed.texts] == ["06:30", "07:30", "", "05:30", "06:30"]


def test_a_column_of_many_shapes_is_read_in_its_order() -> None:
    cells = ["13.04.2026", "", "2026-04-14", "bad", "Apr 15, 2026", "--", "2026-04-16", "x", "2026-13-01"]
    parsed = parse("date", cells, READING)
    assert parsed.texts == ["2026-04-13", "", "2026-04-14", "", "2026-04-15", "", "2026-04-16", "", ""]
    assert parsed.bad == dict.fromkeys([3, 7, 8], "timestamp")
    assert np.isnat(parsed.times[[1, 3, 5, 7, 8]]).all()


@pytest.mark.parametrize("cell", ["05.01.2026", "5 Jan 2026", "2026年1月5日", "2026-01-05 "])
def test_a_promise_given_as_a_date_in_any_shape_means_the_end_of_that_day(cell: str) -> None:
    parsed = parse("deadline", [cell, "05.01.2026 00:00"], READING)
    assert parsed.texts == ["2026-01-05 22:59:59+00", "2026-01-04 23:00:00+00"]
    assert list(map(str, parsed.dates)) == ["2026-01-05", "NaT"]


@pytest.mark.parametrize("date_format", ["", "%Y-%m-%d %H:%M:%S"])
@pytest.mark.parametrize("cell", ["0000-00-00", "0000-00-00 00:00:00", "--", "N/A"])
def test_a_date_that_is_not_there_is_blank_with_a_format_of_the_callers_too(cell: str, date_format: str) -> None:
    parsed = parse("timestamp", [cell, "2026-01-05 10:00:00"], dataclasses.replace(READING, date_format=date_format))
    assert (parsed.texts, parsed.bad) == (["", "2026-01-05 09:00:00+00"], {})


# --- any day in any shape -------------------------------------------------------------------------------------------
DAYS = st.dates(min_value=dt.date(1990, 1, 1), max_value=dt.date(2100, 12, 31))
RECENT = st.dates(min_value=dt.date(1990, 1, 1), max_value=dt.date(2089, 12, 31))
ORDERED = {
    "day": ["%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y"],
    "month": ["%m/%d/%Y", "%m-%d-%Y", "%m.%d.%Y"],
    "": ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日", "%d %b %Y", "%B %d, %Y", "%a, %d %b %Y"],
}
SHORT = {"day": "%d/%m/%y", "month": "%m/%d/%y", "year": "%y/%m/%d"}
CLOCKS = ["", " %H:%M", " %H:%M:%S", "T%H:%M:%S", ", %I:%M:%S %p", " %I:%M %p"]


@given(
    st.lists(DAYS, min_size=1, max_size=5),
    st.sampled_from([(order, pattern) for order, patterns in ORDERED.items() for pattern in patterns]),
    st.sampled_from(CLOCKS),
    st.booleans(),
)
def test_any_day_is_read_back_under_its_known_order(
    days: list[dt.date], written: tuple[str, str], clock: str, padded: bool
) -> None:
    order, pattern = written
    cells = [dt.datetime(day.year, day.month, day.day, 17, 5).strftime(pattern + clock) for day in days]
    cells = cells if padded or order == "" else [_unpadded(cell) for cell in cells]
    parsed = parse("date", cells, dataclasses.replace(READING, date_order=order))
    assert (parsed.texts, parsed.bad) == ([day.isoformat() for day in days], {})


def _unpadded(cell: str) -> str:
    """03/04/2026 17:05 as 3/4/2026 17:05."""
    date, space, clock = cell.partition(" ")
    by = next(sign for sign in "/-." if sign in date)
    return by.join(part.removeprefix("0") for part in date.split(by)) + space + clock


@given(RECENT, st.sampled_from(list(SHORT)))
def test_any_day_with_a_year_of_two_digits_is_read_back(day: dt.date, order: str) -> None:
    assert one("date", day.strftime(SHORT[order]), order) == day.isoformat()


@settings(deadline=None)  # the first call loads the names of months
@given(DAYS, st.sampled_from(LANGUAGES), st.sampled_from(["d MMM y", "d. MMMM y", "d MMMM y"]))
def test_any_day_with_the_name_of_its_month_is_read_back(day: dt.date, language: str, pattern: str) -> None:
    assert one("date", format_date(day, pattern, locale=language)) == day.isoformat()


@given(st.datetimes(dt.datetime(1990, 1, 2), dt.datetime(2100, 12, 30)), st.sampled_from(["America/New_York", "UTC"]))
def test_any_wall_clock_time_in_halves_of_the_day_is_read_in_the_files_zone(moment: dt.datetime, zone: str) -> None:
    moment = moment.replace(microsecond=0)
    reading = dataclasses.replace(READING, zone=zone, date_order="month")
    text = parse("timestamp", [moment.strftime("%m/%d/%Y %I:%M:%S %p")], reading).texts[0]
    assert dt.datetime.fromisoformat(text) == moment.replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)


# --- which order a column has ---------------------------------------------------------------------------------------
@given(st.lists(DAYS, max_size=6), st.sampled_from(["%d/%m/%Y", "%d-%m-%y", "%d.%m.%Y", "%d/%m/%Y %H:%M"]))
def test_a_column_written_day_first_is_never_taken_for_month_first(days: list[dt.date], pattern: str) -> None:
    evidence = date_evidence([day.strftime(pattern) for day in days])
    assert not evidence.month_first
    assert evidence.day_first == any(day.day > 12 for day in days)


@given(st.lists(DAYS, max_size=6), st.sampled_from(["%m/%d/%Y", "%m-%d-%y", "%m.%d.%Y", "%m/%d/%Y %I:%M %p"]))
def test_a_column_written_month_first_is_never_taken_for_day_first(days: list[dt.date], pattern: str) -> None:
    evidence = date_evidence([day.strftime(pattern) for day in days])
    assert not evidence.day_first
    assert evidence.month_first == any(day.day > 12 for day in days)


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (["03/04/2026", "13/04/2026"], "day"),
        (["03/04/2026", "04/13/2026"], "month"),
        (["13.04.2026"], "day"),
        (["25/12/31", "99/12/31"], "year"),
        (["03/04/2026"], ""),
        (["13/04/2026", "04/13/2026"], ""),
        (["2026-04-13", "20260413", "Apr 13, 2026", "2026年4月13日"], ""),
    ],
)
def test_a_column_tells_its_order_or_does_not(cells: list[str], order: str) -> None:
    assert date_evidence(cells).order == order


@pytest.mark.parametrize("cell", ["03/04/2026", "03/04/26", "3-4-2026 10:00"])
def test_a_date_that_can_be_two_days_is_doubtful(cell: str) -> None:
    assert date_evidence(["", f" {cell}"]) == DateEvidence(doubtful=True, example=cell)


@pytest.mark.parametrize("cell", ["03.04.2026", "03/03/2026", "2026-04-03", "2026/4/3", "3 Apr 2026", "", "--", "x"])
def test_a_date_that_can_be_one_day_only_is_no_evidence(cell: str) -> None:
    assert date_evidence([cell]) == DateEvidence()


def test_evidence_of_the_parts_of_a_file_adds_up() -> None:
    doubtful = date_evidence(["03/04/2026"])
    assert (doubtful | date_evidence(["13/04/2026"])).order == "day"
    assert (doubtful | date_evidence(["04/13/2026"])).order == "month"
    assert (date_evidence(["13/04/2026"]) | date_evidence(["04/13/2026"])).contradictory


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_name_of_a_month_means_another_month_in_another_language(language: str) -> None:
    for width in ("wide", "abbreviated"):
        for month, name in Locale(language).months["format"][width].items():
            assert one("date", f"9 {name} 2025") == f"2025-{month:02}-09"
