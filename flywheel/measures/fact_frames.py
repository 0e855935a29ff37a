"""The door's other leaf: frames counted straight from the facts of a period, for what weekly measures cannot tell.

Each is one statement, bounded by weeks, and comes back as groups, never as facts. Dtypes as in `frames`. `where` takes
the keys market and channel. What a reader filters by is the market and channel of the customer's first order where the
frame is about customers, else those of the fact.
"""

from datetime import date, timedelta

import pandas as pd

from flywheel.accounts.models import Workspace
from flywheel.measures.frames import Where, _columns, _fetch

FILTERS = ("market", "channel")
MONTH_MAY_START = timedelta(days=6)  # before the first day of a month, in its first week


def growth_months(workspace: Workspace, first: date, last: date, where: Where | None = None) -> pd.DataFrame:
    """Customers by what they did in each calendar month from the one before `first`'s to that of `last`.

    Columns month, active, new (first order ever), retained (also active the month before), resurrected (active earlier,
    not the month before). The first month can tell `active` and `new` only.
    """
    start, end = _month_before(first), last.replace(day=1)
    condition, params = _filter("f", where)
    sql = f"""
        WITH active AS (
            SELECT o.customer, o.month FROM facts_order AS o
            WHERE o.workspace_id = %s AND o.week BETWEEN %s AND %s AND o.month BETWEEN %s AND %s
                AND o.counts AND o.customer <> ''
            GROUP BY o.customer, o.month
        ), placed AS (
            SELECT a.month, f.month AS first, LAG(a.month) OVER (PARTITION BY a.customer ORDER BY a.month) AS before
            FROM active AS a JOIN facts_firstorder AS f ON f.workspace_id = %s AND f.customer = a.customer
            WHERE TRUE{condition}
        ), told AS (
            SELECT month, month = first AS is_new, before IS NOT DISTINCT FROM month - INTERVAL '1 month' AS was
            FROM placed
        )
        SELECT month - DATE 'epoch', COUNT(*), COUNT(*) FILTER (WHERE is_new),
            COUNT(*) FILTER (WHERE was AND NOT is_new), COUNT(*) FILTER (WHERE NOT was AND NOT is_new)
        FROM told GROUP BY month ORDER BY month"""  # noqa: S608 (the condition is of this module's own keys)
    weeks = [start - MONTH_MAY_START, _month_after(end)]
    rows = _fetch(sql, [workspace.pk, *weeks, start, end, workspace.pk, *params])
    return _columns(rows, ("month",), ("active", "new", "retained", "resurrected"))


def first_deliveries(
    workspace: Workspace, first: date | None, last: date, days: int, where: Where | None = None
) -> pd.DataFrame:
    """Promised and delivered first orders of the weeks `first` to `last`, `days` days after delivery at the least.

    Columns market, month (of the first order), late (1 after the promised date in the market, else 0), customers,
    repeaters (second order within `days` days after the delivery). Who had ordered again by the day of delivery is left
    out: the delivery cannot have moved them. `last` is the last week known: its seventh day is the day of age.
    """
    condition, params = _filter("f", where)
    sql = f"""
        SELECT f.market, f.month - DATE 'epoch', (o.delivered_date > o.promised_date)::int, COUNT(*),
            COUNT(*) FILTER (WHERE f.second_date <= o.delivered_date + %s)
        FROM facts_firstorder AS f
        JOIN facts_order AS o ON o.id = f.order_id AND o.workspace_id = f.workspace_id
        WHERE f.workspace_id = %s AND f.week BETWEEN %s AND %s AND o.week BETWEEN %s AND %s AND o.counts
            AND o.promised_date IS NOT NULL AND o.delivered_date <= %s
            AND (f.second_date IS NULL OR f.second_date > o.delivered_date){condition}
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""  # noqa: S608
    weeks = [first or date.min, last]
    day_of_age = last + timedelta(days=6 - days)
    rows = _fetch(sql, [days, workspace.pk, *weeks, *weeks, day_of_age, *params])
    return _columns(rows, ("market", "month"), ("late", "customers", "repeaters"))


def campaigns(
    workspace: Workspace, first: date | None = None, last: date | None = None, where: Where | None = None
) -> pd.DataFrame:
    """Mailings sent in the weeks `first` to `last`, a row per market.

    Columns campaign, name, channel, market ('' where the source does not tell), day (sent, in the workspace's zone),
    sent, opened, clicked, ordered, unsubscribed, revenue_base, held_out, held_out_ordered (NaN: not told).
    """
    condition, params = _filter("m", where)
    sql = f"""
        SELECT m.source_id || '/' || CASE WHEN m.market = '' THEN m.external_id
                ELSE LEFT(m.external_id, -LENGTH(m.market) - 1) END,
            m.name, m.channel, m.market, (m.sent_at AT TIME ZONE %s)::date - DATE 'epoch', m.sent, m.opened, m.clicked,
            m.ordered, m.unsubscribed, m.revenue_base, m.held_out, m.held_out_ordered
        FROM facts_customercampaign AS m
        WHERE m.workspace_id = %s AND m.week BETWEEN %s AND %s{condition} ORDER BY m.sent_at, m.id"""  # noqa: S608
    rows = _fetch(sql, [workspace.time_zone, workspace.pk, first or date.min, last or date.max, *params])
    measures = ("sent", "opened", "clicked", "ordered", "unsubscribed", "revenue_base", "held_out", "held_out_ordered")
    frame = _columns(rows, ("campaign", "name", "channel", "market", "month"), measures)
    return frame.rename(columns={"month": "day"})


def ticket_reasons(
    workspace: Workspace, first: date | None = None, last: date | None = None, where: Where | None = None
) -> pd.DataFrame:
    """Tickets opened in the weeks `first` to `last` by reason ('' not told).

    Columns reason, tickets, proactive_known, proactive, csat_ratings, csat_good, replies (known first human replies to
    tickets that customers opened), reply_minutes (their sum).
    """
    condition, params = _filter("t", where)
    answered = "t.first_reply_at IS NOT NULL AND t.proactive IS NOT TRUE"
    sql = f"""
        SELECT t.reason, COUNT(*), COUNT(t.proactive), COUNT(*) FILTER (WHERE t.proactive), COUNT(t.csat),
            COUNT(*) FILTER (WHERE t.csat >= 4), COUNT(*) FILTER (WHERE {answered}),
            SUM(t.reply_minutes) FILTER (WHERE {answered})
        FROM facts_ticket AS t WHERE t.workspace_id = %s AND t.week BETWEEN %s AND %s{condition}
        GROUP BY t.reason ORDER BY 2 DESC, 1"""  # noqa: S608
    rows = _fetch(sql, [workspace.pk, first or date.min, last or date.max, *params])
    names = ("tickets", "proactive_known", "proactive", "csat_ratings", "csat_good", "replies", "reply_minutes")
    return _columns(rows, ("reason",), names)


def category_deliveries(
    workspace: Workspace, first: date | None = None, last: date | None = None, where: Where | None = None
) -> pd.DataFrame:
    """Deliveries of the weeks `first` to `last` and their reviews to date, by product category.

    Columns category, deliveries, reviewed (with at least one review), reviews, rating_sum, rating_squares, media_known,
    media_reviews. An order counts in each category of its lines; lines without a category are left out.
    """
    condition, params = _filter("o", where)
    sql = f"""
        WITH sold AS (
            SELECT DISTINCT o.id, l.category FROM facts_order AS o
            JOIN facts_orderline AS l
                ON l.workspace_id = o.workspace_id AND l.order_ref = o.external_id AND l.source_id = o.source_id
            WHERE o.workspace_id = %s AND o.delivered_week BETWEEN %s AND %s AND o.counts
                AND l.category <> ''{condition}
        ), said AS (
            SELECT v.order_id, COUNT(*) AS reviews, SUM(v.rating) AS rating_sum, SUM(v.rating * v.rating) AS squares,
                COUNT(v.has_media) AS media_known, COUNT(*) FILTER (WHERE v.has_media) AS media
            FROM (SELECT DISTINCT id FROM sold) AS s
            JOIN facts_order AS o ON o.id = s.id
            JOIN facts_review AS v
                ON v.workspace_id = o.workspace_id AND v.order_ref = o.external_id AND v.order_id = o.id
            GROUP BY v.order_id
        )
        SELECT s.category, COUNT(*), COUNT(r.order_id), COALESCE(SUM(r.reviews), 0), SUM(r.rating_sum), SUM(r.squares),
            SUM(r.media_known), SUM(r.media)
        FROM sold AS s LEFT JOIN said AS r ON r.order_id = s.id GROUP BY s.category ORDER BY 2 DESC, 1"""  # noqa: S608
    rows = _fetch(sql, [workspace.pk, first or date.min, last or date.max, *params])
    names = ("deliveries", "reviewed", "reviews", "rating_sum", "rating_squares", "media_known", "media_reviews")
    return _columns(rows, ("category",), names)


def referrers(
    workspace: Workspace,
    first: date | None = None,
    last: date | None = None,
    where: Where | None = None,
    limit: int | None = None,
) -> pd.DataFrame:
    """Customers who invited in the weeks `first` to `last`, those who brought most first; `limit` of them.

    Columns referrer, invitations, new_customers (the invitation's order is a first order), everybody and bringers (how
    many invited and how many brought somebody, the same in every row).
    """
    condition, params = _filter("r", where)
    sql = f"""
        WITH brought AS (
            SELECT r.referrer, COUNT(*) AS invitations, COUNT(DISTINCT f.order_id) AS customers
            FROM facts_referral AS r
            LEFT JOIN facts_order AS o ON o.id = r.order_id AND o.counts
            LEFT JOIN facts_firstorder AS f
                ON f.workspace_id = r.workspace_id AND f.customer = o.customer AND f.order_id = o.id
            WHERE r.workspace_id = %s AND r.week BETWEEN %s AND %s AND r.referrer <> ''{condition}
            GROUP BY r.referrer
        )
        SELECT referrer, invitations, customers, COUNT(*) OVER (), COUNT(*) FILTER (WHERE customers > 0) OVER ()
        FROM brought ORDER BY customers DESC, invitations DESC, referrer LIMIT %s"""  # noqa: S608
    rows = _fetch(sql, [workspace.pk, first or date.min, last or date.max, *params, limit])
    return _columns(rows, ("referrer",), ("invitations", "new_customers", "everybody", "bringers"))


def _filter(alias: str, where: Where | None) -> tuple[str, list[object]]:
    """The condition on a table's own market and channel, and its parameters."""
    parts, params = "", list[object]()
    for key, codes in (where or {}).items():
        if key not in FILTERS:
            raise ValueError(f"no filter {key!r}; there are {', '.join(FILTERS)}")
        parts += f" AND {alias}.{key} = ANY(%s)"
        params.append([codes] if isinstance(codes, str) else list(codes))
    return parts, params


def _month_before(day: date) -> date:
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)


def _month_after(month: date) -> date:
    return (month + timedelta(days=32)).replace(day=1)
