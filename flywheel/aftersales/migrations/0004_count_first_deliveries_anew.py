"""Late first deliveries are watched from the promised date on: what was counted from the delivery is counted anew.

What is kept is forgotten until then, so that no page tells numbers of the old definition under the words of the new.
"""

from typing import Any

from django.db import migrations


def count_anew(apps: Any, schema: Any) -> None:
    """A queued count for every workspace that has counts and none on its way."""
    counted, jobs = apps.get_model("measures", "Counted").objects, apps.get_model("jobs", "Job").objects
    waiting = set(jobs.filter(kind="aftersales_counts", state="queued").values_list("workspace_id", flat=True))
    for workspace in sorted(set(counted.values_list("workspace_id", flat=True)) - waiting):
        jobs.create(workspace_id=workspace, kind="aftersales_counts")
    counted.all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("aftersales", "0003_start_counting"),
        ("measures", "0008_counts"),
        ("jobs", "0001_initial"),
    ]
    operations = [migrations.RunPython(count_anew, migrations.RunPython.noop)]
