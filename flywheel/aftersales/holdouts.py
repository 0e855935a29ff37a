"""Who of a list is written to and who is held out, and what both groups ordered afterwards."""

from typing import Any

from django.db import connection

from flywheel.accounts.models import Workspace
from flywheel.aftersales.models import ListCampaign


def draw(campaign: ListCampaign) -> None:
    """Remember the customers of the list as it is now, a share of them held out.

    They are drawn by the hash of list, day and customer: by chance as far as customers go, and the same ones whenever
    the same list is exported on the same day.
    """
    values: dict[str, Any] = {
        "workspace": campaign.workspace_id,
        "campaign": campaign.pk,
        "market": campaign.market,
        "share": campaign.share,
        "seed": f"{campaign.list}|{campaign.exported_on}|",
    }
    with connection.cursor() as cursor:
        cursor.execute(_DRAW.format(listed=_LISTED[campaign.list]), values)
    count(campaign.workspace, campaign)


def count(workspace: Workspace, campaign: ListCampaign | None = None) -> None:
    """Count anew what the groups of a campaign, or of every one, ordered in its days; call it inside a transaction."""
    with connection.cursor() as cursor:
        for statement in (_FORGET, _COUNT):
            cursor.execute(statement, {"workspace": workspace.pk, "campaign": campaign.pk if campaign else None})


_CHOSEN = "workspace_id = %(workspace)s AND (%(market)s = '' OR market = %(market)s)"
_SCORED = f"""
    SELECT customer, market, CAST('[]' AS jsonb) AS articles, suggestion FROM aftersales_customerscore
    WHERE {_CHOSEN} AND """  # noqa: S608 - constants of this module
_LISTED: dict[str, Any] = {
    ListCampaign.List.DUE: f"""
        SELECT customer, MIN(market) AS market, JSONB_AGG(sku ORDER BY due_date, sku) AS articles,
            COALESCE((ARRAY_AGG(suggestion ORDER BY due_date, sku) FILTER (WHERE suggestion <> ''))[1], '')
                AS suggestion
        FROM aftersales_replenishment WHERE {_CHOSEN} GROUP BY customer""",  # noqa: S608
    ListCampaign.List.SLIPPING: f"{_SCORED} at_risk > 0",
    ListCampaign.List.ADVOCATES: f"{_SCORED} praise > 0",
}
_DRAW = """
INSERT INTO aftersales_campaignmember (workspace_id, campaign, customer, market, articles, suggestion, held_out)
SELECT %(workspace)s, %(campaign)s, customer, market, articles, suggestion,
    ROW_NUMBER() OVER (ORDER BY SHA256(CONVERT_TO(%(seed)s || customer, 'UTF8')), customer)
        <= ROUND(%(share)s * COUNT(*) OVER () / 100.0)
FROM ({listed}) AS listed
"""
_THESE = "c.workspace_id = %(workspace)s AND c.id = COALESCE(%(campaign)s, c.id)"
_FORGET = f"""
DELETE FROM aftersales_campaignoutcome AS o USING aftersales_listcampaign AS c
WHERE o.workspace_id = c.workspace_id AND o.campaign = c.id AND {_THESE}
"""  # noqa: S608 - what is of a deleted one comes back with it
_COUNT = f"""
INSERT INTO aftersales_campaignoutcome (workspace_id, campaign, held_out, customers, ordered, orders, orders_squares,
    revenue, revenue_squares, contribution, contribution_squares)
WITH bought AS (
    SELECT m.campaign, m.held_out, m.customer, COUNT(o.id) AS orders,
        CASE WHEN COUNT(o.net_base) = COUNT(o.id) THEN COALESCE(SUM(o.net_base), 0) END AS revenue,
        CASE WHEN COUNT(o.contribution_base) = COUNT(o.id) THEN COALESCE(SUM(o.contribution_base), 0) END
            AS contribution
    FROM aftersales_listcampaign AS c
    JOIN aftersales_campaignmember AS m ON m.workspace_id = c.workspace_id AND m.campaign = c.id
    LEFT JOIN facts_order AS o ON o.workspace_id = c.workspace_id AND o.customer = m.customer AND o.counts
        AND o.order_date > c.exported_on AND o.order_date <= c.exported_on + c.days
    WHERE {_THESE}
    GROUP BY m.campaign, m.held_out, m.customer
)
SELECT %(workspace)s, campaign, held_out, COUNT(*), COUNT(*) FILTER (WHERE orders > 0), SUM(orders),
    SUM(orders * orders),
    CASE WHEN COUNT(revenue) = COUNT(*) THEN SUM(revenue) END,
    CASE WHEN COUNT(revenue) = COUNT(*) THEN SUM(revenue * revenue) END,
    CASE WHEN COUNT(contribution) = COUNT(*) THEN SUM(contribution) END,
    CASE WHEN COUNT(contribution) = COUNT(*) THEN SUM(contribution * contribution) END
FROM bought GROUP BY campaign, held_out
"""  # noqa: S608
