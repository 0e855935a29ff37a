"""Starts a job: the row now, its message when the row is committed."""

from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from flywheel.celery import app

if TYPE_CHECKING:
    from flywheel.accounts.models import User, Workspace
    from flywheel.jobs.models import Job

RUN_JOB = "flywheel.jobs.tasks.run_job"
log = structlog.get_logger(__name__)


def start(
    workspace: "Workspace", kind: str, params: dict[str, Any], user: "User | None" = None, once: bool = False
) -> "Job":
    """Insert a job and send its message on commit.

    `once`: a queued job of the same kind and params is returned instead. Its row is locked until the caller's
    transaction ends, so that a worker takes it up only after what the caller wrote can be seen; call it late.
    """
    from flywheel.jobs.models import Job

    with transaction.atomic():
        if once and (waiting := _waiting(workspace, kind, params)):
            return waiting
        job = Job.objects.create(workspace=workspace, kind=kind, params=params, created_by=user)
        transaction.on_commit(lambda: send(job.pk))
        return job


def _waiting(workspace: "Workspace", kind: str, params: dict[str, Any]) -> "Job | None":
    from flywheel.jobs.models import Job

    queued = Job.objects.filter(workspace=workspace, kind=kind, params=params, state=Job.State.QUEUED)
    return queued.select_for_update(no_key=True).order_by("created_at").first()


def send(job_id: UUID) -> None:
    """Put the job's message in the queue; when the broker does not answer, `find_lost_jobs` sends it later."""
    from flywheel.jobs.models import Job

    try:
        app.send_task(RUN_JOB, [str(job_id)])
    except OperationalError as error:
        log.warning("job.not_sent", job=str(job_id), error=str(error))
        return
    Job.objects.filter(pk=job_id).update(sent_at=Now())
