"""Records that belong to an order know which, and the weeks that new measures are missing from are to be rolled."""

from typing import Any

from django.db import migrations

CHILDREN = ("payment", "referral", "refund", "review", "surveyanswer", "ticket")
_FILL = """
UPDATE facts_{child} AS c SET order_id = p.order_id{more}
FROM (
    SELECT DISTINCT ON (c.id) c.id, o.id AS order_id, o.ordered_at
    FROM facts_{child} AS c
    JOIN facts_order AS o ON o.workspace_id = c.workspace_id AND o.external_id = c.order_ref
    WHERE c.order_ref <> '' AND c.order_week IS NOT NULL
    ORDER BY c.id, (o.source_id = c.source_id) DESC, o.id
) AS p
WHERE c.id = p.id
"""
_DAYS_AFTER = ", days_after_order = (EXTRACT(EPOCH FROM c.opened_at - p.ordered_at) / 86400)::numeric(10, 4)"
_MARK = """
INSERT INTO facts_dirtyweek (workspace_id, rollup, week)
SELECT workspace_id, rollup, week FROM (
    SELECT workspace_id, 'market' AS rollup, week FROM facts_spend
    UNION SELECT workspace_id, 'conversion', week FROM facts_order
    UNION SELECT workspace_id, 'conversion', week FROM facts_traffic
    UNION SELECT workspace_id, 'conversion', week FROM facts_session
    UNION SELECT workspace_id, 'aftersales', week FROM facts_order
    UNION SELECT workspace_id, 'aftersales', delivered_week FROM facts_order
    UNION SELECT workspace_id, 'aftersales', week FROM facts_review
    UNION SELECT workspace_id, 'aftersales', week FROM facts_ticket
    UNION SELECT workspace_id, 'aftersales', week FROM facts_surveyanswer
    UNION SELECT workspace_id, 'aftersales', week FROM facts_referral
    UNION SELECT workspace_id, 'aftersales', week FROM facts_customercampaign
    UNION SELECT workspace_id, 'cohorts', week FROM facts_firstorder
) AS found
WHERE week IS NOT NULL
ORDER BY workspace_id, rollup, week
ON CONFLICT (workspace_id, rollup, week) DO NOTHING
"""


def fill(_apps: Any, schema: Any) -> None:
    """Set the order of every record that has one, and mark the weeks."""
    for child in CHILDREN:
        schema.execute(_FILL.format(child=child, more=_DAYS_AFTER if child == "ticket" else ""))
    schema.execute(_MARK)


class Migration(migrations.Migration):
    dependencies = [("facts", "0011_follow_ups")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
