"""The jobs of batches and feeds, and the one that checks the sources."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from flywheel.intake import batches, feeds, health
from flywheel.intake.batches import load
from flywheel.intake.models import Batch, Feed
from flywheel.intake.tables import TableProblemError
from flywheel.jobs import JobFailed, Progress, handler
from flywheel.jobs.models import Job


def record_failure(job: Job) -> None:
    """The batch can be looked at and started again; the job's error says why it failed."""
    Batch.objects.filter(job=job, state=Batch.State.QUEUED).update(state=Batch.State.FAILED)


@handler("import", after_failure=record_failure)
def run_import(job: Job, progress: Progress) -> dict[str, Any]:
    """Load the batch that `job.params["batch"]` names; a batch that already has its outcome keeps it."""
    batch = Batch.objects.select_related("workspace", "source").get(pk=job.params["batch"], workspace=job.workspace)
    Batch.objects.filter(pk=batch.pk).update(job=job)  # a failed job may have been started again as this one
    Batch.objects.filter(pk=batch.pk, state=Batch.State.FAILED).update(state=Batch.State.QUEUED)
    load(batch, progress)
    return {"batch": batch.pk, "state": batch.state, "rows": batch.rows, "rejected": batch.rejected}


@handler("check")
def run_check(job: Job, progress: Progress) -> dict[str, Any]:
    """Find out what loading the batch would do; nothing to find out about one that is gone or was started."""
    batch = _batch(job)
    if batch is None or not batch.can_start:
        return {}
    batches.check(batch, progress)
    return {"batch": batch.pk, "rows": batch.rows, "rejected": batch.rejected}


@handler("undo")
def run_undo(job: Job, progress: Progress) -> dict[str, Any]:
    """Take the batch back; fails with the names of the batches that stand on it."""
    batch = _batch(job)
    if batch is None:
        return {}
    try:
        batches.undo(batch, progress, job.created_by)
    except batches.BuiltOnError as refused:
        names = ", ".join(later.file_name for later in refused.batches)
        raise JobFailed(_("Later files build on this one; undo them first: %(names)s") % {"names": names}) from refused
    return {"batch": batch.pk, "state": batch.state}


def _batch(job: Job) -> Batch | None:
    known = Batch.objects.select_related("workspace", "source")
    return known.filter(pk=job.params["batch"], workspace=job.workspace).first()


@handler(health.CHECK)
def check_sources(job: Job, progress: Progress) -> dict[str, int]:
    """Find out how each source's data is doing."""
    with transaction.atomic():
        checked = health.check(job.workspace, progress)
        progress.hold()
    return {"checked": checked}


def record_feed_failure(job: Job) -> None:
    """Say on the feed why its table was not read."""
    error = Job.objects.values_list("error", flat=True).get(pk=job.pk)
    Feed.objects.filter(pk=job.params["feed"], workspace=job.workspace).update(last_error=error)


@handler("feed", after_failure=record_feed_failure)
def run_feed(job: Job, progress: Progress) -> dict[str, Any]:
    """Read what is new in the table of the feed that `job.params["feed"]` names; its batch is a job of its own.

    `job.params["again"]`: also rows that were rejected and are as they were.
    """
    known = Feed.objects.select_related("workspace", "source", "batch__job")
    feed = known.filter(pk=job.params["feed"], workspace=job.workspace).first()
    if feed is None:
        return {}  # removed while its job waited
    try:
        batch = feeds.read(feed, progress, again=bool(job.params.get("again")))
    except TableProblemError as problem:
        raise JobFailed(str(problem)) from problem
    return {"batch": batch.pk} if batch else {}
