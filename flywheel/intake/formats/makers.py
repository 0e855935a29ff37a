"""Columns made of columns, for a chunk of rows at a time."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation


@dataclass
class Cells:
    """The cells of a chunk by the names of the format's columns; made ones are made when they are asked for.

    `words`: those of the headers, and the plan's options. `memory` lasts from chunk to chunk of one file.
    """

    count: int
    columns: dict[str, list[str]]
    words: Mapping[str, str] = field(default_factory=dict)
    memory: dict[object, str] = field(default_factory=dict)
    making: Mapping[str, "Maker"] = field(default_factory=dict)

    def __getitem__(self, name: str) -> list[str]:
        """A column's cells, stripped; blanks when the file does not have it."""
        if name not in self.columns:
            make = self.making.get(name)
            self.columns[name] = make(self) if make else [""] * self.count
        return self.columns[name]


Maker = Callable[[Cells], list[str]]


def first_of(*names: str) -> Maker:
    """The first cell of the row that is not blank."""
    return lambda cells: [next(filter(None, row), "") for row in zip(*(cells[name] for name in names), strict=True)]


def word(name: str, otherwise: str = "") -> Maker:
    """A word of the headers, such as the currency in `Amount spent (USD)`, for every row."""
    return lambda cells: [cells.words.get(name) or otherwise] * cells.count


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


def unless(name: str, pattern: str, source: str = "") -> Maker:
    """The cell of `source` (of the column itself without one) except where the cell in `name` fits the pattern."""
    compiled = re.compile(pattern, re.IGNORECASE)

    def make(cells: Cells) -> list[str]:
        fitting = {cell for cell in set(cells[name]) if compiled.fullmatch(cell)}
        pairs = zip(cells[name], cells[source or name], strict=True)
        return ["" if told in fitting else cell for told, cell in pairs]

    return make


def joined(*names: str, separator: str = ":") -> Maker:
    """The cells of a row as one text, blanks at the end left off; blank when the first is."""

    def make(cells: Cells) -> list[str]:
        rows = zip(*(cells[name] for name in names), strict=True)
        return [separator.join(row).rstrip(separator) if row[0] else "" for row in rows]

    return make


def respelled(name: str, pattern: str, replacement: str) -> Maker:
    """The cell with what fits the pattern replaced."""
    compiled = re.compile(pattern)
    return lambda cells: [compiled.sub(replacement, cell) for cell in cells[name]]


def negated(name: str) -> Maker:
    """The number in the cell with the other sign, however it is written; zero and blank are blank."""

    def make(cells: Cells) -> list[str]:
        return [_other_sign(cell) if re.search("[1-9]", cell) else "" for cell in cells[name]]

    return make


def _other_sign(cell: str) -> str:
    return cell[1:] if cell.startswith(("-", "−")) else "-" + cell.removeprefix("+")


def above_zero(name: str) -> Maker:
    """The cell when it is a number other than zero; else blank."""
    return lambda cells: [cell if re.search("[1-9]", cell) else "" for cell in cells[name]]


def added(*names: str, minus: tuple[str, ...] = ()) -> Maker:
    """The sum of plain numbers in a row, less those of other columns; blank where the first column is.

    What is no number is left for the reader to refuse.
    """

    def make(cells: Cells) -> list[str]:
        plus = zip(*(cells[name] for name in names), strict=True)
        less = zip(*(cells[name] for name in minus), strict=True) if minus else [()] * cells.count
        return [_sum(*pair) for pair in zip(plus, less, strict=True)]

    return make


def _sum(plus: Sequence[str], less: Sequence[str]) -> str:
    if not plus[0]:
        return ""
    try:
        return f"{sum(map(Decimal, filter(None, plus))) - sum(map(Decimal, filter(None, less))):f}"
    except InvalidOperation:
        return next(cell for cell in (*plus, *less) if cell and not _is_number(cell))


def divided(name: str, by: str) -> Maker:
    """The quotient of two plain numbers, to four places; blank where either is blank or zero is the divisor."""

    def make(cells: Cells) -> list[str]:
        return [_quotient(*pair) for pair in zip(cells[name], cells[by], strict=True)]

    return make


def _quotient(cell: str, by: str) -> str:
    if not cell or not re.search("[1-9]", by):
        return ""
    try:
        return f"{(Decimal(cell) / Decimal(by)).quantize(Decimal('0.0001')):f}"
    except InvalidOperation:
        return cell


def _is_number(cell: str) -> bool:
    try:
        return Decimal(cell).is_finite()
    except InvalidOperation:
        return False


def place_in_run(name: str) -> Maker:
    """1, 2, 3 … while the cell of `name` stays the same from row to row; the rows of one order stand together."""

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
    """The time in `name`, as year to minute or second, moved on by the minutes in another column."""

    def make(cells: Cells) -> list[str]:
        return [_later(*pair) for pair in zip(cells[name], cells[minutes], strict=True)]

    return make


def _later(cell: str, minutes: str) -> str:
    told = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(.*)", cell)
    if not (told and re.fullmatch(r"[0-9]{1,7}(\.[0-9]+)?", minutes)):
        return ""
    try:
        moved = datetime.fromisoformat(told[1]) + timedelta(minutes=float(minutes))
    except ValueError:
        return ""
    return f"{moved.isoformat(' ', 'seconds')}{told[2]}"


# --- days of a row that tells several ---------------------------------------------------------------------------------
def days_after(name: str, days: int) -> Maker:
    """The date so many days after the ISO date in the cell; blank for what is none."""

    def make(cells: Cells) -> list[str]:
        return [(day + timedelta(days=days)).isoformat() if (day := _day(cell)) else "" for cell in cells[name]]

    return make


def nth_day(name: str) -> Maker:
    """The day of the period that the cell counts to, its first being 0."""

    def make(cells: Cells) -> list[str]:
        first = _day(cells.words["period_first"])
        numbers = (int(cell) if cell.isascii() and cell.isdigit() and len(cell) < 5 else None for cell in cells[name])
        return ["" if first is None or n is None else (first + timedelta(days=n)).isoformat() for n in numbers]

    return make


def month_edge(name: str, *, last: bool = False) -> Maker:
    """The first or last day of the month in the cell: 202610, 2026-10, 2026-10-01, or 10 in the period's year.

    Blank where the month comes more than once in the period, or not at all.
    """

    def make(cells: Cells) -> list[str]:
        known = {cell: _month(cell, cells.words) for cell in set(cells[name])}
        edges = {cell: _edge(month, last) if month else "" for cell, month in known.items()}
        return [edges[cell] for cell in cells[name]]

    return make


def _month(cell: str, words: Mapping[str, str]) -> date | None:
    told = re.fullmatch(r"([0-9]{4})[-/.]?([0-9]{2})(?:[-/.]?[0-9]{2})?", cell)
    if told:
        return _day(f"{told[1]}-{told[2]}-01")
    first, last = _day(words.get("period_first", "")), _day(words.get("period_last", ""))
    if not (first and last and re.fullmatch(r"0?[1-9]|1[0-2]", cell)):
        return None
    months = [date(first.year + n // 12, n % 12 + 1, 1) for n in range(first.month - 1, _months(first, last))]
    fitting = [month for month in months if month.month == int(cell)]
    return fitting[0] if len(fitting) == 1 else None


def _months(first: date, last: date) -> int:
    """Where the month of `last` ends, counted in months from January of the year of `first`."""
    return (last.year - first.year) * 12 + last.month


def _edge(month: date, last: bool) -> str:
    after = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return (after - timedelta(days=1) if last else month).isoformat()


def _day(cell: str) -> date | None:
    try:
        return date.fromisoformat(cell[:10])
    except ValueError:
        return None
