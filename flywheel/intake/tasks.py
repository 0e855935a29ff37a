"""What the clock starts."""

import structlog
from celery import shared_task
from django.utils import timezone

from flywheel.intake import batches, feeds, watching

log = structlog.get_logger(__name__)


@shared_task
def forget_old_files() -> None:
    """Beat: delete files that nobody has loaded for a week, and old files of bad rows."""
    deleted = batches.forget_old(timezone.now())
    log.info("uploads.forgotten", files=deleted)


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
