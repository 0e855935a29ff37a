"""What the clock starts."""

import structlog
from celery import shared_task
from django.utils import timezone

from flywheel.intake import batches, watching

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
