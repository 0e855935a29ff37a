"""Loads the demo business as its owner would: files, batches, the weekly roll-up, the diagnosis.

Everything is run here, one after the other, without waiting for a worker; a job that a worker takes first is waited
for. What is interrupted is taken up where it stopped: the recipe on disk gives the same files again.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from flywheel import jobs
from flywheel.accounts.models import Workspace
from flywheel.demo import files
from flywheel.demo.files import KINDS, Recipe
from flywheel.demo.workspace import open_workspace, source_of
from flywheel.diagnosis.models import Diagnosis
from flywheel.intake import batches
from flywheel.intake.kinds import KINDS as INTAKE_KINDS
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
    """Where the demo's recipe and files are kept."""
    return Path(settings.VAR_DIR) / "demo" / slug


def is_loaded(slug: str) -> bool:
    """Whether the demo is there with all its files and a verdict, and nothing is waiting to be done."""
    workspace = Workspace.objects.filter(slug=slug, is_demo=True).first()
    if workspace is None or Diagnosis.objects.filter(workspace=workspace).first() is None:
        return False
    return all(_batch_of(workspace, kind, Batch.State.LOADED) for kind in KINDS) and not _unfinished(workspace)


def load_demo(slug: str, recipe: Recipe, say: Say) -> Workspace:
    """Load the demo business into the workspace `slug`, or finish an interrupted load by its own recipe.

    Raises DemoError when the workspace is somebody's own, or when a step fails.
    """
    _refuse_a_real_business(slug)
    recipe = _kept_recipe(slug, recipe, say)
    workspace = open_workspace(slug)
    started = time.monotonic()
    for kind, path in files.write_files(demo_folder(slug), recipe):
        if not _batch_of(workspace, kind, Batch.State.LOADED):
            _load_file(workspace, kind, path, say)
    _finish_jobs(workspace, say)
    if not Diagnosis.objects.filter(workspace=workspace).exists():
        jobs.start(workspace, "diagnose", {}, once=True)
        _finish_jobs(workspace, say)
    say(f"loaded in {time.monotonic() - started:.0f} s")
    return workspace


def remove_demo(slug: str) -> None:
    """Delete the demo workspace with all that belongs to it, and its files. Raises DemoError for a real business."""
    _refuse_a_real_business(slug)
    for workspace in Workspace.objects.filter(slug=slug):
        shutil.rmtree(settings.UPLOAD_DIR / str(workspace.pk), ignore_errors=True)
        workspace.delete()
    files.forget(demo_folder(slug))


def _refuse_a_real_business(slug: str) -> None:
    if Workspace.objects.filter(slug=slug, is_demo=False).exists():
        raise DemoError(f"The workspace {slug!r} is not a demo. Choose another --slug.")


def _kept_recipe(slug: str, recipe: Recipe, say: Say) -> Recipe:
    """The recipe of an interrupted load, else `recipe`. Facts without a recipe cannot be continued: start anew."""
    folder = demo_folder(slug)
    kept, begun = files.read_recipe(folder), Workspace.objects.filter(slug=slug).exists()
    if begun and kept:
        say(f"continuing the load of {kept.orders:,} orders up to {kept.until}")
        return kept
    if begun or kept:
        remove_demo(slug)
    files.write_recipe(folder, recipe)
    return recipe


def _load_file(workspace: Workspace, kind: str, path: Path, say: Say) -> None:
    started = time.monotonic()
    batch = _batch_of(workspace, kind, Batch.State.QUEUED) or _new_batch(workspace, kind, path)
    if batch.job:
        _see_through(batch.job)
    batch.refresh_from_db()
    if batch.state != Batch.State.LOADED:
        error = RowError.objects.filter(batch=batch).first()
        reason = f"line {error.line}, {error.column}: {error.code}" if error else (batch.job and batch.job.error)
        raise DemoError(f"{path.name} was not loaded: {batch.state} ({reason})")
    say(f"{kind:<12}{batch.rows or 0:>10,} rows {time.monotonic() - started:6.1f} s")


def _new_batch(workspace: Workspace, kind: str, path: Path) -> Batch:
    header, _rows = sample(path, rows=1)
    batch = batches.create(source_of(workspace, kind), by_header(INTAKE_KINDS[kind], header), path, path.name)
    batches.start(batch)
    return batch


def _batch_of(workspace: Workspace, kind: str, state: str) -> Batch | None:
    """The newest batch of the demo's own file of that kind in that state."""
    found = Batch.objects.select_related("job").filter(workspace=workspace, kind=kind, state=state)
    return found.filter(path=str(demo_folder(workspace.slug) / f"{kind}.csv.gz")).first()


def _unfinished(workspace: Workspace) -> list[Job]:
    waiting = Job.objects.filter(workspace=workspace, state__in=(Job.State.QUEUED, Job.State.RUNNING))
    return list(waiting.order_by("created_at"))


def _finish_jobs(workspace: Workspace, say: Say) -> None:
    """Run whatever the loaded files asked for, and what that asks for in turn."""
    while waiting := _unfinished(workspace):
        started = time.monotonic()
        job = _see_through(waiting[0])
        if job.state == Job.State.FAILED:
            raise DemoError(f"{job.kind} failed: {job.error}")
        say(f"{job.kind:<28}{time.monotonic() - started:6.1f} s")


def _see_through(job: Job) -> Job:
    """Run the job here, or wait for the worker that has it; a job whose worker died is run again."""
    while not job.is_over:
        if job.state == Job.State.QUEUED:
            run(job.pk)
        else:
            find_lost_jobs()
            time.sleep(POLL_SECONDS)
        job.refresh_from_db()
    return job
