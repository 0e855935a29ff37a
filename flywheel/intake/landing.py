"""Rows into the fact table: COPY into a temporary table, check, one upsert. Runs inside the batch's transaction.

A column that the file does not have is left alone; a blank cell does not erase what is known; a row that says
nothing new is not written at all.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from django.db import connection
from psycopg import sql

from flywheel.accounts.models import Workspace
from flywheel.facts import upkeep
from flywheel.facts.models import Source
from flywheel.intake.kinds import Kind
from flywheel.intake.preparing import SHOWN, Issue, Prepared, Slot, copy_text

STAGE = sql.Identifier("intake_stage")
MAX_CONFLICTS = 10_000  # lines named; more of them are one mistake, not ten thousand


@dataclass(frozen=True)
class Landed:
    """What became of the rows of a batch."""

    added: int
    changed: int
    unchanged: int
    repeated: int  # rows equal to an earlier row of the file


class Stage:
    """The temporary table of one batch's rows."""

    def __init__(self, kind: Kind, slots: Sequence[Slot]) -> None:
        self.kind, self.slots = kind, slots
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
        with connection.cursor() as cursor, cursor.copy(statement) as stream:

            def add(prepared: Prepared) -> None:
                if prepared.ids:
                    self.rows += len(prepared.ids)
                    self._hashes.append(np.fromiter(map(hash, prepared.ids), dtype=np.int64, count=len(prepared.ids)))
                    stream.write(copy_text(prepared, self.slots))

            yield add

    def settle_repeats(self) -> list[Issue]:
        """Number or collapse rows with equal keys; returns an issue for each that says otherwise than the first."""
        if not self._maybe_repeats():
            return []
        if self.kind.repeats:
            self._run(_NUMBER)
            return []
        issues = self._conflicts()
        if not issues:
            self.repeated = self._run(_COLLAPSE)[0][0]
        return issues

    def upsert(self, workspace: Workspace, source: Source, batch_id: int | None) -> Landed:
        """Merge the rows into the fact table and note what was touched for `upkeep.after_landing`."""
        upkeep.create_touched(self.kind.model)
        values = {"workspace": workspace.pk, "source": source.pk, "batch": batch_id}
        self._run(_UPSERT, values, **self._upsert_parts())
        written, added = self._run("SELECT count(*), count(*) FILTER (WHERE added) FROM facts_touched")[0]
        self._run("DROP TABLE {stage}")
        return Landed(added, written - added, self.rows - self.repeated - written, self.repeated)

    def _maybe_repeats(self) -> bool:
        if not self._hashes:
            return False
        hashes = np.sort(np.concatenate(self._hashes))
        return bool((hashes[1:] == hashes[:-1]).any())

    def _conflicts(self) -> list[Issue]:
        compared = sql.SQL(", ").join(sql.SQL("s.{}").format(_name(slot)) for slot in self.slots)
        first = sql.SQL(", ").join(sql.SQL("f.{}").format(_name(slot)) for slot in self.slots)
        rows = self._run(_CONFLICTS, {"most": MAX_CONFLICTS}, compared=compared, first=first)
        return [Issue(line, self.kind.key[0], key[:SHOWN], "conflict", str(earlier)) for line, earlier, key in rows]

    def _upsert_parts(self) -> dict[str, sql.Composable]:
        return {
            "table": sql.Identifier(self.kind.model._meta.db_table),
            "columns": _listed(_name(slot) for slot in self.slots),
            "staged": _listed(sql.SQL("s.{}").format(_name(slot)) for slot in self.slots),
            "changes": _listed(sql.SQL("{} = {}").format(_name(slot), _merged(slot)) for slot in self.slots),
            "old": _listed(sql.SQL("t.{}").format(_name(slot)) for slot in self.slots if _is_guarded(slot)),
            "new": _listed(_merged(slot) for slot in self.slots if _is_guarded(slot)),
            "touched": upkeep.touched_columns(self.kind.model),
        }

    def _run(self, statement: str, values: Mapping[str, object] | None = None, **parts: sql.Composable) -> list[tuple]:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(statement).format(stage=STAGE, **parts), values)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []


def _name(slot: Slot) -> sql.Identifier:
    return sql.Identifier(slot.name)


def _listed(parts: Iterator[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


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
    """The file's value, or what is known where the cell is blank."""
    text = "COALESCE(NULLIF(EXCLUDED.{0}, ''), t.{0})" if slot.is_text else "COALESCE(EXCLUDED.{0}, t.{0})"
    return sql.SQL(text).format(_name(slot))


_KEPT = "CASE WHEN COALESCE(EXCLUDED.{base}::text, '') = '' THEN t.{name} ELSE EXCLUDED.{name} END"
_KEPT_UNGUARDED = """CASE WHEN COALESCE(EXCLUDED.{base}::text, '') = '' OR EXCLUDED.{base} IS NOT DISTINCT FROM t.{base}
    THEN t.{name} ELSE EXCLUDED.{name} END"""
_UPSERT = """
WITH written AS (
    INSERT INTO {table} AS t (workspace_id, source_id, batch_id, external_id, {columns})
    SELECT %(workspace)s, %(source)s, %(batch)s, s.external_id, {staged} FROM {stage} AS s
    ON CONFLICT (workspace_id, external_id, source_id) DO UPDATE SET batch_id = EXCLUDED.batch_id, {changes}
    WHERE ROW ({old}) IS DISTINCT FROM ROW ({new})
    RETURNING {touched}
)
INSERT INTO facts_touched SELECT * FROM written
"""
_CONFLICTS = """
WITH repeated AS (
    SELECT external_id, min(line) AS line FROM {stage} GROUP BY external_id HAVING count(*) > 1
), first AS (
    SELECT s.* FROM {stage} AS s JOIN repeated AS r ON r.external_id = s.external_id AND r.line = s.line
)
SELECT s.line, f.line, s.external_id FROM {stage} AS s JOIN first AS f ON f.external_id = s.external_id
WHERE s.line > f.line AND ROW ({compared}) IS DISTINCT FROM ROW ({first})
ORDER BY s.line LIMIT %(most)s
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
