"""All KPIs of the three engines from weekly measures in Postgres.

    .venv/bin/python -m bench.kpis --markets 12 --channels 8 --weeks 104 --rounds 7

Starts throw-away servers, fills the measure tables with a seeded business of that size (three devices, three carriers,
two campaigns, two years of older cohorts, histograms with every bucket that deliveries of one to twenty days reach),
and prints median milliseconds of reading the frames, making the panel and computing every KPI, for every market and for
all together: of the newest week (bar: 200 ms, reading included) and of every week.
"""

import argparse
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from flywheel.embedded.paths import DATABASE, socket_dir, valkey_socket
from flywheel.embedded.servers import running
from tests.servers import new_var

if TYPE_CHECKING:
    from flywheel.accounts.models import Workspace

BAR_MS = 200
LAST = date(2026, 11, 9)
DEVICES, CARRIERS, CAMPAIGNS = 3, 3, 2
KINDS = ("search", "social", "social", "affiliate", "email", "marketplace", "referral", "direct")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markets", type=int, default=12)
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--weeks", type=int, default=104)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with _servers():
        workspace = _filled(options.markets, options.channels, options.weeks)
        _measure(workspace, options.weeks, options.rounds)


@contextmanager
def _servers() -> Iterator[None]:
    with new_var() as var, running(var, throw_away=True):
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "flywheel.settings",
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
        yield


def _filled(markets: int, channels: int, weeks: int) -> "Workspace":
    """A workspace whose measure tables are full."""
    from flywheel.accounts.models import Workspace
    from flywheel.facts.models import Channel, Source
    from flywheel.measures import models

    workspace = Workspace.objects.create(name="Bench", slug="bench", base_currency="EUR")
    places = [f"M{n}" for n in range(markets)]
    names = [f"channel-{n}" for n in range(channels)]
    for n, code in enumerate(names):
        Channel.objects.create(workspace=workspace, code=code, kind=KINDS[n % len(KINDS)])
    rng = np.random.Generator(np.random.PCG64(1))
    days = [LAST - timedelta(weeks=n) for n in range(weeks)]
    older = [LAST - timedelta(weeks=n) for n in range(weeks + 53)]
    _fill(rng, workspace, models.ConversionWeek, [days, places, names, list(range(DEVICES))])
    _fill(rng, workspace, models.MarketWeek, [days, places, names, list(range(CAMPAIGNS))])
    _fill(rng, workspace, models.AftersalesWeek, [days, places, names, list(range(CARRIERS))])
    _fill(rng, workspace, models.FollowUpWeek, [days, places, names, list(range(CARRIERS))])
    _fill(rng, workspace, models.CohortWeek, [older, places, names])
    hours = list(range(24 * 60, 20 * 24 * 60, 60))
    for carriers, what, buckets in ((CARRIERS, "delivery", hours), (1, "reply", list(range(0, 1_440, 5)))):
        slices = [(day, place, str(n)) for day in days for place in places for n in range(carriers)]
        models.DurationWeek.objects.bulk_create(
            models.DurationWeek(
                workspace=workspace, week=day, market=place, carrier=carrier, what=what, counts=_histogram(rng, buckets)
            )
            for day, place, carrier in slices
        )
    Source.objects.create(workspace=workspace, slug="ads", name="Ads")
    return workspace


def _histogram(rng: np.random.Generator, buckets: list[int]) -> bytes:
    """Counts for every bucket, packed as a roll packs them."""
    return np.stack([np.array(buckets), rng.integers(1, 50, len(buckets))], axis=1).astype(">i4").tobytes()


def _fill(rng: np.random.Generator, workspace: "Workspace", model: Any, values: list[list[Any]]) -> None:
    """One row for each combination of the keys; counts of one to a thousand, squares and sums to match."""
    import itertools

    from django.db import connection

    fields = [f for f in model._meta.concrete_fields if not f.primary_key]
    measures = [f.attname for f in fields if f.null]
    keys = [f.attname for f in fields if not f.null and f.attname != "workspace_id"]
    rows = list(itertools.product(*values))
    numbers = rng.integers(1, 1000, (len(rows), len(measures)))
    columns = ", ".join([*keys, *measures, "workspace_id"])
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY {model._meta.db_table} ({columns}) FROM STDIN") as stream:
            for row, figures in zip(rows, numbers.tolist(), strict=True):
                stream.write_row([*map(str, row), *figures, workspace.pk])
        cursor.execute(f"ANALYZE {model._meta.db_table}")
    print(f"{model._meta.db_table:<26}{len(rows):>10,} rows")


def _measure(workspace: "Workspace", weeks: int, rounds: int) -> None:
    from engines import weekly
    from engines.business import panel
    from engines.kpi import KPIS
    from flywheel.diagnosis.running import load_business

    first, last = np.datetime64(LAST - timedelta(weeks=weeks - 1), "D"), np.datetime64(LAST, "D")

    def read(count: int) -> Any:
        history = timedelta(weeks=count - 1)
        return load_business(workspace, LAST, facets=False, history=history, channels=False)

    window = max(k.window for k in KPIS.values())
    recent, business = read(window), read(weeks)
    short, whole = panel(recent, last - np.timedelta64(7 * (window - 1), "D"), last), panel(business, first, last)
    newest = [weekly.by_market(k, short, window - 1) for k in KPIS.values()]
    for entry, found in zip(KPIS.values(), newest, strict=True):  # the weeks that are not read change nothing
        everything = weekly.by_market(entry, whole, weeks - 1)
        assert np.allclose(found.value, everything.value, equal_nan=True), entry.key
    print(f"{len(KPIS)} KPIs, {len(whole.markets)} markets; {sum(r.reason[-1] == '' for r in newest)} have a value")
    markets = range(len(whole.markets))
    _report(
        f"Newest week, each market and all (reads the {window} weeks of the longest window)",
        {
            "reading": lambda: read(window),
            "panel": lambda: panel(recent, short.weeks[0], last),
            "KPIs": lambda: [weekly.by_market(k, short, window - 1) for k in KPIS.values()],
        },
        rounds,
        BAR_MS,
    )
    _report(
        f"All {weeks} weeks, each market and all",
        {
            "reading": lambda: read(weeks),
            "panel": lambda: panel(business, first, last),
            "KPIs, all markets together": lambda: [weekly.series(k, whole, range(weeks)) for k in KPIS.values()],
            "KPIs, each market": lambda: [
                weekly.series(k, whole, range(weeks), m) for k in KPIS.values() for m in markets
            ],
        },
        rounds,
    )


def _report(title: str, steps: dict[str, Callable[[], Any]], rounds: int, bar: float | None = None) -> None:
    print(title)
    took = {name: _milliseconds(step, rounds) for name, step in steps.items()}
    for name, each in took.items():
        print(f"  {name:<30}{each:>9.1f} ms")
    total = sum(took.values())
    judged = "" if bar is None else f"  {'under' if total < bar else 'OVER'} {bar:.0f} ms"
    print(f"  {'in all':<30}{total:>9.1f} ms{judged}")


def _milliseconds(step: Callable[[], Any], rounds: int) -> float:
    def once() -> float:
        began = time.perf_counter()
        step()
        return 1000 * (time.perf_counter() - began)

    step()
    return median(once() for _ in range(rounds))


if __name__ == "__main__":
    main()
