"""Cells to values: numbers, times and words, in the shapes files have them."""

import dataclasses
import datetime as dt
import re
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flywheel.intake.parsing import (
    PARSERS,
    TYPES_OF_NUMBERS,
    Parsed,
    Reading,
    date_evidence,
    decimal_evidence,
    parse,
)
from flywheel.intake.words import EXPECTED

READING = Reading(workspace_zone="Europe/Berlin", zone="Europe/Berlin", hash_key=b"k" * 32)
COMMA = Reading(workspace_zone="UTC", zone="UTC", hash_key=b"k" * 32, decimal=",")
AMOUNTS = st.decimals(min_value=0, max_value=Decimal("9999999999999.9999"), places=4)
MOMENTS = st.datetimes(min_value=dt.datetime(1990, 1, 2), max_value=dt.datetime(2100, 12, 30))


def one(kind: str, cell: str, reading: Reading = READING) -> str:
    """The value of a cell, or the code of what was expected in capitals."""
    parsed: Parsed = parse(kind, [cell], reading)
    return parsed.bad[0].upper() if parsed.bad else parsed.texts[0]


def grouped(amount: Decimal, thousands: str, point: str) -> str:
    return f"{amount:,.4f}".replace(",", "\0").replace(".", point).replace("\0", thousands)


@given(AMOUNTS)
def test_an_amount_keeps_every_digit(amount: Decimal) -> None:
    assert Decimal(one("money", f"{amount:f}")) == amount


@given(AMOUNTS, st.sampled_from([".", " ", "’", "'", "\u00a0", "\u202f"]))
def test_an_amount_with_a_decimal_comma_is_the_same_amount(amount: Decimal, thousands: str) -> None:
    assert Decimal(one("money", grouped(amount, thousands, ","), COMMA)) == amount


@given(AMOUNTS)
def test_an_amount_with_grouped_thousands_is_the_same_amount(amount: Decimal) -> None:
    assert Decimal(one("money", "€ " + grouped(amount, ",", "."))) == amount


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1234.50", "1234.5"),
        ("1,234.50", "1234.5"),
        ("$1,234", "1234"),
        ("12.50 EUR", "12.5"),
        ("R$ 7", "7"),
        ("0.00", "0"),
        ("-0.00", "0"),
        (".5", "0.5"),
        ("5.", "5"),
        ("12,5", "MONEY"),
        ("12.50 %", "MONEY"),
        ("1,2,3", "MONEY"),
        ("0,123", "MONEY"),
        ("12 pcs", "MONEY"),
        ("1\n2", "MONEY"),
        ("-5", "NEGATIVE"),
        ("9999999999999.99999", "9999999999999.99999"),
        ("10000000000000", "AMOUNT"),
        ("99999999999999.99999", "AMOUNT"),
        ("", ""),
    ],
)
def test_an_amount_is_read_or_refused(cell: str, value: str) -> None:
    found = one("money", cell)
    assert found == value or Decimal(found) == Decimal(value)


VALID = {
    "email": r"[0-9a-f]{64}",
    "currency": r"[A-Z]{3}",
    "bool": r"[tf]",
    "signed": r"-?[0-9]{0,13}\.?[0-9]*",
    "signed_number": r"-?[0-9]{0,18}\.?[0-9]*",
    "timestamp": r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?\+00",
    "date": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
}
VALID |= {"deadline": VALID["timestamp"], "month": VALID["date"]}
VALID |= dict.fromkeys(TYPES_OF_NUMBERS - {"signed", "signed_number"}, r"[0-9]{0,13}\.?[0-9]*")
NUMBERS_AND_DATES = st.text(alphabet="0123456789.,:/-+ TZ年月日()%€$APMEkr\n１２", max_size=24)


@settings(deadline=None)  # the first call loads the names of months and countries
@given(
    st.lists(st.text(max_size=30) | NUMBERS_AND_DATES, max_size=4),
    st.sampled_from([".", ","]),
    st.sampled_from(["", "day", "month", "year"]),
)
def test_no_text_breaks_a_parser_and_what_it_gives_is_blank_or_valid(texts: list[str], sign: str, order: str) -> None:
    for kind in PARSERS:
        parsed = parse(kind, [*texts, "1"], dataclasses.replace(READING, decimal=sign, date_order=order))
        assert len(parsed.texts) == len(texts) + 1
        assert not any(parsed.texts[at] for at in parsed.bad)
        assert set(parsed.bad.values()) <= EXPECTED.keys()
        assert all(not text or re.fullmatch(VALID.get(kind, "(?s).*"), text) for text in parsed.texts)
    date_evidence(texts)
    decimal_evidence(texts)


@given(MOMENTS, st.sampled_from(["Europe/Berlin", "America/Sao_Paulo", "Asia/Shanghai", "Australia/Lord_Howe"]))
def test_a_wall_clock_time_is_read_in_the_files_zone(moment: dt.datetime, zone: str) -> None:
    reading = Reading(workspace_zone="UTC", zone=zone, hash_key=b"")
    expected = moment.replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
    assert dt.datetime.fromisoformat(one("timestamp", moment.isoformat(" "), reading)) == expected


@given(MOMENTS, st.integers(-14 * 4, 14 * 4))
def test_an_offset_in_the_cell_wins(moment: dt.datetime, quarters: int) -> None:
    aware = moment.replace(tzinfo=dt.timezone(dt.timedelta(minutes=15 * quarters)))
    assert dt.datetime.fromisoformat(one("timestamp", aware.isoformat())) == aware


def test_times_with_and_without_offset_mix_in_one_column() -> None:
    cells = ["2026-03-02 10:00:00", "2026-03-02T10:00:00Z", "2026/03/02 10:00", "2026-03-02T10:00:00-0300", ""]
    parsed = parse("timestamp", cells, READING)
    assert not parsed.bad
    assert [text[11:19] for text in parsed.texts] == ["09:00:00", "10:00:00", "09:00:00", "13:00:00", ""]


@pytest.mark.parametrize(
    "cells",
    [
        ["20250601T100000-0500", "2025-06-01T10:00:00-0500"],
        ["20250601T10-05", "2025-06-01 10:00:00-05:00", "2025-06-01T15:00:00Z"],
    ],
)
def test_an_offset_is_told_by_its_own_cell_however_the_others_are_written(cells: list[str]) -> None:
    parsed = parse("timestamp", cells, READING)
    assert parsed.texts == ["2025-06-01 15:00:00+00"] * len(cells)


@pytest.mark.parametrize(
    ("date_format", "cells"),
    [
        ("%H:%M %Y-%m-%d", ["10:00 2025-06-01", ""]),
        ("%H:%M %d-%m-%Y", ["10:00 01-06-2025", ""]),
        ("%d.%m.%Y %H:%M %z", ["01.06.2025 08:00 -0000", "01.06.2025 03:00 -0500"]),
    ],
)
def test_a_format_says_whether_a_time_ends_in_an_offset(date_format: str, cells: list[str]) -> None:
    parsed = parse("timestamp", cells, dataclasses.replace(READING, date_format=date_format))
    assert parsed.texts == ["2025-06-01 08:00:00+00" if cell else "" for cell in cells]


def test_a_promise_given_as_a_date_means_the_end_of_that_day() -> None:
    assert one("deadline", "2026-01-05") == "2026-01-05 22:59:59+00"
    assert one("deadline", "2026-01-05 00:00:00") == "2026-01-04 23:00:00+00"


@pytest.mark.parametrize(
    ("day", "moment"),
    [("2026-03-29", "2026-03-29 21:59:59+00"), ("2026-10-25", "2026-10-25 22:59:59+00")],
)
def test_the_end_of_a_day_of_clock_change_is_still_on_that_day(day: str, moment: str) -> None:
    assert one("deadline", day) == moment


@pytest.mark.parametrize(
    ("date_format", "cell", "moment"),
    [
        ("%d.%m.%Y", "05.01.2026", "2026-01-05 22:59:59+00"),
        ("%d.%m.%Y %%H", "05.01.2026 %H", "2026-01-05 22:59:59+00"),
        ("%d.%m.%Y %H:%M", "05.01.2026 00:00", "2026-01-04 23:00:00+00"),
    ],
)
def test_a_format_without_time_makes_bare_dates(date_format: str, cell: str, moment: str) -> None:
    assert one("deadline", cell, dataclasses.replace(READING, date_format=date_format)) == moment


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("2026-03-02", "2026-03-02"),
        ("2026-03-02 23:59:59", "2026-03-02"),
        ("2026-03-02T23:30:00Z", "2026-03-03"),
        ("20260302", "2026-03-02"),
        ("2026-03", "TIMESTAMP"),
        ("2026-02-30", "TIMESTAMP"),
        ("today", "TIMESTAMP"),
        ("0203-03-02", "YEAR"),
        ("2101-01-01", "YEAR"),
        ("0000-00-00", ""),
    ],
)
def test_a_date_is_read_or_refused(cell: str, value: str) -> None:
    assert one("date", cell) == value


@pytest.mark.parametrize(
    ("cell", "value"),
    [("Yes", "t"), ("否", "f"), ("0", "f"), ("maybe", "BOOL"), ("", ""), ("wahr", "t"), ("Não", "f"), ("✓", "t")],
)
def test_yes_and_no_come_in_many_words(cell: str, value: str) -> None:
    assert one("bool", cell) == value


def test_a_customer_id_that_is_an_email_becomes_its_hash() -> None:
    assert one("person", "Ann@Example.com") == one("email", "ann@example.com")
    assert len(one("email", "ann@example.com")) == 64
    assert one("person", "C-7") == "C-7"
