"""Sessions made of their events, kept up to date as events arrive or are taken back."""

from typing import Protocol

from flywheel.facts import models as facts


class Run(Protocol):
    """One run of the upkeep (`upkeep.after_landing`)."""

    def run(self, statement: str, **names: str) -> int:
        """Execute a statement; returns the number of rows."""


def after_events(upkeep: Run) -> None:
    """Make the sessions of the touched events anew, and drop those that have none left."""
    upkeep.run("""
        INSERT INTO facts_sessions
        SELECT DISTINCT s.source_id, s.session FROM facts_touched AS t
        CROSS JOIN LATERAL (VALUES (t.old_source_id, t.old_session), (t.new_source_id, t.new_session))
            AS s (source_id, session)
        WHERE s.session IS NOT NULL""")
    upkeep.run("ANALYZE facts_sessions")
    upkeep.run(_DROP_SESSIONS)
    upkeep.run(_UPSERT_SESSIONS)


_DROP_SESSIONS = """
WITH dropped AS (
    DELETE FROM facts_session AS t USING facts_sessions AS s
    WHERE t.workspace_id = %(workspace)s AND t.session = s.session AND t.source_id = s.source_id AND NOT EXISTS (
        SELECT FROM facts_sessionevent AS e
        WHERE e.workspace_id = t.workspace_id AND e.session = t.session AND e.source_id = t.source_id)
    RETURNING t.week
)
INSERT INTO facts_dirty SELECT DISTINCT 'conversion', week FROM dropped
"""
_REACHED = facts.STAGES[2:]  # those that an event tells
_STAGE_COLUMNS = "".join(f", {stage}" for stage in _REACHED)
_STAGE_SUMS = "".join(f", MAX((e.stage = '{stage}')::int) AS {stage}" for stage in _REACHED)
_SESSION_FIELDS = f"started_at, date, week, market, channel, device, engaged_sessions{_STAGE_COLUMNS}"
_UPSERT_SESSIONS = f"""
WITH grouped AS (
    SELECT e.source_id, e.session, MIN(e.happened_at) AS started_at,
        (COUNT(*) > 1)::int AS engaged_sessions{_STAGE_SUMS}
    FROM facts_sessions AS s
    JOIN facts_sessionevent AS e
        ON e.workspace_id = %(workspace)s AND e.session = s.session AND e.source_id = s.source_id
    GROUP BY e.source_id, e.session
), opening AS (
    SELECT DISTINCT ON (e.source_id, e.session) e.source_id, e.session, e.date, e.market, e.channel, e.device,
        e.date - (EXTRACT(ISODOW FROM e.date)::int - 1 - %(first_weekday)s + 7) %% 7 AS week
    FROM facts_sessions AS s
    JOIN facts_sessionevent AS e
        ON e.workspace_id = %(workspace)s AND e.session = s.session AND e.source_id = s.source_id
    ORDER BY e.source_id, e.session, e.happened_at, e.id
), kept AS (
    INSERT INTO facts_session AS t (workspace_id, source_id, session, sessions, {_SESSION_FIELDS})
    SELECT %(workspace)s, source_id, session, 1, {_SESSION_FIELDS} FROM grouped JOIN opening USING (source_id, session)
    ON CONFLICT (workspace_id, session, source_id) DO UPDATE
    SET ({_SESSION_FIELDS}) = ROW ({", ".join(f"EXCLUDED.{name}" for name in _SESSION_FIELDS.split(", "))})
    WHERE ({", ".join(f"t.{name}" for name in _SESSION_FIELDS.split(", "))}) IS DISTINCT FROM
        ({", ".join(f"EXCLUDED.{name}" for name in _SESSION_FIELDS.split(", "))})
    RETURNING old.week AS old_week, new.week
)
INSERT INTO facts_dirty
SELECT DISTINCT 'conversion', w.week FROM kept AS k CROSS JOIN LATERAL (VALUES (k.old_week), (k.week)) AS w (week)
"""  # noqa: S608 (the pieces are the names of the journey's stages)
