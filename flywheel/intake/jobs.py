"""The job that loads a batch."""

from typing import Any

from flywheel.intake.batches import load
from flywheel.intake.models import Batch
from flywheel.jobs import Progress, handler
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
