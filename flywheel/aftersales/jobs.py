"""The long work of this room."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from flywheel.aftersales import fitting, holdouts, storing
from flywheel.aftersales.standing import COUNTS, LTV
from flywheel.jobs import Progress, handler
from flywheel.jobs.models import Job
from flywheel.measures import counting, customers


@handler(COUNTS, follows="diagnose")
def count(job: Job, progress: Progress) -> dict[str, Any]:
    """Count anew what the pages show of customers, first deliveries, tickets, categories and who invited."""
    with transaction.atomic():
        counting.count_all(job.workspace, _began(job), progress)
        holdouts.count(job.workspace)
        progress.hold()
    return {}


@handler(LTV, follows="diagnose")
def fit_lifetimes(job: Job, progress: Progress) -> dict[str, object]:
    """Fit lifetime values anew, and score every customer, as of the newest day of orders."""
    today = timezone.now().astimezone(job.workspace.zone).date()
    as_of = customers.newest_day(job.workspace, today)
    if as_of is None:
        with transaction.atomic():
            storing.clear(job.workspace)
            progress.hold()
        return {"customers": 0}
    progress.step("reading_customers")
    known = fitting.load(job.workspace, as_of)
    months = customers.months(job.workspace, as_of)
    fits, scored = fitting.fit_all(job.workspace, known, progress)
    progress.step("storing")
    with transaction.atomic():
        storing.replace_all(job.workspace, known, fits, scored, months, _began(job))
        progress.hold()
    return {"customers": len(known.full), "as_of": str(as_of)}


def _began(job: Job) -> Any:
    """When the work began, by the database's clock: what landed later may not be in its result."""
    return job.started_at
