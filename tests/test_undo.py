"""Taking a batch back leaves everything as it was before it, whatever it brought and changed."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from flywheel.accounts.models import User, Workspace
from flywheel.facts import models as facts
from flywheel.facts import upkeep
from flywheel.intake import batches
from flywheel.intake.models import Batch
from flywheel.measures.rolling import TARGETS, roll_dirty_weeks
from tests.builders import Row, Silent, load_rows, loaded, order

pytestmark = pytest.mark.django_db
DERIVED: tuple[type[Model], ...] = (facts.FirstOrder, facts.Session, facts.Market, facts.Channel)
MEASURES = tuple(target.model for targets in TARGETS.values() for target in targets)
MONDAY = date(2026, 3, 2)


def snapshot(workspace: Workspace) -> dict[str, list[str]]:
    """Every fact, what follows from facts, and the weekly measures, without the numbers of new rows."""
    roll_dirty_weeks(workspace)
    return {model.__name__: _rows(model, workspace) for model in (*upkeep.REMEMBERED, *DERIVED, *MEASURES)}


def _rows(model: type[Model], workspace: Workspace) -> list[str]:
    names = [field.attname for field in model._meta.concrete_fields if field.attname not in ("id", "order_id")]
    return sorted(map(repr, model._default_manager.filter(workspace=workspace).values_list(*names)))


def undo(batch: Batch) -> Batch:
    return batches.undo(batch, Silent())


# --- any batch of any kind ------------------------------------------------------------------------------------------
class Files:
    """Random small files whose records overlap with those of other files."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def _pick(self, *choices: Any) -> Any:
        return self.random.choice(choices)

    def _day(self) -> str:
        return (MONDAY + timedelta(days=self.random.randrange(30))).isoformat()

    def _some(self) -> list[int]:
        return self.random.sample(range(12), 7)

    def orders(self) -> list[Row]:
        return [
            order(
                f"A-{n}",
                customer_id=f"C-{self.random.randrange(5)}",
                market=self._pick("DE", "US", ""),
                channel=self._pick("google", "email"),
                status=self._pick("paid", "cancelled", "delivered"),
                ordered_at=f"{self._day()} 10:00:00",
                gross=self._pick("10", "20", ""),
                delivered_at=self._pick("", f"{self._day()} 12:00:00"),
            )
            for n in self._some()
        ]

    def customers(self) -> list[Row]:
        return [
            {"customer_id": f"C-{n}", "person_id": f"P-{self.random.randrange(3)}", "market": self._pick("FR", "")}
            for n in self.random.sample(range(5), 3)
        ]

    def payments(self) -> list[Row]:
        return [
            {"order_id": f"A-{n}", "sequence": self._pick(1, 2), "method": self._pick("card", "cash"), "amount": n + 1}
            for n in self._some()
        ]

    def order_fees(self) -> list[Row]:
        return [
            {"order_id": f"A-{n}", "fee": self._pick("x", "y"), "amount": self._pick(3, -1), "currency": "EUR"}
            for n in self._some()
        ]

    def refunds(self) -> list[Row]:
        return [
            {
                "refund_id": f"R-{n}",
                "order_id": f"A-{n}",
                "refunded_at": self._day(),
                "amount": self._pick(3, 4),
                "currency": "EUR",
            }
            for n in self._some()
        ]

    def reviews(self) -> list[Row]:
        return [
            {
                "review_id": f"V-{n}",
                "order_id": self._pick(f"A-{n}", ""),
                "rating": self._pick(1, 5),
                "reviewed_at": self._day(),
                "market": self._pick("JP", ""),
            }
            for n in self._some()
        ]

    def tickets(self) -> list[Row]:
        return [{"ticket_id": f"T-{n}", "order_id": f"A-{n}", "opened_at": self._day()} for n in self._some()]

    def traffic(self) -> list[Row]:
        days = {self._day() for _ in range(5)}
        return [{"date": day, "market": "DE", "channel": self._pick("google", "x"), "sessions": 5} for day in days]

    def spend(self) -> list[Row]:
        days = {self._day() for _ in range(5)}
        return [{"date": day, "channel": "google", "cost": self._pick(1, 2), "currency": "EUR"} for day in days]

    def events(self) -> list[Row]:
        happened = f"{self._day()} 10:00:00"
        return [
            {"session_id": f"S-{n}", "event": self._pick("view_item", "purchase"), "happened_at": happened}
            for n in self._some()
        ]

    def next(self) -> tuple[str, list[Row]]:
        kinds = (
            "orders",
            "customers",
            "payments",
            "order_fees",
            "refunds",
            "reviews",
            "tickets",
            "traffic",
            "spend",
            "events",
        )
        kind = self._pick("orders", *kinds)
        return kind, getattr(self, kind)()


@pytest.mark.parametrize("seed", range(6))
def test_batches_of_any_kind_are_taken_back_one_after_the_other(
    workspace: Workspace, tmp_path: Path, seed: int
) -> None:
    files, states, done = Files(seed), [snapshot(workspace)], []
    for _ in range(7):
        done.append(loaded(workspace, tmp_path, *files.next()))
        states.append(snapshot(workspace))
    for batch in reversed(done):
        assert snapshot(workspace) == states.pop()
        assert undo(batch).state == Batch.State.UNDONE
    assert snapshot(workspace) == states.pop()
    assert not facts.Change.objects.exists()


@pytest.mark.parametrize("seed", range(20, 26))
def test_a_batch_that_is_taken_back_and_loaded_again_gives_the_same(
    workspace: Workspace, tmp_path: Path, seed: int
) -> None:
    files = Files(seed)
    for _ in range(5):
        loaded(workspace, tmp_path, *files.next())
    kind, rows = files.next()
    undo(loaded(workspace, tmp_path, kind, rows))
    loaded(workspace, tmp_path, kind, rows)
    once = _without_batches(snapshot(workspace))
    undo(Batch.objects.latest("pk"))
    loaded(workspace, tmp_path, kind, rows)
    assert _without_batches(snapshot(workspace)) == once


def _without_batches(state: dict[str, list[str]]) -> dict[str, list[str]]:
    return {name: rows for name, rows in state.items() if name in {model.__name__ for model in MEASURES}}


# --- what stands on a batch -----------------------------------------------------------------------------------------
def _built_on(batch: Batch) -> Iterator[str]:
    yield from (later.kind for later in batches.built_on(batch))


def test_a_batch_whose_records_a_later_one_changed_stays(workspace: Workspace, tmp_path: Path) -> None:
    first = loaded(workspace, tmp_path, "orders", [order("A-1")])
    later = loaded(workspace, tmp_path, "orders", [order("A-1", status="cancelled")])
    with pytest.raises(batches.BuiltOnError) as refused:
        undo(first)
    assert refused.value.batches == [later]
    first.refresh_from_db()
    assert (first.state, facts.Order.objects.get().status) == ("loaded", "cancelled")


def test_orders_whose_refunds_came_later_stay_until_those_are_undone(workspace: Workspace, tmp_path: Path) -> None:
    orders = loaded(workspace, tmp_path, "orders", [order("A-1")])
    refund = {"order_id": "A-1", "refunded_at": "2026-03-09", "amount": 5, "currency": "EUR"}
    refunds = loaded(workspace, tmp_path, "refunds", [refund])
    assert list(_built_on(orders)) == ["refunds"]
    undo(refunds)
    assert list(_built_on(orders)) == []


def test_refunds_that_came_before_their_orders_are_no_hindrance(workspace: Workspace, tmp_path: Path) -> None:
    refund = {"order_id": "A-1", "refunded_at": "2026-03-09", "amount": 5, "currency": "EUR"}
    loaded(workspace, tmp_path, "refunds", [refund])
    orders = loaded(workspace, tmp_path, "orders", [order("A-1", market="US")])
    assert facts.Refund.objects.get().market == "US"
    undo(orders)
    assert (facts.Refund.objects.get().market, facts.Refund.objects.get().order_week) == ("", None)


def test_orders_forget_fees_that_came_before_them(workspace: Workspace, tmp_path: Path) -> None:
    fee = {"order_id": "A-1", "fee": "commission", "amount": 9, "currency": "EUR"}
    first = loaded(workspace, tmp_path, "order_fees", [fee])
    loaded(workspace, tmp_path, "orders", [order("A-1")])
    assert facts.Order.objects.get().fees == 9
    undo(first)
    assert facts.Order.objects.get().fees is None


def test_orders_of_customers_that_were_told_before_hold_the_customers(workspace: Workspace, tmp_path: Path) -> None:
    customers = loaded(workspace, tmp_path, "customers", [{"customer_id": "C-1", "person_id": "P-1"}])
    loaded(workspace, tmp_path, "orders", [order("A-1", customer_id="C-1")])
    assert list(_built_on(customers)) == ["orders"]


def test_a_later_file_that_found_rows_there_holds_them(workspace: Workspace, tmp_path: Path) -> None:
    first = loaded(workspace, tmp_path, "orders", [order("A-1")])
    loaded(workspace, tmp_path, "orders", [order("A-1"), order("A-2")])
    assert list(_built_on(first)) == ["orders"]


def test_other_workspaces_are_left_alone(workspace: Workspace, tmp_path: Path) -> None:
    other = Workspace.objects.create(name="Other", slug="other")
    loaded(other, tmp_path, "orders", [order("A-1")])
    undo(loaded(workspace, tmp_path, "orders", [order("A-1")]))
    assert facts.Order.objects.get().workspace == other


def test_a_market_that_a_person_named_stays(workspace: Workspace, tmp_path: Path) -> None:
    batch = loaded(workspace, tmp_path, "orders", [order(market="DE"), order("A-2", market="XX")])
    facts.Market.objects.filter(code="DE").update(name="Germany")
    undo(batch)
    assert list(facts.Market.objects.values_list("code", flat=True)) == ["DE"]


# --- the page -------------------------------------------------------------------------------------------------------
def test_a_file_is_undone_from_its_page(
    client: Client, engine_lead: User, workspace: Workspace, tmp_path: Path, run_jobs: Callable[[], int]
) -> None:
    batch = loaded(workspace, tmp_path, "orders", [order()])
    client.force_login(engine_lead)
    page = reverse("import-undo", args=["acme", batch.pk])
    assert page in client.get(reverse("import-detail", args=["acme", batch.pk])).content.decode()
    assert "1 records that this file brought" in client.get(page).content.decode()
    client.post(page)
    run_jobs()
    batch.refresh_from_db()
    assert (batch.state, batch.undone_by, facts.Order.objects.count()) == ("undone", engine_lead, 0)


def test_the_page_names_the_files_that_stand_on_it_and_undoes_nothing(
    client: Client, engine_lead: User, workspace: Workspace, tmp_path: Path
) -> None:
    batch = loaded(workspace, tmp_path, "orders", [order()])
    later = loaded(workspace, tmp_path, "orders", [order(status="cancelled")])
    client.force_login(engine_lead)
    page = client.post(reverse("import-undo", args=["acme", batch.pk])).content.decode()
    assert reverse("import-detail", args=["acme", later.pk]) in page
    batch.refresh_from_db()
    assert (batch.state, batch.job) == ("loaded", None)


def test_a_reader_undoes_nothing(client: Client, reader: User, workspace: Workspace, tmp_path: Path) -> None:
    batch = loaded(workspace, tmp_path, "orders", [order()])
    client.force_login(reader)
    assert client.post(reverse("import-undo", args=["acme", batch.pk])).status_code == 403


def test_a_rejected_file_cannot_be_undone(
    client: Client, engine_lead: User, workspace: Workspace, tmp_path: Path
) -> None:
    batch = load_rows(workspace, tmp_path, "orders", [order(gross="x")])
    client.force_login(engine_lead)
    assert client.post(reverse("import-undo", args=["acme", batch.pk])).status_code == 302
    assert undo(batch).state == Batch.State.REJECTED


@pytest.mark.django_db(transaction=True)
def test_a_page_does_not_wait_for_what_is_built_on_a_large_batch(
    client: Client, engine_lead: User, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "PAGE_SECONDS", 0.2)
    batch = loaded(workspace, tmp_path, "orders", [order()])
    client.force_login(engine_lead)
    address = reverse("import-undo", args=["acme", batch.pk])
    with held("facts_change"):
        assert "It takes a while to find out" in client.get(address).content.decode()
        client.post(address)
    batch.refresh_from_db()
    assert (batch.state, batch.job.kind) == ("loaded", "undo")  # the job finds out
    assert batches.built_on_soon(batch) == []


@contextmanager
def held(table: str) -> Iterator[None]:
    """Nobody can read a table meanwhile."""
    other = connection.get_new_connection(connection.get_connection_params())
    try:
        other.execute("BEGIN")
        other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
    finally:
        other.close()
