"""Feeds: tables that a loader writes are read on schedule, and only what has loaded moves the cursor."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import timezone
from django.utils.module_loading import import_string

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Order, Traffic
from flywheel.intake import batches, feeds, tables
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Batch, Feed, Mapping
from flywheel.intake.plans import Plan
from flywheel.intake.tables import TableProblemError
from flywheel.jobs.models import Job
from tests import servers
from tests.builders import Silent, order
from tests.loader import ORDERS, Loader, loader

pytestmark = pytest.mark.django_db

RunJobs = Callable[[], int]


@pytest.fixture(autouse=True)
def uploads(settings: Any, tmp_path: Path) -> Path:
    """Read rows go to the test's own folder."""
    settings.UPLOAD_DIR = tmp_path / "uploads"
    return settings.UPLOAD_DIR


@pytest.fixture
def shop(db: None) -> Iterator[Loader]:
    """A loader that has made its table of orders, and no row yet."""
    with loader() as made:
        made.run(ORDERS)
        yield made


@pytest.fixture
def feed(workspace: Workspace, shop: Loader) -> Feed:
    """The feed of that table."""
    return added(workspace)


def added(workspace: Workspace, table: str = "shop.orders", kind: str = "orders", **options: Any) -> Feed:
    return feeds.add(batches.source_named(workspace, "Shop"), table, kind, **options)[0]


def fresh(feed: Feed) -> Feed:
    return Feed.objects.select_related("workspace", "source", "batch__job").get(pk=feed.pk)


def ran(feed: Feed) -> Batch | None:
    """One run by hand; its batch."""
    batch = feeds.read(fresh(feed), Silent(), by_hand=True)
    if batch:
        batches.load(batch, Silent())
    feeds.settle(fresh(feed))
    return batch


def counts(batch: Batch | None) -> tuple[int | None, ...]:
    return batch.added, batch.changed, batch.unchanged


# --- what is read -----------------------------------------------------------------------------------------------------
def test_each_run_reads_what_has_come_since(feed: Feed, shop: Loader) -> None:
    shop.load(order("A-1"), order("A-2"))
    assert counts(ran(feed)) == (2, 0, 0)
    last = shop.load(order("A-2", status="returned"), order("A-3"), order("A-1"))
    assert counts(ran(feed)) == (1, 1, 1)
    assert fresh(feed).cursor == last
    assert Order.objects.get(external_id="A-2").state == "returned"


def test_a_run_without_news_makes_no_batch(feed: Feed, shop: Loader, uploads: Path) -> None:
    shop.load(order("A-1"))
    ran(feed)
    assert ran(feed) is None
    assert Batch.objects.count() == 1
    assert not [path for path in uploads.rglob("*") if path.is_file()]


def test_a_load_without_rows_for_the_table_is_passed_over(feed: Feed, shop: Loader) -> None:
    last = shop.load()
    assert ran(feed) is None
    assert fresh(feed).cursor == last


def test_a_load_that_is_not_complete_is_left_for_later(feed: Feed, shop: Loader) -> None:
    under_way = shop.load(order("A-1"), complete=False)
    shop.load(order("A-2"))
    assert counts(ran(feed)) == (1, 0, 0)
    shop.complete(under_way)  # begun before the other, and complete after it
    assert counts(ran(feed)) == (1, 0, 0)
    assert set(Order.objects.values_list("external_id", flat=True)) == {"A-1", "A-2"}


def test_of_several_unread_versions_the_newest_is_taken(feed: Feed, shop: Loader) -> None:
    shop.load(order("A-1", gross=100))
    shop.load(order("A-1", gross=120))
    assert counts(ran(feed)) == (1, 0, 0)
    assert Order.objects.get().gross == 120


def test_two_rows_of_one_load_that_contradict_each_other_are_refused(feed: Feed, shop: Loader) -> None:
    shop.load(order("A-1", gross=100), order("A-1", gross=120))
    assert ran(feed).errors.get().code == "conflict"


def test_rows_without_a_key_are_refused_and_not_dropped(feed: Feed, shop: Loader) -> None:
    shop.load(order(None), order(None, gross=5), order("A-1"))
    assert ran(feed).errors.filter(column="order_id", code="required").count() == 2


def test_keys_of_several_columns_tell_versions_apart(workspace: Workspace, shop: Loader) -> None:
    shop.run("CREATE TABLE shop.traffic (date date, market text, sessions int8, at int4)")
    for at, row in enumerate([("DE", 1), ("FR", 2), (None, 3), ("DE", 4)]):
        shop.insert("traffic", {"date": "2026-03-02", "market": row[0], "sessions": row[1], "at": at})
    ran(added(workspace, "shop.traffic", "traffic", cursor="at"))
    assert sorted(Traffic.objects.values_list("market", "sessions")) == [("", 3), ("DE", 4), ("FR", 2)]


def test_each_type_arrives_as_it_was_meant(workspace: Workspace, shop: Loader) -> None:
    shop.run(
        """CREATE TABLE shop.typed AS SELECT 'A-1' AS order_id, 'EUR'::char(3) AS currency,
        '2026-03-02 23:30:00-05'::timestamptz AS ordered_at, '2026-03-03 08:00'::timestamp AS shipped_at,
        '2026-03-09'::date AS promised_at, 100.500000000::numeric AS gross, 1e1::float8 AS tax, true AS paid,
        NULL::numeric AS shipping, 3::int2 AS units, '{"a": 1}'::jsonb AS carrier, 7 AS at"""
    )
    batch = ran(added(workspace, "shop.typed", cursor="at"))
    assert batch.state == Batch.State.LOADED, list(batch.errors.values_list("column", "value", "code"))
    found = Order.objects.get()
    assert str(found.ordered_at) == "2026-03-03 04:30:00+00:00"
    assert str(found.shipped_at) == "2026-03-03 07:00:00+00:00"  # the wall clock of Berlin
    assert (str(found.promised_date), found.gross, found.tax, found.units) == ("2026-03-09", 100.5, 10, 3)
    assert found.carrier == ""


def test_a_value_that_dlt_put_beside_its_column_is_told_as_the_bad_value_it_is(feed: Feed, shop: Loader) -> None:
    shop.run("ALTER TABLE shop.orders ADD gross__v_text varchar")
    shop.load(order("A-1"), order("A-2", gross=None, gross__v_text="ten"))
    assert ran(feed).errors.values_list("column", "value", "code").get() == ("gross", "ten", "money")


def test_names_that_need_quotes_are_quoted(workspace: Workspace, shop: Loader) -> None:
    shop.run('CREATE TABLE shop."orders""; DROP TABLE shop.orders; --" AS SELECT * FROM shop.orders')
    shop.run('ALTER TABLE shop."orders""; DROP TABLE shop.orders; --" RENAME _dlt_id TO "Serial ""No"" 100%"')
    name = 'orders"; DROP TABLE shop.orders; --'
    shop.insert(name, {**order("A-1"), 'Serial "No" 100%': "7", "_dlt_load_id": "1"})
    assert counts(ran(added(workspace, f"shop.{name}", cursor='Serial "No" 100%'))) == (1, 0, 0)
    assert Order.objects.get().external_id == "A-1"


def test_loads_that_the_loader_has_forgotten_are_no_reason_to_stop(feed: Feed, shop: Loader) -> None:
    shop.load(order("A-1"))
    ran(feed)
    shop.run("TRUNCATE shop._dlt_loads, shop.orders")
    shop.load(order("A-1"), order("A-2"))
    assert counts(ran(feed)) == (1, 0, 1)


# --- other cursors ----------------------------------------------------------------------------------------------------
@pytest.fixture
def clocked(workspace: Workspace, shop: Loader) -> Feed:
    """A feed of orders whose new rows are told by a time."""
    shop.run("ALTER TABLE shop.orders ADD updated_at timestamptz, ALTER _dlt_load_id DROP NOT NULL")
    shop.run("ALTER TABLE shop.orders ALTER _dlt_id DROP NOT NULL")
    return added(workspace, cursor="updated_at")


def test_a_time_tells_new_rows_and_late_ones_of_the_same_moment(clocked: Feed, shop: Loader) -> None:
    shop.insert("orders", {**order("A-1"), "updated_at": "2026-03-02 10:00:00.123456+00"})
    assert counts(ran(clocked)) == (1, 0, 0)
    shop.insert("orders", {**order("A-2"), "updated_at": "2026-03-02 10:00:00.123456+00"})
    assert ran(clocked) is None
    shop.insert("orders", {**order("A-3"), "updated_at": "2026-03-02 11:00:00+00"})
    assert counts(ran(clocked)) == (2, 0, 1)


def test_rows_whose_cursor_is_empty_are_told(clocked: Feed, shop: Loader) -> None:
    shop.insert("orders", order("A-1"))
    with pytest.raises(TableProblemError, match="updated_at is empty in some rows"):
        ran(clocked)


def test_a_text_tells_new_rows_by_its_bytes(workspace: Workspace, shop: Loader) -> None:
    feed = added(workspace, cursor="_dlt_id")
    shop.insert("orders", {**order("A-1"), "_dlt_load_id": "1", "_dlt_id": "Z"})
    ran(feed)
    shop.insert("orders", {**order("A-2"), "_dlt_load_id": "1", "_dlt_id": "a"})  # before Z in most languages
    assert counts(ran(feed)) == (1, 0, 1)


@pytest.mark.parametrize(("cursor", "reason"), [("tags", "no column tags"), ("nothing", "no column nothing")])
def test_a_cursor_must_be_a_column_with_an_order(workspace: Workspace, shop: Loader, cursor: str, reason: str) -> None:
    with pytest.raises(TableProblemError, match=reason):
        added(workspace, cursor=cursor)


def test_without_a_load_id_a_cursor_must_be_named(workspace: Workspace, shop: Loader) -> None:
    shop.run("CREATE TABLE shop.plain AS SELECT 1.5::float8 AS order_id")
    with pytest.raises(TableProblemError, match="no column _dlt_load_id"):
        added(workspace, "shop.plain")
    with pytest.raises(TableProblemError, match="type float8"):
        added(workspace, "shop.plain", cursor="order_id")


# --- what goes wrong --------------------------------------------------------------------------------------------------
def test_a_bad_row_keeps_the_cursor_until_it_is_put_right(feed: Feed, shop: Loader) -> None:
    first = shop.load(order("A-1"))
    ran(feed)
    shop.load(order("A-2"), order("A-3", currency="MARS"))
    assert ran(feed).state == Batch.State.REJECTED
    assert fresh(feed).cursor == first
    assert "nothing loaded, 1 bad rows" in fresh(feed).last_error
    assert "currency: 'MARS': expected a currency's three letters" in fresh(feed).last_error
    assert Order.objects.count() == 1
    last = shop.load(order("A-3"))
    assert counts(ran(feed)) == (2, 0, 0)
    assert (fresh(feed).cursor, fresh(feed).last_error) == (last, "")


def test_rejected_rows_are_not_tried_again_every_time(feed: Feed, shop: Loader, uploads: Path) -> None:
    shop.load(order("A-1", currency="MARS"))
    rejected = ran(feed)
    assert feeds.read(fresh(feed), Silent()) is None
    assert Batch.objects.get() == rejected
    assert "MARS" in fresh(feed).last_error
    Batch.objects.update(created_at=timezone.now() - feeds.REPEAT_AFTER)
    assert feeds.read(fresh(feed), Silent()) is not None


def test_rejected_rows_that_were_mended_in_place_are_read_again(feed: Feed, shop: Loader) -> None:
    shop.load(order("A-1", currency="MARS"))
    ran(feed)
    shop.run("UPDATE shop.orders SET currency = 'EUR'")
    batch = feeds.read(fresh(feed), Silent())
    assert batches.load(batch, Silent()).state == Batch.State.LOADED


def test_a_failed_batch_cannot_be_started_again_once_its_rows_are_read_anew(feed: Feed, shop: Loader) -> None:
    shop.load(order("A-1", gross=100))
    old = feeds.read(fresh(feed), Silent())
    Batch.objects.update(state=Batch.State.FAILED)
    feeds.settle(fresh(feed))
    assert "could not be loaded" in fresh(feed).last_error
    shop.load(order("A-1", gross=120))
    ran(feed)
    old.refresh_from_db()
    assert not old.can_start
    assert Order.objects.get().gross == 120


def test_a_column_that_is_gone_is_named(feed: Feed, shop: Loader) -> None:
    shop.run("ALTER TABLE shop.orders RENAME gross TO amount")
    shop.load({"order_id": "A-1"})
    with pytest.raises(TableProblemError, match=r"shop\.orders has no readable column gross any more"):
        ran(feed)
    assert "gross" in fresh(feed).last_error


def test_two_readers_at_once_make_one_batch(feed: Feed, shop: Loader) -> None:
    shop.load(order("A-1"))
    first, second = fresh(feed), fresh(feed)
    assert feeds.read(first, Silent()) is not None
    assert feeds.read(second, Silent()) is None
    assert Batch.objects.count() == 1


def test_a_run_waits_for_the_batch_before_it(feed: Feed, shop: Loader) -> None:
    shop.load(order("A-1"))
    feeds.read(fresh(feed), Silent())
    shop.load(order("A-2"))
    assert feeds.read(fresh(feed), Silent()) is None


def test_a_draft_whose_process_died_does_not_stop_the_feed(feed: Feed, shop: Loader) -> None:
    shop.load(order("A-1"))
    feeds.read(fresh(feed), Silent(), by_hand=True)
    assert ran(feed) is None
    Batch.objects.update(created_at=timezone.now() - feeds.ABANDONED_AFTER)
    assert counts(ran(feed)) == (1, 0, 0)


# --- what must not be read --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "table",
    ["public.accounts_user", "public.nothing", "pg_catalog.pg_authid", "information_schema.tables", "pg_toast.x"],
)
def test_the_products_and_the_systems_own_schemas_are_refused(workspace: Workspace, table: str) -> None:
    with pytest.raises(TableProblemError, match="the product's own"):
        added(workspace, table)


def test_a_schema_that_holds_the_products_tables_is_refused_whatever_its_name(
    workspace: Workspace, shop: Loader
) -> None:
    shop.run("CREATE TABLE shop.accounts_workspace ()")
    with pytest.raises(TableProblemError, match="the product's own"):
        added(workspace)


@pytest.mark.parametrize(
    ("table", "reason"), [("orders", "with its schema"), ("shop.", "with its schema"), ("shop.none", "no such table")]
)
def test_a_table_that_is_not_there_is_refused(workspace: Workspace, shop: Loader, table: str, reason: str) -> None:
    with pytest.raises(TableProblemError, match=reason):
        added(workspace, table)


def test_a_view_would_run_with_the_products_rights_and_is_refused(workspace: Workspace, shop: Loader) -> None:
    shop.run("CREATE VIEW shop.seen AS SELECT * FROM shop.orders")
    with pytest.raises(TableProblemError, match="only with FEED_DATABASE_URL"):
        added(workspace, "shop.seen")


def test_a_table_that_has_become_a_view_is_not_read_any_more(feed: Feed, shop: Loader) -> None:
    shop.run("ALTER TABLE shop.orders RENAME TO old")
    shop.run("CREATE VIEW shop.orders AS SELECT * FROM shop.old")
    with pytest.raises(TableProblemError, match="only with FEED_DATABASE_URL"):
        ran(feed)


def test_nothing_can_be_written_where_tables_are_read(shop: Loader) -> None:
    with pytest.raises(TableProblemError, match="read-only transaction"), tables.connected() as conn:
        conn.execute("DELETE FROM shop.orders")


# --- another database -------------------------------------------------------------------------------------------------
@pytest.fixture
def warehouse(db: None, settings: Any) -> Iterator["psycopg.Connection[tuple]"]:
    """A database that is not the product's, named by FEED_DATABASE_URL."""
    name = servers.name_of("warehouse")
    with servers.maintenance() as maintenance:
        servers.create_database(maintenance, name)
    settings.FEED_DATABASE_URL = servers.url_of(name)
    try:
        with psycopg.connect(settings.FEED_DATABASE_URL, autocommit=True) as conn:
            yield conn
    finally:
        with servers.maintenance() as maintenance:
            maintenance.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_a_view_in_another_database_is_read(workspace: Workspace, warehouse: "psycopg.Connection[tuple]") -> None:
    warehouse.execute("CREATE TABLE raw (order_id text, at timestamptz, moment timestamptz)")
    warehouse.execute("INSERT INTO raw VALUES ('A-1', '2026-03-02 10:00+00', '2026-03-02 11:00+00')")
    warehouse.execute("CREATE VIEW orders AS SELECT order_id, at AS ordered_at, 'USD' AS currency, moment FROM raw")
    assert counts(ran(added(workspace, "public.orders", cursor="moment"))) == (1, 0, 0)


def test_the_products_database_by_its_address_is_still_the_products(workspace: Workspace, settings: Any) -> None:
    from django.db import connection

    settings.FEED_DATABASE_URL = servers.url_of(connection.settings_dict["NAME"])
    with pytest.raises(TableProblemError, match="the product's own"):
        added(workspace, "public.accounts_user", cursor="id")


def test_a_database_that_is_away_is_told_on_the_feed(feed: Feed, settings: Any, run_jobs: RunJobs) -> None:
    settings.FEED_DATABASE_URL = "postgres://reader:secret@127.0.0.1:1/warehouse"
    feeds.start_due(timezone.now())
    run_jobs()
    assert Job.objects.get().state == Job.State.FAILED
    assert fresh(feed).last_error.startswith("The table cannot be read: connection failed")
    assert "secret" not in fresh(feed).last_error


# --- on schedule ------------------------------------------------------------------------------------------------------
def beat(entry: str) -> None:
    """Run the task of an entry of beat's schedule."""
    import_string(settings.CELERY_BEAT_SCHEDULE[entry]["task"])()


def test_a_due_feed_is_read_and_loaded_by_jobs(feed: Feed, shop: Loader, run_jobs: RunJobs) -> None:
    last = shop.load(order("A-1"))
    beat("start-due-feeds")
    run_jobs()
    assert set(Job.objects.values_list("kind", "state")) >= {("feed", "done"), ("import", "done")}
    assert fresh(feed).reached == last
    beat("start-due-feeds")
    assert (fresh(feed).cursor, fresh(feed).reached) == (last, "")
    assert Order.objects.get().source.name == "Shop"


def test_a_feed_is_due_when_its_minutes_have_passed(feed: Feed, run_jobs: RunJobs) -> None:
    now = timezone.now()
    assert feeds.start_due(now) == 1
    run_jobs()
    assert feeds.start_due(now + timedelta(minutes=59)) == 0
    assert feeds.start_due(now + timedelta(minutes=61)) == 1


def test_a_feed_that_is_off_is_not_started(feed: Feed) -> None:
    Feed.objects.update(enabled=False)
    assert feeds.start_due(timezone.now()) == 0


def test_a_feed_that_was_removed_while_its_job_waited_does_nothing(feed: Feed, run_jobs: RunJobs) -> None:
    feeds.start_due(timezone.now())
    feed.delete()
    run_jobs()
    assert Job.objects.get().state == Job.State.DONE


# --- mappings ---------------------------------------------------------------------------------------------------------
def saved(workspace: Workspace, *plans: Plan) -> Mapping:
    """The workspace's mapping "ours"."""
    return Mapping.objects.create(workspace=workspace, slug="ours", plans=[plan.as_data for plan in plans])


def test_a_saved_mapping_reads_a_table_of_other_names(workspace: Workspace, shop: Loader) -> None:
    columns = {"order_id": "no", "ordered_at": "made", "gross": "sum"}
    saved(workspace, Plan(KINDS["orders"], columns, {"currency": "EUR"}))
    shop.run("CREATE TABLE shop.sales AS SELECT 7 AS no, now() AS made, 9.5 AS sum, 1 AS at")
    assert counts(ran(added(workspace, "shop.sales", "", mapping="ours", cursor="at"))) == (1, 0, 0)
    assert Order.objects.get().gross == 9.5


def test_of_a_mapping_for_several_kinds_one_is_chosen(workspace: Workspace, shop: Loader) -> None:
    columns = {"order_id": "order_id", "ordered_at": "ordered_at", "currency": "currency"}
    payments = Plan(KINDS["payments"], {"order_id": "order_id", "amount": "gross"})
    saved(workspace, Plan(KINDS["orders"], columns), payments)
    with pytest.raises(TableProblemError, match="reads orders, payments: choose one"):
        added(workspace, kind="", mapping="ours")
    assert added(workspace, kind="payments", mapping="ours").plan["kind"] == "payments"


def test_a_mapping_that_adds_rows_up_is_refused(workspace: Workspace, shop: Loader) -> None:
    columns = {"order_id": "order_id", "ordered_at": "ordered_at", "currency": "currency", "gross": "gross"}
    saved(workspace, Plan(KINDS["orders"], columns, sums=True))
    with pytest.raises(TableProblemError, match="works values out"):
        added(workspace, kind="", mapping="ours")


def test_a_mapping_whose_columns_are_named_otherwise_is_refused(workspace: Workspace, shop: Loader) -> None:
    columns = {"order_id": "order_id", "ordered_at": "ordered_at", "currency": "currency", "gross": "gross_sum"}
    saved(workspace, Plan(KINDS["orders"], columns))
    with pytest.raises(TableProblemError, match="gross_sum"):
        added(workspace, kind="", mapping="ours")


@pytest.mark.parametrize(
    ("option", "reason"),
    [({"decimal": ","}, "gross holds numbers"), ({"date_format": "%d.%m.%Y"}, "ordered_at holds times")],
)
def test_a_mapping_for_texts_does_not_misread_numbers_and_times(
    workspace: Workspace, shop: Loader, option: dict[str, str], reason: str
) -> None:
    columns = {"order_id": "order_id", "ordered_at": "ordered_at", "currency": "currency", "gross": "gross"}
    saved(workspace, Plan(KINDS["orders"], columns, options=option))
    with pytest.raises(TableProblemError, match=reason):
        added(workspace, kind="", mapping="ours")


def test_a_table_without_a_required_column_is_refused(workspace: Workspace, shop: Loader) -> None:
    shop.run("ALTER TABLE shop.orders DROP currency")
    with pytest.raises(TableProblemError, match="currency: expected a column or a fixed value"):
        added(workspace)


# --- commands ---------------------------------------------------------------------------------------------------------
def run(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out, stderr=out)
    return out.getvalue()


ADD = ("--workspace", "acme", "--source", "My Shop", "--table", "shop.orders")


def test_the_operator_adds_lists_runs_and_removes_a_feed(workspace: Workspace, shop: Loader) -> None:
    told = run("add_feed", *ADD, "--kind", "orders", "--every", "30")
    assert "acme.shop.orders: orders by _dlt_load_id, every 30 minutes" in told
    assert "not read: _dlt_load_id, _dlt_id, tags" in told
    shop.load(order("A-1"))
    assert "1 rows as orders: 1 new, 0 changed, 0 unchanged" in run("run_feed", "acme.shop.orders")
    assert "nothing new" in run("run_feed", "acme.shop.orders")
    assert "0 new, 0 changed, 1 unchanged" in run("run_feed", "acme.shop.orders", "--from-start")
    assert "orders from My Shop, off" in run("feeds", "--off", "acme.shop.orders")
    assert "orders from My Shop, every 30 minutes" in run("feeds", "--on", "acme.shop.orders")
    assert run("feeds", "--remove", "acme.shop.orders") == ""


def test_rejected_rows_end_the_run_with_code_1_and_stand_in_the_list(workspace: Workspace, shop: Loader) -> None:
    run("add_feed", *ADD, "--kind", "orders")
    shop.load(order("A-1", currency="MARS"))
    with pytest.raises(SystemExit) as caught:
        run("run_feed", "acme.shop.orders")
    assert caught.value.code == 1
    assert "! shop.orders.csv: nothing loaded, 1 bad rows" in run("feeds")
    assert "up to the beginning" in run("feeds")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (ADD, "Name the kind of data"),
        ((*ADD, "--mapping", "nonsense"), "no mapping 'nonsense'"),
        ((*ADD, "--mapping", "olist-orders", "--kind", "spend"), "The mapping olist-orders reads orders: choose one"),
        ((*ADD, "--kind", "orders", "--every", "0"), "expected 1 to"),
        ((*ADD[:1], "nobody", *ADD[2:], "--kind", "orders"), "no workspace 'nobody'"),
        ((*ADD[:3], "!", *ADD[4:], "--kind", "orders"), "letters or digits"),
        ((*ADD[:5], "public.accounts_user", "--kind", "orders"), "the product's own"),
    ],
)
def test_what_does_not_fit_is_named(
    workspace: Workspace, shop: Loader, arguments: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(CommandError, match=reason):
        run("add_feed", *arguments)
    assert not Feed.objects.exists()


def test_a_name_is_given_once(feed: Feed) -> None:
    with pytest.raises(CommandError, match="already"):
        run("add_feed", *ADD, "--kind", "orders")
