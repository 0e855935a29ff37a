"""The web server's settings, for `make demo` and for the container alike (docs/decisions/0003-gunicorn.md)."""

import gc
from pathlib import Path

from flywheel import environment as env

bind = f"{env.text('HOST')}:{env.text('PORT')}"
workers = env.number("WEB_WORKERS", 1, 64)
worker_class = "gthread"
threads = 4
timeout = 120  # of the worker's own heartbeat: a slow upload does not count against it
graceful_timeout = 10
keepalive = 5
max_requests = 5000
max_requests_jitter = 500
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (heartbeat files, never on a disk)


def post_worker_init(worker: object) -> None:
    """Load every page's code now, and have Python's cycle collector pass over it from then on.

    It would walk the modules, half a million objects, again after every few thousand rows that a program sends.
    """
    from django.urls import get_resolver

    get_resolver().url_patterns  # noqa: B018 (looking at them is what loads them)
    gc.collect()
    gc.freeze()
