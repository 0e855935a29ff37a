"""Weeks that were marked for the new measures are rolled as soon as a worker runs: the beat finds the queued jobs."""

from typing import Any

from django.db import migrations


def start(apps: Any, _schema: Any) -> None:
    """A queued roll for every workspace with dirty weeks that has none."""
    jobs = apps.get_model("jobs", "Job").objects
    dirty = apps.get_model("facts", "DirtyWeek").objects.values_list("workspace_id", flat=True).distinct()
    waiting = set(jobs.filter(kind="roll", state="queued").values_list("workspace_id", flat=True))
    for workspace in sorted(set(dirty) - waiting):
        jobs.create(workspace_id=workspace, kind="roll")


class Migration(migrations.Migration):
    dependencies = [("measures", "0004_kpi_measures"), ("facts", "0012_fill_follow_ups"), ("jobs", "0001_initial")]
    operations = [migrations.RunPython(start, migrations.RunPython.noop)]
