"""Taking a batch back: its records deleted, those that it changed as they were, and all that follows from them anew.

A batch on which a later one was built is not taken back, since that would pull the ground from under it. Later
batches build on it when they changed one of its records, or brought records that belong to one of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.db import connection
from django.db.models import Model
from psycopg import sql

from flywheel.accounts.models import Workspace
from flywheel.facts import children, upkeep
from flywheel.facts import models as facts

UNTOUCHED: tuple[tuple[type[Model], str, dict[str, str]], ...] = (
    (facts.Market, "market", {"name": "", "time_zone": ""}),
    (facts.Channel, "channel", {"name": ""}),
)  # places, the column of facts that names them, and what they are like while no person has edited them


@dataclass(frozen=True)
class Undone:
    """How many records were deleted, and how many put back as they were."""

    deleted: int = 0
    restored: int = 0


def later_batches(workspace: Workspace, batch_id: int) -> set[int]:
    """The batches that were built on records of this one; of all that stand when the caller holds `upkeep.lock`."""
    tables = [model._meta.db_table for model in children.CHILDREN]
    followed = [sql.SQL(_CHILDREN_SINCE).format(child=sql.Identifier(name), name=sql.Literal(name)) for name in tables]
    statement = sql.SQL("UNION").join([sql.SQL(_CHANGED_SINCE), *followed, sql.SQL(_ORDERS_SINCE)])
    with connection.cursor() as cursor:
        cursor.execute(statement, {"workspace": workspace.pk, "batch": batch_id})
        return {row[0] for row in cursor.fetchall()} - {None}


def undo(workspace: Workspace, batch_id: int) -> Undone:
    """Take the batch back. Inside the caller's transaction, which holds `upkeep.lock` and has asked `later_batches`."""
    total = Undone()
    touched = []
    for number, model in enumerate(upkeep.REMEMBERED):  # all records first: what follows looks at several tables
        done = _restore(workspace, batch_id, model)
        if done.deleted or done.restored:
            touched.append((model, f"undone_{number}"))
            _run(f"ALTER TABLE facts_touched RENAME TO undone_{number}")
        total = Undone(total.deleted + done.deleted, total.restored + done.restored)
    for model, name in touched:
        _run("DROP TABLE IF EXISTS pg_temp.facts_touched")
        _run(f"ALTER TABLE {name} RENAME TO facts_touched")
        upkeep.after_landing(workspace, model)
    upkeep.rerate(workspace)  # a record put back may be from before other rates landed
    facts.Change.objects.filter(workspace=workspace, batch_id=batch_id).delete()
    _forget_places(workspace, batch_id)
    return total


def _restore(workspace: Workspace, batch_id: int, model: type[Model]) -> Undone:
    """Put back what the batch changed and delete what it added, noted in `facts_touched`."""
    upkeep.create_touched(model)
    table = model._meta.db_table
    values = {"workspace": workspace.pk, "batch": batch_id, "table": table}
    stored = [field for field in model._meta.concrete_fields if not field.generated and not field.primary_key]
    parts = {
        "table": sql.Identifier(table),
        "columns": sql.SQL(", ").join(sql.Identifier(str(field.column)) for field in stored),
        "touched": upkeep.touched_columns(model),
    }
    return Undone(restored=_run(_PUT_BACK, values, **parts), deleted=_run(_DELETE, values, **parts))


def _forget_places(workspace: Workspace, batch_id: int) -> None:
    """Delete the markets and channels that only the batch named, unless a person has named them since."""
    for model, column, untouched in UNTOUCHED:
        new = model._default_manager.filter(workspace=workspace, batch_id=batch_id, **untouched)
        for code in list(new.values_list("code", flat=True)):
            used = any(users.filter(**{column: code}).exists() for users in _users(workspace, column))
            if not used:
                new.filter(code=code).delete()


def _users(workspace: Workspace, column: str) -> "Iterator":
    for model, remembered in upkeep.REMEMBERED.items():
        if column in remembered:
            yield model._default_manager.filter(workspace=workspace)


def _run(statement: str, values: dict[str, object] | None = None, **parts: sql.Composable) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(**parts), values)  # type: ignore[arg-type]
        return cursor.rowcount


_PUT_BACK = """
WITH restored AS (
    UPDATE {table} AS t SET ({columns}) = (SELECT {columns} FROM jsonb_populate_record(t, c.before))
    FROM facts_change AS c
    WHERE c.batch_id = %(batch)s AND c.table_name = %(table)s AND t.id = c.fact_id AND t.workspace_id = %(workspace)s
    RETURNING {touched}
)
INSERT INTO facts_touched SELECT * FROM restored
"""
_DELETE = """
WITH deleted AS (
    DELETE FROM {table} AS t WHERE t.workspace_id = %(workspace)s AND t.batch_id = %(batch)s RETURNING {touched}
)
INSERT INTO facts_touched SELECT * FROM deleted
"""
# A later batch keeps, of a record that it changes, which batch had it before; or it changed one that this one changed.
_CHANGED_SINCE = """
SELECT DISTINCT batch_id FROM facts_change WHERE workspace_id = %(workspace)s AND before_batch = %(batch)s
UNION
SELECT DISTINCT later.batch_id FROM facts_change AS mine
JOIN facts_change AS later ON later.table_name = mine.table_name AND later.fact_id = mine.fact_id AND later.id > mine.id
WHERE mine.workspace_id = %(workspace)s AND mine.batch_id = %(batch)s AND later.batch_id <> %(batch)s
"""
_CHILDREN_SINCE = """
SELECT DISTINCT c.batch_id FROM facts_order AS o
JOIN {child} AS c ON c.workspace_id = o.workspace_id AND c.order_ref = o.external_id
WHERE o.workspace_id = %(workspace)s AND c.batch_id <> %(batch)s
    AND (o.batch_id = %(batch)s OR o.id IN (
        SELECT fact_id FROM facts_change WHERE batch_id = %(batch)s AND table_name = 'facts_order'))
    AND NOT EXISTS (
        SELECT FROM facts_change AS mine
        WHERE mine.batch_id = %(batch)s AND mine.table_name = {name} AND mine.fact_id = c.id)
"""
_ORDERS_SINCE = """
SELECT DISTINCT o.batch_id FROM facts_customer AS c
JOIN facts_order AS o ON o.workspace_id = c.workspace_id AND o.customer_ref = c.external_id
WHERE c.workspace_id = %(workspace)s AND c.batch_id = %(batch)s AND o.batch_id <> %(batch)s AND NOT EXISTS (
    SELECT FROM facts_change AS mine
    WHERE mine.batch_id = %(batch)s AND mine.table_name = 'facts_order' AND mine.fact_id = o.id)
"""
