"""What every column parser takes and gives back: how a file is read, the values found, and the cells that are bad."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from flywheel.intake.spellings import MISSING

Times = npt.NDArray[np.datetime64]
Bad = dict[int, str]  # position in the column -> code

NUL = "\0"
NOTHING: frozenset[str] = frozenset()


class BadCellError(ValueError):
    """A cell that cannot be read; `code` says what was expected."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Reading:
    """How the cells of one file are to be read: time zones by name, the decimal sign, how dates are written.

    `date_order` says what the first number of a date such as 03/04/2026 is: "day", "month", "year" (26/03/04), or ""
    when that is not known. `date_format`, a pattern of strptime, makes every date be read by it alone.
    """

    workspace_zone: str
    zone: str
    hash_key: bytes
    decimal: str = "."
    date_format: str = ""
    date_order: str = ""


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
CellParser = Callable[[str, Reading], str]


def each(one: CellParser, blanks: frozenset[str] = NOTHING) -> Parser:
    """A column parser from a parser of one stripped, non-blank cell, which sees each distinct cell once.

    `blanks`: case-folded words that stand for a blank cell.
    """

    def column(cells: list[str], reading: Reading) -> Parsed:
        known: dict[str, str] = {}
        wrong: dict[str, str] = {}
        for cell in set(cells):
            try:
                stripped = cell.strip()
                known[cell] = one(stripped, reading) if stripped and stripped.casefold() not in blanks else ""
            except BadCellError as problem:
                known[cell], wrong[cell] = "", problem.code
        bad = {at: wrong[cell] for at, cell in enumerate(cells) if cell in wrong} if wrong else {}
        return Parsed(list(map(known.__getitem__, cells)), bad=bad)

    return column


def each_unless_missing(one: CellParser) -> Parser:
    """As `each`, where "--", "n/a" and the like are blank cells."""
    return each(one, MISSING)


def limited(cell: str, longest: int) -> str:
    """Text of at most `longest` characters, without NUL, which the database cannot hold; raises BadCellError."""
    if NUL in cell:
        raise BadCellError("nul")
    if len(cell) > longest:
        raise BadCellError("too_long")
    return cell


def longest_of(cells: list[str]) -> int:
    """The length of the longest cell."""
    return max(map(len, cells), default=0)
