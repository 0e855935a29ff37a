"""Cohorts of customers who got money back hold it as contribution until they are rolled: marked, and rolled soon."""

from typing import Any

from django.db import migrations

_MARK = """
INSERT INTO facts_dirtyweek (workspace_id, rollup, week)
SELECT DISTINCT f.workspace_id, 'cohorts', f.week
FROM facts_refund AS r
JOIN facts_order AS o ON o.id = r.order_id
JOIN facts_firstorder AS f ON f.workspace_id = o.workspace_id AND f.customer = o.customer
ON CONFLICT (workspace_id, rollup, week) DO NOTHING
"""


def roll(apps: Any, schema: Any) -> None:
    """A queued roll for every workspace with weeks to roll that has none."""
    schema.execute(_MARK)
    jobs = apps.get_model("jobs", "Job").objects
    dirty = apps.get_model("facts", "DirtyWeek").objects.values_list("workspace_id", flat=True).distinct()
    waiting = set(jobs.filter(kind="roll", state="queued").values_list("workspace_id", flat=True))
    for workspace in sorted(set(dirty) - waiting):
        jobs.create(workspace_id=workspace, kind="roll")


class Migration(migrations.Migration):
    dependencies = [
        ("measures", "0008_counts"),
        ("facts", "0014_first_order_time"),
        ("jobs", "0001_initial"),
    ]
    operations = [migrations.RunPython(roll, migrations.RunPython.noop)]
