"""A database from before the new measures: what is filled in, and that its weeks are rolled again."""

from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.db import connection

from flywheel.accounts.models import Workspace
from flywheel.facts.models import DirtyWeek, Order, Review, Ticket
from flywheel.jobs.models import Job
from tests.builders import loaded, order

pytestmark = pytest.mark.django_db


def test_records_find_their_orders_and_a_roll_is_queued(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order(delivered_at="2026-03-10 10:00:00")])
    loaded(
        workspace,
        tmp_path,
        "reviews",
        [{"review_id": "R", "order_id": "A-1", "rating": 5, "reviewed_at": "2026-04-01"}],
    )
    loaded(workspace, tmp_path, "tickets", [{"ticket_id": "T", "order_id": "A-1", "opened_at": "2026-03-04 10:00:00"}])
    known = (Review.objects.get().order_id, Ticket.objects.get().days_after_order)
    Review.objects.update(order_id=None)
    Ticket.objects.update(order_id=None, days_after_order=None)
    DirtyWeek.objects.all().delete()
    Job.objects.all().delete()
    with connection.schema_editor() as schema:
        import_module("flywheel.facts.migrations.0012_fill_follow_ups").fill(apps, schema)
    import_module("flywheel.measures.migrations.0005_roll_new_measures").start(apps, None)
    assert (Review.objects.get().order_id, Ticket.objects.get().days_after_order) == known
    assert Ticket.objects.get().order_id == Order.objects.get().pk
    marked = set(DirtyWeek.objects.values_list("rollup", "week"))
    assert ("aftersales", Order.objects.get().delivered_week) in marked
    assert ("conversion", Order.objects.get().week) in marked
    assert Job.objects.get().kind == "roll"
