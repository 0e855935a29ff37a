"""Dates as people and exports write them: what a cell's shape says about its date, its time of day and its offset.

A shape (see `shapes`) tells where year, month and day stand, except for dates such as 99/99/9999 whose order the
whole file must tell: `date_evidence` collects that.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from babel import Locale

from flywheel.facts.calendar import FIRST_YEAR, LAST_YEAR
from flywheel.intake.cells import Bad, Times
from flywheel.intake.shapes import Bools, Group, Ints, groups
from flywheel.intake.spellings import AFTERNOON, MISSING, MORE_MONTHS, OFFSET_MINUTES

MAX_LENGTH = 80  # characters of a date with its time and zone
LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "da")  # whose names of months are known

MICROSECOND = "datetime64[us]"
NAT = np.datetime64("NaT", "us")
DAY_MICROSECONDS = 86_400 * 10**6

Span = tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """Where the parts of a date and time stand in cells of one shape.

    `spans`: of the digits, by part. A date that does not tell its order has `first` and `next` for `month` and
    `day`. `month`, `afternoon` (None without a word for the half of the day) and `offset_minutes` (None without a
    zone's name) are told by words. `offset_sign` is that of an offset in digits, 0 where there is none.
    """

    spans: dict[str, Span]
    dotted: bool
    month: int
    afternoon: bool | None
    offset_minutes: int | None
    offset_sign: int

    @property
    def needs_order(self) -> bool:
        """Whether day and month, as far as the shape tells, could stand in either order."""
        return "first" in self.spans

    @property
    def two_digit_year(self) -> bool:
        """Whether the year is written with two digits."""
        return self.spans["year"][1] - self.spans["year"][0] == 2

    @property
    def is_aware(self) -> bool:
        """Whether the cells have an offset from UTC."""
        return self.offset_sign != 0 or self.offset_minutes is not None

    @property
    def is_bare(self) -> bool:
        """Whether the cells have no time of day."""
        return "hour" not in self.spans


_WORD = r"[^\W\d_]+"
_END = "(?:(?<=[日號号일])|(?!9))"
_DATES = [
    re.compile(rf"\s*(?:(?P<weekday>{_WORD})\.?,?\s+)?{date}{_END}", re.IGNORECASE)
    for date in (
        r"(?P<year>9999)(?P<by>[-/]|\.\s?)(?P<month>99?)(?P=by)(?P<day>99?)\.?",
        r"(?P<year>9999)(?P<month>99)(?P<day>99)",
        r"(?P<year>9999|99)\s?[年년]\s?(?P<month>99?)\s?[月월]\s?(?P<day>99?)\s?[日号號일]?",
        r"(?P<first>99?)(?P<by>[-/]|\.\s?)(?P<next>99?)(?P=by)(?P<year>9999|99)",
        rf"(?P<day>99?)(?:st|nd|rd|th|er|º|\.)?[\s\-/]*(?:de\s)?(?P<name>{_WORD})\.?,?[\s\-/]*(?:del?\s)?(?P<year>9999|99)",
        rf"(?P<name>{_WORD})\.?[\s\-/]*(?P<day>99?)(?:st|nd|rd|th)?,?[\s\-/]+(?P<year>9999)",
        rf"(?P<year>9999)[\s\-/](?P<name>{_WORD})\.?[\s\-/](?P<day>99?)",
    )
]
_BEFORE = r"(?:,?\s+|,|T|(?<=[日号號일])|,?\s(?:at|um|à|a las|alle|om|às)\s)"
_EARLY, _HALF = (
    rf"(?:(?P<{name}>上午|下午|오전|오후|午前|午後|am|pm|a\.\s?m\.|p\.\s?m\.)\s?)?" for name in ("early", "half")
)
_ZONE = r"(?:(?P<zone>[A-Z]{1,5})?(?:(?P<sign>[-+−])(?P<offset_hour>99?)(?::?(?P<offset_minute>99))?)?)(?:\s\(.*\))?\s*"
_TIMES = [
    re.compile(time, re.IGNORECASE)
    for time in (
        rf"{_BEFORE}{_EARLY}(?P<hour>99?)(?P<colon>[:.])(?P<minute>99)(?:(?P=colon)(?P<second>99)(?:[.,](?P<fraction>9{{1,9}}))?)?"
        rf"(?:\sUhr)?\s?{_HALF}{_ZONE}",
        rf"{_BEFORE}{_EARLY}(?P<hour>99?)\s?[时時點点시h]\s?(?P<minute>99?)\s?[分분]?(?:\s?(?P<second>99?)\s?[秒초])?\s?{_ZONE}",
        rf"[T ](?P<hour>99)(?:(?P<minute>99)(?P<second>99)?)?(?:[.,](?P<fraction>9{{1,9}}))?\s?{_HALF}{_ZONE}",
        rf"{_BEFORE}(?P<hour>99?)\s?{_HALF}",
        r"\s*",
    )
]
_PARTS = (
    "year",
    "month",
    "day",
    "first",
    "next",
    "hour",
    "minute",
    "second",
    "fraction",
    "offset_hour",
    "offset_minute",
)


@lru_cache(maxsize=8192)
def layout_of(shape: str) -> Layout | None:
    """What a shape says; None for one that is no date."""
    if len(shape) > MAX_LENGTH or "9" not in shape:
        return None
    dates = (pattern.match(shape) for pattern in _DATES)
    readings = (
        _layout(date, clock)
        for date in dates
        if date and _is_weekday(date["weekday"])
        for pattern in _TIMES
        if (clock := pattern.fullmatch(shape, date.end()))
    )
    return next(filter(None, readings), None)


def _layout(date: re.Match[str], clock: re.Match[str]) -> Layout | None:
    words = date.groupdict() | clock.groupdict()
    name, zone, sign = (words.get(part) or "" for part in ("name", "zone", "sign"))
    half = words.get("early") or words.get("half")
    month = _month_names().get(_folded(name), 0)
    offset = OFFSET_MINUTES.get(zone.upper())
    if (name and not month) or (zone and offset is None) or (sign and offset):
        return None
    found = [(match, part) for match in (date, clock) for part in _PARTS if match.groupdict().get(part)]
    return Layout(
        spans={part: match.span(part) for match, part in found},
        dotted="." in (words.get("by") or ""),
        month=month,
        afternoon=_folded(half) in AFTERNOON if half else None,
        offset_minutes=None if sign else offset,
        offset_sign={"": 0, "+": 1}.get(sign, -1),
    )


def _folded(word: str) -> str:
    """A name in small letters, without accents, points and spaces."""
    letters = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in letters if letter.isalnum())


@lru_cache(maxsize=1)
def _month_names() -> dict[str, int]:
    """The months by their long and short names in all LANGUAGES, of which none means two months."""
    widths = [
        Locale(language).months[context][width]
        for language in LANGUAGES
        for context in ("format", "stand-alone")
        for width in ("wide", "abbreviated")
    ]
    return MORE_MONTHS | {_folded(name): month for names in widths for month, name in names.items()}


@lru_cache(maxsize=1)
def _weekdays() -> frozenset[str]:
    widths = [Locale(language).days["format"][width] for language in LANGUAGES for width in ("wide", "abbreviated")]
    return frozenset(_folded(name) for names in widths for name in names.values())


def _is_weekday(word: str | None) -> bool:
    return word is None or _folded(word) in _weekdays()


# --- the order of a file's dates ------------------------------------------------------------------------------------
@dataclass(frozen=True)
class DateEvidence:
    """What cells tell about the order of their file's dates; evidence of its parts is added up by `|`.

    `day_first`, `month_first`, `year_first`: a cell is a date only in that order. `doubtful`: a cell such as
    03/04/2026 is a date in two orders; `example` is such a cell.
    """

    day_first: bool = False
    month_first: bool = False
    year_first: bool = False
    doubtful: bool = False
    example: str = ""

    def __or__(self, other: "DateEvidence") -> "DateEvidence":
        return DateEvidence(
            self.day_first or other.day_first,
            self.month_first or other.month_first,
            self.year_first or other.year_first,
            self.doubtful or other.doubtful,
            self.example or other.example,
        )

    @property
    def contradictory(self) -> bool:
        """Whether some cells need the month first and others do not have it there."""
        return self.month_first and (self.day_first or self.year_first)

    @property
    def order(self) -> str:
        """The order, as `Reading.date_order`; '' when nothing tells, or the cells contradict each other."""
        if self.contradictory:
            return ""
        if self.year_first:  # 99/12/31 is; 25/12/31 beside it only looks as if the day came first
            return "year"
        return "day" if self.day_first else "month" if self.month_first else ""


def date_evidence(cells: Sequence[str]) -> DateEvidence:
    """What the cells of one column of dates or times tell about the order of day, month and year."""
    evidence = DateEvidence()
    for group in groups(list(cells)):
        layout = layout_of(group.shape)
        if layout and layout.needs_order:
            evidence |= _order_evidence(group, layout, cells)
    return evidence


def _order_evidence(group: Group, layout: Layout, cells: Sequence[str]) -> DateEvidence:
    first, second = group.number(layout.spans["first"]), group.number(layout.spans["next"])
    doubtful = _is_doubtful(first, second, layout)
    return DateEvidence(
        day_first=bool(((first > 12) & (first <= 31) & _is_month(second)).any()),
        month_first=bool(((second > 12) & (second <= 31) & _is_month(first)).any()),
        year_first=layout.two_digit_year and bool(((first > 31) & _is_month(second)).any()),
        doubtful=bool(doubtful.any()),
        example=cells[group.rows[doubtful.argmax()]].strip() if doubtful.any() else "",
    )


def _is_month(number: Ints) -> Bools:
    return (number >= 1) & (number <= 12)


def _is_doubtful(first: Ints, second: Ints, layout: Layout) -> Bools:
    """Which dates are others when day and month change places. Where people write points, the day is first."""
    return _is_month(first) & _is_month(second) & (first != second) & (not layout.dotted)


# --- points in time -------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Moments:
    """A column of dates and times as they were read: NaT where `bad`, which has codes by position, or missing.

    Those that are `aware` had an offset, and are UTC; the others are as they were written, without time if `bare`.
    """

    times: Times
    aware: Bools
    bare: Bools
    bad: Bad


def moments(cells: list[str], order: str) -> Moments:
    """Read a column of dates and times. `order` is that of `Reading.date_order`."""
    count = len(cells)
    column = Moments(np.full(count, NAT), np.zeros(count, dtype=bool), np.zeros(count, dtype=bool), {})
    for group in groups(cells):
        layout = layout_of(group.shape)
        if layout:
            _read(group, layout, order, column)
        elif (word := group.shape.strip()) and word.casefold() not in MISSING:
            column.bad.update(dict.fromkeys(group.rows.tolist(), "timestamp"))
    return column


def _read(group: Group, layout: Layout, order: str, column: Moments) -> None:
    """Put the moments of a group into the column."""
    year, month, day = _year_month_day(group, layout, order)
    blank = (year == 0) & (month == 0) & (day == 0)
    if layout.two_digit_year:
        year = year + np.where(year < FIRST_YEAR % 100, 2000, 1900)
    days, exists = _days(year, month, day)
    micros, is_time = _time_of_day(group, layout)
    column.times[group.rows] = (days * DAY_MICROSECONDS + micros).view(MICROSECOND)
    column.aware[group.rows], column.bare[group.rows] = layout.is_aware, layout.is_bare
    odd = (year < FIRST_YEAR) | (year > LAST_YEAR)
    doubtful = _doubtful_rows(group, layout, order)
    for code, wrong in (("year", odd), ("timestamp", ~exists | ~is_time), ("date_order", doubtful)):
        if (wrong & ~blank).any():
            column.bad.update(dict.fromkeys(group.rows[wrong & ~blank].tolist(), code))
            column.times[group.rows[wrong]] = NAT
    column.times[group.rows[blank]] = NAT


def _year_month_day(group: Group, layout: Layout, order: str) -> tuple[Ints, Ints, Ints]:
    year = group.number(layout.spans["year"])
    if not layout.needs_order:
        month = group.number(layout.spans["month"]) if not layout.month else np.full(len(year), layout.month)
        return year, month, group.number(layout.spans["day"])
    first, second = group.number(layout.spans["first"]), group.number(layout.spans["next"])
    if _has_year_first(layout, order):
        return first, second, year
    month_first = np.full(len(year), order == "month") if order in {"day", "month"} else second > 12
    return year, np.where(month_first, first, second), np.where(month_first, second, first)


def _has_year_first(layout: Layout, order: str) -> bool:
    return order == "year" and layout.two_digit_year


def _doubtful_rows(group: Group, layout: Layout, order: str) -> Bools:
    """Which dates could not be read because their order is not known."""
    if not layout.needs_order or order in {"day", "month"} or _has_year_first(layout, order):
        return np.zeros(len(group.rows), dtype=bool)
    first, second = group.number(layout.spans["first"]), group.number(layout.spans["next"])
    return _is_doubtful(first, second, layout)


_MONTHS = np.arange(f"{FIRST_YEAR}-01", f"{LAST_YEAR + 1}-02", dtype="datetime64[M]")
_MONTH_STARTS = _MONTHS.astype("datetime64[D]").astype(np.int64)


def _days(year: Ints, month: Ints, day: Ints) -> tuple[Ints, Bools]:
    """Days since 1970, and which dates exist; where the year is out of range, both are of no use."""
    at = np.clip((year - FIRST_YEAR) * 12 + month - 1, 0, len(_MONTH_STARTS) - 2)
    length = _MONTH_STARTS[at + 1] - _MONTH_STARTS[at]
    return _MONTH_STARTS[at] + day - 1, _is_month(month) & (day >= 1) & (day <= length)


def _time_of_day(group: Group, layout: Layout) -> tuple[Ints, Bools]:
    """Microseconds since midnight, less the offset from UTC; and which are times."""
    hour, minute, second, fraction, offset_hour, offset_minute = (
        group.number(layout.spans[part]) if part in layout.spans else np.zeros(len(group.rows), dtype=np.int64)
        for part in ("hour", "minute", "second", "fraction", "offset_hour", "offset_minute")
    )
    valid = (hour < 24) & (minute < 60) & (second < 60) & (offset_hour < 24) & (offset_minute < 60)
    if layout.afternoon is not None:
        valid &= layout.afternoon | (hour <= 12)
        hour = np.where(hour < 12, hour + 12, hour) if layout.afternoon else hour % 12
    start, end = layout.spans.get("fraction", (0, 6))
    micros = (fraction * 10**6) // 10 ** (end - start)
    offset = layout.offset_sign * (offset_hour * 60 + offset_minute) + (layout.offset_minutes or 0)
    return ((hour * 60 + minute - offset) * 60 + second) * 10**6 + micros, valid
