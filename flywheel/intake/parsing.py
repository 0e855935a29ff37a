"""Cells to values: one parser per column type, for whole columns at a time.

A parser takes the cells of a column and gives back texts ready for the database ('' for a blank cell), and which
cells are bad with the code of what was expected (a key of `words.EXPECTED`). Numbers stay text from the file to the
database, so no digit is lost to a float. Cells that repeat are parsed once.
"""

import hashlib
import hmac
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

from flywheel.facts.calendar import FIRST_YEAR, LAST_YEAR, to_local, to_utc
from flywheel.intake.vocabulary import NO, YES

Times = npt.NDArray[np.datetime64]
Bad = dict[int, str]  # position in the column -> code

MAX_ID = 200  # characters; an index entry holds 2,704 bytes
MAX_CODE = 60  # as Market.code and Channel.code
MAX_TEXT = 500
MAX_INTEGER = 2**31 - 1
MAX_WHOLE_DIGITS = 13  # of an amount in its own currency; the database holds 14
MAX_SIGNED_DIGITS = 18  # an economy's size in its own currency has up to 17
SMALLEST_RATE = 1e-12  # as ExchangeRate.per_euro
NUL = "\0"
MICROSECOND = "datetime64[us]"
LAST_MOMENT = np.timedelta64(86_399, "s")  # a deadline given as a date ends with its day
NO_DATE = {"0000-00-00", "0000-00-00 00:00:00"}  # how some databases write an unknown date


class BadCellError(ValueError):
    """A cell that cannot be read; `code` says what was expected."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Reading:
    """How the cells of one file are to be read: time zones by name, the decimal sign, how dates are written."""

    workspace_zone: str
    zone: str
    hash_key: bytes
    decimal: str = "."
    date_format: str = ""


@dataclass(frozen=True)
class Parsed:
    """A column that was read: `texts` for the database, `times` (UTC, or days) for columns of time.

    `dates`: of a deadline, the calendar dates of the cells that are bare dates, NaT for the others.
    """

    texts: list[str]
    times: Times | None = None
    dates: Times | None = None
    bad: Bad = field(default_factory=dict)


Parser = Callable[[list[str], Reading], Parsed]


def parse(kind: str, cells: list[str], reading: Reading) -> Parsed:
    """Read a column of the type `kind`, a key of PARSERS."""
    return PARSERS[kind](cells, reading)


# --- whole columns, when they are as they should be ------------------------------------------------------------------
def text_of(longest: int) -> Parser:
    """A column of texts of at most `longest` characters."""
    one_by_one = each(partial(limited, longest=longest))

    def column(cells: list[str], reading: Reading) -> Parsed:
        stripped = list(map(str.strip, cells))
        sound = _longest(stripped) <= longest and NUL not in "".join(stripped)
        return Parsed(stripped) if sound else one_by_one(cells, reading)

    return column


def people(cells: list[str], reading: Reading) -> Parsed:
    """A column of customers' ids, in which e-mail addresses become their hashes."""
    return each(person)(cells, reading) if "@" in "".join(cells) else text_of(MAX_ID)(cells, reading)


def money(cells: list[str], reading: Reading) -> Parsed:
    """A column of amounts; one of plain numbers stays as it is."""
    plain = reading.decimal == "." and _are_plain_numbers(cells)
    return Parsed(cells) if plain else each(partial(number, code="money"))(cells, reading)


def integers(cells: list[str], reading: Reading) -> Parsed:
    """A column of whole numbers."""
    digits = "".join(cells)
    plain = digits.isascii() and digits.isdigit() and _longest(cells) < 10
    return Parsed(cells) if plain else each(integer)(cells, reading)


def _are_plain_numbers(cells: list[str]) -> bool:
    """Whether every cell is blank or digits with at most one point, short enough for an amount."""
    text = "\n".join(cells)
    if not text.isascii() or text.encode().translate(None, b"0123456789.").strip(b"\n"):
        return False
    try:
        deque(map(float, filter(None, cells)), maxlen=0)  # refuses "." and "1.2.3"; the values are not used
    except ValueError:
        return False
    return _longest(cells) <= MAX_WHOLE_DIGITS


def _longest(cells: list[str]) -> int:
    return max(map(len, cells), default=0)


# --- cell by cell: each distinct cell once --------------------------------------------------------------------------
def each(one: Callable[[str, Reading], str]) -> Parser:
    """A column parser from a parser of one stripped, non-blank cell."""

    def column(cells: list[str], reading: Reading) -> Parsed:
        known: dict[str, str] = {}
        wrong: dict[str, str] = {}
        for cell in set(cells):
            try:
                stripped = cell.strip()
                known[cell] = one(stripped, reading) if stripped else ""
            except BadCellError as problem:
                known[cell], wrong[cell] = "", problem.code
        bad = {at: wrong[cell] for at, cell in enumerate(cells) if cell in wrong} if wrong else {}
        return Parsed(list(map(known.__getitem__, cells)), bad=bad)

    return column


def limited(cell: str, reading: Reading, longest: int) -> str:
    """Text of at most `longest` characters, without NUL, which the database cannot hold."""
    if NUL in cell:
        raise BadCellError("nul")
    if len(cell) > longest:
        raise BadCellError("too_long")
    return cell


def device(cell: str, reading: Reading) -> str:
    """A kind of device, in small letters."""
    return limited(cell.lower(), reading, MAX_CODE)


def person(cell: str, reading: Reading) -> str:
    """A customer's id; one that is an e-mail address becomes its keyed hash."""
    return email(cell, reading) if "@" in cell else limited(cell, reading, MAX_ID)


def email(cell: str, reading: Reading) -> str:
    """An e-mail address as its HMAC-SHA256 under the workspace's key, in hex."""
    if "@" not in cell:
        raise BadCellError("email")
    return hmac.new(reading.hash_key, cell.lower().encode(), hashlib.sha256).hexdigest()


def currency(cell: str, reading: Reading) -> str:
    """A currency's three letters."""
    if not (len(cell) == 3 and cell.isascii() and cell.isalpha()):
        raise BadCellError("currency")
    return cell.upper()


_PLAIN = re.compile(r"[0-9]{1,14}(\.[0-9]+)?", re.ASCII)
_GROUPED = {
    ".": re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?|[0-9]*\.?[0-9]+|[0-9]+\.", re.ASCII),
    ",": re.compile(r"[0-9]{1,3}([. ’'\u00a0\u202f][0-9]{3})+(,[0-9]+)?|[0-9]*,?[0-9]+|[0-9]+,", re.ASCII),
}
_DRESSING = re.compile(r"^(?:[A-Z]{0,3}[€$£¥₹]|[A-Z]{3}\s)\s*|\s*(?:[€$£¥₹]|\s[A-Z]{3})$")


def number(cell: str, reading: Reading, code: str = "number") -> str:
    """A number of zero or more as plain text: `1234.5`, without grouping, sign of currency or closing zeros."""
    text = cell
    if not (reading.decimal == "." and _PLAIN.fullmatch(cell)):
        text = _undressed(cell, reading.decimal, code)
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if len(text.partition(".")[0]) > MAX_WHOLE_DIGITS:
        raise BadCellError("amount" if code == "money" else "too_large")
    return text or "0"


def _undressed(cell: str, decimal: str, code: str) -> str:
    """A number as people write it, without currency and grouping; raises BadCellError."""
    bare = _DRESSING.sub("", cell).removeprefix("+")
    if bare.startswith(("-", "−")) and _GROUPED[decimal].fullmatch(bare[1:]):
        if re.search("[1-9]", bare):
            raise BadCellError("negative")
        bare = bare[1:]
    if not _GROUPED[decimal].fullmatch(bare):
        raise BadCellError(code)
    whole, _, part = bare.rpartition(decimal) if decimal in bare else (bare, "", "")
    digits = re.sub("[^0-9]", "", whole).lstrip("0") or "0"
    return f"{digits}.{part}" if part else digits


def per_euro(cell: str, reading: Reading) -> str:
    """An exchange rate: a number that is above zero as the database keeps it."""
    text = number(cell, reading, "per_euro")
    if float(text) < SMALLEST_RATE:
        raise BadCellError("per_euro")
    return text


def integer(cell: str, reading: Reading) -> str:
    """A whole number from 0 to MAX_INTEGER."""
    if cell.isascii() and cell.isdigit() and len(cell) < 10:
        return cell
    text = number(cell, reading, "integer")
    if "." in text:
        raise BadCellError("integer")
    if int(text) > MAX_INTEGER:
        raise BadCellError("too_large")
    return text


def stars(cell: str, reading: Reading) -> str:
    """A rating from 1 to 5."""
    text = number(cell, reading, "stars")
    if not 1 <= float(text) <= 5:
        raise BadCellError("stars")
    return text


def score(cell: str, reading: Reading) -> str:
    """A whole number from 0 to 10."""
    text = number(cell, reading, "score")
    if "." in text or int(text) > 10:
        raise BadCellError("score")
    return text


def signed(cell: str, reading: Reading) -> str:
    """A number of either sign as plain text, of at most MAX_SIGNED_DIGITS before the decimal sign."""
    negative = cell.startswith(("-", "−"))
    size = cell[1:].lstrip() if negative else cell
    if size.startswith(("-", "−")):
        raise BadCellError("signed")
    text = _undressed(size, reading.decimal, "signed")
    if len(text.partition(".")[0]) > MAX_SIGNED_DIGITS:
        raise BadCellError("too_large")
    return f"-{text}" if negative else text


def yes_no(cell: str, reading: Reading) -> str:
    """Yes or no, in a few languages."""
    word = cell.casefold()
    if word in YES:
        return "t"
    if word in NO:
        return "f"
    raise BadCellError("bool")


# --- times: whole columns -------------------------------------------------------------------------------------------
def timestamp(cells: list[str], reading: Reading) -> Parsed:
    """Points in time as UTC. A time without offset is the wall clock of the file's zone."""
    cells = _stripped(cells)
    written, aware, bad = _parsed_times(cells, reading)
    times = _in_utc(written, aware, reading)
    return Parsed(time_texts(times), times, bad=bad)


def deadline(cells: list[str], reading: Reading) -> Parsed:
    """Points in time as UTC, where a bare date means the end of that day on the clock of the file's zone."""
    cells = _stripped(cells)
    written, aware, bad = _parsed_times(cells, reading)
    bare = _bare_dates(cells, reading) & ~np.isnat(written)
    dates = np.where(bare, written, np.datetime64("NaT")).astype("datetime64[D]")
    times = _in_utc(np.where(bare, written + LAST_MOMENT, written), aware, reading)
    return Parsed(time_texts(times), times, dates, bad)


_TIME_DIRECTIVE = re.compile("%[HIMSfpzZcX]")


def _bare_dates(cells: list[str], reading: Reading) -> npt.NDArray[np.bool_]:
    """Which cells hold no time of day: those of a format without time, else those as short as a date."""
    if reading.date_format:
        timed = _TIME_DIRECTIVE.search(reading.date_format.replace("%%", ""))
        return np.full(len(cells), timed is None)
    return np.fromiter((len(cell) <= len("2026-01-31") for cell in cells), dtype=bool, count=len(cells))


def day(cells: list[str], reading: Reading) -> Parsed:
    """Calendar dates; a time with an offset is dated in the workspace's zone, one without as it stands."""
    days, bad = _days(_stripped(cells), reading)
    return Parsed(day_texts(days), days, bad=bad)


def _days(cells: list[str], reading: Reading) -> tuple[Times, Bad]:
    times, aware, bad = _parsed_times(cells, reading)
    if aware.any():
        times = np.where(aware, to_local(times, reading.workspace_zone), times)
    return times.astype("datetime64[D]"), bad


_MONTH = re.compile(r"[0-9]{4}[-/.][0-9]{1,2}", re.ASCII)


def month(cells: list[str], reading: Reading) -> Parsed:
    """The first days of months, each written as 2026-03 or as a date within it."""
    cells = _stripped(cells)
    firsts = [f"{cell[:4]}-{cell[5:]:0>2}-01" if _MONTH.fullmatch(cell) else "" for cell in cells]
    others = ["" if first else cell for first, cell in zip(firsts, cells, strict=True)]
    named, bad = _days(firsts, replace(reading, date_format=""))
    dated, bad_dates = _days(others, reading)
    days = np.where(np.isnat(named), dated, named).astype("datetime64[M]").astype("datetime64[D]")
    return Parsed(day_texts(days), days, bad=_as_months(bad | bad_dates))


def _as_months(bad: Bad) -> Bad:
    return {at: "month" if code == "timestamp" else code for at, code in bad.items()}


def _stripped(cells: list[str]) -> list[str]:
    return list(map(str.strip, cells))


def _in_utc(written: Times, aware: npt.NDArray[np.bool_], reading: Reading) -> Times:
    """Times as written, of which those that are `aware` are UTC already."""
    return written if aware.all() else np.where(aware, written, to_utc(written, reading.zone))


def _parsed_times(cells: list[str], reading: Reading) -> tuple[Times, npt.NDArray[np.bool_], Bad]:
    """Times as written (UTC where the cell has an offset), which have one, and which cells are bad."""
    aware = _with_offset(cells, reading.date_format)
    read = partial(_read_format, pattern=reading.date_format) if reading.date_format else _read_iso
    times = read(cells, bool(aware.any()))
    blank = np.fromiter((not cell or cell in NO_DATE for cell in cells), dtype=bool, count=len(cells))
    bad = dict.fromkeys(np.flatnonzero(np.isnat(times) & ~blank).tolist(), "timestamp")
    times[blank] = np.datetime64("NaT")
    years = times.astype("datetime64[Y]").astype(np.int64) + 1970
    odd = ~np.isnat(times) & ((years < FIRST_YEAR) | (years > LAST_YEAR))
    bad |= dict.fromkeys(np.flatnonzero(odd).tolist(), "year")
    times[odd] = np.datetime64("NaT")
    return times, aware, bad


_OFFSET = re.compile(r"(?:Z|[+-][0-9]{2}:?[0-9]{2}|[+-][0-9]{2})$")
_DATE_LENGTH = len("2026-01-31")


def _with_offset(cells: list[str], pattern: str) -> npt.NDArray[np.bool_]:
    """Which cells end in an offset from UTC: each by itself, unless no cell can."""
    if pattern and not _has_offset(pattern):
        return np.zeros(len(cells), dtype=bool)  # its dashes are those of dates, wherever they stand
    ends = "".join([cell[_DATE_LENGTH:] for cell in cells])
    if not any(sign in ends for sign in "Z+-"):
        return np.zeros(len(cells), dtype=bool)
    found = (len(cell) > _DATE_LENGTH and _OFFSET.search(cell) is not None for cell in cells)
    return np.fromiter(found, dtype=bool, count=len(cells))


def _has_offset(pattern: str) -> bool:
    """Whether times written by a format end in an offset from UTC."""
    return pattern.endswith("Z") or "%z" in pattern.replace("%%", "")


def _read_iso(cells: list[str], aware: bool) -> Times:
    """ISO 8601, also with slashes; NaT for what is not."""
    sound = [cell if cell[:1].isdigit() and len(cell) > len("2026-01") else None for cell in cells]
    series = pd.Series(sound, dtype=object)
    return _naive(pd.to_datetime(series, format="ISO8601", errors="coerce", utc=aware))


def check_date_format(pattern: str) -> None:
    """Raise ValueError for a pattern by which a date cannot be told: an unknown directive, or no year, month or day."""
    moment = datetime(2026, 3, 31, 14, 5, 6, tzinfo=UTC)
    try:
        read = pd.to_datetime(moment.strftime(pattern), format=pattern, utc=True)
    except re.error as problem:  # a directive that comes twice
        raise ValueError(str(problem)) from problem
    if read.date() != moment.date():
        raise ValueError(f"no year, month and day in {pattern!r}")


def _read_format(cells: list[str], aware: bool, pattern: str) -> Times:
    return _naive(pd.to_datetime(pd.Series(cells, dtype=object), format=pattern, errors="coerce", utc=aware))


def _naive(series: "pd.Series[pd.Timestamp]") -> Times:
    if series.dt.tz is not None:
        series = series.dt.tz_localize(None)
    return series.to_numpy(dtype=MICROSECOND).copy()


# --- texts of times -------------------------------------------------------------------------------------------------
_SECONDS = [f" {s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}+00" for s in range(86_400)]


def day_texts(days: Times) -> list[str]:
    """datetime64[D] as ISO texts, '' for NaT. Each distinct day is written once."""
    unique, row = np.unique(days, return_inverse=True)
    texts = ["" if np.isnat(value) else str(value) for value in unique]
    return list(map(texts.__getitem__, row.tolist()))


def time_texts(times: Times) -> list[str]:
    """UTC datetime64[us] as texts for the database, '' for NaT."""
    days = times.astype("datetime64[D]")
    missing = np.isnat(times)
    micros = np.where(missing, 0, (times - days).astype(np.int64))
    seconds = list(map(_SECONDS.__getitem__, (micros // 1_000_000).tolist()))
    texts = list(map(str.__add__, day_texts(days), seconds))
    for at in np.flatnonzero(missing).tolist():
        texts[at] = ""
    for at in np.flatnonzero(micros % 1_000_000).tolist():
        texts[at] = f"{texts[at][:19]}.{micros[at] % 1_000_000:06}+00"
    return texts


PARSERS: dict[str, Parser] = {
    "id": text_of(MAX_ID),
    "code": text_of(MAX_CODE),
    "text": text_of(MAX_TEXT),
    "device": each(device),
    "person": people,
    "email": each(email),
    "currency": each(currency),
    "money": money,
    "integer": integers,
    "number": each(number),
    "signed": each(signed),
    "per_euro": each(per_euro),
    "stars": each(stars),
    "score": each(score),
    "bool": each(yes_no),
    "timestamp": timestamp,
    "deadline": deadline,
    "date": day,
    "month": month,
}
