"""A file's table as a plan sees it: with columns made of others, without rows of other kinds, a period day by day."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from flywheel.intake.formats import FORMATS
from flywheel.intake.formats.base import MADE_MARK, Format, Found, Made
from flywheel.intake.formats.makers import Cells
from flywheel.intake.parsing import Reading, parse
from flywheel.intake.plans import Plan
from flywheel.intake.reading import Chunk, FileProblemError, Table

DAY_COLUMN = MADE_MARK + "date"
MOST_DAYS = 400  # of a period: a year and a month; a longer report says nothing about a week
_SPREAD_TYPES = ("integer", "money")


def made_headers(plan: Plan, header: Sequence[str]) -> list[str]:
    """The headers of the columns that the plan's format makes of the file's; empty without a format."""
    known = FORMATS.get(plan.format)
    found = known.found(header) if known else None
    return [made.shown for made in _makers(known, found)] if known and found else []


def shaped(table: Table, plan: Plan, reading: Reading) -> Table:
    """The table with the plan's format applied. Raises FileProblemError here, or while its chunks are read."""
    chunks, header = table.chunks, list(table.header)
    known = FORMATS.get(plan.format)
    found = known.found(header) if known else None
    if known and found:
        makers = _makers(known, found)
        chunks = _extended(chunks, header, makers, found)
        header += [made.shown for made in makers]
    if plan.only in header:
        chunks = _filtered(chunks, header.index(plan.only))
    if plan.is_spread:
        chunks = _spread(chunks, plan, header, reading)
        header.append(DAY_COLUMN)
    return replace(table, header=header, chunks=chunks)


def as_spread(plan: Plan) -> Plan:
    """The plan with its date read from the days that `shaped` adds, when it tells a period."""
    return replace(plan, columns={**plan.columns, "date": DAY_COLUMN}) if plan.is_spread else plan


# --- made columns ---------------------------------------------------------------------------------------------------
def _makers(known: Format, found: Found) -> list[Made]:
    return [made for made in known.made if found.has(made.of)]


def _extended(chunks: Iterator[Chunk], header: list[str], makers: list[Made], found: Found) -> Iterator[Chunk]:
    """Each chunk's rows with the made cells behind the file's own; a maker may use what an earlier one made."""
    memory: dict[object, str] = {}
    names, positions = list(found.headers), [header.index(mine) for mine in found.headers.values()]
    for chunk in chunks:
        columns = dict(zip(names, chunk.columns(positions), strict=True))
        cells = Cells(len(chunk.rows), {name: list(map(str.strip, column)) for name, column in columns.items()})
        cells.words, cells.memory = found.words, memory
        for made in makers:
            cells.columns[made.name] = made.make(cells)
        fresh = zip(*(cells.columns[made.name] for made in makers), strict=True)
        rows = [[*row, *more] for row, more in zip(chunk.rows, fresh, strict=True)] if makers else chunk.rows
        yield replace(chunk, rows=rows)


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
    if not 1 <= count <= MOST_DAYS:
        raise FileProblemError("period", value=f"{first} – {last}", detail=str(MOST_DAYS))
    return [(begin + timedelta(days=n)).isoformat() for n in range(count)]


def _spread(chunks: Iterator[Chunk], plan: Plan, header: list[str], reading: Reading) -> Iterator[Chunk]:
    """Each row once per day of the period, counts and amounts parted evenly so that they add up to what was told."""
    days = period_days(plan)
    columns = plan.columns.items()
    parted = {header.index(name): plan.kind.by_name[field].type for field, name in columns if name in header}
    parted = {at: kind for at, kind in parted.items() if kind in _SPREAD_TYPES}
    for chunk in chunks:
        shares = {at: _shares(chunk.columns([at])[0], kind, len(days), reading) for at, kind in parted.items()}
        rows = [_on_day(row, n, day, shares) for n, row in enumerate(chunk.rows) for day in enumerate(days)]
        yield replace(chunk, rows=rows, lines=[line for line in chunk.lines for _ in days])


def _on_day(row: list[str], n: int, day: tuple[int, str], shares: dict[int, list[list[str]]]) -> list[str]:
    at, text = day
    cells = [*row, text]
    for column, parts in shares.items():
        cells[column] = parts[n][at] if parts[n] else row[column]
    return cells


def _shares(cells: list[str], kind: str, days: int, reading: Reading) -> list[list[str]]:
    """Per cell its shares, in the file's own decimal sign; empty for a blank cell, and for one that cannot be read."""
    parsed = parse(kind, cells, reading)
    places = 0 if kind == "integer" else 4
    return [_parts(text, days, places, reading.decimal) if text else [] for text in parsed.texts]


def _parts(text: str, days: int, places: int, decimal: str) -> list[str]:
    whole = int(Decimal(text).scaleb(places))
    steps = [whole * n // days for n in range(days + 1)]
    shares = (Decimal(after - before).scaleb(-places) for before, after in itertools.pairwise(steps))
    return [f"{share:f}".replace(".", decimal) for share in shares]
