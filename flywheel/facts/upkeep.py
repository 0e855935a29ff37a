"""What spans rows: brings everything that follows from facts up to date, in the transaction that changed them.

Landing fills the temporary table `facts_touched` with the rows it added or changed, as they were (`old_…`) and as
they are (`new_…`); `after_landing` does the rest by set-based SQL over those rows only. Orders that change on the way
are noted in `facts_moved`, weeks whose measures are out of date in `facts_dirty`. Needs PostgreSQL 18 (old and new
in RETURNING).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from psycopg import sql

from flywheel.accounts.models import Workspace
from flywheel.facts import children, rates, rerating
from flywheel.facts import models as facts
from flywheel.facts.channels import channel_kind
from flywheel.facts.kept import BEFORE, KEEP, KEEP_TOUCHED
from flywheel.facts.sessions import after_events

LOCK_SPACE = 7_301  # the first key of the advisory lock by which landings of one workspace take turns
WINDOW_DAYS = (30, 60, 90, 180, 365)  # FirstOrder.due_N
_PLACES = ("market", "channel")
REMEMBERED: dict[type[Model], tuple[str, ...]] = {
    facts.Customer: ("market",),
    facts.Order: ("week", "delivered_week", "customer", *_PLACES),
    facts.OrderLine: ("order_ref",),
    facts.Payment: ("order_week", *_PLACES),
    facts.OrderFee: ("order_ref",),
    facts.Refund: ("week", "order_ref", *_PLACES),
    facts.Review: ("week", "order_id", *_PLACES),
    facts.Ticket: ("week", "order_id", *_PLACES),
    facts.Traffic: ("week", *_PLACES),
    facts.Spend: ("week", *_PLACES),
    facts.SessionEvent: ("source_id", "session", *_PLACES),
    facts.SurveyAnswer: ("week", *_PLACES),
    facts.Referral: ("week", "order_id", *_PLACES),
    facts.CustomerCampaign: ("week", *_PLACES),
    facts.PageExperience: ("market",),
    facts.Investment: ("market",),
    facts.MarketIndicator: ("market",),
    facts.CompetitorOffer: ("market",),
    facts.ExchangeRate: ("currency", "day"),
}  # the columns of each kind of fact that are kept in facts_touched


@dataclass(frozen=True)
class _Upkeep:
    """One run: a cursor, the workspace, and the values every statement may use."""

    cursor: CursorWrapper
    workspace: Workspace
    values: dict[str, object]

    def run(self, statement: str, **names: str) -> int:
        """Execute with `{name}` as identifiers, `%(name)s` as texts; returns the number of rows."""
        parts = {name: sql.Identifier(value) for name, value in names.items()}
        self.cursor.execute(sql.SQL(statement).format(**parts), self.values | names)  # type: ignore[arg-type]
        return self.cursor.rowcount

    def any(self, statement: str, **names: str) -> bool:
        """Whether the query finds a row."""
        self.run(f"SELECT EXISTS ({statement})", **names)
        return bool(self.cursor.fetchone()[0])


def lock(workspace: Workspace) -> None:
    """Wait until no other transaction is landing facts in the workspace, and keep others out until this one ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK_SPACE, workspace.pk])


def create_touched(model: type[Model]) -> None:
    """Make the empty table `facts_touched` for facts of `model`."""
    types = {field.column: field.db_type(connection) for field in model._meta.concrete_fields}
    columns = [
        sql.SQL("{} {}").format(sql.Identifier(f"{side}_{name}"), sql.SQL(str(types[name])))
        for name in REMEMBERED[model]
        for side in ("old", "new")
    ]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.facts_touched")
        body = sql.SQL(", ").join([sql.SQL("id bigint, added boolean, before jsonb"), *columns])
        cursor.execute(sql.SQL("CREATE TEMPORARY TABLE facts_touched ({})").format(body))


def touched_columns(model: type[Model]) -> sql.Composed:
    """The RETURNING list that fits `facts_touched`."""
    pairs = [sql.SQL("old.{0}, new.{0}").format(sql.Identifier(name)) for name in REMEMBERED[model]]
    return sql.SQL(", ").join([sql.SQL(_TOUCHED), *pairs])


# A record as it was is kept for the undo; a deleted one is not kept again.
_TOUCHED = """COALESCE(new.id, old.id), old.id IS NULL,
    CASE WHEN old.id IS NOT NULL AND new.id IS NOT NULL THEN to_jsonb(old.*) END"""


def after_landing(workspace: Workspace, model: type[Model], batch_id: int | None = None) -> None:
    """Bring up to date what follows from the facts of `model` noted in `facts_touched`, and drop that table.

    Inside the caller's transaction, after `lock`. What a batch changes, here or by its rows, is kept as it was in
    `facts.Change`, so that `facts.undo` can put it back.
    """
    with connection.cursor() as cursor:
        upkeep = _Upkeep(cursor, workspace, _values(workspace, batch_id))
        for name, columns in _SCRATCH.items():
            cursor.execute(f"DROP TABLE IF EXISTS pg_temp.{name}")
            cursor.execute(f"CREATE TEMPORARY TABLE {name} ({columns})")
        if model not in _UNJOINED:
            cursor.execute("ANALYZE facts_touched")
        if batch_id is not None:
            upkeep.run(KEEP_TOUCHED.format(table=model._meta.db_table))
        _refresh_statistics(upkeep, model._meta.db_table)
        _add_places(upkeep, model)
        _STEPS[model](upkeep)
        _write_dirty_weeks(upkeep)
        for name in (*_SCRATCH, "facts_touched"):
            cursor.execute(f"DROP TABLE pg_temp.{name}")


def _refresh_statistics(upkeep: _Upkeep, table: str) -> None:
    """Tell the planner of tables that grew by much: with old numbers it loops over rows for minutes, or reads all.

    A table that somebody else is counting is left to them, so that landings never wait for each other in a circle.
    """
    upkeep.run(_GROWN, landed=table)
    for (name,) in upkeep.cursor.fetchall():
        upkeep.run("ANALYZE (SKIP_LOCKED) {table}", table=name)


_UNJOINED = {facts.Order, facts.Traffic, facts.Spend}  # no statement joins facts_touched with these
_GROWN = """
SELECT c.relname FROM pg_class AS c
WHERE c.oid IN (%(landed)s::regclass, 'facts_firstorder'::regclass)
    AND pg_relation_size(c.oid) > (2 * c.relpages::bigint + 50) * current_setting('block_size')::bigint
"""  # pages on disk are always exact; the planner itself scales what it knows by them
_SCRATCH = {
    "facts_moved": "id bigint, old_week date, week date, old_delivered_week date, delivered_week date, "
    "old_customer text, customer text, anew boolean",
    "facts_dirty": "rollup text, week date",
    "facts_children": "id bigint",
    "facts_attached": "old_order bigint, new_order bigint",
    "facts_customers": "customer text, anew boolean",
    "facts_sessions": "source_id bigint, session text",
}


def _values(workspace: Workspace, batch_id: int | None) -> dict[str, object]:
    return {
        "workspace": workspace.pk,
        "zone": workspace.time_zone,
        "first_weekday": workspace.first_weekday,
        "batch": batch_id,
    }


# --- markets and channels -------------------------------------------------------------------------------------------
def _add_places(upkeep: _Upkeep, model: type[Model]) -> None:
    if "market" in REMEMBERED[model]:
        upkeep.run(_ADD_MARKETS)
    if "channel" in REMEMBERED[model]:
        upkeep.run(_ADD_CHANNELS)
        for pk, code in upkeep.cursor.fetchall():
            facts.Channel.objects.filter(pk=pk).update(kind=channel_kind(code))


_ADD_MARKETS = """
INSERT INTO facts_market (workspace_id, code, name, time_zone, batch_id)
SELECT DISTINCT %(workspace)s::bigint, new_market, '', '', %(batch)s::bigint FROM facts_touched WHERE new_market <> ''
ON CONFLICT DO NOTHING
"""
_ADD_CHANNELS = """
INSERT INTO facts_channel (workspace_id, code, name, kind, batch_id)
SELECT DISTINCT %(workspace)s::bigint, new_channel, '', '', %(batch)s::bigint FROM facts_touched WHERE new_channel <> ''
ON CONFLICT DO NOTHING
RETURNING id, code
"""


# --- orders ---------------------------------------------------------------------------------------------------------
def _after_orders(upkeep: _Upkeep) -> None:
    upkeep.run("""
        INSERT INTO facts_moved
        SELECT id, old_week, new_week, old_delivered_week, new_delivered_week, old_customer, new_customer, NOT added
        FROM facts_touched""")
    upkeep.run("ANALYZE facts_moved")
    if upkeep.any("SELECT FROM facts_customer WHERE workspace_id = %(workspace)s"):
        upkeep.run(_MOVE_PEOPLE + _NOTE_MOVED)
    if upkeep.any("SELECT FROM facts_payment WHERE workspace_id = %(workspace)s"):
        upkeep.run(_MOVE_PAID + _NOTE_MOVED)
    if upkeep.any(_ANY_FEES):
        upkeep.run(_MOVE_FEES + _NOTE_MOVED)
    _finish_orders(upkeep)


_ANY_FEES = """
SELECT FROM facts_orderfee WHERE workspace_id = %(workspace)s
UNION ALL SELECT FROM facts_moved AS m JOIN facts_order AS o ON o.id = m.id WHERE m.anew AND o.fees IS NOT NULL
"""  # an order that stood may have some of fees that were taken back since


def _after_customers(upkeep: _Upkeep) -> None:
    upkeep.run("""
        INSERT INTO facts_moved (id)
        SELECT o.id FROM facts_touched AS t
        JOIN facts_customer AS c ON c.id = t.id
        JOIN facts_order AS o ON o.workspace_id = c.workspace_id AND o.customer_ref = c.external_id""")
    upkeep.run("ANALYZE facts_moved")
    upkeep.run(_FOLLOW_MARKET)
    upkeep.run(_MOVE_PEOPLE + _NOTE_MOVED)
    upkeep.run("DELETE FROM facts_moved WHERE week IS NULL")  # those that did not change after all
    _finish_orders(upkeep)


def _after_payments(upkeep: _Upkeep) -> None:
    upkeep.run("""
        INSERT INTO facts_moved (id)
        SELECT DISTINCT o.id FROM facts_touched AS t
        JOIN facts_payment AS p ON p.id = t.id
        JOIN facts_order AS o ON o.workspace_id = p.workspace_id AND o.external_id = p.order_ref""")
    upkeep.run("ANALYZE facts_moved")
    upkeep.run(_MOVE_PAID + _NOTE_MOVED)
    upkeep.run("DELETE FROM facts_moved WHERE week IS NULL")
    children.after_children(upkeep, facts.Payment)
    _finish_orders(upkeep)


def _after_fees(upkeep: _Upkeep) -> None:
    upkeep.run("""
        INSERT INTO facts_moved (id)
        SELECT DISTINCT o.id FROM facts_touched AS t
        CROSS JOIN LATERAL (VALUES (t.old_order_ref), (t.new_order_ref)) AS r (order_ref)
        JOIN facts_order AS o ON o.workspace_id = %(workspace)s AND o.external_id = r.order_ref""")
    upkeep.run("ANALYZE facts_moved")
    upkeep.run(_MOVE_FEES + _NOTE_MOVED)
    upkeep.run("DELETE FROM facts_moved WHERE week IS NULL")
    _finish_orders(upkeep)


def _finish_orders(upkeep: _Upkeep) -> None:
    """What follows from the orders in facts_moved."""
    if upkeep.any("SELECT FROM facts_market WHERE workspace_id = %(workspace)s AND time_zone NOT IN ('', %(zone)s)"):
        upkeep.run(_MOVE_DATES + _NOTE_MOVED)
    for model in children.CHILDREN:
        table = model._meta.db_table
        if upkeep.any("SELECT FROM {child} WHERE workspace_id = %(workspace)s", child=table):
            upkeep.run("TRUNCATE facts_children, facts_attached")
            upkeep.run(children.OF_MOVED, child=table)
            children.attach(upkeep, model)
    _keep_first_orders(upkeep)
    upkeep.run(_DIRTY_ORDERS)


# The order's person and, when it has none of its own, market are its customer's; a customer of its own source first.
_MOVE_PEOPLE = """
WITH moved AS (
    UPDATE facts_order AS o
    SET customer = CASE WHEN p.person <> '' THEN p.person ELSE o.customer END,
        market = CASE WHEN o.market = '' THEN p.market ELSE o.market END
    FROM (
        SELECT DISTINCT ON (o.id) o.id, c.market, COALESCE(NULLIF(c.person, ''), c.email_hash) AS person
        FROM (SELECT DISTINCT id FROM facts_moved) AS m
        JOIN facts_order AS o ON o.id = m.id
        JOIN facts_customer AS c ON c.workspace_id = o.workspace_id AND c.external_id = o.customer_ref
        WHERE o.workspace_id = %(workspace)s
        ORDER BY o.id, (c.source_id = o.source_id) DESC, c.id
    ) AS p
    WHERE o.id = p.id AND ((p.person <> '' AND o.customer <> p.person) OR (o.market = '' AND p.market <> ''))
"""
# A corrected market of a customer reaches the orders that had taken the former one from it.
_FOLLOW_MARKET = f"""
WITH moved AS (
    UPDATE facts_order AS o SET market = ''
    FROM facts_touched AS t JOIN facts_customer AS c ON c.id = t.id
    WHERE t.old_market <> t.new_market AND t.old_market <> ''
        AND o.workspace_id = c.workspace_id AND o.customer_ref = c.external_id AND o.market = t.old_market
    RETURNING new.id, {BEFORE}
)
{KEEP.format(table="'facts_order'", changed="moved")}
"""  # noqa: S608 (texts of this module)
# A payment belongs to the order of its own source, or else to any that has its number.
_MOVE_PAID = """
WITH moved AS (
    UPDATE facts_order AS o SET paid = p.paid
    FROM (
        SELECT o.id, SUM(p.amount) AS paid
        FROM (SELECT DISTINCT id FROM facts_moved) AS m
        JOIN facts_order AS o ON o.id = m.id
        JOIN facts_payment AS p ON p.workspace_id = o.workspace_id AND p.order_ref = o.external_id
        WHERE o.gross IS NULL AND o.total IS NULL AND (p.source_id = o.source_id OR NOT EXISTS (
            SELECT FROM facts_order AS own WHERE own.workspace_id = p.workspace_id
                AND own.external_id = p.order_ref AND own.source_id = p.source_id))
        GROUP BY o.id
    ) AS p
    WHERE o.id = p.id AND o.paid IS DISTINCT FROM p.paid
"""
# So does a fee. One in another currency than its order's cannot be taken off it.
_MOVE_FEES = """
WITH moved AS (
    UPDATE facts_order AS o SET fees = f.fees
    FROM (
        SELECT o.id, SUM(f.amount) AS fees
        FROM (SELECT DISTINCT id FROM facts_moved) AS m
        JOIN facts_order AS o ON o.id = m.id
        LEFT JOIN facts_orderfee AS f
            ON f.workspace_id = o.workspace_id AND f.order_ref = o.external_id AND f.currency = o.currency
            AND (f.source_id = o.source_id OR NOT EXISTS (
                SELECT FROM facts_order AS own WHERE own.workspace_id = f.workspace_id
                    AND own.external_id = f.order_ref AND own.source_id = f.source_id))
        GROUP BY o.id
    ) AS f
    WHERE o.id = f.id AND o.fees IS DISTINCT FROM f.fees
"""
_MOVE_DATES = """
WITH moved AS (
    UPDATE facts_order AS o
    SET promised_date = d.promised, delivered_date = d.delivered,
        delivered_week = d.delivered - (EXTRACT(ISODOW FROM d.delivered)::int - 1 - %(first_weekday)s + 7) %% 7
    FROM (
        SELECT o.id,
            CASE WHEN o.promised_is_date THEN o.promised_date ELSE (o.promised_at AT TIME ZONE z.zone)::date END
                AS promised,
            CASE WHEN o.delivered_is_date THEN o.delivered_date ELSE (o.delivered_at AT TIME ZONE z.zone)::date END
                AS delivered
        FROM (SELECT DISTINCT id FROM facts_moved) AS m
        JOIN facts_order AS o ON o.id = m.id
        LEFT JOIN facts_market AS k ON k.workspace_id = o.workspace_id AND k.code = o.market
        CROSS JOIN LATERAL (SELECT COALESCE(NULLIF(k.time_zone, ''), %(zone)s) AS zone) AS z
    ) AS d
    WHERE o.id = d.id AND (o.promised_date, o.delivered_date) IS DISTINCT FROM (d.promised, d.delivered)
"""
_NOTE_MOVED = f"""
    RETURNING new.id, old.week AS old_week, new.week, old.delivered_week AS old_delivered_week, new.delivered_week,
        old.customer AS old_customer, new.customer,
        (old.customer, old.market) IS DISTINCT FROM (new.customer, new.market) AS anew, {BEFORE}
), kept AS ({KEEP.format(table="'facts_order'", changed="moved")}
)
INSERT INTO facts_moved
SELECT m.id, m.old_week, m.week, m.old_delivered_week, m.delivered_week, m.old_customer, m.customer,
    m.anew AND a.id IS NULL
FROM moved AS m LEFT JOIN (SELECT DISTINCT id FROM facts_moved WHERE NOT anew) AS a ON a.id = m.id
"""  # noqa: S608 (texts of this module)
_DIRTY_ORDERS = """
INSERT INTO facts_dirty
SELECT 'conversion', old_week FROM facts_moved
UNION SELECT 'conversion', week FROM facts_moved
UNION SELECT 'aftersales', w.week FROM facts_moved AS m
    CROSS JOIN LATERAL (VALUES (m.old_week), (m.week), (m.old_delivered_week), (m.delivered_week)) AS w (week)
"""


# --- first orders ---------------------------------------------------------------------------------------------------
def _keep_first_orders(upkeep: _Upkeep) -> None:
    """First orders of everyone who has, or had, an order in facts_moved."""
    upkeep.run("TRUNCATE facts_customers")
    upkeep.run(_CUSTOMERS_OF_MOVED)
    upkeep.run("ANALYZE facts_customers")
    upkeep.run(_KEEP_FIRST_ORDERS)


# Worked out anew, from all of their orders, for those of whom an order changed or went. To the others orders only came:
# these and what is known of the first two are enough, without a look at the orders that stood.
_CUSTOMERS_OF_MOVED = """
INSERT INTO facts_customers
SELECT customer, bool_or(anew) FROM (
    SELECT customer, anew FROM facts_moved WHERE customer <> ''
    UNION ALL SELECT old_customer, anew FROM facts_moved WHERE old_customer <> ''
) AS of_orders
GROUP BY customer
"""
_DUE_COLUMNS = "".join(f", due_{days}" for days in WINDOW_DAYS)
_DUE_VALUES = "".join(f", order_date + {days}" for days in WINDOW_DAYS)
_DUE_SET = "".join(f", due_{days} = EXCLUDED.due_{days}" for days in WINDOW_DAYS)
_OF_ORDER = "order_id, ordered_at, order_date, week, month, market, channel"
_FIRST = f"{_OF_ORDER}, second_date"
_KNOWN = ", ".join(f"k.{name}" for name in _FIRST.split(", "))
_WANTED = ", ".join(f"w.{name}" for name in _OF_ORDER.split(", "))
_WANTED += ", LEAST(w.second_date, CASE WHEN NOT k.anew THEN k.second_date END)"
_FIRST_SET = ", ".join(f"{name} = EXCLUDED.{name}" for name in _FIRST.split(", "))
# One statement, so that each customer's orders and known first order are looked up once: `w` is how it is to be, `k`
# how it was (a full join, which is never a loop over rows, whatever the planner believes). What stays the same is not
# written. A cohort is dirty by both: any order of its customers may count in it.
_KEEP_FIRST_ORDERS = f"""
WITH known AS (
    SELECT f.*, c.anew FROM facts_customers AS c
    JOIN facts_firstorder AS f ON f.workspace_id = %(workspace)s AND f.customer = c.customer
), read AS (
    SELECT o.id FROM facts_customers AS c
    JOIN facts_order AS o ON o.workspace_id = %(workspace)s AND o.customer = c.customer WHERE c.anew
    UNION SELECT id FROM facts_moved
), standing AS (
    SELECT o.customer, o.id AS order_id, o.ordered_at, o.order_date, o.week, o.month, o.market, o.channel
    FROM read AS r JOIN facts_order AS o ON o.id = r.id
    WHERE o.workspace_id = %(workspace)s AND o.counts AND o.customer <> ''
    UNION ALL SELECT customer, {_OF_ORDER} FROM known AS k
    WHERE NOT anew AND NOT EXISTS (SELECT FROM facts_moved AS m WHERE m.id = k.order_id)
), ranked AS (
    SELECT *, row_number() OVER in_time AS place, lead(order_date) OVER in_time AS second_date
    FROM standing WINDOW in_time AS (PARTITION BY customer ORDER BY ordered_at, order_id)
), compared AS MATERIALIZED (
    SELECT w.customer, {_WANTED} AS second_date, k.id AS known, k.week AS known_week,
        ({_KNOWN}) IS DISTINCT FROM ({_WANTED}) AS differs
    FROM (SELECT customer, {_FIRST} FROM ranked WHERE place = 1) AS w
    FULL JOIN known AS k ON k.customer = w.customer
), dropped AS (
    DELETE FROM facts_firstorder AS f USING compared AS c
    WHERE f.id = c.known AND c.order_id IS NULL
    RETURNING f.week
), kept AS (
    INSERT INTO facts_firstorder (workspace_id, customer, {_FIRST}{_DUE_COLUMNS})
    SELECT %(workspace)s, customer, {_FIRST}{_DUE_VALUES} FROM compared WHERE differs AND order_id IS NOT NULL
    ON CONFLICT (workspace_id, customer) DO UPDATE SET {_FIRST_SET}{_DUE_SET}
    RETURNING old.week AS old_week, new.week, old.order_id AS old_order, new.order_id
), changed AS (
    SELECT week FROM dropped
    UNION SELECT w.week FROM kept AS k CROSS JOIN LATERAL (VALUES (k.old_week), (k.week)) AS w (week)
        WHERE k.old_order IS DISTINCT FROM k.order_id OR k.old_week <> k.week
)
INSERT INTO facts_dirty
SELECT 'cohorts', known_week FROM compared
UNION SELECT 'cohorts', week FROM compared
UNION SELECT r.name, w.week FROM changed AS w CROSS JOIN (VALUES ('conversion'), ('aftersales')) AS r (name)
"""  # noqa: S608 (the pieces are names and numbers of this module)


# --- exchange rates -------------------------------------------------------------------------------------------------
def rerate(workspace: Workspace) -> None:
    """Bring facts to the workspace's own rates, as if all of these had just landed; inside the caller's transaction.

    For facts whose rates were looked up before other rates landed.
    """
    create_touched(facts.ExchangeRate)
    with connection.cursor() as cursor:
        cursor.execute(_TOUCH_RATES, [workspace.pk])
    after_landing(workspace, facts.ExchangeRate)


def _after_rates(upkeep: _Upkeep) -> None:
    """Facts whose currency has another rate on their day get it.

    None of them is kept as it was: an undo takes the rates back, and works out anew what follows from them.
    """
    rates.note_change(upkeep.workspace)
    upkeep = replace(upkeep, values={**upkeep.values, "batch": None})
    if not rerating.find(upkeep.cursor, upkeep.workspace):
        return
    for statement in rerating.STATEMENTS:
        upkeep.run(statement)
    upkeep.run(rerating.MOVED_ORDERS + _NOTE_MOVED)
    upkeep.run("ANALYZE facts_moved")
    _finish_orders(upkeep)
    upkeep.run("DROP TABLE facts_rates")


_TOUCH_RATES = """
INSERT INTO facts_touched (new_currency, new_day) SELECT currency, day FROM facts_exchangerate WHERE workspace_id = %s
"""


# --- dirty weeks ----------------------------------------------------------------------------------------------------
def _write_dirty_weeks(upkeep: _Upkeep) -> None:
    """Mark the weeks to be rolled. A mark that exists is written again: whoever is about to remove it waits for us."""
    upkeep.run("""
        INSERT INTO facts_dirtyweek (workspace_id, rollup, week)
        SELECT DISTINCT %(workspace)s::bigint, rollup, week FROM facts_dirty WHERE week IS NOT NULL ORDER BY 2, 3
        ON CONFLICT (workspace_id, rollup, week) DO UPDATE SET week = EXCLUDED.week""")


# Lines count in their order's week; only orders of their own source have them.
_DIRTY_LINES = """
INSERT INTO facts_dirty
SELECT DISTINCT 'conversion', o.week FROM (
    SELECT old_order_ref AS order_ref FROM facts_touched UNION SELECT new_order_ref FROM facts_touched
) AS r
JOIN facts_order AS o ON o.workspace_id = %(workspace)s AND o.external_id = r.order_ref
"""


def _nothing(upkeep: _Upkeep) -> None:
    """Of facts that no roll-up reads: only their markets and channels are noted."""


_STEPS: dict[type[Model], Callable[[_Upkeep], object]] = {
    facts.Order: _after_orders,
    facts.OrderLine: lambda upkeep: upkeep.run(_DIRTY_LINES),
    facts.Customer: _after_customers,
    facts.Payment: _after_payments,
    facts.OrderFee: _after_fees,
    facts.Refund: lambda upkeep: children.after_children(upkeep, facts.Refund),
    facts.Review: lambda upkeep: children.after_children(upkeep, facts.Review),
    facts.Ticket: lambda upkeep: children.after_children(upkeep, facts.Ticket),
    facts.Traffic: lambda upkeep: upkeep.run(children.dirty("conversion", "week")),
    facts.Spend: lambda upkeep: upkeep.run(children.dirty("market", "week")),
    facts.SessionEvent: after_events,
    facts.SurveyAnswer: lambda upkeep: children.after_children(upkeep, facts.SurveyAnswer),
    facts.Referral: lambda upkeep: children.after_children(upkeep, facts.Referral),
    facts.CustomerCampaign: lambda upkeep: upkeep.run(children.dirty("aftersales", "week")),
    facts.PageExperience: _nothing,
    facts.Investment: _nothing,
    facts.MarketIndicator: _nothing,
    facts.CompetitorOffer: _nothing,
    facts.ExchangeRate: _after_rates,
}
