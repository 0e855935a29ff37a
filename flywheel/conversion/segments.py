"""The customers of each segment, kept by the job that scores them; their list and the file for the mail tool."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import pandas as pd
from django.core.paginator import Page, Paginator
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from engines.profiles import SEGMENTS, Profiles
from engines.results import Unavailable
from flywheel.accounts.models import Workspace
from flywheel.accounts.sheets import Cell
from flywheel.conversion.models import CustomerProfile
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.measures import raw

PER_PAGE = 50
MOST_IN_WORKBOOK = 100_000  # above it a workbook takes a minute and half a gigabyte to write; CSV takes any number
CHUNK = 5_000  # customers whose ids are looked up at once
_COLUMNS = ("customer", "market", "channel", "segment", "recency", "frequency", "money", "last_date", "orders",
            "revenue")  # fmt: skip


def keep(workspace: Workspace, frame: pd.DataFrame, found: Profiles | Unavailable) -> None:
    """Keep every customer's scores in place of those of the run before; none where there are no profiles.

    `frame`: the customers as `analyses.profiled` gives them, row by row as in `found`.
    """
    with transaction.atomic():
        CustomerProfile.objects.filter(workspace=workspace).delete()
        if isinstance(found, Profiles):
            _copy_in(workspace, frame, found)


def _copy_in(workspace: Workspace, frame: pd.DataFrame, found: Profiles) -> None:
    columns = (
        frame["customer"], frame["market"], frame["channel"], (SEGMENTS[s] for s in found.segment.tolist()),
        found.recency.tolist(), found.frequency.tolist(), found.money.tolist(),
        frame["last_date"].dt.date, frame["orders"].astype(int).tolist(), frame["revenue"].round(4).tolist(),
    )  # fmt: skip
    statement = f"COPY conversion_customerprofile (workspace_id, {', '.join(_COLUMNS)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as stream:
        for row in zip(*columns, strict=True):
            stream.write_row((workspace.pk, *row))


@dataclass(frozen=True)
class Asked:
    """A segment, in all or one market and channel ('' for all)."""

    segment: str
    market: str = ""
    channel: str = ""

    @property
    def query(self) -> str:
        """Market and channel as an address says them."""
        return urlencode({k: v for k, v in (("market", self.market), ("channel", self.channel)) if v})


def customers(workspace: Workspace, asked: Asked) -> QuerySet[CustomerProfile]:
    """The customers asked for, the most valuable first."""
    chosen = {k: v for k, v in (("market", asked.market), ("channel", asked.channel)) if v}
    return CustomerProfile.objects.filter(workspace=workspace, segment=asked.segment, **chosen)


def shown(workspace: Workspace, asked: Asked, page: str | None) -> Page[dict[str, Any]]:
    """One page of the list: each customer, with the names of the places and the sources' ids."""
    found: Page[Any] = Paginator(customers(workspace, asked), PER_PAGE).get_page(page)
    names = place_names(workspace)
    known = raw.customer_refs(workspace, [c.customer for c in found.object_list])
    found.object_list = [
        {
            "profile": c,
            "ids": known.get(c.customer, ()),
            "market": names["market"].get(c.market, c.market),
            "channel": names["channel"].get(c.channel, c.channel),
        }
        for c in found.object_list
    ]
    return found


def table(workspace: Workspace, asked: Asked) -> tuple[list[str], Iterator[list[Cell]]]:
    """Columns and rows of the file: the customers asked for, by their ids, without any other personal data."""
    columns = [_("Customer"), _("Customer ids of the shops"), _("Segment"), _("Market"), _("Channel"),
               _("Last order"), _("Orders"), _("Revenue"), "R", "F", "M"]  # fmt: skip
    return columns, _rows(workspace, customers(workspace, asked))


def _rows(workspace: Workspace, found: QuerySet[CustomerProfile]) -> Iterator[list[Cell]]:
    for chunk in _chunks(found.iterator(CHUNK)):
        known = raw.customer_refs(workspace, [c.customer for c in chunk])
        for c in chunk:
            yield [c.customer, " ".join(known.get(c.customer, ())), c.segment, c.market, c.channel, c.last_date,
                   c.orders, c.revenue, c.recency, c.frequency, c.money]  # fmt: skip


def _chunks(rows: Iterable[CustomerProfile]) -> Iterator[list[CustomerProfile]]:
    held: list[CustomerProfile] = []
    for row in rows:
        held.append(row)
        if len(held) == CHUNK:
            yield held
            held = []
    if held:
        yield held
