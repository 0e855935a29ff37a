"""Handlers that behave in every way a handler can."""

import time
from typing import Any

from django.db import connection, transaction

from flywheel import jobs
from flywheel.accounts.models import Workspace
from flywheel.jobs import JobFailed, Progress, handler
from flywheel.jobs.models import Job

calls: list[str] = []  # names of the jobs that ran in this process


@handler("sample.count")
def count(job: Job, progress: Progress) -> dict[str, Any]:
    """Counts to `to`."""
    calls.append("count")
    progress.step("checking", total=job.params["to"])
    for _ in range(job.params["to"]):
        progress.advance(1)
    return {"counted": progress.done}


@handler("sample.chain")
def chain(job: Job, progress: Progress) -> None:
    """Starts the count in its own transaction."""
    with transaction.atomic():
        progress.hold()
        jobs.start(job.workspace, "sample.count", {"to": 3}, once=True)


@handler("sample.crash")
def crash(job: Job, progress: Progress) -> None:
    """Has a fault."""
    raise ZeroDivisionError("nothing to divide by")


@handler("sample.refuse")
def refuse(job: Job, progress: Progress) -> None:
    """Tells its person what to mend."""
    raise JobFailed("The file has no header.")


@handler("sample.disconnect")
def disconnect(job: Job, progress: Progress) -> dict[str, Any]:
    """Loses the database until attempt `good`."""
    with transaction.atomic():
        Workspace.objects.create(name="unfinished", slug=f"unfinished-{job.attempt}")
        if job.attempt < job.params["good"]:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    return {"attempt": job.attempt}


@handler("sample.write")
def write(job: Job, progress: Progress) -> dict[str, Any]:
    """Adds two workspaces in one transaction; the first attempt dawdles between them for `seconds`."""
    with transaction.atomic():
        Workspace.objects.create(name="first half", slug=f"first-{job.attempt}")
        progress.step("storing", total=2)
        progress.advance(1)
        if job.attempt == 1:
            time.sleep(job.params["seconds"])
        Workspace.objects.create(name="second half", slug=f"second-{job.attempt}")
        progress.hold()
    return {"attempt": job.attempt}


@handler("sample.tell")
def tell(job: Job, progress: Progress) -> None:
    """Shows its progress for `seconds` without a query of its own."""
    progress.step("checking", total=100)
    end = time.monotonic() + job.params["seconds"]
    while time.monotonic() < end:
        progress.advance(1)
        time.sleep(0.01)
