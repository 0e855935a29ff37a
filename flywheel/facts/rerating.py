"""Which facts another exchange rate reaches: the pairs of currency and date whose rate is another one now."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from psycopg import sql

from flywheel.accounts.models import Workspace
from flywheel.facts import currency, models, rates

MOST_BASE = 10**10  # of an amount in base currency, as when it is loaded: sums of squares still fit


@dataclass(frozen=True)
class Rated:
    """Facts that have a rate: its date in SQL (of the row `f`), the columns of amounts, the roll-up they are in."""

    model: type[Model]
    day: str
    amounts: tuple[str, ...]
    rollup: str = ""  # '' for none, and then for no week either


ORDERS = Rated(
    models.Order,
    "f.order_date",
    ("gross", "discount", "shipping", "tax", "total", "paid", "cogs", "fulfilment_cost", "payment_cost"),
    "conversion",
)  # its payments and first orders follow from it
OTHERS = (
    Rated(models.Refund, "f.refund_date", ("amount",), "aftersales"),
    Rated(models.Spend, "f.date", ("cost",), "market"),
    Rated(models.Investment, "f.month", ("amount",)),
    Rated(models.CustomerCampaign, "(f.sent_at AT TIME ZONE %(zone)s)::date", ("revenue",)),
)


class TooLargeError(Exception):
    """A rate at which an amount would be too large to count with."""

    def __init__(self, code: str, day: date) -> None:
        super().__init__(f"{code} {day}")


def find(cursor: CursorWrapper, workspace: Workspace) -> bool:
    """Fill the temporary table `facts_rates` with the pairs that the rates in `facts_touched` change; whether any.

    Raises TooLargeError. A pair that has no rate any more keeps the one it had.
    """
    spans = _spans(cursor)
    if not spans:
        return False
    fresh = _changed(_pairs(cursor, workspace, spans), workspace)
    if not fresh:
        return False
    cursor.execute("DROP TABLE IF EXISTS pg_temp.facts_rates")
    cursor.execute("CREATE TEMPORARY TABLE facts_rates (currency text, day date, fx_rate numeric(20, 10))")
    with cursor.copy("COPY facts_rates FROM STDIN") as stream:
        for row in fresh:
            stream.write_row(row)
    cursor.execute("ANALYZE facts_rates")
    for rated in (ORDERS, *OTHERS):
        _check(cursor, workspace, rated)
    return True


Span = tuple[date, date]
Pair = tuple[str, date, str]  # currency, day, the rate that some fact has


def _spans(cursor: CursorWrapper) -> dict[str, Span]:
    """Per currency of which a rate was touched, the days that it may reach."""
    cursor.execute(_SPANS)
    tail = timedelta(days=currency.MAX_TAIL_DAYS)
    return {code: (first, last + tail) for code, first, last in cursor.fetchall() if code != currency.EURO}


_SPANS = """
SELECT v.code, min(v.day), max(v.day) FROM facts_touched AS t
CROSS JOIN LATERAL (VALUES (t.old_currency, t.old_day), (t.new_currency, t.new_day)) AS v (code, day)
WHERE v.day IS NOT NULL GROUP BY v.code
"""


def _pairs(cursor: CursorWrapper, workspace: Workspace, spans: dict[str, Span]) -> list[Pair]:
    """The currencies, dates and rates of facts within the spans; the base's span holds every currency."""
    parts = [sql.SQL(_PAIRS).format(table=_table(rated), day=sql.SQL(rated.day)) for rated in (ORDERS, *OTHERS)]
    first, last = min(span[0] for span in spans.values()), max(span[1] for span in spans.values())
    values = {**_values(workspace), "base": workspace.base_currency, "first": first, "last": last}
    cursor.execute(sql.SQL("UNION").join(parts), values)  # type: ignore[arg-type]
    return [pair for pair in cursor.fetchall() if _is_within(pair, spans, workspace.base_currency)]


_PAIRS = """
SELECT DISTINCT f.currency, {day} AS day, COALESCE(f.fx_rate::text, '') FROM {table} AS f
WHERE f.workspace_id = %(workspace)s AND f.currency NOT IN ('', %(base)s) AND {day} BETWEEN %(first)s AND %(last)s
"""


def _is_within(pair: Pair, spans: dict[str, Span], base: str) -> bool:
    reaching = (spans[code] for code in (pair[0], base) if code in spans)
    return any(first <= pair[1] <= last for first, last in reaching)


def _changed(pairs: list[Pair], workspace: Workspace) -> set[Pair]:
    """The pairs with the rate they have now, where that is another one."""
    days = np.array([day for _, day, _ in pairs], dtype="datetime64[D]")
    found = currency.rates([code for code, _, _ in pairs], days, workspace.base_currency, rates.read(workspace.pk))
    known = zip(pairs, found.texts, strict=True)
    return {(code, day, text) for (code, day, before), text in known if text and text != before}


def _check(cursor: CursorWrapper, workspace: Workspace, rated: Rated) -> None:
    amounts = (sql.SQL("COALESCE(f.{}, 0)").format(sql.Identifier(name)) for name in rated.amounts)
    parts = {"table": _table(rated), "day": sql.SQL(rated.day), "amounts": sql.SQL(", ").join(amounts)}
    values = {**_values(workspace), "most": MOST_BASE}
    cursor.execute(sql.SQL(_TOO_LARGE).format(**parts), values)  # type: ignore[arg-type]
    if found := cursor.fetchone():
        raise TooLargeError(*found)


_TOO_LARGE = """
SELECT r.currency, r.day FROM {table} AS f JOIN facts_rates AS r ON r.currency = f.currency AND r.day = {day}
WHERE f.workspace_id = %(workspace)s AND GREATEST({amounts}) * r.fx_rate >= %(most)s LIMIT 1
"""


def _values(workspace: Workspace) -> dict[str, object]:
    return {"workspace": workspace.pk, "zone": workspace.time_zone}


def _table(rated: Rated) -> sql.Identifier:
    return sql.Identifier(rated.model._meta.db_table)


# --- the statements by which upkeep brings facts to the rates of `facts_rates` ----------------------------------------
def _statement(rated: Rated) -> str:
    update = f"""
        UPDATE {rated.model._meta.db_table} AS f SET fx_rate = r.fx_rate FROM facts_rates AS r
        WHERE f.workspace_id = %(workspace)s AND f.currency = r.currency AND {rated.day} = r.day
            AND f.fx_rate IS DISTINCT FROM r.fx_rate
    """  # noqa: S608 (texts of this module)
    if not rated.rollup:
        return update
    return f"""
        WITH rated AS ({update} RETURNING f.week)
        INSERT INTO facts_dirty SELECT DISTINCT '{rated.rollup}', week FROM rated
    """  # noqa: S608 (texts of this module)


# Refunds are taken off the cohorts of their customers, whose weeks are others than theirs. Before their rates follow:
COHORTS_OF_REFUNDS = """
    INSERT INTO facts_dirty
    SELECT DISTINCT 'cohorts', w.week FROM facts_refund AS f
    JOIN facts_rates AS r ON r.currency = f.currency AND r.day = f.refund_date AND r.fx_rate IS DISTINCT FROM f.fx_rate
    JOIN facts_order AS o ON o.id = f.order_id
    JOIN facts_firstorder AS w ON w.workspace_id = o.workspace_id AND w.customer = o.customer
    WHERE f.workspace_id = %(workspace)s
"""
STATEMENTS = (COHORTS_OF_REFUNDS, *map(_statement, OTHERS))
MOVED_ORDERS = """
WITH moved AS (
    UPDATE facts_order AS o SET fx_rate = r.fx_rate FROM facts_rates AS r
    WHERE o.workspace_id = %(workspace)s AND o.currency = r.currency AND o.order_date = r.day
        AND o.fx_rate IS DISTINCT FROM r.fx_rate
"""  # followed by the RETURNING of whoever notes which orders moved
