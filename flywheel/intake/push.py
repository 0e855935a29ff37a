"""Rows that a program sends become a batch: in one transaction, whole or, if it asks for that, without the bad rows.

The same parsing, checks, upsert and upkeep as of a file (`batches._land`), from JSON values instead of cells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from difflib import get_close_matches
from types import NoneType

from django.db import transaction
from django.utils import timezone

from flywheel.accounts.models import Workspace
from flywheel.facts import upkeep
from flywheel.intake import batches
from flywheel.intake.kinds import Kind
from flywheel.intake.landing import Landed, Stage
from flywheel.intake.models import Batch
from flywheel.intake.plans import Plan
from flywheel.intake.preparing import SHOWN, Issue, Prepared, Preparer
from flywheel.intake.reading import Chunk, FileProblemError

MOST_ROWS = 10_000  # of one request: larger ones hold the workspace's lock too long
MOST_ISSUES_PER_ROW = 10  # told; the others are found when these are put right
MOST_NAMES = 50  # unknown fields for which a known one is looked for; more of them are no typing errors
EXACT_TO = 2**53  # from here on a float stands for several whole numbers
PERSONAL = frozenset({"email", "person"})  # types of columns whose values are not told again
NO_ROW = -1  # what an issue says that is about all rows together
FILE_NAME = "API"  # of the batch, on the imports page


@dataclass(frozen=True)
class Refused:
    """A row, by its position among those sent, that is no object of plain values."""

    row: int
    code: str = "object"


@dataclass(frozen=True)
class Outcome:
    """What became of the rows. `issues`: what is wrong, `line` being the row's position from 0, in that order."""

    rows: int
    issues: list[Issue]
    batch: Batch | None = None
    landed: Landed = field(default_factory=Landed)
    notes: dict[str, int] = field(default_factory=dict)

    @property
    def bad_rows(self) -> int:
        """How many rows have something wrong."""
        return len({issue.line for issue in self.issues} - {NO_ROW})


class _RejectedError(Exception):
    """Nothing is to be stored: the transaction is rolled back."""


def push(
    workspace: Workspace, source: str, kind: Kind, rows: Sequence[object], skip_bad: bool = False, size: int = 0
) -> Outcome:
    """Store `rows` (dicts by the kind's column names; `Refused` for what could not be read) as facts of `source`.

    With anything wrong nothing is stored, or with `skip_bad` only the good rows are. `size` is that of the request
    in bytes. Raises ValueError for a source's name without letters or digits.
    """
    batches.source_slug(source)
    sheet, issues = _sheet(kind, rows)
    plan = Plan(kind, {name: name for name in sheet.names})
    preparer = Preparer(workspace, plan, sheet.names)
    prepared = preparer.prepare(sheet.chunk)
    told = {(issue.line, issue.column) for issue in issues}  # a cell that was no plain value is blank by now
    issues += [issue for issue in prepared.issues if (issue.line, issue.column) not in told]
    try:
        with transaction.atomic():
            stage = _staged(preparer, prepared, issues)
            if (issues and not skip_bad) or not stage.rows:
                raise _RejectedError
            staged = batches.Staged(plan, stage, preparer.business.rates.version)
            found = _found(len(rows), issues, prepared.rows.notes)
            return _store(workspace, source, staged, found, size)
    except _RejectedError:
        return _found(len(rows), issues)
    except FileProblemError as problem:  # of all rows together
        return _found(len(rows), [Issue(NO_ROW, "", "", problem.code, problem.detail)])


def _found(rows: int, issues: list[Issue], notes: Mapping[str, int] | None = None) -> Outcome:
    """The outcome so far: the issues by row, no more of each than are told."""
    told: list[Issue] = []
    seen: dict[int, int] = {}
    for issue in sorted(issues, key=lambda issue: issue.line):
        seen[issue.line] = seen.get(issue.line, 0) + 1
        if seen[issue.line] <= MOST_ISSUES_PER_ROW:
            told.append(issue)
    return Outcome(rows, told, notes=dict(notes or {}))


# --- JSON values to the cells of a table ----------------------------------------------------------------------------
@dataclass(frozen=True)
class _Sheet:
    """The readable rows as a table: `names` of its columns, and its rows with their positions."""

    names: list[str]
    chunk: Chunk


def _sheet(kind: Kind, rows: Sequence[object]) -> tuple[_Sheet, list[Issue]]:
    """The rows as cells, and what is wrong with their shape; rows that are no objects are left out."""
    issues = [
        Issue(at, "", "", row.code if isinstance(row, Refused) else "object")
        for at, row in enumerate(rows)
        if not isinstance(row, dict)
    ]
    lines = [at for at, row in enumerate(rows) if isinstance(row, dict)] if issues else range(len(rows))
    objects: list[dict] = [row for row in rows if isinstance(row, dict)]
    given: set[str] = set().union(*objects)
    issues += _unknown_fields(kind, given, objects, lines)
    names = [column.name for column in kind.columns if column.required or column.name in given]
    values = _turned(objects, names)
    columns = [_cells(kind, name, column, lines, issues) for name, column in zip(names, values, strict=True)]
    return _Sheet(names, Chunk(lines, list(map(list, zip(*columns, strict=True))))), issues


def _turned(objects: Sequence[dict], names: Sequence[str]) -> list[list[object]]:
    """The rows' values, field by field; quick where all rows name the same fields in the same order."""
    order = tuple(objects[0]) if objects else ()
    if set(names) <= set(order) and all(map(order.__eq__, map(tuple, objects))):
        by_name = dict(zip(order, zip(*map(dict.values, objects), strict=True), strict=True))
        return [list(by_name[name]) for name in names]
    return [[row.get(name) for row in objects] for name in names]


def _unknown_fields(kind: Kind, given: set[str], objects: Sequence[dict], lines: Sequence[int]) -> list[Issue]:
    """An issue for each field that the kind does not have, with the name of the one most like it."""
    unknown = sorted(given - kind.by_name.keys())
    if not unknown:
        return []
    known = list(kind.by_name)
    like = {name: get_close_matches(name[:SHOWN].lower(), known, 1, 0)[0] for name in unknown[:MOST_NAMES]}
    return [
        Issue(line, _shown(name), "", "unknown_field", like.get(name, known[0]))
        for line, row in zip(lines, objects, strict=True)
        for name in list(row.keys() - kind.by_name.keys())[:MOST_ISSUES_PER_ROW]
    ]


def _cells(kind: Kind, name: str, values: list[object], lines: Sequence[int], issues: list[Issue]) -> list[str]:
    """A field's values as the parsers read them; an issue, and a blank cell, for what is no plain value."""
    kinds = set(map(type, values))
    if kinds == {str}:
        return list(map(str.strip, values))  # type: ignore[arg-type]
    if kinds <= {int, float, NoneType} and (quick := _numbers(values)):  # type: ignore[arg-type]
        return quick
    texts = [""] * len(values)
    for at, value in enumerate(values):
        try:
            texts[at] = value.strip() if type(value) is str else _text(value)
        except ValueError as problem:
            shown = "" if kind.by_name[name].type in PERSONAL else _shown(str(value))
            issues.append(Issue(lines[at], name, shown, str(problem)))
    return texts


def _numbers(values: list[int | float | None]) -> list[str]:
    """A column of numbers as texts; nothing when one of them needs a closer look."""
    known = [value for value in values if value is not None]
    if not known or not -EXACT_TO < min(known) <= max(known) < EXACT_TO:
        return []
    texts = ["" if value is None else repr(value) for value in values]
    if not set("".join(texts)) <= set("0123456789.-"):  # an exponent
        return []
    return [text.removesuffix(".0") for text in texts]


def _text(value: object) -> str:
    """A JSON number, boolean or null as text: 5.0 as 5, 1e-7 as 0.0000001; raises ValueError with the code."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, float):
        raise ValueError("plain_value")
    if not abs(value) < EXACT_TO:  # also what is no number at all
        raise ValueError("exact")
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text else text.removesuffix(".0")


def _shown(text: str) -> str:
    return text[:SHOWN].replace("\0", "")


# --- into the database ----------------------------------------------------------------------------------------------
def _staged(preparer: Preparer, prepared: Prepared, issues: list[Issue]) -> Stage:
    """The sound rows in the stage. Adds an issue for each row that contradicts an earlier one, which is left out."""
    stage = Stage(preparer.kind, preparer.slots)
    with stage.receiving() as store:
        store(prepared.without({issue.line for issue in issues}) if issues else prepared)
    issues += [_of_row(preparer.kind, issue) for issue in stage.settle_repeats()]
    return stage


def _of_row(kind: Kind, issue: Issue) -> Issue:
    """A contradiction told by rows instead of lines, without the key where that is a person's id."""
    personal = any(kind.by_name[name].type in PERSONAL for name in kind.key)
    return replace(issue, code="conflict_row", value="" if personal else issue.value)


def _store(workspace: Workspace, source_name: str, staged: batches.Staged, found: Outcome, size: int) -> Outcome:
    """Everything after the first wait for other landings, in the order of `batches._land`."""
    upkeep.lock(workspace)
    source = batches.source_named(workspace, source_name)
    batch = Batch.objects.create(
        workspace=workspace,
        source=source,
        kind=staged.plan.kind.slug,
        plans=[staged.plan.as_data],
        file_name=FILE_NAME,
        size=size,
        skips_bad_rows=bool(found.issues),
    )
    landed = staged.stage.upsert(workspace, source, batch.pk)
    batches.follow_up(batch, staged)
    batches.start_jobs_after(workspace, landed)
    stored = replace(found, batch=batch, landed=landed)
    if landed.repeated:
        stored.notes[batches.DUPLICATES] = landed.repeated
    _record(batch, stored)
    return stored


def _record(batch: Batch, stored: Outcome) -> None:
    """The outcome on the batch's row. What is wrong with which row is told to the sender, and kept nowhere."""
    batch.state, batch.loaded_at = Batch.State.LOADED, timezone.now()
    batch.rows, batch.rejected, batch.notes = stored.rows, stored.bad_rows, stored.notes
    batch.added, batch.changed = stored.landed.added, stored.landed.changed
    batch.unchanged = stored.landed.unchanged
    batch.save()
