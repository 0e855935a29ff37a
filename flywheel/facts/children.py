"""What belongs to orders: payments, refunds, reviews, tickets, answers, referrals take from them what they know."""

from django.db.models import Model

from flywheel.facts import models as facts
from flywheel.facts.kept import BEFORE, KEEP
from flywheel.facts.sessions import Run

CHILDREN: tuple[type[facts.OrderChild], ...] = (
    facts.Payment,
    facts.Refund,
    facts.Review,
    facts.Ticket,
    facts.SurveyAnswer,
    facts.Referral,
)


def after_children(upkeep: Run, model: type[facts.OrderChild]) -> None:
    """Give the touched records what their orders know, and mark every week that counts them."""
    upkeep.run("INSERT INTO facts_children SELECT id FROM facts_touched")
    upkeep.run(_DIRTY[model])
    if model in _FOLLOWS:
        upkeep.run(_dirty_parents(_FOLLOWS[model], "facts_touched", "t.old_order_id, t.new_order_id"))
    if model is facts.Ticket:
        upkeep.run(_dirty_asking("facts_touched", "t.old_order_id, t.new_order_id"))
    attach(upkeep, model)
    if model is facts.Refund:
        upkeep.run(_CUSTOMERS_OF_REFUNDS)
        upkeep.run(_DIRTY_COHORTS)


def attach(upkeep: Run, model: type[facts.OrderChild]) -> None:
    """Give the children in facts_children what their orders know."""
    upkeep.run("ANALYZE facts_children")
    if model is facts.Payment:
        upkeep.run(_ATTACH_PAYMENTS, child=model._meta.db_table)
    elif model is facts.Ticket:
        upkeep.run(_ATTACH_TICKETS, child=model._meta.db_table)
    else:
        upkeep.run(_ATTACH, child=model._meta.db_table)
    if model in _FOLLOWS:
        upkeep.run(_dirty_parents(_FOLLOWS[model], "facts_attached", "t.old_order, t.new_order"))
    if model is facts.Refund:
        upkeep.run(_DIRTY_COHORTS_OF_ATTACHED)
    elif model is facts.Ticket:
        upkeep.run(_dirty_asking("facts_attached", "t.old_order, t.new_order"))


OF_MOVED = """
INSERT INTO facts_children
SELECT c.id FROM (SELECT DISTINCT id FROM facts_moved) AS m
JOIN facts_order AS o ON o.id = m.id
JOIN {child} AS c ON c.workspace_id = o.workspace_id AND c.order_ref = o.external_id
"""
_PARENT = """
    SELECT DISTINCT ON (c.id) c.id, o.id AS order_id, o.carrier, o.week, o.fx_rate, o.ordered_at,
        COALESCE(NULLIF(o.market, ''), c.market) AS market, COALESCE(NULLIF(o.channel, ''), c.channel) AS channel
    FROM facts_children AS f
    JOIN {child} AS c ON c.id = f.id
    JOIN facts_order AS o ON o.workspace_id = c.workspace_id AND o.external_id = c.order_ref
    WHERE c.order_ref <> ''
    ORDER BY c.id, (o.source_id = c.source_id) DESC, o.id
"""


def _attached(more: dict[str, str]) -> str:
    """The statement that gives children their order's columns, and `more`: column -> from `c` and its order `p`."""
    pairs = {f"{name}": f"p.{name}" for name in ("market", "channel", "carrier", "order_id")}
    pairs |= {"order_week": "p.week", **more}
    names = ", ".join(f"c.{name}" for name in pairs)
    return f"""
WITH parent AS ({_PARENT}), attached AS (
    UPDATE {{child}} AS c SET {", ".join(f"{name} = {value}" for name, value in pairs.items())}
    FROM parent AS p
    WHERE c.id = p.id AND ({names}) IS DISTINCT FROM ({", ".join(pairs.values())})
    RETURNING new.id, new.week, old.order_id AS old_order, new.order_id AS new_order, {BEFORE}
), kept AS ({KEEP.format(table="%(child)s", changed="attached")}
), noted AS (
    INSERT INTO facts_attached SELECT old_order, new_order FROM attached
)
INSERT INTO facts_dirty SELECT DISTINCT 'aftersales', week FROM attached
"""  # noqa: S608 (a text of this module)


_ATTACH = _attached({})
_DAYS_AFTER = "(EXTRACT(EPOCH FROM c.opened_at - p.ordered_at) / 86400)::numeric(10, 4)"
_ATTACH_TICKETS = _attached({"days_after_order": _DAYS_AFTER})
_ATTACH_PAYMENTS = f"""
WITH parent AS ({_PARENT}), attached AS (
    UPDATE {{child}} AS c
    SET market = p.market, channel = p.channel, carrier = p.carrier, order_id = p.order_id,
        order_week = p.week, fx_rate = p.fx_rate
    FROM parent AS p
    WHERE c.id = p.id AND (c.market, c.channel, c.carrier, c.order_id, c.order_week, c.fx_rate)
        IS DISTINCT FROM (p.market, p.channel, p.carrier, p.order_id, p.week, p.fx_rate)
    RETURNING new.id, old.order_week, new.order_week AS new_week, {BEFORE}
), kept AS ({KEEP.format(table="%(child)s", changed="attached")}
)
INSERT INTO facts_dirty
SELECT DISTINCT 'conversion', w.week
FROM attached AS a CROSS JOIN LATERAL (VALUES (a.order_week), (a.new_week)) AS w (week)
"""  # noqa: S608 (a text of this module)


def dirty(rollup: str, column: str) -> str:
    """The old and the new week of every touched row."""
    return f"""
        INSERT INTO facts_dirty SELECT DISTINCT '{rollup}', w.week FROM facts_touched AS t
        CROSS JOIN LATERAL (VALUES (t.old_{column}), (t.new_{column})) AS w (week)"""  # noqa: S608 (names given below)


# What a roll-up counts in a week of the order that the record belongs to: the column that holds it.
_FOLLOWS: dict[type[Model], str] = {facts.Review: "delivered_week", facts.Ticket: "week", facts.Referral: "week"}


def _dirty_parents(column: str, table: str, orders: str) -> str:
    """The weeks of the orders that the rows of `table` belong to, or did."""
    return f"""
        INSERT INTO facts_dirty SELECT DISTINCT 'aftersales', o.{column}
        FROM {table} AS t
        CROSS JOIN LATERAL (VALUES {", ".join(f"({name})" for name in orders.split(", "))}) AS p (id)
        JOIN facts_order AS o ON o.id = p.id"""  # noqa: S608 (names of this module)


def _dirty_asking(table: str, orders: str) -> str:
    """The cohorts of those whose first order is one that the rows of `table` belong to, or did."""
    return f"""
        INSERT INTO facts_dirty SELECT DISTINCT 'cohorts', f.week
        FROM {table} AS t
        CROSS JOIN LATERAL (VALUES {", ".join(f"({name})" for name in orders.split(", "))}) AS p (id)
        JOIN facts_order AS o ON o.id = p.id
        JOIN facts_firstorder AS f
            ON f.workspace_id = o.workspace_id AND f.customer = o.customer AND f.order_id = o.id"""  # noqa: S608 (names of this module)


_DIRTY = {
    facts.Payment: dirty("conversion", "order_week"),
    facts.Refund: dirty("aftersales", "week"),
    facts.Review: dirty("aftersales", "week"),
    facts.Ticket: dirty("aftersales", "week"),
    facts.SurveyAnswer: dirty("aftersales", "week"),
    facts.Referral: dirty("aftersales", "week"),
}
_CUSTOMERS_OF_REFUNDS = """
INSERT INTO facts_customers
SELECT DISTINCT o.customer FROM facts_touched AS t
CROSS JOIN LATERAL (VALUES (t.old_order_ref), (t.new_order_ref)) AS r (order_ref)
JOIN facts_order AS o ON o.workspace_id = %(workspace)s AND o.external_id = r.order_ref
WHERE o.customer <> ''
"""
# A refund that finds the order of its own source leaves the one it was tied to before.
_DIRTY_COHORTS_OF_ATTACHED = """
INSERT INTO facts_dirty
SELECT DISTINCT 'cohorts', f.week FROM facts_attached AS t
CROSS JOIN LATERAL (VALUES (t.old_order), (t.new_order)) AS p (id)
JOIN facts_order AS o ON o.id = p.id
JOIN facts_firstorder AS f ON f.workspace_id = o.workspace_id AND f.customer = o.customer
"""
_DIRTY_COHORTS = """
INSERT INTO facts_dirty
SELECT DISTINCT 'cohorts', f.week FROM facts_customers AS c
JOIN facts_firstorder AS f ON f.workspace_id = %(workspace)s AND f.customer = c.customer
"""
