"""Paths are read from counts of sessions and payment success from weekly measures: what was kept of both goes.

The counts are made as soon as a worker runs: the beat finds the jobs.
"""

from typing import Any

from django.db import migrations, models


def drop(apps: Any, _schema: Any) -> None:
    """Results that no page reads any more."""
    apps.get_model("conversion", "Analysis").objects.filter(kind__in=("paths", "methods")).delete()


def start(apps: Any, _schema: Any) -> None:
    """A queued job for every workspace with sessions, unless one waits."""
    jobs = apps.get_model("jobs", "Job").objects
    sessions = apps.get_model("facts", "Session").objects.values_list("workspace_id", flat=True).distinct()
    waiting = set(jobs.filter(kind="conversion_analyses", state="queued").values_list("workspace_id", flat=True))
    for workspace in sorted(set(sessions) - waiting):
        jobs.create(workspace_id=workspace, kind="conversion_analyses")


class Migration(migrations.Migration):
    dependencies = [
        ("conversion", "0002_thresholds_and_profiles"),
        ("measures", "0010_sessions"),
        ("facts", "0012_fill_follow_ups"),
        ("jobs", "0001_initial"),
    ]

    operations = [
        migrations.RunPython(drop, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="analysis",
            name="kind",
            field=models.CharField(
                choices=[("baskets", "Baskets"), ("values", "Values"), ("profiles", "Profiles")], max_length=8
            ),
        ),
        migrations.RunPython(start, migrations.RunPython.noop),
    ]
