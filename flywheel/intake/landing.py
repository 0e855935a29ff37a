"""Rows into the fact table: COPY into a temporary table, check, one upsert. Runs inside the batch's transaction.

A column that the file does not have is left alone; a blank cell does not erase what is known; a row that says
nothing new is not written at all.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import astuple, dataclass

import numpy as np
from django.db import connection
from psycopg import sql

from flywheel.accounts.models import Workspace
from flywheel.facts import upkeep
from flywheel.facts.models import Source
from flywheel.intake.kinds import Kind
from flywheel.intake.preparing import SHOWN, Issue, Prepared, Slot, copy_text

STAGE = sql.Identifier("intake_stage")
MANY_ROWS = 20_000  # from here on it pays to ask how many of the rows are known
ADDED_TYPES = frozenset({"money", "signed", "deduction", "integer"})  # parsers whose columns can be added up


@dataclass(frozen=True)
class Landed:
    """What became of the rows of a batch."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    repeated: int = 0  # rows equal to an earlier row of the file

    def __add__(self, other: "Landed") -> "Landed":
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Landed(*(mine + theirs for mine, theirs in pairs))

    @property
    def any(self) -> bool:
        """Whether any row landed, were it known already or not."""
        return bool(self.added or self.changed or self.unchanged)


class Stage:
    """The temporary table of one batch's rows of one kind. `sums`: rows with one key are added up."""

    def __init__(self, kind: Kind, slots: Sequence[Slot], sums: bool = False) -> None:
        self.kind, self.slots, self.sums = kind, slots, sums
        self.rows = self.repeated = 0
        self._hashes: list[np.ndarray] = []  # 8 bytes per row: enough to know whether any key comes twice
        columns = [sql.SQL("{} {}").format(_name(slot), sql.SQL(slot.sql_type)) for slot in slots]
        body = sql.SQL(", ").join([sql.SQL("line bigint, external_id text"), *columns])
        self._run("DROP TABLE IF EXISTS pg_temp.intake_stage")
        self._run("CREATE TEMPORARY TABLE {stage} ({body})", body=body)

    @contextmanager
    def receiving(self) -> Iterator[Callable[[Prepared], None]]:
        """Gives a function that stores the rows of a chunk.

        One COPY for the whole file, so that the server reads one chunk while the next is parsed; no other statement
        can run on the connection meanwhile.
        """
        statement = sql.SQL("COPY {} FROM STDIN").format(STAGE)
        # Django wraps the errors of its own calls only; a lost connection must be known as one, to be tried again
        with connection.cursor() as cursor, connection.wrap_database_errors, cursor.copy(statement) as stream:

            def add(prepared: Prepared) -> None:
                if prepared.ids:
                    self.rows += len(prepared.ids)
                    self._hashes.append(np.fromiter(map(hash, prepared.ids), dtype=np.int64, count=len(prepared.ids)))
                    stream.write(copy_text(prepared, self.slots))

            yield add

    def settle_repeats(self) -> list[Issue]:
        """Number, add up or collapse rows with equal keys; returns an issue for each that contradicts the first.

        Those rows are taken out of the stage.
        """
        if self.sums:
            return self._add_up()
        if not self._maybe_repeats():
            return []
        if self.kind.repeats:
            self._run(_NUMBER)
            return []
        issues = self._conflicts()
        self.repeated = self._run(_COLLAPSE)[0][0] - len(issues)
        self.rows -= len(issues)
        return issues

    def upsert(self, workspace: Workspace, source: Source, batch_id: int | None) -> Landed:
        """Merge the rows into the fact table and note what was touched for `upkeep.after_landing`."""
        upkeep.create_touched(self.kind.model)
        values = {"workspace": workspace.pk, "source": source.pk, "batch": batch_id}
        parts = self._upsert_parts()
        is_known = self._is_mostly_known(values, parts["table"])
        with _row_by_row() if is_known else nullcontext():
            self._run(_UPSERT, values, **parts, news=sql.SQL(_NEWS if is_known else "").format(**parts))
        written, added = self._run("SELECT count(*), count(*) FILTER (WHERE added) FROM facts_touched")[0]
        return self._landed(added, written - added)

    def compare(self, workspace: Workspace, source: Source) -> Landed:
        """What `upsert` would do; writes nothing."""
        self._run("ANALYZE {stage}")
        values = {"workspace": workspace.pk, "source": source.pk}
        return self._landed(*self._run(_COMPARE, values, **self._upsert_parts())[0])

    def _is_mostly_known(self, values: Mapping[str, object], table: sql.Composable) -> bool:
        """Whether most of the first rows are records that exist: those that say nothing new are then left out first.

        A row that meets a record is locked and written by the upsert even if it changes nothing; a join reads only.
        """
        if self.rows < MANY_ROWS:
            return False
        self._run("ANALYZE {stage}")
        return bool(self._run(_KNOWN_SHARE, values, table=table)[0][0])

    def take_out(self, keys: set[str]) -> list[Issue]:
        """Take out all rows of some keys; an issue for each. For sums that lack a part."""
        gone = self._run(_TAKE_OUT, {"keys": sorted(keys)}) if keys else []
        self.rows -= len(gone)
        return [Issue(line, self.kind.key[0], key[:SHOWN], "part") for line, key in gone]

    def _landed(self, added: int, changed: int) -> Landed:
        self._run("DROP TABLE {stage}")
        return Landed(added, changed, self.rows - self.repeated - added - changed, self.repeated)

    def _maybe_repeats(self) -> bool:
        if not self._hashes:
            return False
        hashes = np.sort(np.concatenate(self._hashes))
        return bool((hashes[1:] == hashes[:-1]).any())

    def _add_up(self) -> list[Issue]:
        """Rows with one key become the first of them: amounts and counts added, else the first value that is told.

        A cancelled row tells last. Returns an issue for each sum below zero, and takes it out.
        """
        if self._maybe_repeats():
            last = sql.SQL("state = 'cancelled', " if any(slot.name == "state" for slot in self.slots) else "")
            totals = _listed(sql.SQL("{} AS {}").format(_total(slot, last), _name(slot)) for slot in self.slots)
            self._run(_ADD_UP, columns=_listed(map(_name, self.slots)), totals=totals)
        issues = [issue for slot in self.slots if _is_added(slot) for issue in self._below_zero(slot)]
        self.rows = self._run("SELECT count(*) FROM {stage}")[0][0]
        return issues

    def _below_zero(self, slot: Slot) -> list[Issue]:
        column = slot.column
        if column is None or column.type != "money":
            return []
        taken = self._run(_BELOW_ZERO, name=_name(slot))
        return [Issue(line, column.name, str(amount), "negative") for line, amount in taken]

    def _conflicts(self) -> list[Issue]:
        compared = sql.SQL(", ").join(sql.SQL("s.{}").format(_name(slot)) for slot in self.slots)
        first = sql.SQL(", ").join(sql.SQL("f.{}").format(_name(slot)) for slot in self.slots)
        rows = self._run(_CONFLICTS, compared=compared, first=first)
        return [Issue(line, self.kind.key[0], key[:SHOWN], "conflict", str(earlier)) for line, earlier, key in rows]

    def _upsert_parts(self) -> dict[str, sql.Composable]:
        return {
            "table": sql.Identifier(self.kind.model._meta.db_table),
            "columns": _listed(_name(slot) for slot in self.slots),
            "staged": _listed(sql.SQL("excluded.{}").format(_name(slot)) for slot in self.slots),
            "changes": _listed(sql.SQL("{} = {}").format(_name(slot), _merged(slot)) for slot in self.slots),
            "old": _listed(sql.SQL("t.{}").format(_name(slot)) for slot in self.slots if _is_guarded(slot)),
            "new": _listed(_merged(slot) for slot in self.slots if _is_guarded(slot)),
            "touched": upkeep.touched_columns(self.kind.model),
        }

    def _run(self, statement: str, values: Mapping[str, object] | None = None, **parts: sql.Composable) -> list[tuple]:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(stage=STAGE, **parts), values)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []


@contextmanager
def _row_by_row() -> Iterator[None]:
    """Joins look each row up in the index: a hash join would read all of a fact table, three times as long."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
        yield
        cursor.execute("SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on")


def _name(slot: Slot) -> sql.Identifier:
    return sql.Identifier(slot.name)


def _listed(parts: Iterator[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def _is_added(slot: Slot) -> bool:
    return slot.column is not None and slot.column.type in ADDED_TYPES and not slot.column.per_unit


def _total(slot: Slot, last: sql.SQL) -> sql.Composable:
    """One column of rows that are added up; the order of the file decides where nothing can be added."""
    if _is_added(slot):
        return sql.SQL("sum({0})::{1}").format(_name(slot), sql.SQL(slot.sql_type))
    told = "{0} <> ''" if slot.is_text else "{0} IS NOT NULL"
    text = "(array_agg({0} ORDER BY {1}line) FILTER (WHERE " + told + "))[1]"
    return sql.SQL("COALESCE(" + text + ", '')" if slot.is_text else text).format(_name(slot), last)


def _is_guarded(slot: Slot) -> bool:
    """Whether a difference in this column makes a row a changed one."""
    return slot.derived is None or slot.derived.guarded


def _merged(slot: Slot) -> sql.Composable:
    """A known fact's column after the upsert, from `t` (what is known) and EXCLUDED (what the file says)."""
    name = {"name": _name(slot)}
    if slot.column and slot.column.yields:
        return sql.SQL("CASE WHEN t.order_week IS NULL OR t.{name} = '' THEN {fresh} ELSE t.{name} END").format(
            fresh=_filled(slot), **name
        )
    if slot.derived and slot.derived.follows:
        kept = _KEPT_UNGUARDED if not slot.derived.guarded else _KEPT
        return sql.SQL(kept).format(base=sql.Identifier(slot.derived.follows), **name)
    return _filled(slot)


def _filled(slot: Slot) -> sql.Composable:
    """The file's value, or what is known where the cell is blank; of an object, member by member."""
    if slot.is_json:
        return sql.SQL("COALESCE(t.{0} || EXCLUDED.{0}, EXCLUDED.{0}, t.{0})").format(_name(slot))
    text = "COALESCE(NULLIF(EXCLUDED.{0}, ''), t.{0})" if slot.is_text else "COALESCE(EXCLUDED.{0}, t.{0})"
    return sql.SQL(text).format(_name(slot))


_KEPT = "CASE WHEN COALESCE(EXCLUDED.{base}::text, '') = '' THEN t.{name} ELSE EXCLUDED.{name} END"
_KEPT_UNGUARDED = """CASE WHEN COALESCE(EXCLUDED.{base}::text, '') = '' OR EXCLUDED.{base} IS NOT DISTINCT FROM t.{base}
    THEN t.{name} ELSE EXCLUDED.{name} END"""
_UPSERT = """
WITH written AS (
    INSERT INTO {table} AS t (workspace_id, source_id, batch_id, external_id, {columns})
    SELECT %(workspace)s, %(source)s, %(batch)s, excluded.external_id, {staged} FROM {stage} AS excluded
    {news}ON CONFLICT (workspace_id, external_id, source_id) DO UPDATE SET batch_id = EXCLUDED.batch_id, {changes}
    WHERE ROW ({old}) IS DISTINCT FROM ROW ({new})
    RETURNING {touched}
)
INSERT INTO facts_touched SELECT * FROM written
"""
_TAKE_OUT = "DELETE FROM {stage} WHERE external_id = ANY(%(keys)s) RETURNING line, external_id"
_KNOWN_SHARE = """
SELECT count(t.id) * 2 > count(*)
FROM (SELECT external_id FROM {stage} LIMIT 1000) AS s
LEFT JOIN {table} AS t
    ON t.workspace_id = %(workspace)s AND t.external_id = s.external_id AND t.source_id = %(source)s
"""
_NEWS = """LEFT JOIN {table} AS t
        ON t.workspace_id = %(workspace)s AND t.external_id = excluded.external_id AND t.source_id = %(source)s
    WHERE t.id IS NULL OR ROW ({old}) IS DISTINCT FROM ROW ({new})
    """
_COMPARE = """
SELECT count(*) FILTER (WHERE t.id IS NULL),
    count(*) FILTER (WHERE t.id IS NOT NULL AND ROW ({old}) IS DISTINCT FROM ROW ({new}))
FROM {stage} AS EXCLUDED
LEFT JOIN {table} AS t
    ON t.workspace_id = %(workspace)s AND t.external_id = EXCLUDED.external_id AND t.source_id = %(source)s
"""
_ADD_UP = """
WITH repeated AS (
    SELECT external_id FROM {stage} GROUP BY external_id HAVING count(*) > 1
), taken AS (
    DELETE FROM {stage} AS s USING repeated AS r WHERE s.external_id = r.external_id RETURNING s.*
)
INSERT INTO {stage} (line, external_id, {columns})
SELECT min(line), external_id, {totals} FROM taken GROUP BY external_id
"""
_BELOW_ZERO = "DELETE FROM {stage} WHERE {name} < 0 RETURNING line, {name}"
_CONFLICTS = """
WITH repeated AS (
    SELECT external_id, min(line) AS line FROM {stage} GROUP BY external_id HAVING count(*) > 1
), first AS (
    SELECT s.* FROM {stage} AS s JOIN repeated AS r ON r.external_id = s.external_id AND r.line = s.line
)
SELECT s.line, f.line, s.external_id FROM {stage} AS s JOIN first AS f ON f.external_id = s.external_id
WHERE s.line > f.line AND ROW ({compared}) IS DISTINCT FROM ROW ({first})
ORDER BY s.line
"""
_COLLAPSE = """
WITH collapsed AS (
    DELETE FROM {stage} AS s USING (
        SELECT external_id, min(line) AS line FROM {stage} GROUP BY external_id HAVING count(*) > 1
    ) AS r WHERE s.external_id = r.external_id AND s.line > r.line RETURNING s.line
)
SELECT count(*) FROM collapsed
"""
_NUMBER = """
UPDATE {stage} AS s SET external_id = s.external_id || '|' || r.place
FROM (SELECT line, row_number() OVER (PARTITION BY external_id ORDER BY line) AS place FROM {stage}) AS r
WHERE r.line = s.line AND r.place > 1
"""
