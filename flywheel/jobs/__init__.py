"""Long work as rows: a room registers a handler, anyone starts it, a Celery worker runs it, a page follows it."""

from flywheel.jobs.errors import JobFailed, JobLost
from flywheel.jobs.progress import Progress
from flywheel.jobs.registry import handler
from flywheel.jobs.starting import start

__all__ = ["JobFailed", "JobLost", "Progress", "handler", "start"]
