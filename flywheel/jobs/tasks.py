"""The Celery tasks: thin, they take ids."""

from uuid import UUID

from celery import shared_task

from flywheel.jobs import lost, runner


@shared_task
def run_job(job_id: str) -> None:
    """Run the job of this id, once, however often the message arrives."""
    runner.run(UUID(job_id))


@shared_task
def find_lost_jobs() -> None:
    """Beat: see that no job stays running without a worker, and that no queued job waits for a lost message."""
    lost.find_lost_jobs()
