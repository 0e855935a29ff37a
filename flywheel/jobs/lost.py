"""Finds jobs that nobody works on any more, and messages that never arrived."""

from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import override

from flywheel.jobs import registry
from flywheel.jobs.models import Job
from flywheel.jobs.starting import send

SEND_AGAIN_SECONDS = 60  # a queued job's message is repeated this often; a second one does nothing
log = structlog.get_logger(__name__)


def find_lost_jobs() -> None:
    """Put running jobs without a heartbeat back in the queue, or fail them; send queued jobs' messages again."""
    with transaction.atomic():
        for job in _silent().select_related("workspace").select_for_update(of=("self",), skip_locked=True):
            _give_up_or_requeue(job)
    for job_id in _unsent().values_list("pk", flat=True):
        send(job_id)


def _silent() -> QuerySet[Job]:
    """Running jobs whose worker has given no sign of life. A locked row is alive: its worker is committing."""
    limit = Now() - timedelta(seconds=settings.JOB_LOST_AFTER_SECONDS)
    return Job.objects.filter(state=Job.State.RUNNING, heartbeat_at__lt=limit)


def _unsent() -> QuerySet[Job]:
    """Queued jobs whose message was never sent, or so long ago that it may be lost."""
    limit = Now() - timedelta(seconds=SEND_AGAIN_SECONDS)
    return Job.objects.filter(Q(sent_at=None) | Q(sent_at__lt=limit), state=Job.State.QUEUED).order_by("created_at")


def _give_up_or_requeue(job: Job) -> None:
    if job.attempt < settings.JOB_MAX_ATTEMPTS:
        job.state, job.sent_at = Job.State.QUEUED, None
        log.warning("job.lost_its_worker", job=str(job.pk), kind=job.kind, attempt=job.attempt)
    else:
        job.state, job.finished_at = Job.State.FAILED, Now()
        with override(job.workspace.language):
            job.error = _("Its worker process stopped unexpectedly at each of %(n)d attempts.") % {"n": job.attempt}
        log.error("job.given_up", job=str(job.pk), kind=job.kind, attempt=job.attempt)
    job.save(update_fields=["state", "sent_at", "finished_at", "error"])
    if job.state == Job.State.FAILED:
        registry.after_failure(job)
