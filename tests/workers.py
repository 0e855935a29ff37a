"""A real Celery worker process on the test's database and queue."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from django.conf import settings


@contextlib.contextmanager
def celery_worker(environment: Mapping[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A Celery worker with one pool process, ended with the block; `log` gets its output."""
    command = [sys.executable, "-m", "celery", "-A", "flywheel", "worker", "--loglevel", "INFO"]
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, env={**environment, "CELERY_WORKERS": "1"}, stdout=output, stderr=output, cwd=settings.BASE_DIR
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def children(pid: int) -> list[int]:
    """The process's children (Linux)."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed]
