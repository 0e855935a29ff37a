"""Cohorts are rolled anew, for what is counted apart by the first order's delivery and answer."""

from typing import Any

from django.db import migrations

_MARK = """
INSERT INTO facts_dirtyweek (workspace_id, rollup, week)
SELECT DISTINCT workspace_id, 'cohorts', week FROM facts_firstorder
ON CONFLICT (workspace_id, rollup, week) DO NOTHING
"""


def mark(apps: Any, schema: Any) -> None:
    """Every cohort week is dirty, and a roll is queued for each workspace that has one."""
    schema.execute(_MARK)
    jobs = apps.get_model("jobs", "Job").objects
    dirty = apps.get_model("facts", "DirtyWeek").objects.values_list("workspace_id", flat=True).distinct()
    waiting = set(jobs.filter(kind="roll", state="queued").values_list("workspace_id", flat=True))
    for workspace in sorted(set(dirty) - waiting):
        jobs.create(workspace_id=workspace, kind="roll")


class Migration(migrations.Migration):
    dependencies = [
        ("measures", "0011_cohorts_by_first_delivery"),
        ("facts", "0014_first_order_time"),
        ("jobs", "0001_initial"),
    ]
    operations = [migrations.RunPython(mark, migrations.RunPython.noop)]
