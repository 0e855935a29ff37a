"""Loads the demo business as its owner would: files, batches, the weekly roll-up, the diagnosis.

All files land in one transaction, so that an interrupted load leaves nothing behind, and no verdict is published on
half of the data. Jobs are run here without waiting for a worker; one that a worker takes first is waited for.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from flywheel import jobs
from flywheel.accounts.models import Workspace
from flywheel.demo import conversion_team, expansion, list_campaigns
from flywheel.demo.files import Recipe, write_files
from flywheel.demo.workspace import open_workspace, source_of
from flywheel.diagnosis.models import Diagnosis
from flywheel.facts.models import DirtyWeek
from flywheel.intake import batches
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Batch, RowError
from flywheel.intake.plans import by_header
from flywheel.intake.reading import sample
from flywheel.jobs.lost import find_lost_jobs
from flywheel.jobs.models import Job
from flywheel.jobs.runner import run

POLL_SECONDS = 0.5
Say = Callable[[str], None]


class DemoError(Exception):
    """The demo cannot be loaded; the message says why."""


def demo_folder(slug: str) -> Path:
    """Where the demo's files are kept."""
    return Path(settings.VAR_DIR) / "demo" / slug


def demo_workspace(slug: str) -> Workspace | None:
    """The demo with all its facts, or None. Raises DemoError when the workspace is somebody's own."""
    workspace = Workspace.objects.filter(slug=slug).first()
    if workspace is not None and not workspace.is_demo:
        raise DemoError(f"The workspace {slug!r} is not a demo. Choose another --slug.")
    return workspace


def load_facts(slug: str, recipe: Recipe, say: Say) -> Workspace:
    """Make the workspace and load every file into it: all of it, or nothing. Raises DemoError."""
    with transaction.atomic():
        workspace = open_workspace(slug)
        for kind, path in write_files(demo_folder(slug), recipe):
            started = time.monotonic()
            batch = _load_file(workspace, kind, path)
            say(f"{kind:<12}{batch.rows or 0:>10,} rows {time.monotonic() - started:6.1f} s")
        expansion.fill(workspace, recipe.until)
        conversion_team.fill(workspace, recipe.until)
    return workspace


def finish(workspace: Workspace, say: Say) -> None:
    """Bring the weekly measures and the verdict up to the facts; nothing to do when they are. Raises DemoError."""
    _finish_jobs(workspace, say)
    if DirtyWeek.objects.filter(workspace=workspace).exists():
        jobs.start(workspace, "roll", {}, once=True)
        _finish_jobs(workspace, say)
    if not Diagnosis.objects.filter(workspace=workspace).exists():
        jobs.start(workspace, "diagnose", {}, once=True)
        _finish_jobs(workspace, say)
    list_campaigns.fill(workspace)


def remove_demo(slug: str) -> None:
    """Delete the demo workspace with all that belongs to it, and its files. Raises DemoError for a real business."""
    if workspace := demo_workspace(slug):
        shutil.rmtree(settings.UPLOAD_DIR / str(workspace.pk), ignore_errors=True)
        workspace.delete()
    shutil.rmtree(demo_folder(slug), ignore_errors=True)


def _load_file(workspace: Workspace, kind: str, path: Path) -> Batch:
    header, _rows = sample(path, rows=1)
    batch = batches.create(source_of(workspace, kind), by_header(KINDS[kind], header), path, path.name)
    batches.start(batch)
    job = Job.objects.get(workspace=workspace, kind="import", params={"batch": batch.pk})
    run(job.pk, heartbeat=False)  # nobody else can see rows of an open transaction
    batch.refresh_from_db()
    if batch.state != Batch.State.LOADED:
        problem = RowError.objects.filter(batch=batch).first()
        job.refresh_from_db()
        reason = f"line {problem.line}, {problem.column}: {problem.code}" if problem else job.error
        raise DemoError(f"{path.name} was not loaded ({reason})")
    with connection.cursor() as cursor:  # autovacuum sees the rows only after the commit
        cursor.execute(f"ANALYZE {KINDS[kind].model._meta.db_table}")
    return batch


def _finish_jobs(workspace: Workspace, say: Say) -> None:
    """Run whatever the loaded files asked for, and what that asks for in turn."""
    waiting = Job.objects.filter(workspace=workspace, state__in=(Job.State.QUEUED, Job.State.RUNNING))
    while job := waiting.order_by("created_at").first():
        started = time.monotonic()
        _see_through(job)
        if job.state == Job.State.FAILED:
            raise DemoError(f"{job.kind} failed: {job.error}")
        say(f"{job.kind:<28}{time.monotonic() - started:6.1f} s")


def _see_through(job: Job) -> None:
    """Run the job here, or wait for the worker that has it; a job whose worker died is run again."""
    while not job.is_over:
        if job.state == Job.State.QUEUED:
            run(job.pk)
        else:
            find_lost_jobs()
            time.sleep(POLL_SECONDS)
        job.refresh_from_db()
