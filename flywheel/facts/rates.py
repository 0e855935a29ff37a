"""A workspace's own exchange rates, read from the database and kept until they change."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from django.contrib.postgres.aggregates import StringAgg
from django.db import connection
from django.db.models import Count, Max, Min, Value

from flywheel.accounts.models import Workspace
from flywheel.facts import currency
from flywheel.facts.calendar import today
from flywheel.facts.models import ExchangeRate, RatesVersion

Version = UUID | None


@dataclass(frozen=True)
class Known:
    """The rates that count in a workspace, for `currency.rates(own=)`, and what tells them from earlier ones."""

    version: Version
    table: currency.Table


def known(workspace: Workspace) -> Known:
    """The workspace's own rates merged into the published ones; read again only when they have changed."""
    seen = version(workspace)
    return Known(seen, _cached(workspace.pk, seen))


def version(workspace: Workspace) -> Version:
    """What tells the own rates from earlier ones; None before the first."""
    return RatesVersion.objects.filter(workspace=workspace).values_list("token", flat=True).first()


def note_change(workspace: Workspace) -> None:
    """Other rates than before count from here on; in the transaction that changed them.

    Never a number that counts up: what a transaction read that was taken back could be kept under the next one's.
    """
    RatesVersion.objects.update_or_create(workspace=workspace, defaults={"token": uuid4()})


@dataclass(frozen=True)
class Reach:
    """How far the published rates go: their last day, and how the days since are bridged."""

    last: date
    carried_days: int  # since then, up to today
    carried_until: date  # the last day on which the last rate still stands in


def reach(workspace: Workspace) -> Reach:
    """How far the published rates go today."""
    last: date = currency.last_day().astype(date)
    return Reach(last, max((today(workspace) - last).days, 0), last + timedelta(days=currency.MAX_TAIL_DAYS))


def own(workspace: Workspace) -> list[dict[str, Any]]:
    """The workspace's own rates per currency: first and last day, how many days, and the sources they came from."""
    rows = ExchangeRate.objects.filter(workspace=workspace).values("currency").order_by("currency")
    sources = StringAgg("source__name", Value(", "), distinct=True)
    found = rows.annotate(first=Min("day"), last=Max("day"), days=Count("day", distinct=True), sources=sources)
    return [dict(row) for row in found]


@lru_cache(maxsize=16)
def _cached(workspace_id: int, _version: Version) -> currency.Table:
    return read(workspace_id)


def read(workspace_id: int) -> currency.Table:
    """The table as the database has it now, also in the middle of a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(_OWN, [workspace_id])
        rows = cursor.fetchall()
    return currency.with_own(
        {name: (np.array(days, dtype="datetime64[D]"), np.array(per_euro)) for name, days, per_euro in rows}
    )


# Where two sources know a day, the one loaded last.
_OWN = """
SELECT currency, array_agg(day ORDER BY day), array_agg(per_euro ORDER BY day)
FROM (
    SELECT DISTINCT ON (currency, day) currency, day, per_euro::float8 AS per_euro
    FROM facts_exchangerate WHERE workspace_id = %s
    ORDER BY currency, day, batch_id DESC NULLS LAST, id DESC
) AS latest
GROUP BY currency
"""
