"""Orders sent over HTTP, in batches, to one web worker.

    .venv/bin/python -m bench.api --batches 20 --rows 5000 --standing 1000000 --senders 1

Starts throw-away servers that write to disk as those of a server do, and one gunicorn worker with the product's own
settings file. Sends batches of new orders (12 columns as JSON, made beforehand) and prints rows per second: the median
over batches, and over the whole run; the bar is 20,000. With `--senders 2` two programs send at the same time, each
over a connection of its own. Weeks are not rolled up meanwhile: no Celery worker runs.
"""

import argparse
import csv
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from bench.intake import Clock, write_orders
from flywheel.embedded.paths import DATABASE, socket_dir, valkey_socket
from flywheel.embedded.servers import running
from tests.servers import new_var

AMOUNTS = ("gross", "discount", "shipping", "cogs")
BAR = 20_000
START_SECONDS = 60


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=20)
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--standing", type=int, default=0, help="orders already in the table")
    parser.add_argument("--senders", type=int, default=1)
    options = parser.parse_args()
    with _servers(), tempfile.TemporaryDirectory() as folder:
        key = _workspace_with_key(Path(folder), options.standing)
        bodies = _bodies(Path(folder), options.batches + options.senders, options.rows, options.standing)
        with _web_worker() as port:
            _measure(port, key, bodies, options)


@contextmanager
def _servers() -> Iterator[None]:
    with new_var() as var, running(var):
        os.environ |= {
            "VAR_DIR": str(var),
            "SECRET_KEY": "only-for-measuring",
            "DATABASE_URL": f"postgres://{DATABASE}@/{DATABASE}?host={socket_dir(var)}",
            "REDIS_URL": f"unix://{valkey_socket(var)}?db=0",
            "DJANGO_SETTINGS_MODULE": "flywheel.settings",
            "LOG_LEVEL": "WARNING",
            "API_REQUESTS_PER_MINUTE": "100000",
        }
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0, interactive=False)
        yield
        connection.close()


def _workspace_with_key(folder: Path, standing: int) -> str:
    """The text of a key to a workspace with that many orders."""
    from django.db import connection

    from flywheel.accounts import keys
    from flywheel.accounts.models import Workspace
    from flywheel.intake import batches
    from flywheel.intake.kinds import ORDERS
    from flywheel.intake.plans import by_header
    from flywheel.intake.reading import sample

    workspace = Workspace.objects.create(name="Bench", slug="bench", time_zone="Europe/Berlin")
    if standing:
        path = folder / "standing.csv"
        write_orders(path, standing, first=0)
        plan = by_header(ORDERS, sample(path, 1)[0])
        batch = batches.create(batches.source_named(workspace, "shop"), plan, path, path.name)
        assert batches.load(batch, Clock()).state == "loaded"
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    return keys.make(workspace, "bench", ["facts:write"])[1]


def _bodies(folder: Path, batches: int, rows: int, first: int) -> list[bytes]:
    """The batches as JSON: amounts as numbers, the rest as text."""
    path = folder / "orders.csv"
    write_orders(path, batches * rows, first + 1)
    with path.open() as file:
        orders = [order | {name: float(order[name]) for name in AMOUNTS} for order in csv.DictReader(file)]
    return [json.dumps({"rows": orders[at : at + rows]}).encode() for at in range(0, len(orders), rows)]


@contextmanager
def _web_worker() -> Iterator[int]:
    """One gunicorn worker by the product's settings file; gives its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--config", "python:flywheel.gunicorn", "flywheel.wsgi"]
    surroundings = os.environ | {"PORT": str(port), "WEB_WORKERS": "1"}
    with subprocess.Popen(command, env=surroundings) as server:
        try:
            _wait_for(port)
            yield port
        finally:
            server.terminate()


def _wait_for(port: int) -> None:
    for _ in range(START_SECONDS * 10):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the web worker does not answer")


def _measure(port: int, key: str, bodies: list[bytes], options: argparse.Namespace) -> None:
    """The first batch of each sender only warms up."""
    seconds: list[float] = []
    ready = threading.Barrier(options.senders + 1)
    shares = [bodies[n :: options.senders] for n in range(options.senders)]
    senders = [threading.Thread(target=_send, args=(port, key, share, ready, seconds)) for share in shares]
    for sender in senders:
        sender.start()
    ready.wait()
    began = time.perf_counter()
    for sender in senders:
        sender.join()
    whole = options.rows * len(seconds) / (time.perf_counter() - began)
    each, busy = len(bodies[0]) / 1e6, os.getloadavg()[0]
    print(f"{len(seconds)} batches of {options.rows:,} orders, {each:.1f} MB each, load {busy:.1f}")
    print(f"{options.senders} sender(s), {options.standing:,} orders standing")
    print("ms per batch " + ", ".join(f"{one * 1000:.0f}" for one in seconds))
    print(
        f"median {options.rows / median(seconds):,.0f} rows/s per sender; whole run {whole:,.0f} rows/s (bar {BAR:,})"
    )


def _send(port: int, key: str, bodies: list[bytes], ready: threading.Barrier, seconds: list[float]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    for at, body in enumerate(bodies):
        if at == 1:
            ready.wait()
        began = time.perf_counter()
        connection.request("POST", "/api/v1/facts/orders?source=shop", body, headers)
        response = connection.getresponse()
        told = response.read()
        if response.status != 200:
            ready.abort()  # nobody waits for a sender that has stopped
            raise RuntimeError(f"answer {response.status}: {told[:500]!r}")
        if at:
            seconds.append(time.perf_counter() - began)


if __name__ == "__main__":
    main()
