"""Loading files: what lands, what is refused, and what a second file changes."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from flywheel.accounts.models import Workspace
from flywheel.facts import calendar
from flywheel.facts.models import Customer, DirtyWeek, Order, OrderLine, Refund, Review, Spend, Traffic
from flywheel.intake import batches, words
from flywheel.intake.batches import bad_rows_path
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Batch
from flywheel.intake.plans import Plan, by_header
from flywheel.jobs import JobLost
from flywheel.jobs.models import Job
from tests.builders import Row, Silent, csv_file, load_plan, load_rows, loaded, market, order, written

pytestmark = pytest.mark.django_db


def counts(batch: Batch) -> tuple[int | None, ...]:
    return batch.added, batch.changed, batch.unchanged


def errors(batch: Batch) -> list[tuple[int, str, str, str]]:
    return list(batch.errors.values_list("line", "column", "value", "code"))


def the_order(workspace: Workspace, order_id: str = "A-1") -> Order:
    return Order.objects.get(workspace=workspace, external_id=order_id)


def test_an_order_lands_with_what_follows_from_it(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order(currency="USD", delivered_at="2026-03-08 23:30:00")])
    found = the_order(workspace)
    assert (found.state, found.counts) == ("delivered", True)
    assert (str(found.order_date), str(found.week), str(found.month)) == ("2026-03-02", "2026-03-02", "2026-03-01")
    assert (str(found.delivered_date), str(found.delivered_week)) == ("2026-03-08", "2026-03-02")
    assert found.net_base == round(found.gross * found.fx_rate, 4)


def test_the_same_file_twice_changes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    rows = [order("A-1"), order("A-2", promised_at="2026-03-05", total="104.90", units="2")]
    assert counts(loaded(workspace, tmp_path, "orders", rows)) == (2, 0, 0)
    assert counts(loaded(workspace, tmp_path, "orders", rows)) == (0, 0, 2)


KINDS_TWICE: dict[str, list[Row]] = {
    "order_lines": [{"order_id": "A-1", "sku": "S", "quantity": 2, "price": "5.00"}],
    "customers": [{"customer_id": "C-1", "email": "ann@example.com", "market": "DE"}],
    "payments": [{"order_id": "A-1", "amount": "10"}, {"order_id": "A-1", "sequence": 2, "amount": "5.5"}],
    "refunds": [{"order_id": "A-1", "refunded_at": "2026-03-09", "amount": "3", "currency": "EUR"}],
    "traffic": [{"date": "2026-03-02", "market": "DE", "sessions": 10}, {"date": "2026-03-02", "sessions": 4}],
    "spend": [{"date": "2026-03-02", "currency": "USD", "cost": "9.5", "channel": "google", "campaign": "brand"}],
    "reviews": [{"review_id": "R-1", "order_id": "A-1", "rating": 5, "reviewed_at": "2026-03-12", "market": "FR"}],
    "tickets": [{"ticket_id": "T-1", "order_id": "A-1", "opened_at": "2026-03-07", "proactive": "no", "csat": "4"}],
    "events": [{"session_id": "S", "event": "cart", "happened_at": "2026-03-02 10:00:00"}] * 2,
}


@pytest.mark.parametrize("kind", KINDS_TWICE)
def test_every_kind_loads_and_loads_again_unchanged(workspace: Workspace, tmp_path: Path, kind: str) -> None:
    loaded(workspace, tmp_path, "orders", [order()])
    rows = KINDS_TWICE[kind]
    assert counts(loaded(workspace, tmp_path, kind, rows)) == (len(rows), 0, 0)
    assert counts(loaded(workspace, tmp_path, kind, rows)) == (0, 0, len(rows))


@pytest.mark.parametrize("name", ["订单" * 100 + ".csv", "x" * 300 + ".csv", "\ud800.csv", "../../!"])
def test_a_file_of_any_name_is_kept(workspace: Workspace, tmp_path: Path, settings: Any, name: str) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    path = batches.keep_file(workspace, name, io.BytesIO(b"a\n1\n"))
    assert path.parent == tmp_path / "uploads" / str(workspace.pk)
    assert path.read_bytes() == b"a\n1\n"


def test_one_bad_row_in_100000_loads_nothing_and_names_the_row(workspace: Workspace, tmp_path: Path) -> None:
    rows = [{"date": "2026-03-02", "campaign": f"c{n}", "currency": "EUR", "cost": "1.5"} for n in range(100_000)]
    rows[77_776] |= {"cost": "1,5o"}
    batch = load_rows(workspace, tmp_path, "spend", rows)
    assert batch.state == Batch.State.REJECTED
    assert errors(batch) == [(77_778, "cost", "1,5o", "money")]
    assert (batch.rows, batch.rejected) == (100_000, 1)
    assert not Spend.objects.exists()
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"gross": "20000000000000"}, "gross"),
        ({"gross": "10000000000"}, "gross"),
        ({"currency": "GBP", "tax": "9900000000.00"}, "tax"),
    ],
)
def test_an_amount_too_large_to_reckon_with_is_named(
    workspace: Workspace, tmp_path: Path, cells: dict[str, str], column: str
) -> None:
    batch = load_rows(workspace, tmp_path, "orders", [order("A-1"), order("A-2", **cells)])
    assert errors(batch) == [(3, column, cells[column], "amount")]
    assert not Order.objects.exists()


def test_a_large_amount_of_a_small_currency_lands(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order(currency="IDR", gross="20000000000")])
    assert the_order(workspace).gross == 20_000_000_000


def test_a_correction_changes_only_what_it_says(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order("A-1", status="paid", carrier="DHL"), order("A-2")])
    fix = {"order_id": "A-1", "ordered_at": "2026-03-02 10:00:00", "currency": "EUR", "status": "shipped"}
    batch = loaded(workspace, tmp_path, "orders", [fix])
    assert counts(batch) == (0, 1, 0)
    found = the_order(workspace)
    assert (found.state, found.carrier, found.gross, found.batch_id) == ("shipped", "DHL", 100, batch.pk)
    assert the_order(workspace, "A-2").batch_id != batch.pk


def test_a_blank_cell_erases_nothing(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order(carrier="DHL", delivered_at="2026-03-05 12:00:00")])
    blank = order(carrier="", delivered_at="", gross="", status="", customer_id="")
    assert counts(loaded(workspace, tmp_path, "orders", [blank])) == (0, 0, 1)
    found = the_order(workspace)
    assert (found.carrier, found.state, found.customer, str(found.delivered_date)) == (
        "DHL",
        "delivered",
        "C-1",
        "2026-03-05",
    )


def test_equal_rows_in_one_file_collapse(workspace: Workspace, tmp_path: Path) -> None:
    batch = loaded(workspace, tmp_path, "orders", [order("A-1"), order("A-2"), order("A-1")])
    assert counts(batch) == (2, 0, 0)
    assert (batch.rows, batch.notes) == (3, {"duplicates": 1})


def test_rows_that_contradict_each_other_are_an_error_that_names_both_lines(
    workspace: Workspace, tmp_path: Path
) -> None:
    rows = [order("A-1"), order("A-2"), order("A-1", gross="99.00")]
    batch = load_rows(workspace, tmp_path, "orders", rows)
    error = batch.errors.get()
    assert (error.line, error.column, error.value, error.code, error.detail) == (4, "order_id", "A-1", "conflict", "2")
    assert not Order.objects.exists()
    assert "A-1" in bad_rows_path(batch).read_text("utf-8-sig").splitlines()[1]


def test_one_review_id_over_two_orders_is_two_reviews(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        {"review_id": "R", "order_id": order_id, "rating": rating, "reviewed_at": "2026-03-03"}
        for order_id, rating in (("A-1", 5), ("A-2", 1))
    ]
    loaded(workspace, tmp_path, "reviews", rows)
    assert set(Review.objects.values_list("external_id", "rating")) == {
        ("R:A-1", Decimal(5)),
        ("R:A-2", Decimal(1)),
    }


def test_refunds_without_an_id_are_told_apart_by_order_time_and_amount(workspace: Workspace, tmp_path: Path) -> None:
    refund = {"order_id": "A-1", "refunded_at": "2026-03-09", "currency": "EUR"}
    loaded(workspace, tmp_path, "refunds", [refund | {"amount": "3.00"}, refund | {"amount": "4.00"}])
    assert Refund.objects.count() == 2


def test_a_currency_without_a_rate_names_currency_and_day(workspace: Workspace, tmp_path: Path) -> None:
    batch = load_rows(workspace, tmp_path, "orders", [order(), order("A-2", currency="RUB")])
    error = batch.errors.get()
    assert (error.line, error.column, error.code, error.detail) == (3, "currency", "rate", "RUB 2026-03-02")
    assert "RUB 2026-03-02" in error.expected


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ({"gross": "-5"}, "negative"),
        ({"units": "1.5"}, "integer"),
        ({"units": "-1"}, "negative"),
        ({"ordered_at": "0203-03-02"}, "year"),
        ({"ordered_at": "2026-13-02"}, "timestamp"),
        ({"ordered_at": "now"}, "timestamp"),
        ({"ordered_at": ""}, "required"),
        ({"order_id": " "}, "required"),
        ({"currency": "Dollar"}, "currency"),
        ({"status": "teleported"}, "choice"),
        ({"market": "x" * 61}, "too_long"),
        ({"gross": "123456789012345"}, "amount"),
        ({"units": "3000000000"}, "too_large"),
        ({"customer_id": "a\0b"}, "nul"),
    ],
)
def test_a_bad_cell_is_refused_with_what_was_expected(
    workspace: Workspace, tmp_path: Path, cell: dict[str, str], code: str
) -> None:
    batch = load_rows(workspace, tmp_path, "orders", [order(**cell)])
    assert [found[3] for found in errors(batch)] == [code]
    assert batch.errors.get().expected


def test_rows_of_another_width_are_errors(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "ragged.csv"
    path.write_text("order_id,ordered_at,currency\nA-1,2026-03-02\nA-2,2026-03-02,EUR,,\nA-3,2026-03-02,EUR,x\n")
    plan = Plan(KINDS["orders"], {name: name for name in ("order_id", "ordered_at", "currency")})
    assert [(e[0], e[3]) for e in errors(load_plan(workspace, path, plan))] == [(2, "row_short"), (4, "row_long")]


def test_a_line_number_counts_line_breaks_inside_quotes(workspace: Workspace, tmp_path: Path) -> None:
    rows = [order("A-1", carrier="two\nlines"), order("A-2", carrier="three\nmore\nlines"), order("A-3", gross="x")]
    assert errors(load_rows(workspace, tmp_path, "orders", rows)) == [(7, "gross", "x", "money")]


def test_an_email_is_never_stored(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        order("A-1", customer_id="Ann@Example.com"),
        order("A-2", customer_id="", customer_email="ann@example.com "),
    ]
    loaded(workspace, tmp_path, "orders", rows)
    loaded(workspace, tmp_path, "customers", [{"customer_id": "C-9", "email": "ANN@example.com"}])
    hashes = set(Order.objects.values_list("customer_ref", flat=True)) | set(
        Customer.objects.values_list("email_hash", flat=True)
    )
    assert len(hashes) == 1
    assert "@" not in hashes.pop()


def test_a_bad_email_is_not_repeated_in_the_report(workspace: Workspace, tmp_path: Path) -> None:
    batch = load_rows(workspace, tmp_path, "customers", [{"customer_id": "C-1", "email": "ann at example.com"}])
    assert errors(batch) == [(2, "email", "", "email")]


def test_formulas_in_the_file_of_bad_rows_are_neutralised(workspace: Workspace, tmp_path: Path) -> None:
    batch = load_rows(workspace, tmp_path, "orders", [order(carrier='=HYPERLINK("http://x")', gross="@SUM(A1)")])
    path = bad_rows_path(batch)
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    header, row = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    assert header[:2] == ["Line", "What is wrong"]
    assert row[0] == "2"
    assert "'@SUM(A1)" in row
    assert '\'=HYPERLINK("http://x")' in row


def test_a_file_without_a_mapped_column_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    path = csv_file(tmp_path, [{"order": "A-1"}])
    batch = load_plan(workspace, path, Plan(KINDS["orders"], {"order_id": "Order number"}))
    error = batch.errors.get()
    assert (error.column, error.code, error.detail) == ("Order number", "column_missing", "order_id")


def test_a_file_with_only_a_header_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "empty.csv"
    path.write_text("date,sessions\n")
    batch = load_plan(workspace, path, Plan(KINDS["traffic"], {"date": "date", "sessions": "sessions"}))
    assert [(found[0], found[3]) for found in errors(batch)] == [(0, "no_rows")]
    assert (batch.state, batch.rows, batch.rejected) == (Batch.State.REJECTED, 0, 0)


def test_a_report_with_titles_and_a_total_lands_and_says_what_was_left_out(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = written(tmp_path, b"Traffic report\nAll time\n\ndate,sessions,x\n2026-03-02,40,\nTotal,40,,\n")
    batch = load_plan(workspace, path, Plan(KINDS["traffic"], {"date": "date", "sessions": "sessions"}))
    assert (batch.state, batch.rows, batch.notes) == (Batch.State.LOADED, 1, {"totals": 1})


def test_a_sheet_of_a_workbook_lands(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "shop.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name, sessions in (("March", 40), ("April", 50)):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["date", "sessions"])
            sheet.write_row(1, 0, ["2026-03-02", sessions])
    options = {"sheet": "April"}
    plan = Plan(KINDS["traffic"], {"date": "date", "sessions": "sessions"}, options=options)
    assert load_plan(workspace, path, plan).state == Batch.State.LOADED
    assert Traffic.objects.get().sessions == 50


def test_a_file_in_two_encodings_loads_nothing_and_names_the_line(workspace: Workspace, tmp_path: Path) -> None:
    rows = ["date,sessions,channel", "2026-03-02,40,Öffentlich", "2026-03-03,50,Empfehlungen für Sie"]
    path = written(tmp_path, "\n".join(rows).encode() + "\n2026-03-04,60,Fördermittel\n".encode("cp1252"))
    plan = Plan(KINDS["traffic"], {"date": "date", "sessions": "sessions"}, options={"encoding": "utf-8"})
    batch = load_plan(workspace, path, plan)
    assert [(found[0], found[3]) for found in errors(batch)] == [(4, "mixed_encoding")]
    assert not Traffic.objects.exists()


def test_words_constants_and_options_of_a_mapping_are_used(workspace: Workspace, tmp_path: Path) -> None:
    rows = [{"order_id": "A-1", "ordered_at": "02.03.2026 23:30", "gross": "1.234,50", "status": "teleported"}]
    batch = load_rows(
        workspace,
        tmp_path,
        "orders",
        rows,
        constants={"currency": "eur", "market": "US"},
        values={"status": {"Teleported": "shipped"}},
        options={"time_zone": "America/New_York", "date_format": "%d.%m.%Y %H:%M", "decimal": ","},
    )
    assert batch.state == Batch.State.LOADED, errors(batch)
    found = the_order(workspace)
    assert (found.currency, found.market, found.state, str(found.gross)) == ("EUR", "US", "shipped", "1234.5000")
    assert str(found.ordered_at) == "2026-03-03 04:30:00+00:00"
    assert str(found.order_date) == "2026-03-03"  # in the workspace's zone, Berlin


def test_delivery_dates_are_those_of_the_market(workspace: Workspace, tmp_path: Path) -> None:
    market(workspace, "US", "America/Los_Angeles")
    row = order(market="US", promised_at="2026-03-05T23:00:00-08:00", delivered_at="2026-03-06T01:00:00-08:00")
    loaded(workspace, tmp_path, "orders", [row])
    found = the_order(workspace)
    assert (str(found.promised_date), str(found.delivered_date)) == ("2026-03-05", "2026-03-06")
    assert counts(loaded(workspace, tmp_path, "orders", [row])) == (0, 0, 1)


def test_a_stage_that_is_not_measured_stays_unknown(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "traffic", [{"date": "2026-03-02", "sessions": 10, "carts": ""}])
    found = Traffic.objects.get()
    assert (found.sessions, found.carts, found.payments) == (10, None, None)


def test_a_line_belongs_to_its_order_and_number(workspace: Workspace, tmp_path: Path) -> None:
    rows = [{"order_id": "A-1", "line": n, "sku": "S", "price": "5"} for n in (1, 2)]
    loaded(workspace, tmp_path, "order_lines", rows)
    assert set(OrderLine.objects.values_list("external_id", flat=True)) == {"A-1:1", "A-1:2"}


def test_a_loaded_batch_starts_the_roll_and_the_check_once(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order("A-1")])
    loaded(workspace, tmp_path, "orders", [order("A-2")])
    assert sorted(Job.objects.values_list("kind", "params")) == [("check_sources", {}), ("roll", {})]


class TakenOver(Silent):
    """The reporter of a worker whose job another one has taken over."""

    def hold(self) -> None:
        raise JobLost("taken over")


def test_a_worker_that_lost_its_job_leaves_nothing_and_the_next_finishes(workspace: Workspace, tmp_path: Path) -> None:
    path = csv_file(tmp_path, [order()])
    plan = by_header(KINDS["orders"], list(order()))
    batch = batches.create(batches.source_named(workspace, "shop"), plan, path, path.name)
    with pytest.raises(JobLost):
        batches.load(batch, TakenOver())
    batch.refresh_from_db()
    assert (batch.state, Order.objects.count(), DirtyWeek.objects.count()) == ("draft", 0, 0)
    assert batches.load(batch, Silent()).state == "loaded"


def test_a_batch_that_is_loaded_is_not_loaded_again(workspace: Workspace, tmp_path: Path) -> None:
    batch = loaded(workspace, tmp_path, "orders", [order()])
    Path(batch.path).unlink()
    assert counts(batches.load(batch, Silent())) == (1, 0, 0)


def test_a_file_that_is_gone_is_named(workspace: Workspace, tmp_path: Path) -> None:
    path = csv_file(tmp_path, [order()])
    plan = by_header(KINDS["orders"], list(order()))
    batch = batches.create(batches.source_named(workspace, "shop"), plan, path, path.name)
    path.unlink()
    assert errors(batches.load(batch, Silent())) == [(0, "", "", "missing_file")]


def test_the_first_thousand_errors_are_kept_and_all_bad_rows(workspace: Workspace, tmp_path: Path) -> None:
    batch = load_rows(workspace, tmp_path, "orders", [order(f"A-{n}", gross="x") for n in range(1_500)])
    assert (batch.errors.count(), batch.rejected) == (1_000, 1_500)
    assert len(bad_rows_path(batch).read_text("utf-8-sig").splitlines()) == 1_501


def test_customers_of_whom_only_the_id_is_told_are_kept(workspace: Workspace, tmp_path: Path) -> None:
    batch = loaded(workspace, tmp_path, "customers", [{"customer_id": "C-1"}, {"customer_id": "C-2"}])
    assert counts(batch) == (2, 0, 0)
    assert counts(loaded(workspace, tmp_path, "customers", [{"customer_id": "C-1"}])) == (0, 0, 1)


def test_a_key_that_no_index_can_hold_names_its_row(workspace: Workspace, tmp_path: Path) -> None:
    event = {"session_id": "s" * 190, "event": "e" * 480, "happened_at": "2026-03-02 10:00:00"}
    batch = load_rows(workspace, tmp_path, "events", [{**event, "event": "view_item"}, event])
    assert errors(batch) == [(3, "event", "", "too_long")]


def test_of_a_large_file_of_known_rows_only_the_news_are_written(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flywheel.intake.landing.MANY_ROWS", 1)
    first = loaded(workspace, tmp_path, "orders", [order(f"A-{n}") for n in range(6)])
    rows = [order(f"A-{n}", status="cancelled" if n == 5 else "delivered") for n in range(7)]
    second = loaded(workspace, tmp_path, "orders", rows)
    assert counts(second) == (1, 1, 5)
    assert dict(Order.objects.values_list("external_id", "batch_id")) == {
        **{f"A-{n}": first.pk for n in range(5)},
        "A-5": second.pk,
        "A-6": second.pk,
    }
    assert counts(loaded(workspace, tmp_path, "orders", [order("A-0", gross=""), order("A-1")])) == (0, 0, 2)


def test_rows_of_weeks_that_have_not_begun_are_remarked_on(workspace: Workspace, tmp_path: Path) -> None:
    coming = (calendar.today(workspace) + timedelta(days=8)).isoformat()
    batch = loaded(workspace, tmp_path, "orders", [order(), order("A-2", ordered_at=f"{coming} 10:00:00")])
    assert batch.notes["future_weeks"] == 1
    assert "weeks that have not begun" in words.note("future_weeks", 1)
