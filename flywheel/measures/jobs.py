"""The long work of this room."""

from django.db import transaction

from flywheel import jobs
from flywheel.jobs import Progress, handler
from flywheel.jobs.models import Job
from flywheel.measures.rolling import freshen_statistics, roll_dirty_weeks


@handler("roll")
def roll(job: Job, progress: Progress) -> dict[str, int]:
    """Roll the dirty weeks again; when there were any, the diagnosis follows."""
    freshen_statistics()
    with transaction.atomic():
        weeks = roll_dirty_weeks(job.workspace, progress)
        progress.hold()
        if weeks:
            jobs.start(job.workspace, "diagnose", {}, once=True)
    return {"weeks": weeks}
