"""Loading files: what lands, what is refused, and what a second file changes."""

from pathlib import Path

import pytest

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Order
from flywheel.intake.models import Batch
from tests.builders import load_rows, loaded, order

pytestmark = pytest.mark.django_db


def counts(batch: Batch) -> tuple[int | None, ...]:
    return batch.added, batch.changed, batch.unchanged


def test_an_order_lands_with_what_follows_from_it(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order(currency="USD", delivered_at="2026-03-08 23:30:00")])
    found = Order.objects.get(workspace=workspace, external_id="A-1")
    assert (found.state, found.counts) == ("delivered", True)
    assert (str(found.order_date), str(found.week), str(found.month)) == ("2026-03-02", "2026-03-02", "2026-03-01")
    assert str(found.delivered_date) == "2026-03-08"
    assert found.net_base == round(found.gross * found.fx_rate, 4)


def test_the_same_file_twice_changes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    rows = [order("A-1"), order("A-2", promised_at="2026-03-05", total="104.90", units="2")]
    assert counts(loaded(workspace, tmp_path, "orders", rows)) == (2, 0, 0)
    assert counts(loaded(workspace, tmp_path, "orders", rows)) == (0, 0, 2)
