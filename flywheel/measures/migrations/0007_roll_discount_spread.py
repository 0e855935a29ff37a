"""Weeks with discounts lack the new sums until they are rolled: marked, and rolled as soon as a worker runs."""

from typing import Any

from django.db import migrations

_MARK = """
INSERT INTO facts_dirtyweek (workspace_id, rollup, week)
SELECT DISTINCT workspace_id, 'conversion', week FROM measures_conversionweek WHERE discount_orders > 0
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
        ("measures", "0006_discount_spread"),
        ("facts", "0012_fill_follow_ups"),
        ("jobs", "0001_initial"),
    ]
    operations = [migrations.RunPython(roll, migrations.RunPython.noop)]
