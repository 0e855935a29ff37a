"""From dropped files to loaded facts: what will happen is told first, good rows go ahead, mappings are remembered."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from flywheel.accounts.models import User, Workspace
from flywheel.facts.models import Order, Payment, Refund, Spend
from flywheel.intake import batches
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Batch, Mapping
from flywheel.intake.plans import Plan, by_header
from tests.builders import Row, Silent, csv_file, csv_text, load_plan, load_rows, loaded, order
from tests.test_intake_pages import mapping_of, upload

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def uploads(settings: object, tmp_path: Path) -> None:
    """Uploaded files go to the test's own folder."""
    settings.UPLOAD_DIR = tmp_path / "uploads"  # type: ignore[attr-defined]


def files(**named: list[Row]) -> list[SimpleUploadedFile]:
    return [SimpleUploadedFile(f"{name}.csv", csv_text(rows).encode()) for name, rows in named.items()]


SPEND = {"date": "2026-03-02", "channel": "google", "cost": "10", "currency": "EUR"}


# --- what will happen -----------------------------------------------------------------------------------------------
def test_the_page_says_what_will_happen_before_anything_does(
    client: Client, engine_lead: User, workspace: Workspace, tmp_path: Path, run_jobs: Callable[[], int]
) -> None:
    loaded(workspace, tmp_path, "orders", [order("A-1"), order("A-2")], source="My shop")
    client.force_login(engine_lead)
    address = upload(client, [order("A-1"), order("A-2", status="cancelled"), order("A-3")])
    assert 'hx-trigger="every 1s"' in client.get(address).content.decode()
    run_jobs()
    batch = Batch.objects.latest("pk")
    assert (batch.added, batch.changed, batch.unchanged, batch.rejected) == (1, 1, 1, 0)
    assert (batch.state, Order.objects.count()) == ("draft", 2)
    assert "hx-trigger" not in client.get(address).content.decode()
    client.post(address, mapping_of(client, address))
    run_jobs()
    batch.refresh_from_db()
    assert (batch.state, batch.added, batch.changed, batch.unchanged) == ("loaded", 1, 1, 1)


def test_bad_rows_are_told_before_loading(
    client: Client, engine_lead: User, workspace: Workspace, run_jobs: Callable[[], int]
) -> None:
    client.force_login(engine_lead)
    address = upload(client, [order("A-1"), order("A-2", gross="x")])
    run_jobs()
    page = client.get(address).content.decode()
    assert "an amount such as 1234.50" in page
    assert 'value="load-good"' in page
    assert not Order.objects.exists()


def test_a_changed_mapping_is_checked_again(
    client: Client, engine_lead: User, workspace: Workspace, run_jobs: Callable[[], int]
) -> None:
    client.force_login(engine_lead)
    address = upload(client, [order("A-1", status="weg")])
    run_jobs()
    assert Batch.objects.get().problems == 1
    answer = client.post(address, mapping_of(client, address) | {"word-status-0": "shipped", "action": "check"})
    assert answer["Location"] == address
    run_jobs()
    batch = Batch.objects.get()
    assert (batch.state, batch.problems, batch.added) == ("draft", 0, 1)


# --- the good rows --------------------------------------------------------------------------------------------------
def test_the_good_rows_are_loaded_and_the_others_given_back(
    client: Client, engine_lead: User, workspace: Workspace, run_jobs: Callable[[], int]
) -> None:
    client.force_login(engine_lead)
    rows = [order("A-1"), order("A-2", gross="x"), order("A-3"), order("A-4", currency="XXX")]
    address = upload(client, rows)
    client.post(address, mapping_of(client, address) | {"action": "load-good"})
    run_jobs()
    batch = Batch.objects.get()
    assert (batch.state, batch.rows, batch.added, batch.rejected) == ("loaded", 4, 2, 2)
    assert sorted(Order.objects.values_list("external_id", flat=True)) == ["A-1", "A-3"]
    given_back = client.get(reverse("import-errors-file", args=["acme", batch.pk])).getvalue().decode("utf-8-sig")
    assert [line.split(",")[0] for line in given_back.splitlines()] == ["Line", "3", "5"]
    page = client.get(reverse("import-detail", args=["acme", batch.pk])).content.decode()
    assert "2 rows were wrong and left out" in page


def test_of_rows_that_contradict_each_other_the_first_is_good(workspace: Workspace, tmp_path: Path) -> None:
    path = csv_file(tmp_path, [order("A-1"), order("A-1", gross="5"), order("A-2"), order("A-2")])
    batch = batches.create(
        batches.source_named(workspace, "shop"), _plan(workspace, path), path, "o.csv", skips_bad_rows=True
    )
    batches.load(batch, Silent())
    assert (batch.state, batch.added, batch.rejected, batch.notes) == ("loaded", 2, 1, {"duplicates": 1})
    assert Order.objects.get(external_id="A-1").gross == 100


def test_a_file_without_any_good_row_loads_nothing(workspace: Workspace, tmp_path: Path) -> None:
    path = csv_file(tmp_path, [order("A-1", gross="x")])
    batch = batches.create(
        batches.source_named(workspace, "shop"), _plan(workspace, path), path, "o.csv", skips_bad_rows=True
    )
    assert batches.load(batch, Silent()).state == "rejected"


def _plan(workspace: Workspace, path: Path) -> object:
    from flywheel.intake.recognising import first_guess

    return first_guess(workspace, path).plans


# --- many files -----------------------------------------------------------------------------------------------------
def test_many_files_are_confirmed_together_and_the_bad_one_waits(
    client: Client, engine_lead: User, workspace: Workspace, run_jobs: Callable[[], int]
) -> None:
    client.force_login(engine_lead)
    dropped = files(orders=[order()], spend=[SPEND], wrong=[order("A-9", gross="x")])
    answer = client.post(reverse("import-new", args=["acme"]), {"file": dropped, "source": "My shop"})
    page = reverse("import-waiting", args=["acme"])
    assert answer["Location"] == page
    run_jobs()
    assert client.get(page).context["sound"] == 2
    client.post(page)
    run_jobs()
    states = dict(Batch.objects.values_list("file_name", "state"))
    assert states == {"orders.csv": "loaded", "spend.csv": "loaded", "wrong.csv": "draft"}
    assert (Order.objects.count(), Spend.objects.count()) == (1, 1)


def test_of_many_files_the_unreadable_one_is_named(client: Client, engine_lead: User, workspace: Workspace) -> None:
    client.force_login(engine_lead)
    dropped = [*files(orders=[order()]), SimpleUploadedFile("picture.csv", b"\x89PNG\r\n\x1a\n1,2")]
    answer = client.post(reverse("import-new", args=["acme"]), {"file": dropped, "source": "My shop"}, follow=True)
    assert "picture.csv: Expected" in answer.content.decode()
    assert Batch.objects.get().file_name == "orders.csv"


def test_a_file_is_discarded_with_its_batch(client: Client, engine_lead: User, workspace: Workspace) -> None:
    client.force_login(engine_lead)
    upload(client, [order()])
    batch = Batch.objects.get()
    client.post(reverse("import-discard", args=["acme", batch.pk]))
    assert not Batch.objects.exists()
    assert not Path(batch.path).exists()


def test_a_loaded_file_is_not_discarded(
    client: Client, engine_lead: User, workspace: Workspace, tmp_path: Path
) -> None:
    batch = loaded(workspace, tmp_path, "orders", [order()])
    client.force_login(engine_lead)
    client.post(reverse("import-discard", args=["acme", batch.pk]))
    assert Batch.objects.get() == batch


def test_a_reader_sees_what_waits_and_confirms_nothing(client: Client, reader: User, workspace: Workspace) -> None:
    client.force_login(reader)
    page = reverse("import-waiting", args=["acme"])
    assert (client.get(page).status_code, client.post(page).status_code) == (200, 403)


# --- mappings -------------------------------------------------------------------------------------------------------
ODD = {"Nr": "A-1", "When": "2026-03-02", "Cur": "EUR", "Kunde": "C-1", "Sum": "12"}
FIELDS = {
    "column-order_id": "Nr",
    "column-ordered_at": "When",
    "column-currency": "Cur",
    "column-customer_id": "Kunde",
    "column-total": "Sum",
}


@pytest.fixture
def saved(client: Client, engine_lead: User, workspace: Workspace) -> Mapping:
    """A mapping of odd headers, saved for the source "Shop One"."""
    client.force_login(engine_lead)
    address = upload(client, [ODD], kind="orders", source="Shop One")
    client.post(address, mapping_of(client, address) | FIELDS | {"save_as": "Odd"})
    return Mapping.objects.get()


def test_a_saved_mapping_brings_its_source_without_questions(client: Client, saved: Mapping) -> None:
    upload(client, [{**ODD, "Nr": "A-2"}], source="")
    batch = Batch.objects.latest("pk")
    assert (batch.source.name, batch.mapping_name, batch.plans[0]["columns"]["total"]) == ("Shop One", "odd", "Sum")


def test_a_header_that_was_renamed_is_found_and_shown(client: Client, saved: Mapping) -> None:
    renamed = {"Kunden" if name == "Kunde" else name: cell for name, cell in ODD.items()}
    address = upload(client, [renamed], source="")
    batch = Batch.objects.latest("pk")
    assert batch.renamed == {"Kunde": "Kunden"}
    assert batch.plans[0]["columns"]["customer_id"] == "Kunden"
    assert "“Kunden” is taken in its place" in client.get(address).content.decode()


def test_a_file_that_shares_little_with_a_mapping_is_not_read_by_it(workspace: Workspace, saved: Mapping) -> None:
    from flywheel.intake.recognising import guess

    assert guess(workspace, ["Nr", "Cur", "Foo", "Bar", "Baz"]) is None


def test_a_report_without_dates_is_spread_over_the_days_that_are_entered(
    client: Client, engine_lead: User, workspace: Workspace, run_jobs: Callable[[], int]
) -> None:
    client.force_login(engine_lead)
    rows = [{"channel": "google", "cost": "10", "currency": "EUR", "clicks": "5"}]
    address = upload(client, rows, kind="spend")
    assert client.get(address).context["form"].asks_period
    form = mapping_of(client, address)
    assert client.post(address, form).status_code == 200
    client.post(address, form | {"period_first": "2026-03-02", "period_last": "2026-03-04"})
    run_jobs()
    days = Spend.objects.order_by("date").values_list("date", "cost", "clicks")
    assert [(str(day), str(cost), clicks) for day, cost, clicks in days] == [
        ("2026-03-02", "3.3333", 1),
        ("2026-03-03", "3.3333", 2),
        ("2026-03-04", "3.3334", 2),
    ]


def test_a_period_that_is_none_is_refused(client: Client, engine_lead: User, workspace: Workspace) -> None:
    client.force_login(engine_lead)
    address = upload(client, [{"channel": "google", "cost": "10", "currency": "EUR"}], kind="spend")
    days = {"period_first": "2026-03-02", "period_last": "2026-02-01"}
    answer = client.post(address, mapping_of(client, address) | days)
    assert "period_first" in answer.context["form"].errors


def test_a_plan_of_several_kinds_lands_whole_or_not_at_all(workspace: Workspace, tmp_path: Path) -> None:
    from flywheel.intake.kinds import ORDERS, REFUNDS
    from flywheel.intake.plans import Plan

    rows = [order("A-1", back="2026-03-09"), order("A-2", back="x")]
    path = csv_file(tmp_path, rows)
    columns = {name: name for name in order() if name != "gross"} | {"total": "gross"}
    refund = {"order_id": "order_id", "refunded_at": "back", "amount": "gross", "currency": "currency"}
    batch = load_plan(workspace, path, [Plan(ORDERS, columns), Plan(REFUNDS, refund)])
    assert (batch.state, Order.objects.count()) == ("rejected", 0)
    assert batch.rejected == 1


def test_the_very_same_file_under_another_source_is_warned_of(
    client: Client, engine_lead: User, workspace: Workspace, tmp_path: Path
) -> None:
    loaded(workspace, tmp_path, "orders", [order()], source="Shop One")
    client.force_login(engine_lead)
    page = client.get(upload(client, [order()], source="Shop Two")).content.decode()
    assert "loaded from the source Shop One" in page
    assert "would count twice" in page


# --- what only the whole file tells ---------------------------------------------------------------------------------
def dated(*days: str) -> list[Row]:
    return [order(f"A-{n}", ordered_at=day) for n, day in enumerate(days)]


def test_the_order_of_dates_is_found_far_down_the_column(workspace: Workspace, tmp_path: Path) -> None:
    days = ["03/04/2026"] * 10_500 + ["13/04/2026"]
    batch = load_rows(workspace, tmp_path, "orders", dated(*days))
    assert batch.state == "loaded"
    assert str(Order.objects.get(external_id="A-0").order_date) == "2026-04-03"


def test_dates_that_the_whole_file_leaves_in_doubt_are_asked_for(
    client: Client, engine_lead: User, workspace: Workspace, run_jobs: Callable[[], int]
) -> None:
    client.force_login(engine_lead)
    address = upload(client, dated("03/04/2026", "05/06/2026"))
    run_jobs()
    page = client.get(address)
    assert "does 03/04/2026 begin with the day or with the month?" in page.content.decode()
    client.post(address, mapping_of(client, address) | {"answer": "date_order:month"})
    run_jobs()
    batch = Batch.objects.get()
    assert (batch.state, batch.problems, batch.added) == ("draft", 0, 2)
    client.post(address, mapping_of(client, address))
    run_jobs()
    assert str(Order.objects.get(external_id="A-0").order_date) == "2026-03-04"


def test_dates_in_doubt_load_nothing_without_an_answer(workspace: Workspace, tmp_path: Path) -> None:
    batch = load_rows(workspace, tmp_path, "orders", dated("03/04/2026"))
    assert batch.errors.values_list("line", "column", "value", "code").get() == (
        0,
        "ordered_at",
        "03/04/2026",
        "date_order",
    )
    assert not Order.objects.exists()


def test_a_comma_anywhere_tells_how_every_amount_of_the_file_is_read(workspace: Workspace, tmp_path: Path) -> None:
    rows = [order("A-1", gross="1.234"), order("A-2", gross="12,50"), order("A-3", gross="2.345,67 €")]
    loaded(workspace, tmp_path, "orders", rows)
    assert [str(one.gross) for one in Order.objects.order_by("external_id")] == ["1234.0000", "12.5000", "2345.6700"]


def test_counts_tell_by_their_thousands(workspace: Workspace, tmp_path: Path) -> None:
    rows = [{"date": "2026-03-02", "channel": "google", "cost": "1,234", "currency": "EUR", "clicks": "2,345"}]
    loaded(workspace, tmp_path, "spend", rows)
    assert (Spend.objects.get().cost, Spend.objects.get().clicks) == (1234, 2345)


def test_an_amount_that_may_be_thousands_is_asked_for(
    client: Client, engine_lead: User, workspace: Workspace, run_jobs: Callable[[], int]
) -> None:
    client.force_login(engine_lead)
    address = upload(client, [order("A-1", gross="1.234")])
    run_jobs()
    assert "what is the sign in 1.234?" in client.get(address).content.decode()
    client.post(address, mapping_of(client, address) | {"answer": "decimal:,"})
    run_jobs()
    assert Batch.objects.get().problems == 0


# --- several kinds, and sums ----------------------------------------------------------------------------------------
def test_a_sum_that_lacks_a_bad_part_is_given_back_whole(workspace: Workspace, tmp_path: Path) -> None:
    path = csv_file(tmp_path, [order("A-1", gross="10"), order("A-1", gross="x"), order("A-2", gross="3")])
    plan = replace(by_header(KINDS["orders"], list(order())), sums=True)
    batch = batches.create(batches.source_named(workspace, "shop"), plan, path, "o.csv", skips_bad_rows=True)
    batches.load(batch, Silent())
    assert (batch.state, batch.rejected) == ("loaded", 2)
    assert [one.external_id for one in Order.objects.all()] == ["A-2"]
    given_back = batches.bad_rows_path(batch).read_text("utf-8-sig").splitlines()[1:]
    assert sorted(line.split(",")[0] for line in given_back) == ["2", "3"]


def test_a_credit_is_spread_over_the_days_too(workspace: Workspace, tmp_path: Path) -> None:
    rows = [{"channel": "meta", "cost": amount, "currency": "EUR"} for amount in ("100", "-7")]
    path = csv_file(tmp_path, rows)
    options = {"period_first": "2026-03-02", "period_last": "2026-03-08"}
    plan = replace(by_header(KINDS["spend"], list(rows[0])), sums=True, options=options)
    assert load_plan(workspace, path, plan).state == "loaded"
    assert sum(one.cost for one in Spend.objects.all()) == 93


def test_one_comma_tells_for_all_kinds_of_a_file(workspace: Workspace, tmp_path: Path) -> None:
    rows = [order("A-1", gross="12,50", paid="1.234")]
    columns = {name: name for name in order()}
    payments = Plan(KINDS["payments"], {"order_id": "order_id", "amount": "paid"})
    assert load_plan(workspace, csv_file(tmp_path, rows), [Plan(KINDS["orders"], columns), payments]).state == "loaded"
    assert Payment.objects.get().amount == 1234


def test_whole_amounts_do_not_settle_what_a_later_row_leaves_in_doubt(workspace: Workspace, tmp_path: Path) -> None:
    rows = [order(f"A-{n}", gross="10") for n in range(10_001)] + [order("B-1", gross="1.234")]
    batch = load_rows(workspace, tmp_path, "orders", rows)
    assert batch.errors.get().code == "decimal"


def test_a_record_that_one_kind_moves_and_another_changes_is_kept_once(workspace: Workspace, tmp_path: Path) -> None:
    def shop_file(carrier: str, back: str) -> Batch:
        rows = [order("A-1", carrier=carrier, back=back, when="2026-03-09", refund="R-1")]
        columns = {name: name for name in (*order(), "carrier")}
        refund = {"refund_id": "refund", "order_id": "order_id", "refunded_at": "when", "amount": "back"}
        plans = [Plan(KINDS["orders"], columns), Plan(KINDS["refunds"], refund | {"currency": "currency"})]
        return load_plan(workspace, csv_file(tmp_path, rows), plans)

    assert shop_file("DHL", "5").state == "loaded"
    second = shop_file("UPS", "7")
    assert second.state == "loaded"
    batches.undo(second, Silent())
    assert (Refund.objects.get().carrier, Refund.objects.get().amount) == ("DHL", 5)


# --- what a hostile week brings -------------------------------------------------------------------------------------
def test_each_source_s_own_mapping_reads_its_files(client: Client, saved: Mapping, workspace: Workspace) -> None:
    other = batches.source_named(workspace, "Shop Two")
    plan = saved.as_plans[0].with_options({"decimal": ","})
    Mapping.objects.create(workspace=workspace, slug="odd-two", name="Odd two", source=other, plans=[plan.as_data])
    upload(client, [{**ODD, "Nr": "A-2"}], source="Shop Two")
    assert Batch.objects.latest("pk").mapping_name == "odd-two"
    upload(client, [{**ODD, "Nr": "A-3"}], source="Shop One")
    assert Batch.objects.latest("pk").mapping_name == "odd"
    unnamed = client.post(
        reverse("import-new", args=["acme"]), {"file": files(odd=[{**ODD, "Nr": "A-4"}])[0], "source": ""}
    )
    assert list(unnamed.context["form"].errors) == ["source"]


def test_a_mapping_of_another_source_reads_nothing_unseen(client: Client, saved: Mapping) -> None:
    answer = client.post(
        reverse("import-new", args=["acme"]), {"file": files(odd=[{**ODD, "Nr": "A-2"}])[0], "source": "Shop Three"}
    )
    assert list(answer.context["form"].errors) == ["kind"]


def test_numbers_of_a_workbook_are_numbers_whatever_a_mapping_says(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "orders.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Orders")
        for at, (name, cell) in enumerate(order("A-1", gross=2.345).items()):
            sheet.write(0, at, name)
            sheet.write(1, at, cell)
    plan = by_header(KINDS["orders"], list(order())).with_options({"decimal": ",", "sheet": "Orders"})
    assert load_plan(workspace, path, plan).state == "loaded"
    assert str(Order.objects.get().gross) == "2.3450"


def test_a_file_that_was_rejected_is_looked_at_and_loaded_after_all(
    client: Client, engine_lead: User, workspace: Workspace, run_jobs: Callable[[], int]
) -> None:
    client.force_login(engine_lead)
    address = upload(client, dated("03/04/2026"))
    form = mapping_of(client, address)
    client.post(address, form)
    run_jobs()
    assert Batch.objects.get().state == "rejected"
    assert address in client.get(reverse("import-detail", args=["acme", Batch.objects.get().pk])).content.decode()
    client.post(address, form | {"date_order": "day"})
    run_jobs()
    assert Batch.objects.get().state == "loaded"


def test_a_header_that_tells_little_is_not_taken_for_a_kind(workspace: Workspace) -> None:
    from flywheel.intake.recognising import guess

    assert guess(workspace, ["order_id", "Ordered at time", "currency", "Gross amt", "sum of it", "x"]) is None


def test_what_is_discarded_leaves_no_bad_rows_behind(
    client: Client, engine_lead: User, workspace: Workspace, run_jobs: Callable[[], int], tmp_path: Path
) -> None:
    client.force_login(engine_lead)
    upload(client, [order("A-1", gross="zz")])
    run_jobs()
    client.post(reverse("import-discard", args=["acme", Batch.objects.get().pk]))
    assert not [path for path in (tmp_path / "uploads").rglob("*") if path.is_file()]
