"""The door's other leaf: frames of what weekly measures cannot tell, read from the kept counts of `counting`.

Each is one statement, bounded by weeks or months, whose cost does not depend on the number of facts; mailings alone are
read as they came, a row per mailing and market. Dtypes as in `frames`. `where` takes the keys market and channel. What
a reader filters by is the market and channel of the customer's first order where the frame is about customers, else
those of the fact.
"""

from datetime import date, timedelta

import pandas as pd

from flywheel.accounts.models import Workspace
from flywheel.measures.frames import Where, _columns, _fetch
from flywheel.measures.models import Counted

FILTERS = ("market", "channel")


def counted(workspace: Workspace) -> Counted | None:
    """Of when the counts are; None while they have never been made, and every frame of them is empty."""
    return Counted.objects.filter(workspace=workspace).first()


def growth_months(workspace: Workspace, first: date, last: date, where: Where | None = None) -> pd.DataFrame:
    """Customers by what they did in each calendar month from the one before `first`'s to that of `last`.

    Columns month, active, new (first order ever), retained (also active the month before), resurrected (active earlier,
    not the month before).
    """
    names = ("active", "new", "retained", "resurrected")
    condition, params = _filter("c", where)
    sql = f"""
        SELECT c.month - DATE 'epoch', {_sums(names)} FROM measures_customermonth AS c
        WHERE c.workspace_id = %s AND c.month BETWEEN %s AND %s{condition} GROUP BY c.month ORDER BY c.month"""  # noqa: S608 (the condition is of this module's own keys)
    rows = _fetch(sql, [workspace.pk, _month_before(first), last.replace(day=1), *params])
    return _columns(rows, ("month",), names)


def first_deliveries(workspace: Workspace, first: date | None, last: date, where: Where | None = None) -> pd.DataFrame:
    """Delivered first orders of the weeks `first` to `last`, promised for WINDOW_DAYS days ago at the least.

    Columns market, month (of the first order), late (1 after the promised date in the market, else 0), customers,
    repeaters (second order within as many days after the promised date). Who had ordered again by the promised date is
    left out: until then nobody's parcel was late. `last` is the last week known: its seventh day is the day of age.
    """
    names = ("customers", "repeaters")
    condition, params = _filter("c", where)
    sql = f"""
        SELECT c.market, c.month - DATE 'epoch', c.late::int, {_sums(names)} FROM measures_firstdeliveryweek AS c
        WHERE c.workspace_id = %s AND c.week BETWEEN %s AND %s AND c.ripe_week <= %s{condition}
        GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""  # noqa: S608
    rows = _fetch(sql, [workspace.pk, first or date.min, last, last, *params])
    return _columns(rows, ("market", "month"), ("late", *names))


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
    names = ("tickets", "proactive_known", "proactive", "csat_ratings", "csat_good", "replies", "reply_minutes")
    return _by("measures_reasonweek", "reason", names, workspace, first, last, where)


def category_deliveries(
    workspace: Workspace, first: date | None = None, last: date | None = None, where: Where | None = None
) -> pd.DataFrame:
    """Deliveries of the weeks `first` to `last` and their reviews to date, by product category.

    Columns category, deliveries, reviewed (with at least one review), reviews, rating_sum, rating_squares, media_known,
    media_reviews. An order counts in each category of its lines; lines without a category are left out.
    """
    names = ("deliveries", "reviewed", "reviews", "rating_sum", "rating_squares", "media_known", "media_reviews")
    return _by("measures_categoryweek", "category", names, workspace, first, last, where)


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
    names = ("invitations", "new_customers")
    condition, params = _filter("c", where)
    sql = f"""
        WITH brought AS (
            SELECT c.referrer, {_sums(names)} FROM measures_referrerweek AS c
            WHERE c.workspace_id = %s AND c.week BETWEEN %s AND %s{condition} GROUP BY c.referrer
        )
        SELECT referrer, invitations, new_customers, COUNT(*) OVER (), COUNT(*) FILTER (WHERE new_customers > 0) OVER ()
        FROM brought ORDER BY new_customers DESC, invitations DESC, referrer LIMIT %s"""  # noqa: S608
    rows = _fetch(sql, [workspace.pk, first or date.min, last or date.max, *params, limit])
    return _columns(rows, ("referrer",), (*names, "everybody", "bringers"))


def _by(
    table: str, key: str, names: tuple[str, ...], workspace: Workspace, first: date | None, last: date | None,
    where: Where | None,
) -> pd.DataFrame:  # fmt: skip
    """The sums of a table of counts per value of `key`, the largest first."""
    condition, params = _filter("c", where)
    sql = f"""
        SELECT c.{key}, {_sums(names)} FROM {table} AS c
        WHERE c.workspace_id = %s AND c.week BETWEEN %s AND %s{condition} GROUP BY 1 ORDER BY 2 DESC, 1"""  # noqa: S608 (names of this module)
    rows = _fetch(sql, [workspace.pk, first or date.min, last or date.max, *params])
    return _columns(rows, (key,), names)


def _sums(names: tuple[str, ...]) -> str:
    return ", ".join(f"CAST(SUM(c.{name}) AS double precision) AS {name}" for name in names)


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
