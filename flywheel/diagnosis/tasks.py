"""What the clock starts."""

from celery import shared_task

from flywheel import jobs
from flywheel.accounts.models import Workspace
from flywheel.diagnosis.models import Diagnosis
from flywheel.diagnosis.running import newest_week


@shared_task
def diagnose_all() -> None:
    """Start a diagnosis in every workspace whose newest complete week has none yet."""
    for workspace in Workspace.objects.all():
        week = newest_week(workspace)
        if week and not Diagnosis.objects.filter(workspace=workspace, week=week).exists():
            jobs.start(workspace, "diagnose", {}, once=True)
