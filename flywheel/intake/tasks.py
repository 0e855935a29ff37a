"""What the clock starts."""

import structlog
from celery import shared_task
from django.utils import timezone

from flywheel import jobs
from flywheel.accounts.models import Workspace
from flywheel.facts.models import Source
from flywheel.intake import batches, feeds, idempotency, watching
from flywheel.intake.health import CHECK
from flywheel.jobs.models import Job

log = structlog.get_logger(__name__)


@shared_task
def forget_old_files() -> None:
    """Beat: delete files that nobody has loaded for a week, and old files of bad rows."""
    deleted = batches.forget_old(timezone.now())
    log.info("uploads.forgotten", files=deleted)


@shared_task
def check_all_sources() -> None:
    """Beat: check the sources of each workspace that has had no check since its midnight: a new day has ended."""
    for workspace in Workspace.objects.filter(pk__in=Source.objects.values("workspace")):
        midnight = timezone.localtime(timezone=workspace.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        if not Job.objects.filter(workspace=workspace, kind=CHECK, created_at__gte=midnight).exists():
            jobs.start(workspace, CHECK, {}, once=True)


@shared_task
def take_watched_files() -> None:
    """Beat: load what scripts have dropped into WATCH_DIR, and report what became of it."""
    watching.look()


@shared_task
def start_due_feeds() -> None:
    """Beat: read the tables of the feeds whose time has come."""
    started = feeds.start_due(timezone.now())
    if started:
        log.info("feeds.started", feeds=started)


@shared_task
def forget_old_answers() -> None:
    """Beat: delete the answers of the API that are no longer given again."""
    deleted = idempotency.forget_old(timezone.now())
    log.info("answers.forgotten", answers=deleted)
