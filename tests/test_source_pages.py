"""The sources pages: who sees and changes what, what comes first, and what is said in words."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Source, SourceHealth
from flywheel.intake import batches, sources
from flywheel.intake.health import CHECK
from flywheel.jobs.models import Job
from tests.builders import loaded, order

pytestmark = pytest.mark.django_db
MONDAY = datetime(2026, 3, 30, 7, 30, tzinfo=UTC)  # 09:30 in Berlin
SUNDAY = date(2026, 3, 29)
MAX_QUERIES = 8  # session, user, membership, sources, health, job, the frame's workspaces, and one to spare
AGREED = {"name": "Shop", "owner_team": "Sales", "contact": "Ann", "cadence_days": "7", "note": "Without B2B."}


@pytest.fixture
def shop(workspace) -> Source:
    return Source.objects.create(workspace=workspace, slug="shop", name="Shop")


@pytest.fixture
def monday():
    with time_machine.travel(MONDAY, tick=False):
        yield


def health(source: Source, kind: str = "orders", newest: date | None = SUNDAY, **values: object) -> SourceHealth:
    """What a check has found: daily records up to `newest`, loaded this morning."""
    known: dict[str, object] = {
        "newest_day": newest,
        "oldest_day": newest,
        "records": 1,
        "pause_days": 0,
        "last_batch_id": 1,
    }
    known |= {"days": {newest.isoformat(): 1} if newest else {}, "last_loaded_at": MONDAY, "computed_at": MONDAY}
    return SourceHealth.objects.create(workspace=source.workspace, source=source, kind=kind, **(known | values))


def page(client, user, name: str = "source-list", *args: object, **headers: str) -> str:
    """A page as the user gets it."""
    client.force_login(user)
    answer = client.get(reverse(name, args=["acme", *args]), **headers)
    assert answer.status_code == 200
    return answer.content.decode()


# --- rights -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["source-list", "source-detail"])
def test_a_stranger_finds_nothing(client, stranger, shop, name):
    client.force_login(stranger)
    arguments = ["acme"] if name == "source-list" else ["acme", shop.pk]
    assert client.get(reverse(name, args=arguments)).status_code == 404


def test_a_reader_sees_everything_and_changes_nothing(client, reader, shop):
    health(shop)
    assert "Shop" in page(client, reader)
    assert "Only an engine lead" in page(client, reader, "source-detail", shop.pk)
    assert client.post(reverse("source-detail", args=["acme", shop.pk]), AGREED).status_code == 403
    assert client.post(reverse("source-check", args=["acme"])).status_code == 403
    shop.refresh_from_db()
    assert (shop.owner_team, Job.objects.count()) == ("", 0)


def test_another_workspaces_source_is_not_found(client, engine_lead):
    other = Workspace.objects.create(name="Other", slug="other")
    theirs = Source.objects.create(workspace=other, slug="shop", name="Their shop")
    health(theirs)
    assert "Their shop" not in page(client, engine_lead)
    address = reverse("source-detail", args=["acme", theirs.pk])
    assert client.get(address).status_code == 404
    assert client.post(address, AGREED).status_code == 404


# --- what is agreed ---------------------------------------------------------------------------------------------------
def test_an_engine_lead_writes_down_what_is_agreed(client, engine_lead, shop):
    client.force_login(engine_lead)
    address = reverse("source-detail", args=["acme", shop.pk])
    answer = client.post(address, AGREED | {"agreed_delay_days": "8"})
    assert answer["Location"] == address
    stored = Source.objects.values("name", "owner_team", "contact", "cadence_days", "agreed_delay_days", "note").get()
    assert stored == AGREED | {"cadence_days": 7, "agreed_delay_days": 8}


def test_an_agreement_can_be_taken_back(client, engine_lead, shop):
    Source.objects.update(cadence_days=7, agreed_delay_days=8)
    client.force_login(engine_lead)
    client.post(reverse("source-detail", args=["acme", shop.pk]), {"name": "Shop"})
    shop.refresh_from_db()
    assert (shop.cadence_days, shop.agreed_delay_days) == (None, None)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("agreed_delay_days", "6", "Before its next load the newest record is at least 7 days old"),
        ("agreed_delay_days", "-1", "greater than or equal to 0"),
        ("agreed_delay_days", "1000", "less than or equal to 366"),
        ("cadence_days", "3", "Select a valid choice"),
        ("name", "!?", "Enter a name with letters or digits."),
        ("name", "ad Accounts", "Another source goes by this name."),
        ("note", "x" * 2001, "at most 2000 characters"),
    ],
)
def test_what_cannot_be_agreed_is_told_and_nothing_is_saved(client, engine_lead, workspace, shop, field, value, words):
    Source.objects.create(workspace=workspace, slug="ad-accounts", name="Media")
    client.force_login(engine_lead)
    answer = client.post(reverse("source-detail", args=["acme", shop.pk]), AGREED | {field: value})
    assert words in answer.content.decode()
    shop.refresh_from_db()
    assert (shop.name, shop.owner_team, shop.note) == ("Shop", "", "")


def test_files_find_a_renamed_source_by_its_new_and_its_old_name(client, engine_lead, workspace, shop):
    client.force_login(engine_lead)
    client.post(reverse("source-detail", args=["acme", shop.pk]), {"name": "Web shop"})
    assert {batches.source_named(workspace, name).pk for name in ("Web shop", "web shop", "Shop")} == {shop.pk}


# --- freshness --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("newest", "loaded_days_ago", "cadence", "delay", "state"),
    [
        (SUNDAY, 0, 1, None, "fresh"),
        (SUNDAY - timedelta(days=2), 0, 1, None, "late"),
        (SUNDAY - timedelta(days=2), 0, 1, 3, "fresh"),
        (SUNDAY - timedelta(days=7), 7, 7, 8, "due"),
        (SUNDAY - timedelta(days=8), 8, 7, 8, "late"),
        (SUNDAY, 0, None, None, "not_agreed"),
    ],
)
@pytest.mark.usefixtures("monday")
def test_a_source_is_late_by_what_was_agreed(workspace, shop, newest, loaded_days_ago, cadence, delay, state):
    Source.objects.update(cadence_days=cadence, agreed_delay_days=delay)
    health(shop, newest=newest, last_loaded_at=MONDAY - timedelta(days=loaded_days_ago))
    assert [row.state for row in sources.rows(workspace)] == [state]


def test_age_is_in_the_workspaces_days(workspace, shop):
    Source.objects.update(cadence_days=1)
    health(shop)
    states = []
    for time in ("2026-03-31 21:59:00+00:00", "2026-03-31 22:01:00+00:00"):  # before and after midnight in Berlin
        SourceHealth.objects.update(last_loaded_at=datetime.fromisoformat(time))
        with time_machine.travel(time, tick=False):
            states.append(sources.rows(workspace)[0].state)
    assert states == ["fresh", "late"]


@pytest.mark.usefixtures("monday")
def test_customers_loaded_once_do_not_make_a_shop_late(workspace, shop):
    Source.objects.update(cadence_days=1)
    health(shop)
    health(shop, "customers", newest=None, last_loaded_at=MONDAY - timedelta(days=200))
    (row,) = sources.rows(workspace)
    assert (row.state, [kind.state for kind in row.kinds]) == ("fresh", ["late", "fresh"])


@pytest.mark.usefixtures("monday")
def test_rare_records_are_not_late_within_their_usual_pause_and_the_page_says_so(client, reader, shop):
    Source.objects.update(cadence_days=1)
    health(shop, "refunds", newest=SUNDAY - timedelta(days=6), pause_days=9)
    shown = page(client, reader)
    assert "Fresh" in shown
    assert "up to 9 days between records are usual here" in shown


@pytest.mark.usefixtures("monday")
def test_what_needs_an_eye_comes_first(client, reader, workspace):
    made = {}
    for name in ("Fresh", "Open", "Due", "Gap", "Late"):
        made[name] = Source.objects.create(workspace=workspace, slug=name.lower(), name=name, cadence_days=1)
        health(made[name])
    Source.objects.filter(name="Open").update(cadence_days=None)
    SourceHealth.objects.filter(source=made["Due"]).update(last_loaded_at=MONDAY - timedelta(days=1))
    SourceHealth.objects.filter(source=made["Gap"]).update(gaps=[["2026-03-12", "2026-03-13", 2]])
    SourceHealth.objects.filter(source=made["Late"]).update(newest_day=date(2026, 3, 1))
    assert [row.source.name for row in sources.rows(workspace)] == ["Late", "Gap", "Due", "Open", "Fresh"]
    shown = page(client, reader)
    assert shown.index(">Late</a>") < shown.index(">Gap</a>") < shown.index(">Fresh</a>")


# --- words ------------------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("monday")
def test_the_list_says_what_is_wrong(client, reader, shop):
    Source.objects.update(cadence_days=7, agreed_delay_days=8, owner_team="Sales")
    known = {"market": 500, "channel": 400, "device": 500, "customer": 500, "cost": 0, "promise": 499}
    health(
        shop,
        newest=SUNDAY - timedelta(days=9),
        gaps=[["2026-03-01", "2026-03-01", 1], ["2026-03-12", "2026-03-13", 2]],
        volume={"week": "2026-03-16", "count": 1200, "usual": 4800.0, "signal": -1},
        coverage={"first": "2026-02-02", "last": "2026-03-29", "orders": 500, "known": known},
        ahead=3,
    )
    shown = " ".join(page(client, reader).split())
    for words in (
        "20 Mar 2026 (10 days ago)",
        "Agreed: Every week, at most 8 days old",
        "Cost of goods 0.0%",
        "(0 of 500)",
        "Channel 80.0%",
        "Orders: 12 Mar 2026 to 13 Mar 2026 (2 days) and 1 before",
        "Orders: W12 · 16 Mar: 1,200, usually 4,800",
        "Orders: 3 records are dated in the future",
        "Sales",
        "Late",
    ):
        assert words in shown, words
    assert "Promised date" not in shown  # only the two lowest


@pytest.mark.usefixtures("monday")
def test_the_detail_marks_the_missing_days_and_shows_them_in_a_table(client, reader, shop):
    days = {(SUNDAY - timedelta(days=n)).isoformat(): 7 for n in range(30) if n != 4}
    health(shop, oldest_day=SUNDAY - timedelta(days=29), days=days, gaps=[["2026-03-25", "2026-03-25", 1]])
    shown = " ".join(page(client, reader, "source-detail", shop.pk).split())
    assert "Missing (marked): 25 Mar 2026 (1 day)" in shown
    assert 'class="fw-day-missing"' in shown
    assert shown.count('<b class="fw-gap">none</b>') == 1
    assert '<td class="fw-num">42</td>' in shown  # the week of the gap


def test_no_source_yet_says_what_to_do(client, reader, engine_lead, workspace):
    assert "No source yet" in page(client, reader)
    assert reverse("import-new", args=["acme"]) not in page(client, reader)
    assert reverse("import-new", args=["acme"]) in page(client, engine_lead)


def test_a_source_of_a_file_not_loaded_yet_says_so(client, reader, shop):
    assert "Nothing loaded" in page(client, reader)
    assert "Nothing has been loaded from it yet." in page(client, reader, "source-detail", shop.pk)


# --- the check's job --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("state", [Job.State.QUEUED, Job.State.RUNNING])
def test_while_a_check_runs_the_panels_ask_again(client, reader, workspace, shop, state):
    Job.objects.create(workspace=workspace, kind=CHECK, state=state)
    assert f'hx-get="{reverse("source-list", args=["acme"])}" hx-trigger="every 2s"' in page(client, reader)
    panel = page(client, reader, "source-detail", shop.pk, HTTP_HX_REQUEST="true")
    assert panel.strip().startswith('<div id="health" hx-get')
    Job.objects.update(state=Job.State.DONE)
    assert "hx-trigger" not in page(client, reader, HTTP_HX_REQUEST="true")


def test_a_failed_check_says_why(client, reader, workspace, shop):
    Job.objects.create(workspace=workspace, kind=CHECK, state=Job.State.FAILED, error="Out of rope.")
    shown = page(client, reader)
    assert "The last check has failed" in shown
    assert "Out of rope." in shown


def test_a_member_starts_a_check_once(client, engine_lead, workspace, shop):
    client.force_login(engine_lead)
    for _click in range(2):
        answer = client.post(reverse("source-check", args=["acme"]))
        assert answer["Location"] == reverse("source-list", args=["acme"])
    assert Job.objects.get().kind == CHECK
    assert client.get(reverse("source-check", args=["acme"])).status_code == 405


def test_what_a_load_brought_is_on_the_page_after_its_check(client, reader, workspace, tmp_path, run_jobs):
    batch = loaded(workspace, tmp_path, "orders", [order(ordered_at=timezone.now().isoformat())], source="Corner shop")
    run_jobs()
    shown = page(client, reader)
    assert "Corner shop" in shown
    assert reverse("import-detail", args=["acme", batch.pk]) in shown
    assert "(today)" in shown


def test_the_lists_queries_do_not_grow_with_the_sources(client, reader, workspace):
    def add(count: int) -> None:
        for _n in range(count):
            slug = f"s{Source.objects.count()}"
            source = Source.objects.create(workspace=workspace, slug=slug, name=slug)
            for kind in ("orders", "traffic"):
                health(source, kind)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse("source-list", args=["acme"])).status_code == 200
        return len(queries)

    client.force_login(reader)
    add(1)
    with_one = asked()
    add(12)
    assert asked() == with_one <= MAX_QUERIES
