"""The long work of this room."""

from django.db import transaction

from flywheel.diagnosis.running import diagnose_week, newest_week
from flywheel.jobs import Progress, handler
from flywheel.jobs.models import Job


@handler("diagnose")
def diagnose(job: Job, progress: Progress) -> dict[str, str]:
    """Diagnose the newest complete week with data."""
    week = newest_week(job.workspace)
    if week is None:
        return {"week": ""}
    progress.step("diagnosing")
    with transaction.atomic():
        diagnose_week(job.workspace, week)
        progress.hold()
    return {"week": str(week)}
