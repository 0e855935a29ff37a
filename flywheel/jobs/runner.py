"""Runs one job: claim the row, call its handler, record the outcome."""

import contextlib
from typing import Any
from uuid import UUID

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import override

from flywheel.jobs import registry
from flywheel.jobs.errors import JobFailed, JobLost
from flywheel.jobs.models import Job
from flywheel.jobs.progress import Heartbeat, Progress
from flywheel.jobs.starting import start

log = structlog.get_logger(__name__)


def run(job_id: UUID, heartbeat: bool = True) -> None:
    """Run the job if it is queued; a message that comes twice finds it claimed and does nothing.

    Texts that the handler makes are in the workspace's language. `heartbeat=False` only inside a transaction that
    hides the row from everyone else (tests).
    """
    job = claim(job_id)
    if job is None:
        log.info("job.not_queued", job=str(job_id))
        return
    with (
        override(job.workspace.language),
        structlog.contextvars.bound_contextvars(job=str(job.pk), kind=job.kind, attempt=job.attempt),
    ):
        _run_claimed(Progress(job), heartbeat)


def claim(job_id: UUID) -> Job | None:
    """Make the queued job this worker's; None when it is not queued (any more). `attempt` is its fencing token."""
    with transaction.atomic():
        queued = Job.objects.select_related("workspace").filter(pk=job_id, state=Job.State.QUEUED)
        job = queued.select_for_update(of=("self",), no_key=True).first()
        if job is None:
            return None
        job.state, job.attempt = Job.State.RUNNING, job.attempt + 1
        job.step, job.done, job.total, job.error = "", 0, 0, ""
        job.started_at = job.heartbeat_at = Now()
        job.save(update_fields=["state", "attempt", "step", "done", "total", "error", "started_at", "heartbeat_at"])
    job.refresh_from_db(fields=["started_at", "heartbeat_at"])
    return job


def _run_claimed(progress: Progress, heartbeat: bool) -> None:
    try:
        with Heartbeat(progress) if heartbeat else contextlib.nullcontext():
            result = registry.find(progress.job.kind)(progress.job, progress)
    except JobLost:
        log.warning("job.taken_over")
    except JobFailed as error:
        log.info("job.failed", error=str(error))
        _finish(progress, Job.State.FAILED, error=str(error))
    except (OperationalError, InterfaceError) as error:
        log.exception("job.database_trouble")
        _after_database_trouble(progress, error)
    except Exception as error:  # whatever it is, the row must say so
        log.exception("job.crashed")
        _finish(progress, Job.State.FAILED, error=f"{type(error).__name__}: {error}")
    else:
        log.info("job.done")
        _finish(progress, Job.State.DONE, result=result or {})


def _finish(progress: Progress, state: Job.State, **outcome: Any) -> None:
    """Record how the job ended, unless another worker has it by now."""
    name, done, total = progress.snapshot
    with transaction.atomic():
        ended = progress.row().update(state=state, step=name, done=done, total=total, finished_at=Now(), **outcome)
        if ended and state == Job.State.FAILED:
            registry.after_failure(progress.job)
        if ended and state == Job.State.DONE:
            for kind in registry.followers(progress.job.kind):
                start(progress.job.workspace, kind, {}, once=True)
    if not ended:
        log.warning("job.taken_over")


def _after_database_trouble(progress: Progress, error: Exception) -> None:
    """A lost connection, a deadlock, a full disk: try again later, or fail after the last attempt."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    try:
        if progress.job.attempt >= settings.JOB_MAX_ATTEMPTS:
            text = _("The database failed at each of %(n)d attempts. The last time: %(error)s")
            _finish(progress, Job.State.FAILED, error=text % {"n": progress.job.attempt, "error": error})
        else:
            progress.row().update(state=Job.State.QUEUED, sent_at=None)  # find_lost_jobs sends it again
    except (OperationalError, InterfaceError):
        log.warning("job.database_still_away")  # the row stays; its heartbeat ends, so find_lost_jobs sees to it
