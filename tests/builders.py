"""Small files and facts for tests."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.utils import timezone

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Market
from flywheel.intake import batches
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Batch
from flywheel.intake.plans import Plan, by_header
from flywheel.intake.reading import Format, Ragged, opened, sample
from flywheel.intake.recognising import first_guess
from flywheel.measures import counting

Row = Mapping[str, object]


class Silent:
    """A reporter that keeps the steps and tells nobody."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, name: str, total: int = 0) -> None:
        """Note the step."""
        self.steps.append(name)

    def advance(self, n: int = 1) -> None:
        """Nothing."""

    def hold(self) -> None:
        """Nothing."""


def csv_text(rows: Sequence[Row], delimiter: str = ",") -> str:
    """The rows as CSV; the columns are those of all rows, in the order they first come."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def csv_file(folder: Path, rows: Sequence[Row], name: str = "file.csv") -> Path:
    """The rows as a CSV file in `folder`."""
    path = folder / name
    path.write_bytes(csv_text(rows).encode())
    return path


def written(folder: Path, content: bytes, name: str = "file.csv") -> Path:
    """A file of these bytes in `folder`."""
    path = folder / name
    path.write_bytes(content)
    return path


@dataclass(frozen=True)
class Read:
    """A whole file as it was read: the rows with their lines."""

    header: list[str]
    rows: list[tuple[int, list[str]]]
    ragged: list[Ragged]
    preamble: list[str]
    notes: dict[str, int]
    format: Format
    sheets: list[str]


def read_table(path: Path, chunk_rows: int = 2, **options: Any) -> Read:
    """All of a file, a few rows at a time; `options` as `reading.opened` takes them."""
    with opened(path, chunk_rows=chunk_rows, **options) as table:
        chunks = list(table.chunks)
        rows = [pair for chunk in chunks for pair in zip(chunk.lines, chunk.rows, strict=True)]
        ragged = [bad for chunk in chunks for bad in chunk.ragged]
        return Read(table.header, rows, ragged, table.preamble, table.notes, table.format, table.sheets)


def order(order_id: str = "A-1", **cells: object) -> dict[str, object]:
    """A row of an orders file: a delivered order of 100 euros in Germany."""
    known = {
        "order_id": order_id,
        "customer_id": "C-1",
        "market": "DE",
        "channel": "direct",
        "status": "delivered",
        "ordered_at": "2026-03-02 10:00:00",
        "currency": "EUR",
        "gross": "100.00",
    }
    return known | cells


def load_file(workspace: Workspace, path: Path, kind: str, source: str = "shop", mapping: str = "") -> Batch:
    """Load a file through a saved mapping or a format, or by its header as the generic template of `kind`."""
    if mapping:
        guess = first_guess(workspace, path, name=mapping)
        return load_plan(workspace, path, guess.plans, source)
    return load_plan(workspace, path, by_header(KINDS[kind], sample(path, 1)[0]), source)


def load_plan(workspace: Workspace, path: Path, plans: Plan | Sequence[Plan], source: str = "shop") -> Batch:
    """Load a file by a plan, or by several."""
    batch = batches.create(batches.source_named(workspace, source), plans, path, path.name)
    return batches.load(batch, Silent())


def load_rows(
    workspace: Workspace, folder: Path, kind: str, rows: Sequence[Row], source: str = "shop", **plan: object
) -> Batch:
    """Load rows as a file of `kind`; `plan`: constants, values or options of the plan."""
    path = csv_file(folder, rows, f"{kind}-{Batch.objects.count()}.csv")
    known = by_header(KINDS[kind], list(dict.fromkeys(name for row in rows for name in row)))
    return load_plan(workspace, path, replace(known, **plan), source)


def loaded(workspace: Workspace, folder: Path, kind: str, rows: Sequence[Row], source: str = "shop") -> Batch:
    """Load rows as a file of `kind` that must be accepted."""
    batch = load_rows(workspace, folder, kind, rows, source)
    assert batch.state == Batch.State.LOADED, list(batch.errors.values_list("line", "column", "value", "code"))
    return batch


def count(workspace: Workspace) -> None:
    """Make the counts over all customers and records anew, as the job that follows the diagnosis does."""
    counting.count_all(workspace, timezone.now(), Silent())


def market(workspace: Workspace, code: str, time_zone: str) -> Market:
    """A market with a zone of its own."""
    return Market.objects.create(workspace=workspace, code=code, time_zone=time_zone)
