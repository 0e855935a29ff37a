"""A workspace's own exchange rates: loaded by file, counted before the published ones, followed by what was loaded."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from flywheel.accounts.models import Workspace
from flywheel.facts import currency, rates
from flywheel.facts.models import (
    CustomerCampaign,
    DirtyWeek,
    ExchangeRate,
    Investment,
    Order,
    Payment,
    Refund,
    Source,
    Spend,
)
from flywheel.intake import batches
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Batch
from flywheel.intake.plans import by_header
from flywheel.measures.models import ConversionWeek
from flywheel.measures.rolling import roll_dirty_weeks
from tests.builders import Row, Silent, csv_file, load_rows, loaded, order

pytestmark = pytest.mark.django_db
DAY = "2026-03-02"
LAST = currency.last_day().astype(date)
CARRIED = LAST + timedelta(days=20)


def rate_row(code: str, per_euro: object, day: object = DAY) -> Row:
    return {"date": str(day), "currency": code, "per_euro": str(per_euro)}


def dirty(workspace: Workspace) -> set[tuple[str, str]]:
    return {(d.rollup, str(d.week)) for d in DirtyWeek.objects.filter(workspace=workspace)}


def codes(batch: Batch) -> list[tuple[str, str, str]]:
    return list(batch.errors.values_list("column", "code", "detail"))


# --- loading ----------------------------------------------------------------------------------------------------------
def test_a_currency_that_nobody_quotes_is_usable_once_its_rate_is_loaded(workspace: Workspace, tmp_path: Path) -> None:
    refused = load_rows(workspace, tmp_path, "orders", [order(currency="VND")])
    assert codes(refused) == [("currency", "rate", f"VND {DAY}")]
    assert "Exchange rates" in refused.errors.get().expected
    loaded(workspace, tmp_path, "exchange_rates", [rate_row("VND", "29845.5")])
    loaded(workspace, tmp_path, "orders", [order(currency="VND", gross="2984550")])
    assert Order.objects.get().net_base == pytest.approx(Decimal(100), abs=Decimal("0.01"))


def test_a_base_currency_that_nobody_quotes_counts_by_its_own_rates(workspace: Workspace, tmp_path: Path) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(base_currency="VND")
    workspace.refresh_from_db()
    loaded(workspace, tmp_path, "exchange_rates", [rate_row("VND", "29845.5")])
    loaded(workspace, tmp_path, "orders", [order(currency="EUR", gross="100")])
    assert Order.objects.get().net_base == Decimal("2984550")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (rate_row("VND", "0"), ("per_euro", "per_euro", "")),
        (rate_row("VND", "-3"), ("per_euro", "negative", "")),
        (rate_row("VND", "N/A"), ("per_euro", "required", "")),
        (rate_row("EUR", "0.92"), ("per_euro", "euro", "")),
        (rate_row("VND", "29845.5", "2099-01-01"), ("date", "future", "")),
        (rate_row("dong", "29845.5"), ("currency", "currency", "")),
    ],
)
def test_a_rate_that_cannot_be_is_refused(
    workspace: Workspace, tmp_path: Path, row: Row, expected: tuple[str, str, str]
) -> None:
    assert codes(load_rows(workspace, tmp_path, "exchange_rates", [row])) == [expected]


def test_the_rates_of_the_bank_s_data_portal_are_recognised(workspace: Workspace, tmp_path: Path) -> None:
    plan = by_header(KINDS["exchange_rates"], ["KEY", "CURRENCY", "CURRENCY_DENOM", "TIME_PERIOD", "OBS_VALUE"])
    assert plan.columns == {"date": "TIME_PERIOD", "currency": "CURRENCY", "per_euro": "OBS_VALUE"}


def test_of_two_sources_the_one_loaded_last_counts(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "exchange_rates", [rate_row("VND", 30000)], source="bank")
    loaded(workspace, tmp_path, "exchange_rates", [rate_row("VND", 20000)], source="treasury")
    assert rates.known(workspace).table["VND"].per_euro.tolist() == [20000]
    loaded(workspace, tmp_path, "exchange_rates", [rate_row("VND", 25000)], source="bank")
    assert rates.known(workspace).table["VND"].per_euro.tolist() == [25000]


def test_rates_are_read_again_only_when_they_have_changed(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "exchange_rates", [rate_row("VND", 30000)])
    table = rates.known(workspace).table
    with CaptureQueriesContext(connection) as queries:
        assert rates.known(workspace).table is table
    assert len(queries) == 1
    batch = loaded(workspace, tmp_path, "exchange_rates", [rate_row("VND", 20000)])
    assert rates.known(workspace).table["VND"].per_euro.tolist() == [20000]
    batches.undo(batch, Silent())
    assert rates.known(workspace).table["VND"].per_euro.tolist() == [30000]


def test_another_workspace_has_rates_of_its_own(workspace: Workspace, tmp_path: Path) -> None:
    other = Workspace.objects.create(name="Other", slug="other", base_currency="EUR", time_zone="UTC")
    loaded(workspace, tmp_path, "exchange_rates", [rate_row("VND", 30000)])
    assert codes(load_rows(other, tmp_path, "orders", [order(currency="VND")])) == [("currency", "rate", f"VND {DAY}")]


# --- what was loaded before follows ----------------------------------------------------------------------------------
def test_an_order_at_a_carried_rate_follows_the_rate_that_is_loaded(workspace: Workspace, tmp_path: Path) -> None:
    placed = order(currency="USD", gross="100", ordered_at=f"{CARRIED} 10:00:00")
    batch = loaded(workspace, tmp_path, "orders", [placed])
    assert batch.notes == {"carried_rates": 1}
    roll_dirty_weeks(workspace)
    loaded(workspace, tmp_path, "exchange_rates", [rate_row("USD", "1.25", CARRIED)])
    assert Order.objects.get().net_base == 80
    week = CARRIED - timedelta(days=CARRIED.weekday())
    assert ("conversion", str(week)) in dirty(workspace)
    roll_dirty_weeks(workspace)
    assert ConversionWeek.objects.get(week=week).net_base == 80


def test_the_same_rates_again_change_nothing(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order(currency="USD")])
    loaded(workspace, tmp_path, "exchange_rates", [rate_row("USD", "1.25")])
    DirtyWeek.objects.all().delete()
    again = loaded(workspace, tmp_path, "exchange_rates", [rate_row("USD", "1.2500")])
    assert (again.added, again.changed, again.unchanged) == (0, 0, 1)
    assert not dirty(workspace)


def test_rates_equal_to_the_published_ones_make_no_week_dirty(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order(currency="USD", ordered_at="2018-01-02 10:00:00")])
    DirtyWeek.objects.all().delete()
    loaded(workspace, tmp_path, "exchange_rates", [rate_row("USD", "1.2065", "2018-01-02")])
    assert not dirty(workspace)


def test_everything_with_an_amount_follows(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order(currency="USD")])
    loaded(workspace, tmp_path, "payments", [{"order_id": "A-1", "amount": "100"}])
    refund = {"order_id": "A-1", "refunded_at": DAY, "amount": "10", "currency": "USD", "refund_id": "R-1"}
    loaded(workspace, tmp_path, "refunds", [refund])
    loaded(workspace, tmp_path, "spend", [{"date": DAY, "currency": "USD", "cost": "50"}])
    source = Source.objects.first()
    values = {"workspace": workspace, "source": source, "external_id": "I-1", "month": date(2026, 3, 2)}
    Investment.objects.create(**values, currency="USD", amount=1, fx_rate=1, engine="market", kind="media")
    mail = {"campaign_id": "M-1", "sent_at": "2026-03-01 23:30+00:00", "sent": 5, "revenue": "20", "currency": "USD"}
    loaded(workspace, tmp_path, "campaigns", [mail])
    DirtyWeek.objects.all().delete()
    loaded(workspace, tmp_path, "exchange_rates", [rate_row("USD", "1.25")])
    assert CustomerCampaign.objects.get().revenue_base == 16  # it was 2 March in Berlin
    assert (Payment.objects.get().amount_base, Refund.objects.get().amount_base) == (80, 8)
    assert (Spend.objects.get().cost_base, Investment.objects.get().fx_rate) == (40, Decimal("0.8"))
    assert dirty(workspace) == {(name, DAY) for name in ("conversion", "aftersales", "market", "cohorts")}


def test_a_refund_at_another_rate_makes_the_cohort_of_its_customer_dirty(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order(ordered_at="2026-02-02 10:00:00")])
    refund = {"order_id": "A-1", "refunded_at": DAY, "amount": "10", "currency": "USD", "refund_id": "R-1"}
    loaded(workspace, tmp_path, "refunds", [refund])
    DirtyWeek.objects.all().delete()
    loaded(workspace, tmp_path, "exchange_rates", [rate_row("USD", "1.25")])
    assert dirty(workspace) == {("aftersales", DAY), ("cohorts", "2026-02-02")}


def test_only_days_that_the_rate_reaches_follow(workspace: Workspace, tmp_path: Path) -> None:
    days = ("2026-03-01", "2026-03-02", "2026-03-03")
    rows = [order(f"A-{day}", currency="USD", ordered_at=f"{day} 10:00:00") for day in days]
    loaded(workspace, tmp_path, "orders", [*rows, order("A-yen", currency="JPY")])
    before = dict(Order.objects.values_list("external_id", "fx_rate"))
    loaded(workspace, tmp_path, "exchange_rates", [rate_row("USD", "1.25")])
    after = dict(Order.objects.values_list("external_id", "fx_rate"))
    assert {name for name in after if after[name] != before[name]} == {"A-2026-03-02"}


def test_another_rate_of_the_base_currency_reaches_every_other(workspace: Workspace, tmp_path: Path) -> None:
    Workspace.objects.filter(pk=workspace.pk).update(base_currency="USD")
    workspace.refresh_from_db()
    loaded(workspace, tmp_path, "orders", [order("A-1", currency="EUR"), order("A-2", currency="USD")])
    loaded(workspace, tmp_path, "exchange_rates", [rate_row("USD", "1.25")])
    assert dict(Order.objects.values_list("external_id", "fx_rate")) == {"A-1": Decimal("1.25"), "A-2": 1}


def test_a_rate_that_no_amount_can_stand_is_refused_whole(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "exchange_rates", [rate_row("VND", 30000)])
    loaded(workspace, tmp_path, "orders", [order(currency="VND", gross="9000000000")])
    batch = load_rows(workspace, tmp_path, "exchange_rates", [rate_row("VND", "0.5")])
    assert codes(batch) == [("", "rate_amount", f"VND {DAY}")]
    assert ExchangeRate.objects.get().per_euro == 30000


def test_orders_read_before_other_rates_landed_follow_them(workspace: Workspace, tmp_path: Path) -> None:
    rows = [order(currency="USD")]
    source = batches.source_named(workspace, "shop")
    batch = batches.create(source, [by_header(KINDS["orders"], list(rows[0]))], csv_file(tmp_path, rows), "orders.csv")

    class Meanwhile(Silent):
        """While the orders are checked, somebody's rates land."""

        def step(self, name: str, total: int = 0) -> None:
            if name == "checking":
                values = {"workspace": workspace, "source": source, "external_id": "2026-03-02|USD"}
                ExchangeRate.objects.create(**values, currency="USD", day=DAY, per_euro="1.25")
                rates.note_change(workspace)

    batches.load(batch, Meanwhile())
    assert Order.objects.get().net_base == 80


# --- undone -----------------------------------------------------------------------------------------------------------
def test_rates_taken_back_leave_what_was_loaded_as_before(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order(currency="USD")])
    before = Order.objects.get().fx_rate
    batch = loaded(workspace, tmp_path, "exchange_rates", [rate_row("USD", "1.25")])
    assert Order.objects.get().fx_rate == Decimal("0.8")
    DirtyWeek.objects.all().delete()
    assert batches.undo(batch, Silent()).state == Batch.State.UNDONE
    assert Order.objects.get().fx_rate == before
    assert ("conversion", DAY) in dirty(workspace)


def test_orders_that_a_rate_reached_can_still_be_taken_back(workspace: Workspace, tmp_path: Path) -> None:
    batch = loaded(workspace, tmp_path, "orders", [order(currency="USD")])
    loaded(workspace, tmp_path, "payments", [{"order_id": "A-9", "amount": "100"}])
    loaded(workspace, tmp_path, "exchange_rates", [rate_row("USD", "1.25")])
    assert batches.undo(batch, Silent()).state == Batch.State.UNDONE
    assert not Order.objects.exists()


def test_an_order_put_back_has_the_rates_that_are_known_now(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order(currency="USD")])
    correction = loaded(workspace, tmp_path, "orders", [order(currency="USD", gross="90")])
    loaded(workspace, tmp_path, "exchange_rates", [rate_row("USD", "1.25")])
    batches.undo(correction, Silent())
    assert Order.objects.get().net_base == 80


# --- the page ---------------------------------------------------------------------------------------------------------
def page(client, user, workspace: Workspace) -> str:
    client.force_login(user)
    return client.get(reverse("rates", args=[workspace.slug])).content.decode()


def test_the_page_tells_how_far_the_rates_go(client, reader, workspace: Workspace, time_machine) -> None:
    time_machine.move_to(LAST + timedelta(days=25))
    text = page(client, reader, workspace)
    assert "European Central Bank" in text
    assert "25 days" in text


def test_the_page_lists_the_workspace_s_own_rates(client, engine_lead, workspace: Workspace, tmp_path: Path) -> None:
    loaded(
        workspace, tmp_path, "exchange_rates", [rate_row("VND", 30000), rate_row("VND", 30100, "2026-03-05")], "bank"
    )
    text = page(client, engine_lead, workspace)
    assert all(words in text for words in ("VND", "2 Mar 2026", "5 Mar 2026", "bank"))
    assert f"{reverse('import-new', args=[workspace.slug])}?kind=exchange_rates" in text


def test_a_reader_is_not_offered_to_load_rates(client, reader, workspace: Workspace) -> None:
    assert "kind=exchange_rates" not in page(client, reader, workspace)


def test_a_stranger_sees_no_rates(client, stranger, workspace: Workspace) -> None:
    client.force_login(stranger)
    assert client.get(reverse("rates", args=[workspace.slug])).status_code == 404
