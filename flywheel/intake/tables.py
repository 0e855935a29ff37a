"""Tables of a loader, read into files: what may be read, up to where, and each row's newest version.

A table is read in one read-only transaction that sees one moment. All times are told in UTC, all numbers without
exponents. JSON, arrays and binary columns are not read.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection
from django.utils.translation import gettext as _
from psycopg import sql

from flywheel.accounts.models import Workspace
from flywheel.intake.plans import Plan

LOAD_ID = "_dlt_load_id"  # stamps every row that dlt writes
LOADS = "_dlt_loads"  # in the same schema: the loads, of which those of status 0 are complete
TEXTS = frozenset({"text", "varchar", "bpchar"})
NUMBERS = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8"})
FLOATS = frozenset({"float4", "float8"})
TIMES = frozenset({"timestamp", "timestamptz", "date"})
READABLE = TEXTS | NUMBERS | TIMES | {"bool", "uuid"}
ORDERED = TEXTS | TIMES | (NUMBERS - FLOATS)  # what a cursor can be
OWN_SCHEMAS = frozenset({"public", "information_schema"})
TABLES, VIEWS = frozenset("rpmf"), frozenset("v")  # pg_class.relkind
CONNECT_SECONDS = 10

Connection = psycopg.Connection[tuple]


class TableProblemError(ValueError):
    """The table cannot be read; the message is for the operator, in the active language."""


@dataclass(frozen=True)
class Table:
    """A table as it was found: its readable columns with their types, and the names of the others."""

    schema: str
    name: str
    columns: dict[str, str]
    unreadable: tuple[str, ...] = ()

    @property
    def sql(self) -> sql.Identifier:
        """Its quoted name."""
        return sql.Identifier(self.schema, self.name)


@dataclass(frozen=True)
class Unread:
    """The rows that have not been read: up to `reached`, those of `condition`, ordered by `position`."""

    reached: str
    condition: sql.Composable
    position: sql.Composable


@contextmanager
def connected() -> Iterator[Connection]:
    """A connection to the loader's database, in a transaction that sees one moment and can write nothing.

    Raises TableProblemError for whatever goes wrong there.
    """
    try:
        with _opened() as conn:
            conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            conn.read_only = True
            conn.execute("SET LOCAL TimeZone = 'UTC'")
            conn.execute("SET LOCAL DateStyle = 'ISO, YMD'")
            yield conn
    except psycopg.Error as error:
        words = {"reason": str(error).strip()}
        raise TableProblemError(_("The table cannot be read: %(reason)s") % words) from error


def _opened() -> Connection:
    """A new connection: to FEED_DATABASE_URL, or to the product's own database."""
    if settings.FEED_DATABASE_URL:
        return psycopg.connect(settings.FEED_DATABASE_URL, connect_timeout=CONNECT_SECONDS, client_encoding="utf8")
    own: Connection = connection.get_new_connection(connection.get_connection_params())
    own.autocommit = False
    return own


# --- what may be read -------------------------------------------------------------------------------------------------
def split(name: str) -> tuple[str, str]:
    """(schema, table) of `shop.orders`; raises TableProblemError without a schema."""
    schema, _dot, table = name.partition(".")
    if not (schema and table):
        words = {"table": name}
        raise TableProblemError(_("%(table)s: expected a table with its schema, such as shop.orders.") % words)
    return schema, table


def found(conn: Connection, schema: str, name: str) -> Table:
    """The table, as it is now; raises TableProblemError when it is not there or must not be read."""
    words = {"table": f"{schema}.{name}"}
    if _is_ours(conn, schema):
        raise TableProblemError(_("%(table)s: this schema is the product's own and is not read.") % words)
    kind = _one(conn, _KIND, [schema, name])
    if kind not in TABLES | VIEWS:
        raise TableProblemError(_("%(table)s: there is no such table.") % words)
    if kind in VIEWS and not settings.FEED_DATABASE_URL:
        # whoever made it would have its functions run with the product's rights
        raise TableProblemError(_("%(table)s: a view is read only with FEED_DATABASE_URL.") % words)
    listed = conn.execute(_COLUMNS, [schema, name]).fetchall()
    readable = {column: kind for column, kind in listed if kind in READABLE}
    return Table(schema, name, readable, tuple(column for column, kind in listed if kind not in READABLE))


def _is_ours(conn: Connection, schema: str) -> bool:
    """Whether a schema is the system's, the product's by name, or holds the product's tables by another."""
    if schema.startswith("pg_") or (schema in OWN_SCHEMAS and not settings.FEED_DATABASE_URL):
        return True
    return _one(conn, _KIND, [schema, Workspace._meta.db_table]) is not None


def cursor_of(table: Table, wanted: str) -> str:
    """The column by which new rows are told: the one wanted, or that of dlt; raises TableProblemError."""
    column = wanted or LOAD_ID
    if column not in table.columns:
        words = {"table": f"{table.schema}.{table.name}", "column": column}
        raise TableProblemError(_("%(table)s has no column %(column)s to tell new rows by.") % words)
    if table.columns[column] not in ORDERED:
        words = {"column": column, "type": table.columns[column]}
        raise TableProblemError(_("%(column)s: new rows cannot be told by a column of type %(type)s.") % words)
    return column


# --- up to where ------------------------------------------------------------------------------------------------------
def unread(conn: Connection, table: Table, cursor: str, after: str) -> Unread | None:
    """The rows beyond the cursor value `after` ('' for all); None when there are none."""
    return _unread_loads(conn, table, after) if cursor == LOAD_ID else _unread_rows(conn, table, cursor, after)


def _unread_loads(conn: Connection, table: Table, after: str) -> Unread | None:
    """Rows of the loads that were completed after the load `after`; of all when that is not known any more."""
    loads = sql.Identifier(table.schema, LOADS)
    if _one(conn, _KIND, [table.schema, LOADS]) is None:
        words = {"table": f"{table.schema}.{LOADS}"}
        raise TableProblemError(_("%(table)s: there is no such table.") % words)
    listed = conn.execute(sql.SQL(_NEW_LOADS).format(loads=loads, after=sql.Literal(after))).fetchall()
    if not listed:
        return None
    ids = sql.SQL("{}::text[]").format(sql.Literal([load for (load,) in listed]))
    load_id = sql.SQL("t.{}::text").format(sql.Identifier(LOAD_ID))
    return Unread(
        reached=listed[-1][0],
        condition=sql.SQL("{} = ANY ({})").format(load_id, ids),
        position=sql.SQL("array_position({}, {})").format(ids, load_id),
    )


def _unread_rows(conn: Connection, table: Table, cursor: str, after: str) -> Unread | None:
    """Rows up to the greatest cursor value; those that equal `after` again, as more of them may have come since."""
    kind = table.columns[cursor]
    position = sql.SQL("""NULLIF(t.{}, '') COLLATE "C" """ if kind in TEXTS else "t.{}").format(sql.Identifier(cursor))
    parts = {"table": table.sql, "position": position, "kind": sql.SQL(kind), "after": sql.Literal(after)}
    if _one(conn, sql.SQL(_HOLES).format(**parts)):
        raise TableProblemError(_("%(column)s is empty in some rows, which would never be read.") % {"column": cursor})
    reached = _one(conn, sql.SQL(_GREATEST_AFTER if after else _GREATEST).format(**parts))
    if reached is None:
        return None
    condition = sql.SQL(_BETWEEN if after else _UP_TO).format(reached=sql.Literal(reached), **parts)
    return Unread(str(reached), condition, position)


# --- rows to a file ---------------------------------------------------------------------------------------------------
def export(conn: Connection, table: Table, plan: Plan, rows: Unread, path: Path, tell: Callable[[int], None]) -> int:
    """Write the columns of the plan to a CSV file; `tell` is told the bytes. Returns the number of rows.

    Of rows with one key the newest is taken, where the cursor tells which that is; others stay for the plan to judge.
    """
    names = list(dict.fromkeys(filter(None, [*plan.columns.values(), plan.only])))
    missing = [name for name in names if name not in table.columns]
    if missing:
        words = {"table": f"{table.schema}.{table.name}", "columns": ", ".join(missing)}
        raise TableProblemError(_("%(table)s has no readable column %(columns)s any more.") % words)
    statement = sql.SQL(_COPY).format(
        table=table.sql,
        names=_listed(map(sql.Identifier, names)),
        texts=_listed(sql.SQL("{} AS {}").format(_text(table, name), sql.Identifier(name)) for name in names),
        newest=_newest(plan, rows.position),
        position=rows.position,
        condition=rows.condition,
    )
    with path.open("wb") as file, conn.cursor() as cursor:
        with cursor.copy(statement) as stream:
            for block in stream:
                file.write(block)
                tell(len(block))
        return cursor.rowcount


def _text(table: Table, name: str) -> sql.Composable:
    """A column as text; where it is empty, what dlt has put beside it because it was of another type."""
    beside = [other for other in table.columns if other.startswith(f"{name}__v_")]
    return sql.SQL("COALESCE({})").format(_listed(_as_text(table, one) for one in [name, *beside]))


def _as_text(table: Table, name: str) -> sql.Composable:
    plain = sql.SQL("t.{}::numeric::text" if table.columns[name] in FLOATS else "t.{}::text")
    return plain.format(sql.Identifier(name))


def _newest(plan: Plan, position: sql.Composable) -> sql.Composable:
    """Whether no other row of the same key is newer; rows without any key are all taken, for the plan to refuse."""
    key = _mapped(plan, plan.kind.key)
    otherwise = _mapped(plan, plan.kind.key_otherwise)
    if plan.kind.repeats or not (key or otherwise):
        return sql.SQL("true")
    whole = sql.SQL("concat({})").format(_listed(key)) if key else sql.SQL("''")
    parts = key + [sql.SQL("CASE WHEN {} = '' THEN {} END").format(whole, part) for part in otherwise]
    return sql.SQL(_NEWEST).format(parts=_listed(parts), position=position)


def _mapped(plan: Plan, fields: Sequence[str]) -> list[sql.Composable]:
    """The texts of the columns that the plan reads these fields from."""
    columns = [plan.columns[name] for name in fields if name in plan.columns]
    return [sql.SQL("t.{}::text").format(sql.Identifier(column)) for column in columns]


def _listed(parts: Iterator[sql.Composable] | Sequence[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def _one(conn: Connection, statement: str | sql.Composable, values: Sequence[object] = ()) -> object:
    """The first value of the first row; None without any."""
    row = conn.execute(statement, values or None).fetchone()  # type: ignore[arg-type]
    return row[0] if row else None


_KIND = """
SELECT c.relkind::text FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s
"""
_COLUMNS = """
SELECT a.attname::text, CASE WHEN m.nspname = 'pg_catalog' THEN k.typname::text ELSE '' END
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type AS k ON k.oid = a.atttypid
JOIN pg_catalog.pg_namespace AS m ON m.oid = k.typnamespace
WHERE n.nspname = %s AND c.relname = %s
ORDER BY a.attnum
"""
_NEW_LOADS = """
WITH complete AS (SELECT load_id::text AS load_id, max(inserted_at) AS at FROM {loads} WHERE status = 0 GROUP BY 1)
SELECT c.load_id FROM complete AS c LEFT JOIN complete AS last ON last.load_id = {after}
WHERE last.load_id IS NULL OR (c.at, c.load_id) > (last.at, last.load_id)
ORDER BY c.at, c.load_id
"""
_HOLES = "SELECT 1 FROM {table} AS t WHERE {position} IS NULL LIMIT 1"
_GREATEST = "SELECT max({position})::text FROM {table} AS t"
_GREATEST_AFTER = _GREATEST + " WHERE {position} > {after}::{kind}"
_UP_TO = "{position} <= {reached}::{kind}"
_BETWEEN = _UP_TO + " AND {position} >= {after}::{kind}"
_NEWEST = "(rank() OVER (PARTITION BY {parts} ORDER BY {position} DESC) = 1 OR concat({parts}) = '')"
_COPY = """
COPY (
    SELECT {names} FROM (
        SELECT {texts}, {newest} AS "flywheel newest", {position} AS "flywheel position"
        FROM {table} AS t WHERE {condition}
    ) AS read
    WHERE "flywheel newest" ORDER BY "flywheel position"
) TO STDOUT WITH (FORMAT csv, HEADER)
"""
