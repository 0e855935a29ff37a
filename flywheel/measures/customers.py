"""The door to single customers: their histories, and what they brought by their age.

Beside `frames` and `raw`, and like them the only way from these facts to DataFrames. Made for a million rows: they come
as text, by COPY, and cost by the number of orders, so they belong into jobs. Money is in base currency.

Orders count as everywhere: those that count, of a known person; orders of one day are one purchase. An amount that is
not known makes its day unknown, never zero. Refunds are taken off their order's customer, whenever they came.
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
    `net`, `costed_net` (of days with known costs), `contribution` (of those), `refunded`.
    """
    return _copied(_HISTORIES, workspace, until, _HISTORY_COLUMNS)


def months(workspace: Workspace, until: date) -> pd.DataFrame:
    """What customers brought by their age. Columns cohort (datetime64, month of the first order), age (0: the first
    30.44 days of each one's own time), market, channel (of the first order), active (customers), contribution.

    Customers whose orders' costs are all known, so that age 0 holds every one of them; contribution is after refunds.
    Whether an age is over for a cohort is the reader's to tell.
    """
    frame = _copied(_MONTHS, workspace, until, _MONTH_COLUMNS)
    days = frame.pop("cohort").to_numpy().astype("datetime64[D]").astype("datetime64[s]")
    return frame.assign(cohort=days)


_HISTORY_COLUMNS = {
    **dict.fromkeys(("customer", "market", "channel"), "str"),
    **dict.fromkeys(("first_day", "last_day", "repeats", "valued_repeats"), "int32"),
    **dict.fromkeys(("mean_value", "net", "costed_net", "contribution", "refunded"), "float64"),
}
_MONTH_COLUMNS = {
    **dict.fromkeys(("cohort", "age"), "int64"),
    **dict.fromkeys(("market", "channel"), "str"),
    "active": "int64",
    "contribution": "float64",
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
# A refund's order is one of its own source first, as everywhere.
_ORDERS = """placed AS (
    SELECT id, source_id, external_id, customer, order_date, net_base, contribution_base FROM facts_order
    WHERE workspace_id = %(workspace)s AND counts AND customer <> '' AND order_date <= %(until)s
), returned AS (
    SELECT DISTINCT ON (r.id) o.id AS order_id, r.amount_base
    FROM facts_refund AS r JOIN placed AS o ON o.external_id = r.order_ref
    WHERE r.workspace_id = %(workspace)s AND r.order_ref <> '' AND r.refund_date <= %(until)s
    ORDER BY r.id, o.source_id = r.source_id DESC, o.id
), orders AS (
    SELECT o.*, r.refunded
    FROM placed AS o
    LEFT JOIN (SELECT order_id, SUM(amount_base) AS refunded FROM returned GROUP BY order_id) AS r ON r.order_id = o.id
)"""
_HISTORIES = f"""
WITH {_ORDERS}, days AS (
    SELECT customer, order_date,
        CASE WHEN COUNT(net_base) = COUNT(*) THEN SUM(net_base) END AS net,
        CASE WHEN COUNT(contribution_base) = COUNT(*) THEN SUM(net_base) END AS costed_net,
        CASE WHEN COUNT(contribution_base) = COUNT(*) THEN SUM(contribution_base) END AS contribution,
        COALESCE(SUM(refunded), 0) AS refunded
    FROM orders GROUP BY customer, order_date
)
SELECT d.customer, f.market, f.channel, MIN(d.order_date) - DATE 'epoch', MAX(d.order_date) - DATE 'epoch',
    COUNT(*) - 1,
    COUNT(d.net) FILTER (WHERE d.order_date > f.order_date), AVG(d.net) FILTER (WHERE d.order_date > f.order_date),
    SUM(d.net), SUM(d.costed_net), SUM(d.contribution), SUM(d.refunded)
FROM days AS d JOIN facts_firstorder AS f ON f.workspace_id = %(workspace)s AND f.customer = d.customer
GROUP BY d.customer, f.market, f.channel
ORDER BY d.customer
"""  # noqa: S608 - the pieces are constants of this module
_MONTHS = f"""
WITH {_ORDERS}, costed AS (
    SELECT customer FROM orders GROUP BY customer HAVING COUNT(contribution_base) = COUNT(*)
), aged AS (
    SELECT f.month, f.market, f.channel, f.customer,
        CAST(FLOOR((o.order_date - f.order_date) / {MONTH_DAYS}) AS int) AS age,
        o.contribution_base - COALESCE(o.refunded, 0) AS contribution
    FROM orders AS o
    JOIN costed AS c ON c.customer = o.customer
    JOIN facts_firstorder AS f ON f.workspace_id = %(workspace)s AND f.customer = o.customer
)
SELECT month - DATE 'epoch', age, market, channel, COUNT(DISTINCT customer), SUM(contribution)
FROM aged GROUP BY month, age, market, channel ORDER BY month, age, market, channel
"""  # noqa: S608
