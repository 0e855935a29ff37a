"""Tables of the after-sales pages: the same rows are shown, with their intervals, and exported, with all decimals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isnan
from typing import Any, Literal

from django.core.paginator import Page, Paginator
from django.urls import reverse
from django.utils.translation import gettext as _

from engines.results import Estimate, Result, Unavailable
from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell

Kind = Literal["text", "code", "number", "money", "share", "result"]
Value = str | float | date | Result | None
KINDS_OF_FILE = (("CSV", "csv"), ("XLSX", "xlsx"))
PER_PAGE = 25


@dataclass(frozen=True)
class Column:
    """A column: its heading, and what its cells are. A "code" is never translated; `digits` are decimals shown."""

    label: str
    kind: Kind = "number"
    digits: int = 0

    @property
    def is_text(self) -> bool:
        """Whether its cells stand left."""
        return self.kind in {"text", "code"}


@dataclass(frozen=True)
class Table:
    """A table of the page. `key` names it in addresses; `note` stands below it, `empty` instead of it without rows.

    The first column heads the rows.
    """

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Value]]
    note: str = ""
    empty: str = ""

    def exported(self) -> tuple[list[str], list[list[Cell]]]:
        """Headings and rows for a file: a result becomes four columns, its value, interval and sample."""
        labels: list[str] = []
        for column in self.columns:
            labels.append(column.label)
            if column.kind == "result":
                labels += [_("%(name)s, low") % {"name": column.label}, _("%(name)s, high") % {"name": column.label}]
                labels.append(_("%(name)s, sample") % {"name": column.label})
        return labels, [self._exported(row) for row in self.rows]

    def _exported(self, row: Sequence[Value]) -> list[Cell]:
        cells: list[Cell] = []
        for column, value in zip(self.columns, row, strict=True):
            if column.kind == "result":
                cells += _parts(value)
            else:
                cells.append(value if not isinstance(value, Estimate | Unavailable) else None)
        return cells


def _parts(value: Value) -> list[Cell]:
    if not isinstance(value, Estimate):
        return [None, None, None, value.n if isinstance(value, Unavailable) else None]
    return [value.value, value.low, value.high, value.n]


@dataclass(frozen=True)
class Shown:
    """A table on the page: one page of its rows as (column, value) pairs, and its files."""

    table: Table
    page: Page
    links: tuple[tuple[str, str], ...]

    @property
    def rows(self) -> list[list[tuple[Column, Value]]]:
        """The rows of this page, each value with its column."""
        return [list(zip(self.table.columns, row, strict=True)) for row in self.page.object_list]


def shown(table: Table, workspace: Workspace, page: str, query: Mapping[str, Any]) -> Shown:
    """`table` of the room's page `page`, with the part that the address asks for and the links to its files."""
    address = f"?{text}" if (text := without_page(query)) else ""
    links = tuple(
        (label, reverse("aftersales-file", args=[workspace.slug, page, table.key, kind]) + address)
        for label, kind in KINDS_OF_FILE
    )
    return Shown(table, Paginator(table.rows, PER_PAGE).get_page(query.get(f"page-{table.key}")), links)


def without_page(query: Mapping[str, Any]) -> str:
    """The address's query without the parts that turn pages."""
    kept = query.copy()  # type: ignore[attr-defined]
    for key in [key for key in kept if key.startswith("page-")]:
        del kept[key]
    return str(kept.urlencode())


def known(value: float) -> float | None:
    """A figure, or None where it is not known."""
    return None if isnan(value) else value
