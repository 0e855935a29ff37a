"""Counts of what single sessions did, by week, market, channel and device: made anew in a job, read by pages.

Beside `counting`, and like it: the counts add up over weeks and slices, and cost their readers nothing of the number of
events. A session belongs to the week and slice of its first event. Where there are more sessions than MAX_SESSIONS, one
in so many is counted, chosen by a hash of its name: in every week and slice the same share, whatever it did.
"""

from datetime import date, datetime
from math import ceil
from typing import Any

import pandas as pd
from django.db import connection, transaction

from engines.paths import BINS_PER_E, ENTRY, EXIT, OTHER
from flywheel.accounts.models import Workspace
from flywheel.facts.models import STAGES
from flywheel.measures.counting import LOCK, MEMORY, _insert
from flywheel.measures.frames import Where, _columns, _fetch
from flywheel.measures.models import CountedSessions, MoveWeek, StepTimeWeek

MAX_SESSIONS = 500_000  # counted; a map of so many is as good as one of all
MAX_POINTS = 60  # touch points told apart, the most visited; no map names more than a dozen
FILTERS = ("market", "channel", "device")
GAPS = (*zip(("started", *STAGES[2:-1]), STAGES[2:], strict=True), ("started", "payments"))


def count_sessions(workspace: Workspace, began_at: datetime) -> None:
    """Replace the counts of `workspace` and say of when and of how many they are; one at a time."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, workspace.pk])
        cursor.execute(f"SET LOCAL work_mem = '{MEMORY}'")
        values = _values(workspace, cursor)
        for model, statement in ((MoveWeek, _MOVES), (StepTimeWeek, _GAPS)):
            model._default_manager.filter(workspace=workspace).delete()
            cursor.execute(_insert(model, statement), values)
        cursor.execute(_REMEMBER, values | {"began_at": began_at})


def _values(workspace: Workspace, cursor: Any) -> dict[str, Any]:
    cursor.execute("SELECT COUNT(*) FROM facts_session WHERE workspace_id = %s", [workspace.pk])
    one_in = max(ceil(cursor.fetchone()[0] / MAX_SESSIONS), 1)
    return {"workspace": workspace.pk, "one_in": one_in, "per_e": BINS_PER_E, "points": MAX_POINTS,
            "entry": ENTRY, "exit": EXIT, "other": OTHER}  # fmt: skip


def counted(workspace: Workspace) -> CountedSessions | None:
    """Of when and of how many sessions the counts are; None while they have never been made."""
    return CountedSessions.objects.filter(workspace=workspace).first()


def moves(workspace: Workspace, first: date | None, last: date, where: Where | None = None) -> pd.DataFrame:
    """How sessions went from touch point to touch point. Columns source, target, count, paid.

    A touch point is the stage an event stands for, else the source's own word for it; repeats in a row are one visit.
    `paid` counts moves of sessions that paid. `where`: market, channel, device -> the code, or the codes, to keep.
    """
    condition, params = _filter(where)
    sql = f"""
        SELECT source, target, SUM(count)::float8, SUM(paid)::float8 FROM measures_moveweek
        WHERE workspace_id = %s AND week BETWEEN %s AND %s{condition} GROUP BY 1, 2 ORDER BY 1, 2"""  # noqa: S608 (the condition is of this module's own keys)
    rows = _fetch(sql, [workspace.pk, first or date.min, last, *params])
    return _columns(rows, ("source", "target"), ("count", "paid"))


def step_times(workspace: Workspace, first: date | None, last: date, where: Where | None = None) -> pd.DataFrame:
    """Time between reaching steps. Columns source, target (of GAPS), bin (`paths.duration_bin`), count."""
    condition, params = _filter(where)
    sql = f"""
        SELECT source, target, b.bin, SUM(b.count)::float8
        FROM measures_steptimeweek, UNNEST(bins, counts) AS b (bin, count)
        WHERE workspace_id = %s AND week BETWEEN %s AND %s{condition} GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""  # noqa: S608
    rows = _fetch(sql, [workspace.pk, first or date.min, last, *params])
    return _columns(rows, ("source", "target"), ("bin", "count"))


def _filter(where: Where | None) -> tuple[str, list[object]]:
    parts, params = "", list[object]()
    for key, codes in (where or {}).items():
        if key not in FILTERS:
            raise ValueError(f"no filter {key!r}; there are {', '.join(FILTERS)}")
        parts += f" AND {key} = ANY(%s)"
        params.append([codes] if isinstance(codes, str) else list(codes))
    return parts, params


_REMEMBER = """
INSERT INTO measures_countedsessions (workspace_id, began_at, one_in, sessions)
SELECT %(workspace)s, %(began_at)s, %(one_in)s, COALESCE(SUM(count), 0) FROM measures_moveweek
WHERE workspace_id = %(workspace)s AND source = %(entry)s
ON CONFLICT (workspace_id) DO UPDATE
SET began_at = EXCLUDED.began_at, one_in = EXCLUDED.one_in, sessions = EXCLUDED.sessions
"""
_SLICE = "week, market, channel, device"
_SAMPLE = """sample AS (
    SELECT source_id, session, week, market, channel, device, started_at, payments FROM facts_session
    WHERE workspace_id = %(workspace)s AND (hashtextextended(session, 0) & 9223372036854775807) %% %(one_in)s = 0
)"""
_EVENTS = """
    FROM sample AS s
    JOIN facts_sessionevent AS e
        ON e.workspace_id = %(workspace)s AND e.session = s.session AND e.source_id = s.source_id"""
_MOVES = f"""
    WITH {_SAMPLE}, events AS (
        SELECT s.*, e.happened_at, e.id, COALESCE(NULLIF(e.stage, ''), e.event) AS word, e.stage <> '' AS is_stage
        {_EVENTS}
    ), named AS (
        SELECT word FROM events GROUP BY word ORDER BY BOOL_OR(is_stage) DESC, COUNT(*) DESC, word LIMIT %(points)s
    ), points AS (
        SELECT e.*, COALESCE(n.word, %(other)s) AS point FROM events AS e LEFT JOIN named AS n ON n.word = e.word
    ), marked AS (
        SELECT *, LAG(point) OVER (PARTITION BY source_id, session ORDER BY happened_at, id) AS previous FROM points
    ), visits AS (
        SELECT {_SLICE}, payments, point, previous,
            LEAD(point) OVER (PARTITION BY source_id, session ORDER BY happened_at, id) AS following
        FROM marked WHERE point IS DISTINCT FROM previous
    ), moves AS (
        SELECT {_SLICE}, payments, point AS source, COALESCE(following, %(exit)s) AS target FROM visits
        UNION ALL
        SELECT {_SLICE}, payments, %(entry)s, point FROM visits WHERE previous IS NULL
    )
    SELECT {_SLICE}, source, target, COUNT(*) AS count, SUM(payments) AS paid
    FROM moves GROUP BY {_SLICE}, source, target"""  # noqa: S608 (the pieces are constants of this module)
_FIRST_TIMES = ", ".join(f"MIN(e.happened_at) FILTER (WHERE e.stage = '{stage}') AS {stage}" for stage in STAGES[2:])
_PAIRS = ", ".join(f"('{a}', '{b}', {b} - {a})" for a, b in GAPS)
_GAPS = f"""
    WITH {_SAMPLE}, reached AS (
        SELECT s.week, s.market, s.channel, s.device, MIN(s.started_at) AS started, {_FIRST_TIMES}
        {_EVENTS}
        GROUP BY s.source_id, s.session, s.week, s.market, s.channel, s.device
    ), binned AS (
        SELECT {_SLICE}, p.source, p.target,
            FLOOR(%(per_e)s * LN(1 + EXTRACT(EPOCH FROM p.gap)::float8))::int AS bin, COUNT(*) AS count
        FROM reached CROSS JOIN LATERAL (VALUES {_PAIRS}) AS p (source, target, gap)
        WHERE p.gap >= INTERVAL '0'
        GROUP BY {_SLICE}, p.source, p.target, bin
    )
    SELECT {_SLICE}, source, target, ARRAY_AGG(bin ORDER BY bin) AS bins, ARRAY_AGG(count ORDER BY bin) AS counts
    FROM binned GROUP BY {_SLICE}, source, target"""  # noqa: S608
