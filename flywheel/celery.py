"""The Celery application; every long work runs as a job (flywheel/jobs)."""

import os
import signal

from celery import Celery, signals

from flywheel.embedded.process import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flywheel.settings")
app = Celery("flywheel")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.setup_logging.connect
def keep_djangos_logging(**_: object) -> None:
    """With a receiver Celery leaves the logging as Django's settings made it."""


@signals.worker_process_init.connect
def end_with_the_worker(**_: object) -> None:
    """A pool process whose worker was killed ends at once: its job is found and run again."""
    die_with_parent(signal.SIGKILL, os.getppid())
