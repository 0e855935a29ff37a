"""The after-sales pages of a business with a million orders, as a reader's requests.

    .venv/bin/python -m bench.aftersales --orders 1000000 --rounds 5

Starts throw-away servers, loads two years of orders with their lines, tickets, reviews and referrals from seeded files
(12 markets, 8 channels, mailings with a hold-out), rolls the weeks, runs the job that counts what pages show. Prints
per page and filter the median milliseconds of a request, how many queries it makes, how long they take and how many of
them read orders: none should, whatever their number. `--var FOLDER` keeps the servers' data there, so that a second run
loads nothing.
"""

import argparse
import csv
import os
import random
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from flywheel.embedded.paths import DATABASE, socket_dir, valkey_socket
from flywheel.embedded.servers import running
from tests.servers import new_var

if TYPE_CHECKING:
    from django.test import Client

    from flywheel.accounts.models import Workspace

START, DAYS = datetime(2024, 11, 1), 730  # noqa: DTZ001 (times of the files, in the workspace's zone)
MARKETS = ("DE", "US", "FR", "GB", "JP", "CA", "IT", "ES", "NL", "SE", "PL", "AU")
CHANNELS = ("google", "email", "direct", "amazon", "meta", "tiktok", "affiliate", "friends")
CATEGORIES = [f"category {n}" for n in range(20)]
REASONS = ("where is it", "broken", "return", "invoice", "size", "payment", "")
AGAIN = 0.4  # of orders are by who has ordered before
PAGES = ("engine", "repurchase", "lifetime", "campaigns", "service", "community")
ORDERS = re.compile(r"\bfacts_(order|firstorder)\b")
FILTERS = ("", "?weeks=0", "?market=DE&weeks=52", "?market=DE&channel=google")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--var", type=Path)
    options = parser.parse_args()
    with _servers(options.var):
        from flywheel.accounts.models import Workspace

        workspace = Workspace.objects.filter(slug="bench").first() or _filled(options.orders)
        _work_out(workspace)
        _measure(_reader(workspace), options.rounds)


@contextmanager
def _servers(kept: Path | None) -> Iterator[None]:
    with nullcontext(kept) if kept else new_var() as var, running(var):
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "flywheel.settings",
            "ALLOWED_HOSTS": "testserver",
            "LOG_LEVEL": "WARNING",
            "SECRET_KEY": "bench",
            "OPENBLAS_NUM_THREADS": "1",
            "VAR_DIR": str(var),
            "DATABASE_URL": f"postgres://{DATABASE}@/{DATABASE}?host={socket_dir(var)}",
            "REDIS_URL": f"unix://{valkey_socket(var)}?db=0",
        }
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        yield


# --- a business -------------------------------------------------------------------------------------------------------
def _filled(orders: int) -> "Workspace":
    from flywheel.accounts.models import Workspace
    from flywheel.measures.rolling import roll_dirty_weeks
    from tests.builders import load_file

    workspace = Workspace.objects.create(name="Bench", slug="bench", base_currency="EUR", time_zone="Europe/Berlin")
    with tempfile.TemporaryDirectory() as folder:
        for kind, rows in _files(random.Random(1), orders):
            began, path = time.perf_counter(), Path(folder) / f"{kind}.csv"
            with path.open("w", newline="") as file:
                csv.writer(file).writerows(rows)
            batch = load_file(workspace, path, kind)
            if batch.state != "loaded":
                raise SystemExit(f"{kind}: {list(batch.errors.values()[:5])}")
            print(f"{kind:<12}{batch.rows:>10,} rows {time.perf_counter() - began:7.1f} s")
    began = time.perf_counter()
    roll_dirty_weeks(workspace)
    print(f"roll {time.perf_counter() - began:28.1f} s")
    return workspace


def _files(rng: random.Random, orders: int) -> Iterator[tuple[str, Iterable[list[Any]]]]:
    """Kind of facts -> rows, the header first."""
    yield "orders", _orders(rng, orders)
    yield "order_lines", _lines(rng, orders)
    yield "tickets", _tickets(rng, orders // 8)
    yield "reviews", _reviews(rng, orders // 4, orders)
    yield "referrals", _referrals(rng, orders // 20, orders)
    yield "campaigns", _campaigns(rng)


def _at(share: float) -> datetime:
    return START + timedelta(seconds=int(share * DAYS * 86_400))


def _orders(rng: random.Random, orders: int) -> Iterator[list[Any]]:
    yield ["order_id", "customer_id", "market", "channel", "carrier", "status", "ordered_at", "currency", "gross",
           "cogs", "promised_at", "delivered_at"]  # fmt: skip
    customers = 0
    for n in range(orders):
        is_new = not customers or rng.random() >= AGAIN
        who = customers if is_new else rng.randrange(customers)
        customers += is_new
        moment, gross = _at(n / orders), rng.uniform(15, 250)
        came = moment + timedelta(hours=rng.randrange(40, 200))
        yield [f"O{n}", f"C{who}", MARKETS[who % len(MARKETS)], rng.choice(CHANNELS), rng.choice(("dhl", "ups")),
               "delivered", moment, "EUR", f"{gross:.2f}", f"{gross * 0.5:.2f}", moment + timedelta(days=5),
               came]  # fmt: skip


def _lines(rng: random.Random, orders: int) -> Iterator[list[Any]]:
    yield ["order_id", "line", "sku", "category", "quantity", "price"]
    for n in range(orders):
        for number in range(1 + (n % 2)):
            item = rng.randrange(2_000)
            yield [f"O{n}", number, f"S{item}", CATEGORIES[item % len(CATEGORIES)], 1, "20.00"]


def _tickets(rng: random.Random, tickets: int) -> Iterator[list[Any]]:
    yield ["ticket_id", "order_id", "opened_at", "first_reply_at", "reason", "proactive", "csat"]
    for n in range(tickets):
        opened = _at(n / tickets) + timedelta(days=3)
        reply = opened + timedelta(minutes=rng.randrange(5, 3_000))
        yield [f"T{n}", f"O{n * 8}", opened, reply, rng.choice(REASONS), rng.choice(("yes", "no", "no")),
               rng.choice(("", 1, 3, 4, 5, 5))]  # fmt: skip


def _reviews(rng: random.Random, reviews: int, orders: int) -> Iterator[list[Any]]:
    yield ["review_id", "order_id", "rating", "reviewed_at", "has_media"]
    for n in range(reviews):
        on = rng.randrange(orders)
        yield [f"R{n}", f"O{on}", rng.choice((2, 4, 5, 5)), _at(on / orders) + timedelta(days=12),
               rng.choice(("yes", "no"))]  # fmt: skip


def _referrals(rng: random.Random, referrals: int, orders: int) -> Iterator[list[Any]]:
    yield ["referral_id", "referrer_id", "invited_at", "order_id"]
    for n in range(referrals):
        on = rng.randrange(orders)
        led = f"O{on}" if rng.random() < 0.4 else ""
        yield [f"I{n}", f"C{rng.randrange(orders // 10)}", _at(on / orders), led]


def _campaigns(rng: random.Random) -> Iterator[list[Any]]:
    """A mailing a week, a row for each market."""
    yield ["campaign_id", "name", "channel", "market", "sent_at", "sent", "opened", "clicked", "ordered", "held_out",
           "held_out_ordered"]  # fmt: skip
    for week in range(DAYS // 7):
        for market in MARKETS:
            yield [f"M{week}", f"Mailing {week}", "email", market, START + timedelta(weeks=week), 5_000, 1_800, 300,
                   rng.randrange(60, 120), 500, rng.randrange(2, 10)]  # fmt: skip


# --- measuring --------------------------------------------------------------------------------------------------------
def _work_out(workspace: "Workspace") -> None:
    """Run the job that counts; lifetime values, which are fitted for minutes, are left out."""
    from flywheel.aftersales.standing import COUNTS
    from flywheel.jobs.models import Job
    from flywheel.jobs.runner import run

    job = Job.objects.create(workspace=workspace, kind=COUNTS)
    began = time.perf_counter()
    run(job.pk)
    job.refresh_from_db()
    print(f"{COUNTS} {job.state} {time.perf_counter() - began:.1f} s {job.error}")


def _reader(workspace: "Workspace") -> "Client":
    from django.test import Client

    from flywheel.accounts.models import Membership, Role, User

    user, _made = User.objects.get_or_create(email="reader@example.com")
    Membership.objects.get_or_create(workspace=workspace, user=user, defaults={"role": Role.READER})
    client = Client()
    client.force_login(user)
    return client


def _measure(client: "Client", rounds: int) -> None:
    base = "/w/bench/engines/aftersales/"
    print(f"{'page':<36}{'request':>10}{'queries':>9}{'in them':>10}{'of orders':>11}")
    for page in PAGES:
        for query in FILTERS:
            _measure_page(client, base + ("" if page == "engine" else f"{page}/") + query, rounds)


def _measure_page(client: "Client", address: str, rounds: int) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.get(address)  # the first fills caches
    took, queries = [], []
    for _round in range(rounds):
        began = time.perf_counter()
        with CaptureQueriesContext(connection) as captured:
            response = client.get(address)
        took.append(1000 * (time.perf_counter() - began))
        queries = captured.captured_queries
        if response.status_code != 200:
            raise SystemExit(f"{address}: {response.status_code}")
    inside = 1000 * sum(float(q["time"]) for q in queries)
    reading = sum(bool(ORDERS.search(q["sql"])) for q in queries)
    shown = address.removeprefix("/w/bench/engines/aftersales/") or "overview"
    print(f"{shown:<36}{median(took):>7.0f} ms{len(queries):>9}{inside:>7.0f} ms{reading:>11}")


if __name__ == "__main__":
    main()
