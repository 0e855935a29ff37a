"""What pages read of counts is made as soon as a worker runs, and channels in markets are fitted: the beat finds the jobs."""

from typing import Any

from django.db import migrations

KINDS = ("aftersales_counts", "ltv")


def start(apps: Any, _schema: Any) -> None:
    """A queued job of each kind for every workspace whose weeks were rolled, unless one waits."""
    jobs = apps.get_model("jobs", "Job").objects
    rolled = set(apps.get_model("measures", "RolledWeek").objects.values_list("workspace_id", flat=True).distinct())
    for kind in KINDS:
        waiting = set(jobs.filter(kind=kind, state="queued").values_list("workspace_id", flat=True))
        for workspace in sorted(rolled - waiting):
            jobs.create(workspace_id=workspace, kind=kind)


class Migration(migrations.Migration):
    dependencies = [
        ("aftersales", "0002_channels_in_markets"),
        ("measures", "0008_counts"),
        ("jobs", "0001_initial"),
    ]
    operations = [migrations.RunPython(start, migrations.RunPython.noop)]
