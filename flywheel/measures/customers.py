"""The door to single customers: their histories, and what they brought by their age.

Beside `frames` and `raw`, and like them the only way from these facts to DataFrames. Made for a million rows: they come
as text, by COPY, and cost by the number of orders, so they belong into jobs. Money is in base currency.

Orders count as everywhere: those that count, of a known person; orders of one day are one purchase. An amount that is
not known makes its day unknown, never zero. Refunds are those of these orders.
"""

import io
from datetime import date

import pandas as pd
from django.db import connection

from engines.lifetime import MONTH_DAYS
from flywheel.accounts.models import Workspace
from flywheel.facts.models import FirstOrder


def newest_day(workspace: Workspace, today: date) -> date | None:
    """The newest day with a counted order of a known person, up to `today`; None when there is none."""
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, {"workspace": workspace.pk, "until": today})
        found: date | None = cursor.fetchone()[0]
    return found


def any_known(workspace: Workspace) -> bool:
    """Whether there is a counted order of a known person; looked up, whatever their number."""
    return FirstOrder.objects.filter(workspace=workspace).exists()


def histories(workspace: Workspace, until: date) -> pd.DataFrame:
    """One row per person with orders up to and with the day `until`, sorted by person.

    Columns customer, market and channel (of the first order), `first_day` and `last_day` of orders (days since 1970),
    `repeats` (days with orders after the first), `valued_repeats` (those of known net value) and their `mean_value`;
    `net` and `refunded` (of its days), `costed_net`, `contribution` and `costed_refunded` (of days with known costs).
    """
    return _copied(_HISTORIES, workspace, until, _HISTORY_COLUMNS)


def months(workspace: Workspace, until: date) -> pd.DataFrame:
    """What customers brought by their age. Columns cohort (datetime64, month of the first order), age (0: the first
    30.44 days of each one's own time), market, channel (of the first order), active (customers), contribution, squares:
    by how much the age raised the sum of the squares of what each customer has brought up to it.

    Customers whose orders' costs are all known, so that age 0 holds every one of them. A refund is taken off at the age
    at which the money went back, and makes nobody active. Whether an age is over for a cohort is the reader's to tell.
    """
    frame = _copied(_MONTHS, workspace, until, _MONTH_COLUMNS)
    days = frame.pop("cohort").to_numpy().astype("datetime64[D]").astype("datetime64[s]")
    return frame.assign(cohort=days)


_HISTORY_COLUMNS = {
    **dict.fromkeys(("customer", "market", "channel"), "str"),
    **dict.fromkeys(("first_day", "last_day", "repeats", "valued_repeats"), "int32"),
    **dict.fromkeys(("mean_value", "net", "refunded", "costed_net", "contribution", "costed_refunded"), "float64"),
}
_MONTH_COLUMNS = {
    **dict.fromkeys(("cohort", "age"), "int64"),
    **dict.fromkeys(("market", "channel"), "str"),
    "active": "int64",
    "contribution": "float64",
    "squares": "float64",
}


def _copied(statement: str, workspace: Workspace, until: date, columns: dict[str, str]) -> pd.DataFrame:
    """The rows of a statement; market and channel as categories, which a million rows hold in little memory."""
    out = io.BytesIO()
    values = {"workspace": workspace.pk, "until": until}
    with connection.cursor() as cursor, cursor.copy(f"COPY ({statement}) TO STDOUT (FORMAT csv)", values) as copy:
        for block in copy:
            out.write(block)
    out.seek(0)
    unknown = {name: [""] for name, kind in columns.items() if kind != "str"}
    frame = pd.read_csv(out, names=list(columns), dtype=columns, na_values=unknown, keep_default_na=False)
    return frame.astype(dict.fromkeys(("market", "channel"), "category"))


_NEWEST = """
SELECT MAX(order_date) FROM facts_order
WHERE workspace_id = %(workspace)s AND counts AND customer <> '' AND order_date <= %(until)s
"""
# The refunds are those of orders that count, whenever they came; one dated before its order counts on its order's day.
_ORDERS = """orders AS (
    SELECT id, customer, order_date, net_base, contribution_base FROM facts_order
    WHERE workspace_id = %(workspace)s AND counts AND customer <> '' AND order_date <= %(until)s
), refunds AS (
    SELECT o.id AS order_id, o.customer, GREATEST(r.refund_date, o.order_date) AS day, r.amount_base
    FROM facts_refund AS r JOIN orders AS o ON o.id = r.order_id
    WHERE r.workspace_id = %(workspace)s AND r.refund_date <= %(until)s
)"""
_HISTORIES = f"""
WITH {_ORDERS}, days AS (
    SELECT customer, order_date,
        CASE WHEN COUNT(net_base) = COUNT(*) THEN SUM(net_base) END AS net,
        CASE WHEN COUNT(net_base) = COUNT(*) THEN COALESCE(SUM(refunded), 0) END AS refunded,
        CASE WHEN COUNT(contribution_base) = COUNT(*) THEN SUM(net_base) END AS costed_net,
        CASE WHEN COUNT(contribution_base) = COUNT(*) THEN SUM(contribution_base) END AS contribution,
        CASE WHEN COUNT(contribution_base) = COUNT(*) THEN COALESCE(SUM(refunded), 0) END AS costed_refunded
    FROM orders AS o
    LEFT JOIN (SELECT order_id, SUM(amount_base) AS refunded FROM refunds GROUP BY order_id) AS r ON r.order_id = o.id
    GROUP BY customer, order_date
)
SELECT d.customer, f.market, f.channel, MIN(d.order_date) - DATE 'epoch', MAX(d.order_date) - DATE 'epoch',
    COUNT(*) - 1,
    COUNT(d.net) FILTER (WHERE d.order_date > f.order_date), AVG(d.net) FILTER (WHERE d.order_date > f.order_date),
    SUM(d.net), SUM(d.refunded), SUM(d.costed_net), SUM(d.contribution), SUM(d.costed_refunded)
FROM days AS d JOIN facts_firstorder AS f ON f.workspace_id = %(workspace)s AND f.customer = d.customer
GROUP BY d.customer, f.market, f.channel
ORDER BY d.customer
"""  # noqa: S608 - the pieces are constants of this module
_MONTHS = f"""
WITH {_ORDERS}, brought AS (
    SELECT customer, order_date AS day, contribution_base AS amount, customer AS active FROM orders
    UNION ALL SELECT customer, day, -amount_base, NULL FROM refunds
), costed AS (
    SELECT customer FROM brought GROUP BY customer HAVING COUNT(amount) = COUNT(*)
), aged AS (
    SELECT f.month, f.market, f.channel, f.customer, b.active, b.amount,
        CAST(FLOOR((b.day - f.order_date) / {MONTH_DAYS}) AS int) AS age
    FROM brought AS b
    JOIN costed AS c ON c.customer = b.customer
    JOIN facts_firstorder AS f ON f.workspace_id = %(workspace)s AND f.customer = b.customer
), summed AS (
    SELECT month, age, market, channel, customer, MAX(active) AS active, SUM(amount) AS contribution
    FROM aged GROUP BY month, age, market, channel, customer
), grown AS (
    SELECT month, age, market, channel, active, contribution, CAST(contribution AS float8) AS part,
        CAST(SUM(contribution) OVER (PARTITION BY customer ORDER BY age) AS float8) AS upto
    FROM summed
)
SELECT month - DATE 'epoch', age, market, channel, COUNT(active), SUM(contribution), SUM(part * (2 * upto - part))
FROM grown GROUP BY month, age, market, channel ORDER BY month, age, market, channel
"""  # noqa: S608
