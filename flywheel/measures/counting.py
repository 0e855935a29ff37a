"""Counts that need all orders of a customer or all records of an order: made anew as a whole, kept by week or month.

Unlike the roll-ups they are not re-made for touched weeks alone: an order may change a customer in any month.
They cost by the number of facts, so they belong into a job; `fact_frames` reads them.
"""

from datetime import datetime
from typing import Any

from django.db import connection, models, transaction

from engines.aftersales import WINDOW_DAYS
from flywheel.accounts.models import Workspace
from flywheel.facts.calendar import EPOCH_WEEKDAY
from flywheel.measures.models import (
    CategoryWeek,
    Counted,
    CustomerMonth,
    FirstDeliveryWeek,
    ReasonWeek,
    ReferrerWeek,
)
from flywheel.measures.rolling import Steps

LOCK = 0x434E5453  # "CNTS": the first half of the advisory lock's key, the workspace is the second


def count_all(workspace: Workspace, began_at: datetime, progress: Steps) -> None:
    """Replace every count of `workspace` and say of when they are; one at a time, inside the caller's transaction."""
    progress.step("counting", len(TABLES))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, workspace.pk])
        cursor.execute(f"SET LOCAL work_mem = '{MEMORY}'")
        for model, statement in TABLES.items():
            model._default_manager.filter(workspace=workspace).delete()
            cursor.execute(_insert(model, statement), _values(workspace))
            progress.advance(1)
        cursor.execute(_REMEMBER, _values(workspace) | {"began_at": began_at})


MEMORY = "64MB"  # sorts a million customers' months without the disk
_NEWEST = "(SELECT MAX(order_date) FROM facts_order WHERE workspace_id = %(workspace)s AND counts)"
_REMEMBER = f"""
INSERT INTO {Counted._meta.db_table} (workspace_id, began_at, newest_day)
VALUES (%(workspace)s, %(began_at)s, {_NEWEST})
ON CONFLICT (workspace_id) DO UPDATE SET began_at = EXCLUDED.began_at, newest_day = EXCLUDED.newest_day
"""  # noqa: S608 (names of this module)


def _values(workspace: Workspace) -> dict[str, Any]:
    return {
        "workspace": workspace.pk,
        "days": WINDOW_DAYS,
        "past": EPOCH_WEEKDAY - workspace.first_weekday + 7,
    }


def _insert(model: type[models.Model], statement: str) -> str:
    columns = [f.attname for f in model._meta.concrete_fields if not f.primary_key and f.attname != "workspace_id"]
    listed = ", ".join(columns)
    return f"""
        INSERT INTO {model._meta.db_table} (workspace_id, {listed})
        SELECT %(workspace)s, {listed} FROM ({statement}) AS counted"""  # noqa: S608 (texts of this module)


_MONTHS = """
    WITH active AS (
        SELECT customer, month FROM facts_order
        WHERE workspace_id = %(workspace)s AND counts AND customer <> '' GROUP BY customer, month
    ), told AS (
        SELECT a.month, f.market, f.channel, a.month = f.month AS is_new,
            LAG(a.month) OVER (PARTITION BY a.customer ORDER BY a.month)
                IS NOT DISTINCT FROM CAST(a.month - INTERVAL '1 month' AS date) AS was
        FROM active AS a
        JOIN facts_firstorder AS f ON f.workspace_id = %(workspace)s AND f.customer = a.customer
    )
    SELECT month, market, channel, COUNT(*) AS active, COUNT(*) FILTER (WHERE is_new) AS new,
        COUNT(*) FILTER (WHERE was AND NOT is_new) AS retained,
        COUNT(*) FILTER (WHERE NOT was AND NOT is_new) AS resurrected
    FROM told GROUP BY month, market, channel"""
_RIPE = "o.promised_date + %(days)s"  # one clock for late and punctual ones, see engines.aftersales.late_effect
_FIRST_DELIVERIES = f"""
    SELECT f.week, {_RIPE} - (({_RIPE} - DATE 'epoch' + %(past)s) %% 7) AS ripe_week, f.month, f.market, f.channel,
        o.delivered_date > o.promised_date AS late, COUNT(*) AS customers,
        COUNT(*) FILTER (WHERE f.second_date <= {_RIPE}) AS repeaters
    FROM facts_firstorder AS f
    JOIN facts_order AS o ON o.id = f.order_id AND o.workspace_id = f.workspace_id
    WHERE f.workspace_id = %(workspace)s AND o.counts AND o.promised_date IS NOT NULL AND o.delivered_date IS NOT NULL
        AND (f.second_date IS NULL OR f.second_date > o.promised_date)
    GROUP BY 1, 2, 3, 4, 5, 6"""  # noqa: S608 (texts of this module)
_ANSWERED = "t.first_reply_at IS NOT NULL AND t.proactive IS NOT TRUE"
_REASONS = f"""
    SELECT t.week, t.market, t.channel, t.reason, COUNT(*) AS tickets, COUNT(t.proactive) AS proactive_known,
        COUNT(*) FILTER (WHERE t.proactive) AS proactive, COUNT(t.csat) AS csat_ratings,
        COUNT(*) FILTER (WHERE t.csat >= 4) AS csat_good, COUNT(*) FILTER (WHERE {_ANSWERED}) AS replies,
        SUM(t.reply_minutes) FILTER (WHERE {_ANSWERED}) AS reply_minutes
    FROM facts_ticket AS t WHERE t.workspace_id = %(workspace)s
    GROUP BY t.week, t.market, t.channel, t.reason"""  # noqa: S608
_CATEGORIES = """
    WITH sold AS (
        SELECT DISTINCT o.id, o.delivered_week AS week, o.market, o.channel, l.category
        FROM facts_order AS o
        JOIN facts_orderline AS l
            ON l.workspace_id = o.workspace_id AND l.order_ref = o.external_id AND l.source_id = o.source_id
        WHERE o.workspace_id = %(workspace)s AND l.workspace_id = %(workspace)s AND o.delivered_week IS NOT NULL
            AND o.counts AND l.category <> ''
    ), said AS (
        SELECT order_id, COUNT(*) AS reviews, SUM(rating) AS rating_sum, SUM(rating * rating) AS rating_squares,
            COUNT(has_media) AS media_known, COUNT(*) FILTER (WHERE has_media) AS media_reviews
        FROM facts_review WHERE workspace_id = %(workspace)s AND order_id IS NOT NULL GROUP BY order_id
    )
    SELECT s.week, s.market, s.channel, s.category, COUNT(*) AS deliveries, COUNT(r.order_id) AS reviewed,
        COALESCE(SUM(r.reviews), 0) AS reviews, SUM(r.rating_sum) AS rating_sum,
        SUM(r.rating_squares) AS rating_squares, COALESCE(SUM(r.media_known), 0) AS media_known,
        COALESCE(SUM(r.media_reviews), 0) AS media_reviews
    FROM sold AS s LEFT JOIN said AS r ON r.order_id = s.id
    GROUP BY s.week, s.market, s.channel, s.category"""
_REFERRERS = """
    WITH led AS (
        SELECT r.week, r.market, r.channel, r.referrer, f.order_id,
            ROW_NUMBER() OVER (PARTITION BY r.referrer, f.order_id ORDER BY r.invited_at, r.id) AS place
        FROM facts_referral AS r
        LEFT JOIN facts_order AS o ON o.id = r.order_id AND o.counts
        LEFT JOIN facts_firstorder AS f
            ON f.workspace_id = r.workspace_id AND f.customer = o.customer AND f.order_id = o.id
        WHERE r.workspace_id = %(workspace)s AND r.referrer <> ''
    )
    SELECT week, market, channel, referrer, COUNT(*) AS invitations,
        COUNT(order_id) FILTER (WHERE place = 1) AS new_customers
    FROM led GROUP BY week, market, channel, referrer"""
TABLES: dict[type[models.Model], str] = {
    CustomerMonth: _MONTHS,
    FirstDeliveryWeek: _FIRST_DELIVERIES,
    ReasonWeek: _REASONS,
    CategoryWeek: _CATEGORIES,
    ReferrerWeek: _REFERRERS,
}
