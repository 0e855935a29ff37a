"""The long work of this room."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from flywheel.conversion import analyses, segments
from flywheel.diagnosis.running import newest_week
from flywheel.jobs import Progress, handler
from flywheel.jobs.models import Job
from flywheel.measures import sessions


@handler(analyses.JOB, follows="diagnose")
def conversion_analyses(job: Job, progress: Progress) -> dict[str, str]:
    """Work out baskets, order values and profiles anew, for the newest week, and count what sessions did.

    `weeks` in the job's params: of periods that one alone; without it every period that is kept.
    """
    week, began_at = newest_week(job.workspace), timezone.now()
    if week is None:
        return {"week": ""}
    asked = job.params.get("weeks")
    spans = analyses.periods(job.workspace) if asked is None else [int(asked)]
    progress.step("looking_into", len(spans) + 2)
    with transaction.atomic():
        sessions.count_sessions(job.workspace, began_at)
        progress.advance()
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
