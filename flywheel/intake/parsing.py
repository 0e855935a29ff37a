"""Cells to values: one parser per column type, for whole columns at a time.

A parser takes the cells of a column and gives back texts ready for the database ('' for a blank cell), and which
cells are bad with the code of what was expected (a key of `words.EXPECTED`). Numbers stay text from the file to the
database, so no digit is lost to a float. Cells that repeat are parsed once.
"""

import hmac
from functools import partial

from flywheel.intake.cells import (
    NUL,
    BadCellError,
    Parsed,
    Parser,
    Reading,
    Times,
    each,
    each_unless_missing,
    limited,
    longest_of,
)
from flywheel.intake.countries import country
from flywheel.intake.dates import DateEvidence, date_evidence
from flywheel.intake.numbers import (
    DecimalEvidence,
    decimal_evidence,
    decimal_of,
    deduction,
    integers,
    money,
    numbers,
    per_euro,
    shares,
    signed,
    signed_number,
)
from flywheel.intake.ratings import satisfaction, score, stars
from flywheel.intake.spellings import CURRENCIES, NO, YES
from flywheel.intake.times import check_date_format, day, day_texts, deadline, month, timestamp

__all__ = [
    "PARSERS",
    "TYPES_OF_AMOUNTS",
    "TYPES_OF_NUMBERS",
    "TYPES_OF_TIMES",
    "BadCellError",
    "DateEvidence",
    "DecimalEvidence",
    "Parsed",
    "Reading",
    "Times",
    "check_date_format",
    "date_evidence",
    "day_texts",
    "decimal_evidence",
    "decimal_of",
    "parse",
]

MAX_ID = 200  # characters; an index entry holds 2,704 bytes
MAX_CODE = 60  # as Market.code and Channel.code
MAX_TEXT = 500


def parse(kind: str, cells: list[str], reading: Reading) -> Parsed:
    """Read a column of the type `kind`, a key of PARSERS."""
    return PARSERS[kind](cells, reading)


# --- texts ----------------------------------------------------------------------------------------------------------
def text_of(longest: int) -> Parser:
    """A column of texts of at most `longest` characters."""

    def one(cell: str, reading: Reading) -> str:
        return limited(cell, longest)

    one_by_one = each(one)

    def column(cells: list[str], reading: Reading) -> Parsed:
        stripped = list(map(str.strip, cells))
        sound = longest_of(stripped) <= longest and NUL not in "".join(stripped)
        return Parsed(stripped) if sound else one_by_one(cells, reading)

    return column


def people(cells: list[str], reading: Reading) -> Parsed:
    """A column of customers' ids, in which e-mail addresses become their hashes."""
    return each(person)(cells, reading) if "@" in "".join(cells) else text_of(MAX_ID)(cells, reading)


def device(cell: str, reading: Reading) -> str:
    """A kind of device, in small letters."""
    return limited(cell.lower(), MAX_CODE)


def person(cell: str, reading: Reading) -> str:
    """A customer's id; one that is an e-mail address becomes its keyed hash."""
    return email(cell, reading) if "@" in cell else limited(cell, MAX_ID)


def email(cell: str, reading: Reading) -> str:
    """An e-mail address as its HMAC-SHA256 under the workspace's key, in hex."""
    if "@" not in cell:
        raise BadCellError("email")
    return hmac.digest(reading.hash_key, cell.lower().encode(), "sha256").hex()


# --- words ----------------------------------------------------------------------------------------------------------
def currency(cell: str, reading: Reading) -> str:
    """A currency's three letters, also from a sign or word that means no other."""
    known = CURRENCIES.get(cell.casefold())
    if known is None and not (len(cell) == 3 and cell.isascii() and cell.isalpha()):
        raise BadCellError("currency")
    return known or cell.upper()


def yes_no(cell: str, reading: Reading) -> str:
    """Yes or no, in a few languages."""
    word = cell.casefold()
    if word in YES:
        return "t"
    if word in NO:
        return "f"
    raise BadCellError("bool")


PARSERS: dict[str, Parser] = {
    "id": text_of(MAX_ID),
    "code": text_of(MAX_CODE),
    "text": text_of(MAX_TEXT),
    "device": each(device),
    "person": people,
    "email": each(email),
    "country": each(partial(country, longest=MAX_CODE)),
    "currency": each(currency),
    "bool": each(yes_no),
    "money": money,
    "signed": signed,
    "deduction": deduction,
    "number": numbers,
    "integer": integers,
    "percent": shares,
    "signed_number": each_unless_missing(signed_number),
    "per_euro": each_unless_missing(per_euro),
    "stars": each_unless_missing(stars),
    "score": each_unless_missing(score),
    "csat": each_unless_missing(satisfaction),
    "timestamp": timestamp,
    "deadline": deadline,
    "date": day,
    "month": month,
}
TYPES_OF_AMOUNTS = frozenset({"money", "signed", "deduction"})  # in a currency
TYPES_OF_NUMBERS = TYPES_OF_AMOUNTS | {"number", "signed_number", "per_euro", "integer", "percent"}
TYPES_OF_TIMES = frozenset({"timestamp", "deadline", "date", "month"})
