"""Keeps what was fitted, in place of all that was kept before: fits, scores, what cohorts brought, lists to act on."""

import csv
import io
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
from django.db import connection, models

from engines import baskets
from engines.results import Unavailable
from flywheel.accounts.models import Workspace
from flywheel.aftersales.fitting import GONE, SILENT, Known, at_risk
from flywheel.aftersales.models import CohortContribution, CustomerScore, LifetimeFit, Replenishment
from flywheel.measures import raw

CHUNK = 50_000  # rows that are turned into text at once
BASKET_WEEKS = 52  # what was taken together longer ago was another catalogue
MOST_PAIRS = 2_000
MIN_GAPS = 20  # times between two purchases of an article; below it their median says little
MIN_AGAIN = 0.2  # of an article's customers; where fewer take it again, one purchase announces no second
DUE_SOON = 14  # days ahead that an article counts as due
GOOD_RATING, PROMOTER = 4.5, 9
LONGEST_WAIT = 730  # days ahead that a next order is dated; what is further off is no date to plan by


def replace_all(
    workspace: Workspace, known: Known, fits: Sequence[LifetimeFit], scored: pd.DataFrame, months: pd.DataFrame,
    began_at: datetime,
) -> None:  # fmt: skip
    """Everything anew, worked out of what was there at `began_at`; call it inside a transaction."""
    clear(workspace)
    for fit in fits:
        fit.computed_at = began_at
    LifetimeFit.objects.bulk_create(fits)
    _copy_in(CustomerScore, _score_rows(workspace, known, scored))
    _copy_in(CohortContribution, months.assign(workspace_id=workspace.pk))
    _fill_lists(workspace, known.as_of)


def clear(workspace: Workspace) -> None:
    """Keep nothing any more."""
    for model in (LifetimeFit, CustomerScore, Replenishment, CohortContribution):
        model._default_manager.filter(workspace=workspace).delete()


def _score_rows(workspace: Workspace, known: Known, scored: pd.DataFrame) -> pd.DataFrame:
    full = known.full
    frame = full[["customer", "market", "channel", "repeats", "mean_value"]].assign(
        workspace_id=workspace.pk,
        first_date=_dates(full["first_day"]),
        last_date=_dates(full["last_day"]),
        contribution=full["contribution"] - full["costed_refunded"],
        alive=scored["alive"],
        alive_then=scored["alive_then"],
        orders_12=scored["orders_12"],
        value_12=scored["value_12"].round(4),
        next_from=_ahead(known.as_of, scored["wait_25"]),
        next_middle=_ahead(known.as_of, scored["wait_50"]),
        next_until=_ahead(known.as_of, scored["wait_75"]),
    )
    columns = (frame[name].to_numpy() for name in ("repeats", "alive", "alive_then", "value_12"))
    return frame.assign(at_risk=np.round(at_risk(*columns), 4))


def _ahead(as_of: date, days: "pd.Series[float]") -> np.ndarray:
    """The days so far ahead; none where that is unknown or further than LONGEST_WAIT."""
    wait = np.ceil(days.to_numpy(dtype=np.float64))
    near = wait <= LONGEST_WAIT
    day = np.datetime64(as_of, "D") + np.where(near, wait, 0).astype("timedelta64[D]")
    return np.where(near, day, np.datetime64("NaT")).astype("datetime64[s]")


def _dates(days: "pd.Series[Any]") -> np.ndarray:
    return days.to_numpy().astype("datetime64[D]").astype("datetime64[s]")


def _copy_in(model: type[models.Model], frame: pd.DataFrame) -> None:
    """Rows by COPY, some ten thousand at a time; NaN becomes NULL, an empty text stays one."""
    nullable = [f.attname for f in model._meta.concrete_fields if f.null and f.attname in frame]
    force = f", FORCE_NULL ({', '.join(nullable)})" if nullable else ""
    statement = f"COPY {model._meta.db_table} ({', '.join(frame.columns)}) FROM STDIN (FORMAT csv{force})"
    with connection.cursor() as cursor, cursor.copy(statement) as stream:
        for start in range(0, len(frame), CHUNK):
            out = io.StringIO()
            frame.iloc[start : start + CHUNK].to_csv(
                out, header=False, index=False, quoting=csv.QUOTE_NONNUMERIC, date_format="%Y-%m-%d"
            )
            stream.write(out.getvalue())


def _fill_lists(workspace: Workspace, as_of: date) -> None:
    """Articles that are due, advocates, and what to suggest, by SQL over orders and their lines."""
    first, second, strength = _companions(workspace, as_of)
    values: dict[str, Any] = {
        "workspace": workspace.pk, "as_of": as_of, "min_gaps": MIN_GAPS, "min_again": MIN_AGAIN, "soon": DUE_SOON,
        "gone": GONE, "silent": SILENT, "good": GOOD_RATING, "promoter": PROMOTER,
        "first": first, "second": second, "strength": strength,
    }  # fmt: skip
    with connection.cursor() as cursor:
        for statement in _STATEMENTS:
            cursor.execute(statement, values)


def _companions(workspace: Workspace, as_of: date) -> tuple[list[str], list[str], list[float]]:
    """Articles, what is taken together with each, and how surely; both ways."""
    frame = raw.baskets(workspace, as_of - timedelta(weeks=BASKET_WEEKS), as_of, "sku")
    held: list[tuple[tuple[str, ...], float]] = [
        (tuple(items), count) for items, count in zip(frame["items"], frame["count"], strict=True)
    ]
    found = baskets.pairs(held, MOST_PAIRS)
    if isinstance(found, Unavailable):
        return [], [], []
    both = [
        (a, b, pair.lift.low or 0.0)
        for pair in found
        for a, b in ((pair.first, pair.second), (pair.second, pair.first))
    ]
    return [a for a, _b, _s in both], [b for _a, b, _s in both], [s for _a, _b, s in both]


_BOUGHT = """
CREATE TEMPORARY TABLE aftersales_bought ON COMMIT DROP AS
SELECT o.customer, l.sku, o.order_date AS day, MAX(l.name) AS name
FROM facts_order AS o
JOIN facts_orderline AS l
    ON l.workspace_id = o.workspace_id AND l.order_ref = o.external_id AND l.source_id = o.source_id
WHERE o.workspace_id = %(workspace)s AND l.workspace_id = %(workspace)s AND o.counts AND o.customer <> ''
    AND l.sku <> '' AND o.order_date <= %(as_of)s
GROUP BY o.customer, l.sku, o.order_date
"""
_DUE = """
INSERT INTO aftersales_replenishment
    (workspace_id, customer, market, sku, name, bought, last_date, interval_days, due_date, alive)
WITH gaps AS (
    SELECT customer, sku, day, name, day - LAG(day) OVER each AS gap, LEAD(day) OVER each IS NULL AS is_last,
        COUNT(*) OVER (PARTITION BY customer, sku) AS bought
    FROM aftersales_bought WINDOW each AS (PARTITION BY customer, sku ORDER BY day)
), usual AS (
    SELECT sku, CAST(PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY gap) AS int) AS days,
        COUNT(DISTINCT customer) FILTER (WHERE bought > 1)::float8 / COUNT(DISTINCT customer) AS again
    FROM gaps GROUP BY sku HAVING COUNT(gap) >= %(min_gaps)s
)
SELECT %(workspace)s, g.customer, s.market, g.sku, COALESCE(g.name, ''), g.bought, g.day, u.days, g.day + u.days,
    s.alive
FROM gaps AS g
JOIN usual AS u ON u.sku = g.sku
JOIN aftersales_customerscore AS s ON s.workspace_id = %(workspace)s AND s.customer = g.customer
WHERE g.is_last AND (g.bought > 1 OR u.again >= %(min_again)s) AND (s.alive IS NULL OR s.alive >= %(gone)s)
    AND g.day + u.days BETWEEN %(as_of)s - GREATEST(u.days / 2, %(soon)s) AND %(as_of)s + %(soon)s
"""
_PRAISE = """
WITH people AS (
    SELECT DISTINCT customer_ref AS ref, customer FROM facts_order
    WHERE workspace_id = %(workspace)s AND customer <> '' AND customer_ref <> ''
), placed AS (
    SELECT source_id, external_id, customer FROM facts_order WHERE workspace_id = %(workspace)s AND customer <> ''
), rated AS (
    SELECT customer, AVG(rating) AS rating FROM (
        SELECT DISTINCT ON (r.id) o.customer, r.rating
        FROM facts_review AS r JOIN placed AS o ON o.external_id = r.order_ref
        WHERE r.workspace_id = %(workspace)s AND r.order_ref <> '' ORDER BY r.id, o.source_id = r.source_id DESC
    ) AS told GROUP BY customer
), answered AS (
    SELECT customer, MIN(score) AS score FROM (
        SELECT COALESCE(o.customer, p.customer) AS customer, a.score
        FROM facts_surveyanswer AS a
        LEFT JOIN placed AS o ON o.external_id = a.order_ref AND a.order_ref <> ''
        LEFT JOIN people AS p ON p.ref = a.customer_ref AND a.customer_ref <> '' AND o.customer IS NULL
        WHERE a.workspace_id = %(workspace)s
    ) AS told WHERE customer IS NOT NULL GROUP BY customer
), inviting AS (
    SELECT DISTINCT COALESCE(p.customer, i.referrer) AS customer
    FROM facts_referral AS i LEFT JOIN people AS p ON p.ref = i.referrer
    WHERE i.workspace_id = %(workspace)s AND i.referrer <> ''
), signs AS (
    SELECT s.id, s.alive, r.rating, a.score, i.customer IS NOT NULL AS invites
    FROM aftersales_customerscore AS s
    LEFT JOIN rated AS r ON r.customer = s.customer
    LEFT JOIN answered AS a ON a.customer = s.customer
    LEFT JOIN inviting AS i ON i.customer = s.customer
    WHERE s.workspace_id = %(workspace)s AND s.repeats >= 1 AND s.alive >= %(gone)s
        AND s.alive >= %(silent)s * s.alive_then
), praising AS (
    SELECT id, alive + CASE WHEN rating >= %(good)s THEN 1 ELSE 0 END
        + CASE WHEN score >= %(promoter)s THEN 1 ELSE 0 END + CASE WHEN invites THEN 1 ELSE 0 END AS praise
    FROM signs
    WHERE (rating >= %(good)s OR score >= %(promoter)s OR invites)
        AND COALESCE(rating, 5) >= 4 AND COALESCE(score, 9) > 6
)
UPDATE aftersales_customerscore AS s SET praise = p.praise FROM praising AS p WHERE s.id = p.id
"""
_COMPANIONS = "UNNEST(%(first)s::text[], %(second)s::text[], %(strength)s::float8[]) AS c (sku, other, strength)"
_NOT_YET = "NOT EXISTS (SELECT 1 FROM aftersales_bought AS h WHERE h.customer = b.customer AND h.sku = c.other)"
_SUGGEST = f"""
WITH best AS (
    SELECT DISTINCT ON (s.id) s.id, c.other
    FROM aftersales_customerscore AS s
    JOIN aftersales_bought AS b ON b.customer = s.customer AND b.day = s.last_date
    JOIN {_COMPANIONS} ON c.sku = b.sku
    WHERE s.workspace_id = %(workspace)s AND (s.at_risk IS NOT NULL OR s.praise IS NOT NULL) AND {_NOT_YET}
    ORDER BY s.id, c.strength DESC, c.other
)
UPDATE aftersales_customerscore AS s SET suggestion = best.other FROM best WHERE s.id = best.id
"""  # noqa: S608 - the pieces are constants of this module
_SUGGEST_DUE = f"""
WITH best AS (
    SELECT DISTINCT ON (b.id) b.id, c.other
    FROM aftersales_replenishment AS b JOIN {_COMPANIONS} ON c.sku = b.sku
    WHERE b.workspace_id = %(workspace)s AND {_NOT_YET}
    ORDER BY b.id, c.strength DESC, c.other
)
UPDATE aftersales_replenishment AS r SET suggestion = best.other FROM best WHERE r.id = best.id
"""  # noqa: S608
_STATEMENTS = (
    "DROP TABLE IF EXISTS pg_temp.aftersales_bought",
    _BOUGHT,
    "CREATE INDEX ON aftersales_bought (customer)",
    "ANALYZE aftersales_bought",
    "ANALYZE aftersales_customerscore",
    _DUE,
    _PRAISE,
    _SUGGEST,
    _SUGGEST_DUE,
)
