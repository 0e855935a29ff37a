"""The hand-over as docs/handover.md tells it: a real dlt pipeline writes a table, a feed reads it."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from django.core.management import call_command
from django.db import connection

from flywheel.accounts.models import Workspace
from flywheel.environment import BASE_DIR
from flywheel.facts.models import Order
from flywheel.intake.models import Batch, Feed
from tests import servers
from tests.loader import Loader, loader

pytestmark = pytest.mark.django_db

RECIPE = (BASE_DIR / "docs" / "handover.md").read_text()
SHOP = """
import json, pathlib

def orders(since):
    return json.loads(pathlib.Path(__file__).with_name("orders.json").read_text())
"""


@pytest.fixture(autouse=True)
def uploads(settings: Any, tmp_path: Path) -> None:
    """Read rows go to the test's own folder."""
    settings.UPLOAD_DIR = tmp_path / "uploads"


@pytest.fixture
def shop() -> Iterator[Loader]:
    """Only to look at, and to clear away, what dlt writes."""
    with loader() as made:
        yield made


def address() -> str:
    """The test's database as dlt's driver takes it: it wants a host and a password, also beside a socket's folder."""
    parts = urlsplit(servers.url_of(connection.settings_dict["NAME"]))
    host = dict(parse_qsl(parts.query)).get("host")
    if not host:
        return parts._replace(scheme="postgresql").geturl()
    return f"postgresql://{parts.username}:unused@localhost{parts.path}?host={quote(host, safe='')}"


def pipeline(folder: Path, *rows: dict[str, object]) -> None:
    """Run the recipe's pipeline, in a process of its own, on a shop that gives these orders."""
    (folder / "pipeline.py").write_text(re.search(r"```python\n(.*?)```", RECIPE, re.DOTALL).group(1))
    (folder / "my_shop.py").write_text(SHOP)
    (folder / "orders.json").write_text(json.dumps(rows))
    environment = {
        **os.environ,
        "DESTINATION__POSTGRES__CREDENTIALS": address(),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "DLT_DATA_DIR": str(folder / "dlt"),
    }
    ended = subprocess.run(
        [sys.executable, "pipeline.py"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-2000:]


def sold(order_id: str, minute: int, **cells: object) -> dict[str, object]:
    """An order as the shop gives it, changed at that minute."""
    known = {
        "order_id": order_id,
        "customer_id": "C-1",
        "status": "paid",
        "ordered_at": "2026-03-02T10:00:00+01:00",
        "currency": "EUR",
        "gross": 100.5,
        "gift": True,
        "tags": ["new"],
        "updated_at": f"2026-03-02T12:{minute:02}:00Z",
    }
    return known | cells


def command(name: str, *arguments: str) -> str:
    out = StringIO()
    call_command(name, *arguments, stdout=out, stderr=out)
    return out.getvalue()


def add_feed() -> str:
    """The recipe's command."""
    return command(*shlex.split(re.search(r"manage\.py (add_feed .*)", RECIPE).group(1)))


def run_feed() -> str:
    return command("run_feed", "acme.shop.orders")


def test_what_dlt_writes_lands_run_by_run(workspace: Workspace, shop: Loader, tmp_path: Path) -> None:
    pipeline(tmp_path, sold("A-1", 1), sold("A-2", 2))
    add_feed()
    assert "2 rows as orders: 2 new, 0 changed, 0 unchanged" in run_feed()
    found = Order.objects.get(external_id="A-1")
    assert (found.source.name, found.gross, found.state) == ("My Shop", 100.5, "open")
    assert str(found.ordered_at) == "2026-03-02 09:00:00+00:00"

    pipeline(tmp_path, sold("A-2", 3, status="delivered"), sold("A-3", 4), sold("A-1", 5))
    assert "3 rows as orders: 1 new, 1 changed, 1 unchanged" in run_feed()
    assert Order.objects.get(external_id="A-2").state == "delivered"
    assert "nothing new" in run_feed()


def test_a_bad_row_is_told_and_lands_once_it_is_put_right(workspace: Workspace, shop: Loader, tmp_path: Path) -> None:
    pipeline(tmp_path, sold("A-1", 1))
    add_feed()
    run_feed()
    before = Feed.objects.get().cursor
    pipeline(tmp_path, sold("A-2", 2), sold("A-3", 3, currency="MARS", gross="ten"))
    with pytest.raises(SystemExit):
        run_feed()
    told = command("feeds")
    assert f"_dlt_load_id up to {before}" in told
    assert "currency: 'MARS': expected a currency's three letters" in told
    assert "gross: 'ten': expected an amount" in told  # dlt kept it beside the numbers, as gross__v_text
    assert Order.objects.count() == 1

    pipeline(tmp_path, sold("A-3", 4))
    assert "2 rows as orders: 2 new, 0 changed, 0 unchanged" in run_feed()
    assert "!" not in command("feeds")
    assert list(Batch.objects.order_by("pk").values_list("state", flat=True)) == ["loaded", "rejected", "loaded"]
