"""How a file writes its dates and numbers, found from whole columns before any cell is read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from flywheel.accounts.models import Workspace
from flywheel.intake.parsing import (
    TYPES_OF_NUMBERS,
    TYPES_OF_TIMES,
    DateEvidence,
    DecimalEvidence,
    date_evidence,
    decimal_evidence,
)
from flywheel.intake.plans import Plan
from flywheel.intake.preparing import reading_of
from flywheel.intake.reading import Chunk, FileProblemError, Table, opened
from flywheel.intake.shaping import shaped

QUESTIONS = ("date_order", "decimal")  # plan options that a person is asked for where the file does not tell


@dataclass(frozen=True)
class _Found:
    """What the columns tell, and where a doubtful cell stands."""

    dates: DateEvidence = field(default_factory=DateEvidence)
    decimals: DecimalEvidence = field(default_factory=DecimalEvidence)
    date_column: str = ""
    number_column: str = ""

    def is_settled(self, asks_decimals: bool) -> bool:
        """Whether more rows could tell nothing that matters: ISO dates are enough, whole amounts say nothing."""
        dates = bool(self.dates.order) or not self.dates.doubtful
        return dates and (not asks_decimals or bool(self.decimals.sign))


def settled(workspace: Workspace, path: Path, plans: Sequence[Plan]) -> list[Plan]:
    """The plans of a file with the order of dates and the decimal sign that it tells, where they leave them open.

    All of a file's columns are written alike, so all are asked. The first rows decide when they can; else the whole
    file is read. Raises FileProblemError ("date_order", "decimal") with an example when that leaves it in doubt.
    """
    is_workbook = bool(plans[0].options.get("sheet"))
    if is_workbook:  # its numbers are numbers, however this kind of file writes them as text
        plans = [plan.with_options({k: v for k, v in plan.options.items() if k != "decimal"}) for plan in plans]
    found = _Found()
    for plan in plans:
        found = _looked_at(workspace, path, plan, found)
    if is_workbook and not found.decimals.sign:
        found = replace(found, decimals=DecimalEvidence(point=True))
    if found.dates.doubtful and not (found.dates.order or found.dates.contradictory):
        raise FileProblemError("date_order", column=found.date_column, value=found.dates.example)
    if found.decimals.doubtful and not (found.decimals.sign or found.decimals.contradictory):
        raise FileProblemError("decimal", column=found.number_column, value=found.decimals.example)
    told = {"date_order": found.dates.order, "decimal": found.decimals.sign}
    answers = {name: value for name, value in told.items() if value}
    return [plan.with_options(answers | plan.options) for plan in plans]


def _looked_at(workspace: Workspace, path: Path, plan: Plan, found: _Found) -> _Found:
    """What was found before, and what the columns of one more plan tell."""
    undated = plan.with_options({name: text for name, text in plan.options.items() if not name.startswith("period")})
    asks_dates = not (plan.options.get("date_order") or plan.options.get("date_format"))
    asks_decimals = not plan.options.get("decimal")
    with opened(path, **plan.file_options) as whole:
        table = shaped(whole, undated, reading_of(workspace, undated))
        times = _positions(table, undated, TYPES_OF_TIMES) if asks_dates else []
        numbers = _positions(table, undated, TYPES_OF_NUMBERS) if asks_decimals else []
        for chunk in table.chunks if times or numbers else ():
            for (_, column, _kind), cells in zip(times, _cells(chunk, times), strict=True):
                found = _with_dates(found, column, cells)
            for (_, column, kind), cells in zip(numbers, _cells(chunk, numbers), strict=True):
                found = _with_numbers(found, column, kind, cells)
            if found.is_settled(bool(numbers)):
                break
    return found


_Position = tuple[int, str, str]  # place in the table, header, type


def _positions(table: Table, plan: Plan, types: Iterable[str]) -> list[_Position]:
    """The mapped columns of some types, each once."""
    kinds = {column: plan.kind.by_name[name].type for name, column in plan.columns.items()}
    wanted = [(column, kind) for column, kind in kinds.items() if kind in types and column in table.header]
    return [(table.header.index(column), column, kind) for column, kind in wanted]


def _cells(chunk: Chunk, positions: list[_Position]) -> list[list[str]]:
    return chunk.columns([at for at, _, _ in positions])


def _with_dates(found: _Found, column: str, cells: list[str]) -> _Found:
    told = date_evidence(cells)
    where = found.date_column or (column if told.doubtful else "")
    return replace(found, dates=found.dates | told, date_column=where)


def _with_numbers(found: _Found, column: str, kind: str, cells: list[str]) -> _Found:
    told = decimal_evidence(cells)
    if kind == "integer" and told.doubtful:  # in a column of counts the sign can only part thousands
        parts_with_point = "." in told.example
        told = DecimalEvidence(point=told.point or not parts_with_point, comma=told.comma or parts_with_point)
    where = found.number_column or (column if told.doubtful else "")
    return replace(found, decimals=found.decimals | told, number_column=where)
