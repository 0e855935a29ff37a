"""The long work of this room."""

from datetime import timedelta

from django.db import transaction

from flywheel.conversion import analyses, segments
from flywheel.diagnosis.running import newest_week
from flywheel.jobs import Progress, handler
from flywheel.jobs.models import Job


@handler(analyses.JOB, follows="diagnose")
def conversion_analyses(job: Job, progress: Progress) -> dict[str, str]:
    """Work out paths, baskets, order values, methods and profiles anew, for the newest week.

    `weeks` in the job's params: that period alone; without it every period that is kept, and the profiles.
    """
    week = newest_week(job.workspace)
    if week is None:
        return {"week": ""}
    asked = job.params.get("weeks")
    spans = analyses.periods(job.workspace) if asked is None else [int(asked)]
    progress.step("looking_into", len(spans) + 1)
    with transaction.atomic():
        for weeks in spans:
            analyses.store(job.workspace, week, weeks, analyses.compute(job.workspace, week, weeks))
            progress.advance()
        frame, found = analyses.profiled(job.workspace, week + timedelta(days=6))
        result = analyses.profile_result(frame, found)
        analyses.store(job.workspace, week, 0, {(analyses.Kind.PROFILES, analyses.ALL): result})
        segments.keep(job.workspace, frame, found)
        progress.advance()
        progress.hold()
    return {"week": str(week)}
