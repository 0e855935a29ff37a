"""The door for what weekly measures cannot tell: baskets, order values, customers, page experience.

Beside `frames`, and like it the only way from these facts to DataFrames. Each function is one statement that sums up in
the database and hands over few rows. All but `page_experience` cost by the number of facts in the weeks asked for, so
they belong into jobs. `first` and `last` are week starts, both included; money is in base currency unless a name says
"local" (the order's own currency).
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from django.db import connection

from flywheel.accounts.models import Workspace

MAX_BASKETS = 1_000_000  # the newest of a period: pairs of them take a quarter of a minute and a gigabyte
MOST_OF_REF = 100  # an id like "guest" is of more people than anybody looks through


def baskets(workspace: Workspace, first: date, last: date, item: str) -> pd.DataFrame:
    """Counted orders by what they hold, the newest MAX_BASKETS of the weeks asked for.

    Columns market, items (different, sorted), count; `item`: sku or category.
    """
    if item not in ("sku", "category"):
        raise ValueError(f"orders hold no {item!r}")
    return _frame(_BASKETS.format(item=item), ("market", "items", "count"), workspace, first, last,
                  limit=MAX_BASKETS)  # fmt: skip


def product_names(workspace: Workspace, skus: Sequence[str]) -> dict[str, str]:
    """SKU -> a name it is sold under; those without one are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMES, {"workspace": workspace.pk, "skus": list(skus)})
        return dict(cursor.fetchall())


def order_spread(workspace: Workspace, first: date, last: date) -> pd.DataFrame:
    """How far counted orders' values reach: columns market, currency, orders, net, net_squares, local_orders,
    local_p99 (a 99th percentile).
    """
    columns = ("market", "currency", "orders", "net", "net_squares", "local_orders", "local_p99")
    return _frame(_SPREAD, columns, workspace, first, last)


def order_bins(
    workspace: Workspace, first: date, last: date, widths: Sequence[tuple[str, str, float]], base_width: float
) -> pd.DataFrame:
    """Counted orders by value. Columns market, bin, count, sum, shipping (NaN: not known).

    `widths`: (market, currency, width of a bin) in local money. Rows of market None are of all markets, in base
    currency and bins of `base_width`.
    """
    markets, currencies, sizes = zip(*widths, strict=True) if widths else ((), (), ())
    values = {"markets": list(markets), "currencies": list(currencies), "widths": list(sizes), "base": base_width}
    return _frame(_BINS, ("market", "bin", "count", "sum", "shipping"), workspace, first, last, **values)


def customers(workspace: Workspace, last: date) -> pd.DataFrame:
    """Customers by their counted orders up to the day `last`. Columns customer, market, channel (of the first order),
    last_date (datetime64), orders, revenue; `priced` is False where not one order has an amount.
    """
    columns = ("customer", "market", "channel", "last_date", "orders", "revenue", "priced")
    frame = _frame(_CUSTOMERS, columns, workspace, last, last)
    days = np.array(frame.pop("last_date"), dtype="datetime64[D]").astype("datetime64[s]")
    return frame.assign(last_date=days)


def customer_refs(workspace: Workspace, customers: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Customer -> the ids that the sources' orders give them, sorted; as the mail tool and the shops know them."""
    with connection.cursor() as cursor:
        cursor.execute(_REFS, {"workspace": workspace.pk, "customers": list(customers)})
        return {customer: tuple(refs) for customer, refs in cursor.fetchall()}


def customers_of_ref(workspace: Workspace, ref: str) -> list[str]:
    """The people whose orders name this id, which two shops may have given to two of them; at most MOST_OF_REF."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_REF, {"workspace": workspace.pk, "ref": ref, "limit": MOST_OF_REF})
        return [customer for (customer,) in cursor.fetchall()]


def page_experience(workspace: Workspace, first: date | None, last: date) -> pd.DataFrame:
    """75th percentiles of page loading. Columns week (datetime64), market, device, lcp_ms, inp_ms, cls.

    Where two sources tell the same week, the one loaded last. Percentiles cannot be added up.
    """
    columns = ("week", "market", "device", "lcp_ms", "inp_ms", "cls")
    frame = _frame(_EXPERIENCE, columns, workspace, first or date.min, last)
    weeks = np.array(frame.pop("week"), dtype="datetime64[D]").astype("datetime64[s]")
    return frame.assign(week=weeks)


_TEXTS = frozenset({"market", "channel", "device", "customer", "currency", "items"})
_OTHERS = frozenset({"last_date", "week", "priced"})


def _frame(
    statement: str, columns: Sequence[str], workspace: Workspace, first: date, last: date, **values: Any
) -> pd.DataFrame:
    """The statement's rows by column: numbers as float64, texts and lists as they come."""
    with connection.cursor() as cursor:
        cursor.execute(statement, {"workspace": workspace.pk, "first": first, "last": last, **values})
        rows = cursor.fetchall()
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    return pd.DataFrame({name: _column(name, column) for name, column in zip(columns, cells, strict=True)})


def _column(name: str, values: Sequence[Any]) -> Any:
    if name in _TEXTS or name in _OTHERS:
        return pd.Series(list(values), dtype=object)
    return np.array(values, dtype=np.float64)


_BASKETS = """
WITH newest AS (
    SELECT id, workspace_id, source_id, external_id, market FROM facts_order
    WHERE workspace_id = %(workspace)s AND week BETWEEN %(first)s AND %(last)s AND counts
    ORDER BY ordered_at DESC LIMIT %(limit)s
), baskets AS (
    SELECT o.market, ARRAY_AGG(DISTINCT i.{item} ORDER BY i.{item}) AS items
    FROM newest AS o
    JOIN facts_orderline AS i
        ON i.workspace_id = o.workspace_id AND i.order_ref = o.external_id AND i.source_id = o.source_id
    WHERE i.workspace_id = %(workspace)s AND i.{item} <> ''
    GROUP BY o.id, o.market
)
SELECT market, items, COUNT(*) FROM baskets GROUP BY market, items
"""
_NAMES = """
SELECT sku, MAX(name) FROM facts_orderline
WHERE workspace_id = %(workspace)s AND sku = ANY(%(skus)s) AND name <> '' GROUP BY sku
"""
_LOCAL = """CASE WHEN o.gross IS NOT NULL THEN o.gross - COALESCE(o.discount, 0)
        ELSE COALESCE(o.total, o.paid) - COALESCE(o.shipping, 0) - COALESCE(o.tax, 0) END"""  # as Order.net_base
_SPREAD = f"""
SELECT o.market, o.currency, COUNT(o.net_base), SUM(o.net_base), SUM(o.net_base::float8 ^ 2), COUNT({_LOCAL}),
    PERCENTILE_CONT(0.99) WITHIN GROUP (ORDER BY {_LOCAL})
FROM facts_order AS o
WHERE o.workspace_id = %(workspace)s AND o.week BETWEEN %(first)s AND %(last)s AND o.counts
GROUP BY o.market, o.currency
"""  # noqa: S608
_BINS = f"""
WITH orders AS (
    SELECT o.market, o.currency, o.net_base::float8 AS net, ({_LOCAL})::float8 AS local,
        o.shipping::float8 AS shipping, (o.shipping * o.fx_rate)::float8 AS shipping_base
    FROM facts_order AS o
    WHERE o.workspace_id = %(workspace)s AND o.week BETWEEN %(first)s AND %(last)s AND o.counts
        AND o.net_base IS NOT NULL
)
SELECT o.market, FLOOR(o.local / w.width + 1e-9) AS bin, COUNT(*), SUM(o.local), SUM(o.shipping)
FROM orders AS o
JOIN UNNEST(%(markets)s::text[], %(currencies)s::text[], %(widths)s::float8[]) AS w (market, currency, width)
    ON w.market = o.market AND w.currency = o.currency
GROUP BY o.market, bin
UNION ALL
SELECT NULL, FLOOR(o.net / %(base)s + 1e-9) AS bin, COUNT(*), SUM(o.net), SUM(o.shipping_base) FROM orders AS o
GROUP BY bin
"""  # noqa: S608
_CUSTOMERS = """
WITH bought AS (
    SELECT customer, MAX(order_date) AS last_date, COUNT(*) AS orders, SUM(net_base) AS revenue,
        COUNT(net_base) AS priced
    FROM facts_order
    WHERE workspace_id = %(workspace)s AND counts AND customer <> '' AND order_date <= %(last)s
    GROUP BY customer
)
SELECT b.customer, f.market, f.channel, b.last_date, b.orders, b.revenue, b.priced > 0
FROM bought AS b JOIN facts_firstorder AS f ON f.workspace_id = %(workspace)s AND f.customer = b.customer
ORDER BY b.customer
"""
_REFS = """
SELECT customer, ARRAY_AGG(DISTINCT customer_ref ORDER BY customer_ref) FROM facts_order
WHERE workspace_id = %(workspace)s AND customer = ANY(%(customers)s) AND customer <> '' AND customer_ref <> ''
GROUP BY customer
"""
_OF_REF = """
SELECT DISTINCT customer FROM facts_order
WHERE workspace_id = %(workspace)s AND customer_ref = %(ref)s AND customer_ref <> '' AND customer <> '' LIMIT %(limit)s
"""
_EXPERIENCE = """
SELECT DISTINCT ON (week, market, device) week, market, device, lcp_ms, inp_ms, cls
FROM facts_pageexperience
WHERE workspace_id = %(workspace)s AND week BETWEEN %(first)s AND %(last)s
ORDER BY week, market, device, batch_id DESC NULLS LAST, id DESC
"""
