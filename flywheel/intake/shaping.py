"""A file's table as a plan sees it: with columns made of others, without rows of other kinds, a period day by day."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from flywheel.facts.calendar import FIRST_YEAR, LAST_YEAR
from flywheel.intake.formats import FORMATS
from flywheel.intake.formats.base import MADE_MARK, Format, Found, Made
from flywheel.intake.formats.makers import Cells
from flywheel.intake.parsing import Reading, parse
from flywheel.intake.plans import Plan
from flywheel.intake.reading import Chunk, FileProblemError, Table

DAY_COLUMN = MADE_MARK + "date"
MOST_DAYS = 400  # of a period: a year and a month; a longer report says nothing about a week
PLACES = 4  # of an amount that is shared among days, as the database keeps them
TURNED_ROWS = 500  # that are turned at a time: each becomes dozens
_SPREAD_TYPES = ("integer", "money", "signed", "deduction")


def made_headers(plan: Plan, header: Sequence[str]) -> list[str]:
    """The headers of the columns that the plan's format makes of the file's; empty without a format."""
    known = FORMATS.get(plan.format)
    found = known.found(header) if known else None
    return [made.shown for made in _makers(known, found, plan)] if known and found else []


def shaped(table: Table, plan: Plan, reading: Reading) -> Table:
    """The table with the plan's format applied. Raises FileProblemError here, or while its chunks are read."""
    chunks, header = table.chunks, list(table.header)
    known = FORMATS.get(plan.format)
    found = known.found(header) if known else None
    last = ""
    if known and known.turned:
        chunks = _turned(chunks, list(header), known.turned)
        header += [made.shown for made in known.made]
    elif known and found:
        last = _last_day(known, found, plan)
        wanted = {*plan.columns.values(), plan.only, last}
        makers = _makers(known, found, plan)
        fresh = [made for made in makers if made.shown in wanted]
        chunks = _extended(chunks, header, fresh, _cells(header, found, makers, plan))
        header += [made.shown for made in fresh]
    if plan.only in header:
        chunks = _filtered(chunks, header.index(plan.only))
    if plan.is_spread:
        header.append(DAY_COLUMN)
        chunks = _spread(chunks, plan, header, reading)
    elif last in header:
        chunks = _spread_rows(chunks, plan, header, reading, header.index(last))
    return replace(table, header=header, chunks=chunks)


def as_spread(plan: Plan) -> Plan:
    """The plan with its date read from the days that `shaped` adds, when it tells a period."""
    return replace(plan, columns={**plan.columns, "date": DAY_COLUMN}) if plan.is_spread else plan


# --- made columns ---------------------------------------------------------------------------------------------------
def _makers(known: Format, found: Found, plan: Plan) -> list[Made]:
    words = found.words | plan.options
    return [made for made in known.made if made.is_there(found, words)]


def _last_day(known: Format, found: Found, plan: Plan) -> str:
    """The header of the column that tells the last day of each row, where the plan's date is the first; '' for none."""
    names = known.names(found, plan.options)
    parts = (part for part in known.parts if part.kind.slug == plan.kind.slug)
    pairs = (pair for part in parts for pair in part.until.items())
    date_column = plan.columns.get("date")
    return next((names.get(last, "") for first, last in pairs if date_column and names.get(first) == date_column), "")


def _cells(header: list[str], found: Found, makers: list[Made], plan: Plan) -> Callable[[Chunk], Cells]:
    """Gives the cells of a chunk by the format's names; what they remember lasts from chunk to chunk."""
    memory: dict[object, str] = {}
    positions = {name: header.index(mine) for name, mine in found.headers.items()}
    making = {made.name: made.make for made in makers}
    words = found.words | plan.options

    def cells(chunk: Chunk) -> Cells:
        columns = dict(zip(positions, chunk.columns(list(positions.values())), strict=True))
        stripped = {name: list(map(str.strip, column)) for name, column in columns.items()}
        return Cells(len(chunk.rows), stripped, words, memory, making)

    return cells


def _extended(
    chunks: Iterator[Chunk], header: list[str], fresh: list[Made], cells: Callable[[Chunk], Cells]
) -> Iterator[Chunk]:
    """Each chunk's rows with the made cells behind the file's own; a maker may use what others make."""
    for chunk in chunks:
        if not fresh:
            yield chunk
            continue
        mine = cells(chunk)
        more = zip(*(mine[made.name] for made in fresh), strict=True)
        yield replace(chunk, rows=[[*row, *cells] for row, cells in zip(chunk.rows, more, strict=True)])


def _turned(
    chunks: Iterator[Chunk],
    header: list[str],
    turned: Callable[[Sequence[str], Sequence[Sequence[str]]], Iterator[tuple[int, list[str]]]],
) -> Iterator[Chunk]:
    """A row per record of each row, which stands in front of the record's own cells; some rows at a time."""
    for chunk in chunks:
        if chunk.ragged:
            yield replace(chunk, rows=[], lines=[])
        for first in range(0, len(chunk.rows), TURNED_ROWS):
            rows = chunk.rows[first : first + TURNED_ROWS]
            found = list(turned(header, rows))
            lines = [chunk.lines[first + at] for at, _cells in found]
            yield Chunk(lines, [[*rows[at], *cells] for at, cells in found])


def _filtered(chunks: Iterator[Chunk], at: int) -> Iterator[Chunk]:
    """The rows in which the cell at a position is not blank."""
    for chunk in chunks:
        kept = [n for n, row in enumerate(chunk.rows) if row[at].strip()]
        if len(kept) == len(chunk.rows):
            yield chunk
        else:
            yield replace(chunk, rows=[chunk.rows[n] for n in kept], lines=[chunk.lines[n] for n in kept])


# --- a period, day by day -------------------------------------------------------------------------------------------
def period_days(plan: Plan) -> list[str]:
    """The days of the plan's period, in ISO form. Raises FileProblemError when it is none, or too long."""
    first, last = plan.options.get("period_first", ""), plan.options.get("period_last", "")
    try:
        begin, end = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError as problem:
        raise FileProblemError("period", value=f"{first} – {last}", detail=str(MOST_DAYS)) from problem
    count = (end - begin).days + 1
    if not 1 <= count <= MOST_DAYS or begin.year < FIRST_YEAR or end.year > LAST_YEAR:
        raise FileProblemError("period", value=f"{first} – {last}", detail=str(MOST_DAYS))
    return [(begin + timedelta(days=n)).isoformat() for n in range(count)]


def _spread(chunks: Iterator[Chunk], plan: Plan, header: list[str], reading: Reading) -> Iterator[Chunk]:
    """Each row once per day of the period, counts and amounts parted evenly so that they add up to what was told."""
    days = period_days(plan)
    parted = _parted(plan, header)
    for chunk in chunks:
        rows = [[*row, ""] for row in chunk.rows]
        yield _day_by_day(replace(chunk, rows=rows), [days] * len(rows), len(header) - 1, parted, reading)


def _spread_rows(
    chunks: Iterator[Chunk], plan: Plan, header: list[str], reading: Reading, last: int
) -> Iterator[Chunk]:
    """Each row once per day from its own first to its own last, within the plan's period where that is known."""
    first = header.index(plan.columns["date"])
    parted = _parted(plan, header)
    bounds = plan.options.get("period_first", ""), plan.options.get("period_last", "")
    for chunk in chunks:
        begins, ends = (parse("date", column, reading).texts for column in chunk.columns([first, last]))
        days = [_days_between(*pair, bounds) for pair in zip(begins, ends, strict=True)]
        yield _day_by_day(chunk, days, first, parted, reading)


def _days_between(first: str, last: str, bounds: tuple[str, str]) -> list[str]:
    """The days of a row in ISO form; none when it tells one day, or none that can be read."""
    begin, end = max(first, bounds[0]), min(last, bounds[1] or last)
    if not (first and last) or begin > end or begin == end == first:
        return []
    days = np.arange(np.datetime64(begin), np.datetime64(end) + 1)
    if len(days) > MOST_DAYS:
        raise FileProblemError("period", value=f"{begin} – {end}", detail=str(MOST_DAYS))
    return [str(day) for day in days]


def _parted(plan: Plan, header: list[str]) -> dict[int, str]:
    """The positions of the columns that are shared among days, and their types."""
    columns = plan.columns.items()
    types = {header.index(name): plan.type_of(field) for field, name in columns if name in header}
    return {at: kind for at, kind in types.items() if kind in _SPREAD_TYPES}


def _day_by_day(chunk: Chunk, days: list[list[str]], at: int, parted: dict[int, str], reading: Reading) -> Chunk:
    """Each row once per day of its own, the day written at a position; a row without days as it is."""
    rows, lines = [], []
    cells = {column: parse(kind, chunk.columns([column])[0], reading).texts for column, kind in parted.items()}
    for n, (row, line) in enumerate(zip(chunk.rows, chunk.lines, strict=True)):
        if not days[n]:
            rows.append(row)
            lines.append(line)
            continue
        shares = {column: _parts(texts[n], len(days[n]), parted[column], reading) for column, texts in cells.items()}
        rows += [_on_day(row, day, at, {c: s[d] for c, s in shares.items() if s}) for d, day in enumerate(days[n])]
        lines += [line] * len(days[n])
    return replace(chunk, rows=rows, lines=lines)


def _on_day(row: list[str], day: str, at: int, shares: dict[int, str]) -> list[str]:
    cells = list(row)
    cells[at] = day
    for column, share in shares.items():
        cells[column] = share
    return cells


def _parts(text: str, days: int, kind: str, reading: Reading) -> list[str]:
    """The shares of an amount, in the file's own decimal sign; none of a blank cell, or one that cannot be read."""
    if not text:
        return []
    places = 0 if kind == "integer" else PLACES
    whole = int(Decimal(text).scaleb(places))
    steps = [whole * n // days for n in range(days + 1)]
    shares = (Decimal(after - before).scaleb(-places) for before, after in itertools.pairwise(steps))
    return [f"{share:f}".replace(".", reading.decimal) for share in shares]
