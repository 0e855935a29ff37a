"""The job that loads a batch."""

from typing import Any

from flywheel.intake.batches import load
from flywheel.intake.models import Batch
from flywheel.jobs import Progress, handler
from flywheel.jobs.models import Job


@handler("import")
def run_import(job: Job, progress: Progress) -> dict[str, Any]:
    """Load the batch that `job.params["batch"]` names; a batch that already has its outcome keeps it."""
    batch = Batch.objects.select_related("workspace", "source").get(pk=job.params["batch"], workspace=job.workspace)
    Batch.objects.filter(pk=batch.pk).update(job=job)  # a failed job may have been started again as this one
    load(batch, progress)
    return {"batch": batch.pk, "state": batch.state, "rows": batch.rows, "rejected": batch.rejected}
