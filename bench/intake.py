"""Loading a million orders, against the bare database work of the same rows.

    .venv/bin/python -m bench.intake --rows 1000000 --standing 5000000 --rounds 5

Starts throw-away servers. "Whole path": decode, parse, validate, convert, COPY and upsert (`batches.load` up to the
upkeep). "Bare": COPY of the same rows, ready-made, into an unlogged table, plus one upsert guarded by IS DISTINCT FROM
into the same table. Both are rolled back and repeated. Prints seconds and the ratios of medians; the bar is 1.5, and
0.4 for loading the same file again. Upkeep (first orders, dirty weeks) is printed beside, as it is no part of either.
"""

import argparse
import os
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, TypeVar

from tests import servers

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flywheel.accounts.models import Workspace
    from flywheel.intake.preparing import Slot

Result = TypeVar("Result")

HEADER = "order_id,customer_id,market,channel,device,status,ordered_at,currency,gross,discount,shipping,cogs"


class Clock:
    """A reporter that measures each step of a load, in seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._step, self._since = "", time.perf_counter()

    def step(self, name: str, total: int = 0) -> None:
        """End the step before, begin this one."""
        now = time.perf_counter()
        if self._step:
            self.seconds[self._step] = self.seconds.get(self._step, 0) + now - self._since
        self._step, self._since = name, now

    def advance(self, n: int = 1) -> None:
        """Nothing."""

    def hold(self) -> None:
        """End the last step."""
        self.step("end")

    @property
    def landing(self) -> float:
        """Seconds of everything but the upkeep."""
        return sum(seconds for name, seconds in self.seconds.items() if name != "upkeep")


def write_orders(path: Path, rows: int, first: int) -> None:
    """A CSV of orders numbered from `first`, twelve columns, in the order of time as exports are."""
    rng = random.Random(first)
    with path.open("w") as file:
        file.write(HEADER + "\n")
        for n in range(first, first + rows):
            second = n * 86_400 * 600 // (rows + first)
            moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(1_704_067_200 + second))
            file.write(
                f"{rng.getrandbits(64):016x},C-{rng.randrange(rows)},{rng.choice(('DE', 'US', 'FR', 'GB', 'JP'))},"
                f"{rng.choice(('direct', 'google', 'email'))},{rng.choice(('mobile', 'desktop'))},"
                f"{rng.choice(('delivered', 'shipped', 'paid'))},{moment},{rng.choice(('EUR', 'USD', 'GBP'))},"
                f"{rng.uniform(5, 300):.2f},{rng.choice((0, 0, 5.5)):.2f},4.90,{rng.uniform(2, 99):.2f}\n"
            )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--standing", type=int, default=0, help="orders already in the table")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with _django(), tempfile.TemporaryDirectory() as folder:
        _measure(Path(folder), options.rows, options.standing, options.rounds)


@contextmanager
def _django() -> Iterator[None]:
    with servers.for_this_run():
        os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
        os.environ["LOG_LEVEL"] = "WARNING"
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0, interactive=False)
        yield
        connection.close()


def _measure(folder: Path, rows: int, standing: int, rounds: int) -> None:
    from flywheel.accounts.models import Workspace

    workspace = Workspace.objects.create(name="Bench", slug="bench", time_zone="Europe/Berlin")
    if standing:
        write_orders(folder / "standing.csv", standing, first=0)
        _load(workspace, folder / "standing.csv")
    path = folder / "orders.csv"
    write_orders(path, rows, first=standing + 1)
    ready = _ready_rows(workspace, path, folder)
    bare, first = [], []
    for _ in range(rounds + 1):  # the first round only warms up: later ones meet checkpoints and used pages alike
        bare.append(_rolled_back(lambda: _timed_bare(workspace, *ready)))
        first.append(_rolled_back(lambda: _load(workspace, path)))
    _load(workspace, path)
    again = [_load(workspace, path) for _ in range(rounds)]
    _report(bare[1:], first[1:], again)


def _report(bare: list[float], first: list[Clock], again: list[Clock]) -> None:
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")
    print("bare  " + ", ".join(f"{seconds:.1f}" for seconds in bare))
    for name, clocks in (("first", first), ("again", again)):
        for clock in clocks:
            steps = ", ".join(f"{step} {seconds:.1f}" for step, seconds in clock.seconds.items())
            print(f"{name} {clock.landing:6.1f} s   {steps}")
    whole, repeated = (median(clock.landing for clock in clocks) for clocks in (first, again))
    print(f"first ÷ bare  {whole / median(bare):.2f} (bar 1.5)")
    print(f"again ÷ first {repeated / whole:.2f} (bar 0.4)")


def _load(workspace: "Workspace", path: Path) -> Clock:
    from flywheel.intake import batches
    from flywheel.intake.kinds import ORDERS
    from flywheel.intake.plans import by_header

    clock = Clock()
    source = batches.source_named(workspace, "shop")
    batch = batches.create(source, by_header(ORDERS, HEADER.split(",")), path, path.name)
    assert batches.load(batch, clock).state == "loaded"
    return clock


def _ready_rows(workspace: "Workspace", path: Path, folder: Path) -> "tuple[Sequence[Slot], Path]":
    """The rows of the file as COPY text on disk, and the slots that they fill."""
    from flywheel.intake.kinds import ORDERS
    from flywheel.intake.plans import by_header
    from flywheel.intake.preparing import Preparer, copy_text
    from flywheel.intake.reading import opened

    ready = folder / "ready.txt"
    with opened(path) as table, ready.open("w") as out:
        preparer = Preparer(workspace, by_header(ORDERS, table.header), table.header)
        for chunk in table.chunks:
            out.write(copy_text(preparer.prepare(chunk), preparer.slots))
    return preparer.slots, ready


def _bare(workspace: "Workspace", slots: "Sequence[Slot]", ready: Path) -> None:
    """COPY into an unlogged table and one guarded upsert, with nothing kept of what was touched."""
    from django.db import connection

    from flywheel.facts.models import Source

    source = Source.objects.get_or_create(workspace=workspace, slug="shop")[0]
    names = [slot.name for slot in slots]
    columns = ", ".join(names)
    body = ", ".join(f"{slot.name} {slot.sql_type}" for slot in slots)
    known, new = (", ".join(f"{side}.{name}" for name in names) for side in ("t", "EXCLUDED"))
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE UNLOGGED TABLE bench_stage (line bigint, external_id text, {body})")
        with ready.open() as file, cursor.copy("COPY bench_stage FROM STDIN") as copy:
            while block := file.read(1 << 20):
                copy.write(block)
        cursor.execute(f"""
            INSERT INTO facts_order AS t (workspace_id, source_id, external_id, {columns})
            SELECT {workspace.pk}, {source.pk}, external_id, {columns} FROM bench_stage
            ON CONFLICT (workspace_id, external_id, source_id) DO UPDATE
            SET {", ".join(f"{name} = EXCLUDED.{name}" for name in names)}
            WHERE ({known}) IS DISTINCT FROM ({new})""")


def _timed_bare(workspace: "Workspace", slots: "Sequence[Slot]", ready: Path) -> float:
    began = time.perf_counter()
    _bare(workspace, slots, ready)
    return time.perf_counter() - began


def _rolled_back(work: "Callable[[], Result]") -> "Result":
    """What `work` returns; what it wrote is taken back, so that the next one begins alike."""
    from django.db import connection, transaction

    with transaction.atomic():
        result = work()
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM facts_order")
    return result


if __name__ == "__main__":
    main()
