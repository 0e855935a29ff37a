"""Columns made of columns, for a chunk of rows at a time."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal, InvalidOperation

import pandas as pd

from flywheel.intake.vocabulary import plain


@dataclass
class Cells:
    """The cells of a chunk by the names of the format's columns. `memory` lasts from chunk to chunk of one file."""

    count: int
    columns: dict[str, list[str]]
    words: Mapping[str, str] = field(default_factory=dict)
    memory: dict[object, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> list[str]:
        """A column's cells, stripped; blanks when the file does not have it."""
        return self.columns.get(name) or [""] * self.count


Maker = Callable[[Cells], list[str]]


def first_of(*names: str) -> Maker:
    """The first cell of the row that is not blank."""
    return lambda cells: [next(filter(None, row), "") for row in zip(*(cells[name] for name in names), strict=True)]


def word(name: str, otherwise: str = "") -> Maker:
    """A word of the headers, such as the currency in `Amount spent (USD)`, for every row."""
    return lambda cells: [cells.words.get(name) or otherwise] * cells.count


def translated(name: str, meanings: Mapping[str, str], otherwise: str | None = None) -> Maker:
    """A column's words by their meanings; other words as they are, or `otherwise`."""
    known = {plain(word): meaning for word, meaning in meanings.items()}

    def make(cells: Cells) -> list[str]:
        return [known.get(plain(cell), cell if otherwise is None else otherwise) for cell in cells[name]]

    return make


def extracted(name: str, pattern: str) -> Maker:
    """The pattern's first group where it is found in the cell; else blank."""
    compiled = re.compile(pattern, re.IGNORECASE)

    def make(cells: Cells) -> list[str]:
        matches = map(compiled.search, cells[name])
        return [match.group(1) or "" if match else "" for match in matches]

    return make


@dataclass(frozen=True)
class Case:
    """A row whose cell in column `name` fits the pattern gets `gives`; an empty pattern fits any cell with a text."""

    name: str
    pattern: str
    gives: str

    def fits(self, cell: str) -> bool:
        """Whether a cell fits."""
        return bool(re.fullmatch(self.pattern, cell, re.IGNORECASE)) if self.pattern else bool(cell)


def cases(*known: Case, otherwise: str = "") -> Maker:
    """What the first case that fits gives; else the cell of the column `otherwise` (blank without one)."""

    def make(cells: Cells) -> list[str]:
        made = list(cells[otherwise]) if otherwise else [""] * cells.count
        undecided = set(range(cells.count))
        for case in known:
            fitting = {cell for cell in set(cells[case.name]) if case.fits(cell)}
            hit = [at for at in undecided if cells[case.name][at] in fitting]
            for at in hit:
                made[at] = case.gives
            undecided.difference_update(hit)
        return made

    return make


def where(name: str, pattern: str, source: str) -> Maker:
    """The cell of `source` in the rows whose cell in `name` fits the pattern; else blank."""
    compiled = re.compile(pattern, re.IGNORECASE)

    def make(cells: Cells) -> list[str]:
        fitting = {cell for cell in set(cells[name]) if compiled.fullmatch(cell)}
        return [cell if told in fitting else "" for told, cell in zip(cells[name], cells[source], strict=True)]

    return make


def above_zero(name: str) -> Maker:
    """The cell when it is a number other than zero; else blank."""
    return lambda cells: [cell if re.search("[1-9]", cell) else "" for cell in cells[name]]


def added(*names: str) -> Maker:
    """The sum of plain numbers in a row; blank where all are. What is no number is left for the reader to refuse."""
    return lambda cells: [_sum(row) for row in zip(*(cells[name] for name in names), strict=True)]


def _sum(row: Sequence[str]) -> str:
    told = [cell for cell in row if cell]
    try:
        return f"{sum(map(Decimal, told)):f}" if told else ""
    except InvalidOperation:
        return next(cell for cell in told if not _is_number(cell))


def _is_number(cell: str) -> bool:
    try:
        return Decimal(cell).is_finite()
    except InvalidOperation:
        return False


def place_in_run(name: str) -> Maker:
    """1, 2, 3 … while the cell of `name` stays the same from row to row, where the rows of one order stand together."""

    def make(cells: Cells) -> list[str]:
        places = []
        last, place = cells.memory.get((make, "cell")), int(cells.memory.get((make, "place"), "0"))
        for cell in cells[name]:
            place = place + 1 if cell == last else 1
            last = cell
            places.append(str(place))
        cells.memory |= {(make, "cell"): last or "", (make, "place"): str(place)}
        return places

    return make


def carried_down(name: str) -> Maker:
    """The cell, or where it is blank the last one above that was not."""

    def make(cells: Cells) -> list[str]:
        filled, last = [], cells.memory.get((make, "cell"), "")
        for cell in cells[name]:
            last = cell or last
            filled.append(last)
        cells.memory[make, "cell"] = last
        return filled

    return make


def later(name: str, minutes: str) -> Maker:
    """The time in `name` moved on by the minutes in another column; blank where either cannot be read."""

    def make(cells: Cells) -> list[str]:
        starts = pd.to_datetime(pd.Series(list(cells[name]), dtype=object), errors="coerce", format="mixed")
        waits = pd.to_numeric(pd.Series(list(cells[minutes]), dtype=object), errors="coerce")
        told = (starts.notna() & waits.notna()).tolist()
        rows = zip(told, starts, waits, strict=True)
        return [str(start + timedelta(minutes=float(wait))) if known else "" for known, start, wait in rows]

    return make
