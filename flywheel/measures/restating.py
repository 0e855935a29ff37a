"""Weeks whose measures changed after they had been complete and rolled: which, when, and what moved."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, models
from django.utils import timezone
from psycopg import sql

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Rollup
from flywheel.measures.models import RolledWeek

# The roll-ups that are watched, and the totals by which a reader knows a week: columns of the first of its tables.
# Cohorts are not: they change by growing older.
WATCHED: dict[str, tuple[str, ...]] = {
    Rollup.MARKET: ("cost_base", "clicks"),
    Rollup.CONVERSION: ("orders", "net_base", "first_orders", "sessions"),
    Rollup.AFTERSALES: ("deliveries", "refunds", "refund_base", "reviews", "tickets"),
}


@dataclass(frozen=True, slots=True)
class Restated:
    """A restated week of one roll-up, with the totals that moved: name -> (before, after); None is unknown.

    `at` is in the workspace's zone.
    """

    rollup: str
    week: date
    at: datetime
    moved: Mapping[str, tuple[float | None, float | None]]


def restated(workspace: Workspace, first: date, last: date) -> list[Restated]:
    """The restated weeks from `first` to `last`, in one query; one entry per week and roll-up, oldest week first."""
    rows = RolledWeek.objects.filter(workspace=workspace, week__range=(first, last), restated_at__isnull=False)
    return [_restated(workspace, row) for row in rows.order_by("week", "rollup")]


def _restated(workspace: Workspace, row: RolledWeek) -> Restated:
    before, after = row.published or {}, row.figures
    pairs = {name: (_number(before.get(name)), _number(after.get(name))) for name in WATCHED.get(row.rollup, ())}
    moved = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    at = row.restated_at.astimezone(workspace.zone)  # type: ignore[union-attr]
    return Restated(row.rollup, row.week, at, moved)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def note(workspace: Workspace, rollup: str, tables: Sequence[type[models.Model]], span: tuple[date, date]) -> None:
    """Keep what the weeks of the span amount to now that they have been rolled, and mark those that are restated.

    A week is restated when it was first rolled, over already, on an earlier day of the workspace than this one.
    """
    values = {
        "workspace": workspace.pk,
        "rollup": rollup,
        "first": span[0],
        "last": span[1],
        "zone": workspace.time_zone,
        "now": timezone.now(),
    }
    statement = sql.SQL(_NOTE).format(
        hashes=sql.SQL(" UNION ALL ").join(_hashes(tables)),
        main=sql.Identifier(tables[0]._meta.db_table),
        figures=sql.SQL(", ").join(_figures(WATCHED[rollup])),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, values)  # type: ignore[arg-type]


def _hashes(tables: Sequence[type[models.Model]]) -> Iterable[sql.Composable]:
    """Per table a query of weeks and their rows' hashes, of everything but the key."""
    for seed, model in enumerate(tables):
        columns = (field.attname for field in model._meta.concrete_fields if not field.primary_key)
        yield sql.SQL(_HASHES).format(
            columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
            seed=sql.Literal(seed),
            table=sql.Identifier(model._meta.db_table),
        )


def _figures(names: Iterable[str]) -> Iterable[sql.Composable]:
    for name in names:
        yield sql.SQL("{}, sum({})").format(sql.Literal(name), sql.Identifier(name))


_HASHES = """
SELECT week, hashtextextended(ROW ({columns})::text, {seed}) AS hash FROM {table}
WHERE workspace_id = %(workspace)s AND week BETWEEN %(first)s AND %(last)s
"""
_NOTE = """
WITH hashed AS (
    SELECT week, sum(hash)::text AS digest FROM ({hashes}) AS rows GROUP BY week
), totals AS (
    SELECT week, jsonb_build_object({figures}) AS figures FROM {main}
    WHERE workspace_id = %(workspace)s AND week BETWEEN %(first)s AND %(last)s GROUP BY week
), rolled AS (
    SELECT w.week::date AS week, COALESCE(h.digest, '0') AS digest, COALESCE(t.figures, '{{}}') AS figures,
        %(now)s::timestamptz AS now, (w.week::date + 7)::timestamp AT TIME ZONE %(zone)s AS over_at,
        date_trunc('day', %(now)s::timestamptz, %(zone)s) AS today
    FROM generate_series(%(first)s::date, %(last)s::date, interval '7 days') AS w (week)
    LEFT JOIN hashed AS h ON h.week = w.week::date
    LEFT JOIN totals AS t ON t.week = w.week::date
), judged AS (
    SELECT r.*, k.id IS NULL OR k.first_rolled_at < r.over_at AS is_first,
        k.first_rolled_at >= r.over_at AND k.first_rolled_at < r.today AND k.digest <> r.digest AS is_other,
        k.restated_at IS NOT NULL AND k.published_digest = r.digest AS is_back
    FROM rolled AS r
    LEFT JOIN measures_rolledweek AS k
        ON k.workspace_id = %(workspace)s AND k.rollup = %(rollup)s AND k.week = r.week
)
MERGE INTO measures_rolledweek AS k USING judged AS j
ON k.workspace_id = %(workspace)s AND k.rollup = %(rollup)s AND k.week = j.week
WHEN NOT MATCHED THEN
    INSERT (workspace_id, rollup, week, digest, figures, first_rolled_at, rolled_at)
    VALUES (%(workspace)s, %(rollup)s, j.week, j.digest, j.figures, j.now, j.now)
WHEN MATCHED AND j.is_back THEN
    UPDATE SET digest = j.digest, figures = j.figures, rolled_at = j.now,
        restated_at = NULL, published_digest = '', published = NULL
WHEN MATCHED AND j.is_other THEN
    UPDATE SET digest = j.digest, figures = j.figures, rolled_at = j.now, restated_at = j.now,
        published_digest = CASE WHEN k.restated_at IS NULL THEN k.digest ELSE k.published_digest END,
        published = CASE WHEN k.restated_at IS NULL THEN k.figures ELSE k.published END
WHEN MATCHED THEN
    UPDATE SET digest = j.digest, figures = j.figures, rolled_at = j.now,
        first_rolled_at = CASE WHEN j.is_first THEN j.now ELSE k.first_rolled_at END
"""
