"""Chunks of a file to rows ready for the database: parse, check, key, derive, and write as COPY text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from django.db import connection, models

from flywheel.accounts.models import Workspace
from flywheel.facts import calendar, rates
from flywheel.facts.models import Market
from flywheel.intake.derive import Business, Derived, Problem, Rows, note_future_weeks
from flywheel.intake.kinds import Column, Kind
from flywheel.intake.parsing import TYPES_OF_AMOUNTS, Parsed, Reading, parse
from flywheel.intake.plans import Plan
from flywheel.intake.reading import Chunk

NULL = "\\N"
LONGEST_KEY = 600  # characters; an index entry holds 2,704 bytes
MOST_BASE = 10**10  # of an amount in base currency: the squares of millions of them can still be summed
SHOWN = 200  # characters of a bad value that are kept


@dataclass(frozen=True)
class Slot:
    """One column that a plan fills in the fact table."""

    name: str  # the database column
    origin: str  # the column of Rows that holds its texts
    field: models.Field
    column: Column | None = None
    derived: Derived | None = None

    @property
    def is_text(self) -> bool:
        """Whether '' is a value ("unknown") rather than NULL."""
        return isinstance(self.field, models.CharField | models.TextField)

    @property
    def is_json(self) -> bool:
        """Whether it is an object whose members are known one by one."""
        return isinstance(self.field, models.JSONField)

    @property
    def sql_type(self) -> str:
        """The column's type in the database."""
        return str(self.field.db_type(connection))


@dataclass(frozen=True)
class Issue:
    """One thing wrong in one row of the file."""

    line: int
    column: str  # the file's header
    value: str
    code: str
    detail: str = ""


@dataclass(frozen=True)
class Prepared:
    """A chunk made ready: the keys of its rows, and what is wrong."""

    chunk: Chunk
    rows: Rows
    ids: list[str]
    issues: list[Issue]

    def without(self, lines: set[int]) -> "Prepared":
        """The same without the rows on some lines."""
        kept = [at for at, line in enumerate(self.chunk.lines) if line not in lines]
        chunk = replace(
            self.chunk, lines=[self.chunk.lines[at] for at in kept], rows=[self.chunk.rows[at] for at in kept]
        )
        return Prepared(chunk, self.rows.taken(kept), [self.ids[at] for at in kept], self.issues)

    def keys_on(self, lines: set[int]) -> set[str]:
        """The keys of the rows on some lines."""
        return {key for line, key in zip(self.chunk.lines, self.ids, strict=True) if line in lines and key}

    @property
    def bad_cells(self) -> dict[int, list[str]]:
        """The cells of the rows with issues, by line."""
        bad = {issue.line for issue in self.issues}
        cells = {ragged.line: ragged.cells for ragged in self.chunk.ragged}
        rows = zip(self.chunk.lines, self.chunk.rows, strict=True)
        return cells | {line: row for line, row in rows if line in bad}


class Preparer:
    """Makes the chunks of one file ready, by one plan, for one workspace."""

    def __init__(self, workspace: Workspace, plan: Plan, header: Sequence[str]) -> None:
        self.plan, self.kind = plan, plan.kind
        self.positions = {name: list(header).index(column) for name, column in plan.columns.items()}
        self.reading = reading_of(workspace, plan)
        self.business = _business(workspace, plan)
        self.fixed = {
            name: parse(self.kind.by_name[name].type, [value], self.reading)
            for name, value in plan.constants.items()
            if name not in plan.columns
        }

    @cached_property
    def slots(self) -> list[Slot]:
        """The columns of the fact table that this plan fills."""
        return slots(self.kind, {*self.positions, *self.fixed, *self._defaults})

    @cached_property
    def _defaults(self) -> set[str]:
        named = {column.name for column in self.kind.columns if column.default}
        if slots(self.kind, {*self.positions, *self.fixed, *named}):
            return named
        spare = next(column.name for column in self.kind.columns if column.model_column)
        return named | {
            spare
        }  # a record of nothing but its key fills a column too, with a blank, which changes nothing

    def prepare(self, chunk: Chunk) -> Prepared:
        """Parse, check, key and derive the rows of a chunk."""
        rows = Rows(len(chunk.rows), self.business, self.reading)
        cells = dict(zip(self.positions, chunk.columns(list(self.positions.values())), strict=True))
        for name in self.positions:
            rows.columns[name] = self._read(self.kind.by_name[name], cells[name], rows)
        for name in (self.fixed.keys() | self._defaults) - rows.columns.keys():
            rows.columns[name] = self._constant(name, rows.count)
        for slot in self.slots:
            if slot.derived:
                rows.columns[slot.derived.target] = slot.derived.compute(rows)
        note_future_weeks(rows)
        ids = keys(self.kind, rows)  # of values as they are stored: a week, not the day of it that the file names
        check_keys(self.kind, rows, ids)
        check_amounts(self.kind, rows)
        ragged = [Issue(bad.line, "", "", bad.code, bad.detail) for bad in chunk.ragged]
        return Prepared(chunk, rows, ids, ragged + [self._issue(problem, chunk) for problem in rows.problems])

    def _read(self, column: Column, cells: list[str], rows: Rows) -> Parsed:
        parsed = parse(self.plan.type_of(column.name), cells, self.reading)
        rows.problems.extend(Problem(at, column.name, code, cells[at]) for at, code in parsed.bad.items())
        if column.required and "" in parsed.texts:
            blank = (at for at, text in enumerate(parsed.texts) if not text and at not in parsed.bad)
            rows.problems.extend(Problem(at, column.name, "required", "") for at in blank)
        if column.default:
            return Parsed([text or column.default for text in parsed.texts])
        return parsed

    def _constant(self, name: str, count: int) -> Parsed:
        one = self.fixed.get(name) or Parsed([self.kind.by_name[name].default])
        times = None if one.times is None else np.repeat(one.times, count)
        dates = None if one.dates is None else np.repeat(one.dates, count)
        return Parsed(one.texts * count, times, dates)

    def _issue(self, problem: Problem, chunk: Chunk) -> Issue:
        header = self.plan.columns.get(problem.column, problem.column)
        value = "" if _is_personal(self.kind, problem.column) else problem.value[:SHOWN].replace("\0", "")
        return Issue(chunk.lines[problem.at], header, value, problem.code, problem.detail)

    def fixed_problems(self) -> list[tuple[str, str]]:
        """(field, code) of the fixed values that cannot be read."""
        return [(name, parsed.bad[0]) for name, parsed in self.fixed.items() if parsed.bad]


def slots(kind: Kind, available: set[str]) -> list[Slot]:
    """What the columns `available` fill in the kind's table: their own columns, then the derived ones."""
    fields = {field.name: field for field in kind.model._meta.concrete_fields}
    own = [
        Slot(str(fields[column.model_column].column), column.name, fields[column.model_column], column=column)
        for column in kind.columns
        if column.model_column and column.name in available
    ]
    derived = [
        Slot(str(fields[item.target].column), item.target, fields[item.target], derived=item)
        for item in kind.derived
        if available & set(item.needs)
    ]
    return own + derived


def check_keys(kind: Kind, rows: Rows, ids: list[str]) -> None:
    """Add a problem for each row whose key, made of several texts, is longer than the index takes."""
    if max(map(len, ids), default=0) > LONGEST_KEY:
        long = (at for at, key in enumerate(ids) if len(key) > LONGEST_KEY)
        rows.problems.extend(Problem(at, kind.key[-1], "too_long", "") for at in long)


def check_amounts(kind: Kind, rows: Rows) -> None:
    """Add a problem for each amount that is MOST_BASE or more in base currency, where the rows have a rate."""
    rates = rows.texts("fx_rate")
    highest = max(map(float, set(filter(None, rates))), default=0.0)
    for column in kind.columns:
        texts = rows.texts(column.name) if column.type in TYPES_OF_AMOUNTS else []
        longest = max(map(len, texts), default=0)
        if highest * 10 ** min(longest, 99) < MOST_BASE:  # whatever the digits are
            continue
        in_base = np.abs([float(text or 0) for text in texts]) * np.array([float(rate or 0) for rate in rates])
        large = np.flatnonzero(in_base >= MOST_BASE).tolist()
        rows.problems.extend(Problem(at, column.name, "amount", texts[at]) for at in large)


def keys(kind: Kind, rows: Rows) -> list[str]:
    """The external id of each row."""
    ids = _joined(kind, kind.key, rows)
    if kind.key_otherwise and "" in ids:
        others = _joined(kind, kind.key_otherwise, rows)
        ids = [own or other for own, other in zip(ids, others, strict=True)]
    return ids


def _joined(kind: Kind, names: tuple[str, ...], rows: Rows) -> list[str]:
    if len(names) == 1:
        return rows.texts(names[0])
    separator = kind.key_separator
    parts = zip(*(_key_texts(kind, name, rows) for name in names), strict=True)
    return [text.rstrip(separator) for text in map(separator.join, parts)]


def _key_texts(kind: Kind, name: str, rows: Rows) -> list[str]:
    """A column's texts; amounts without closing zeros, so that 20 and 20.00 make one key."""
    texts = rows.texts(name)
    if kind.by_name[name].type != "money":
        return texts
    return [text.rstrip("0").rstrip(".") if "." in text else text for text in texts]


def _is_personal(kind: Kind, name: str) -> bool:
    """Whether a column may hold an e-mail address, which must not be kept even in a report."""
    column = kind.by_name.get(name)
    return column is not None and column.type in {"email", "person"}


def reading_of(workspace: Workspace, plan: Plan) -> Reading:
    """How the cells of the plan's file are to be read."""
    return Reading(
        workspace_zone=workspace.time_zone,
        zone=plan.options.get("time_zone") or workspace.time_zone,
        hash_key=bytes(workspace.hash_key),
        decimal=plan.options.get("decimal") or ".",
        date_format=plan.options.get("date_format", ""),
        date_order=plan.options.get("date_order", ""),
    )


def _business(workspace: Workspace, plan: Plan) -> Business:
    zoned = Market.objects.filter(workspace=workspace).exclude(time_zone__in=["", workspace.time_zone])
    return Business(
        base_currency=workspace.base_currency,
        zone=workspace.time_zone,
        first_weekday=workspace.first_weekday,
        market_zones=dict(zoned.values_list("code", "time_zone")),
        values=plan.values,
        rates=rates.known(workspace),
        today=np.datetime64(calendar.today(workspace), "D"),
    )


# --- COPY text ------------------------------------------------------------------------------------------------------
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def copy_text(prepared: Prepared, slots: Sequence[Slot]) -> str:
    """The rows as PostgreSQL's COPY reads them: line, external id, then the slots."""
    columns = [list(map(str, prepared.chunk.lines)), _escaped(prepared.ids)]
    for slot in slots:
        texts = prepared.rows.columns[slot.origin].texts
        ready = _escaped(texts) if slot.is_text or slot.is_json else texts
        columns.append(ready if slot.is_text else _nulled(ready))
    return "\n".join(map("\t".join, zip(*columns, strict=True))) + "\n"


def _nulled(texts: list[str]) -> list[str]:
    return [text or NULL for text in texts] if "" in texts else texts


def _escaped(texts: list[str]) -> list[str]:
    if not _SPECIAL.search("".join(texts)):
        return texts
    return [text.translate(_ESCAPES) for text in texts]
