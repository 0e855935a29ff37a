"""Feeds on their source's page: how each is, and who may read it now, slow it down or pause it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from flywheel.accounts.models import Membership, Role, User, Workspace
from flywheel.facts.models import Order
from flywheel.intake import batches, feeds
from flywheel.intake.models import Batch, Feed
from flywheel.jobs.models import Job
from tests.builders import order
from tests.loader import ORDERS, Loader, loader

pytestmark = pytest.mark.django_db
READ_AT = datetime(2026, 3, 30, 7, 30, tzinfo=UTC)  # 09:30 in Berlin

RunJobs = Callable[[], int]


@pytest.fixture
def member(workspace: Workspace) -> User:
    """May load files."""
    user = User.objects.create_user("member@example.com", name="Member")
    Membership.objects.create(workspace=workspace, user=user, role=Role.MEMBER)
    return user


@pytest.fixture
def feed(workspace: Workspace) -> Feed:
    """A feed of a table, read every hour and never yet."""
    source = batches.source_named(workspace, "Shop")
    plan = {"kind": "orders", "columns": {}}
    known = {"schema": "shop", "table": "orders", "plan": plan, "cursor_column": "id", "name": "acme.shop.orders"}
    return Feed.objects.create(workspace=workspace, source=source, **known)


@pytest.fixture
def shop(db: None, settings: Any, tmp_path: Path) -> Iterator[Loader]:
    """A loader that has made its table of orders."""
    settings.UPLOAD_DIR = tmp_path / "uploads"
    with loader() as made:
        made.run(ORDERS)
        yield made


def page(client: Client, user: User, feed: Feed, name: str = "source-detail") -> str:
    client.force_login(user)
    arguments = ["acme"] if name == "source-list" else ["acme", feed.source_id]
    return client.get(reverse(name, args=arguments)).content.decode()


def post(client: Client, user: User, feed: Feed, name: str, **fields: object) -> int:
    client.force_login(user)
    data = {f"feed-{feed.pk}-{key}": value for key, value in fields.items()}
    return client.post(reverse(name, args=["acme", feed.pk]), data).status_code


def now(feed: Feed) -> tuple[bool, int]:
    feed.refresh_from_db()
    return feed.enabled, feed.every_minutes


# --- what is said -----------------------------------------------------------------------------------------------------
def test_a_source_without_a_feed_says_nothing_of_tables(client, reader, workspace):
    source = batches.source_named(workspace, "Shop")
    client.force_login(reader)
    answer = client.get(reverse("source-detail", args=["acme", source.pk]))
    assert "Tables that are read" not in answer.content.decode()


def test_a_reader_sees_what_is_read_how_often_and_when_next(client, reader, feed):
    Feed.objects.update(last_run_at=READ_AT, cursor="4711")
    text = page(client, reader, feed)
    assert "shop.orders" in text
    assert "every hour" in text
    assert "Up to date" in text
    assert "10:30" in text  # an hour later, in the workspace's zone
    assert "id = 4711" in text
    assert "Read it now" not in text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "Not read yet"),
        ({"last_run_at": READ_AT}, "Up to date"),
        ({"last_run_at": READ_AT, "last_error": "no such table"}, "Failed"),
        ({"last_run_at": READ_AT, "last_error": "no such table", "enabled": False}, "Paused"),
        ({"last_run_at": READ_AT, "reached": "9"}, "Being read"),
    ],
)
def test_a_feeds_state_is_told_in_words(client, reader, feed, values, words):
    Feed.objects.update(**values)
    assert words in page(client, reader, feed)


def test_a_feed_that_cannot_be_read_puts_its_source_first_in_the_list(client, reader, feed):
    batches.source_named(feed.workspace, "Ads")
    assert page(client, reader, feed, "source-list").index("Ads") < page(client, reader, feed, "source-list").index(
        "Shop"
    )
    Feed.objects.update(last_run_at=READ_AT, last_error="There is no such table.")
    text = page(client, reader, feed, "source-list")
    assert text.index(">Shop<") < text.index(">Ads<")
    assert "orders cannot be read" in text
    assert "There is no such table." in page(client, reader, feed)


def test_a_page_asks_again_while_a_table_is_being_read(client, reader, feed):
    assert "every 2s" not in page(client, reader, feed)
    Job.objects.create(workspace=feed.workspace, kind="feed", params={"feed": feed.pk})
    assert "every 2s" in page(client, reader, feed)


# --- what may be done -------------------------------------------------------------------------------------------------
def test_an_engine_lead_changes_how_often_a_table_is_read(client, engine_lead, feed):
    assert post(client, engine_lead, feed, "feed-change", every=24 * 60) == 302
    assert now(feed) == (True, 24 * 60)
    assert "every day" in page(client, engine_lead, feed)


def test_a_paused_feed_is_not_due_and_can_be_read_again(client, engine_lead, feed):
    post(client, engine_lead, feed, "feed-change", every=0)
    assert now(feed) == (False, 60)
    assert feeds.start_due(READ_AT) == 0
    post(client, engine_lead, feed, "feed-change", every=60)
    assert feeds.start_due(READ_AT) == 1


@pytest.mark.parametrize("every", ["", "7", "-60", "often", "99999999999"])
def test_other_times_than_those_offered_change_nothing(client, engine_lead, feed, every):
    post(client, engine_lead, feed, "feed-change", every=every)
    assert now(feed) == (True, 60)
    assert "Choose one of the times in the list." in page(client, engine_lead, feed)


def test_a_time_that_the_operator_chose_stays_among_those_offered(client, engine_lead, feed):
    Feed.objects.update(every_minutes=90)
    assert "every 1 hr 30 min" in page(client, engine_lead, feed)
    post(client, engine_lead, feed, "feed-change", every=90)
    assert now(feed) == (True, 90)


def test_members_read_a_table_now_and_change_nothing_else(client, member, feed):
    assert post(client, member, feed, "feed-read") == 302
    assert post(client, member, feed, "feed-read") == 302
    assert [job.params for job in Job.objects.all()] == [{"feed": feed.pk, "again": True}]
    assert post(client, member, feed, "feed-change", every=0) == 403


def test_a_reader_and_a_stranger_can_do_nothing(client, reader, stranger, feed):
    for name in ("feed-read", "feed-change"):
        assert post(client, reader, feed, name, every=0) == 403
        assert post(client, stranger, feed, name, every=0) == 404
    assert (now(feed), Job.objects.count()) == ((True, 60), 0)


def test_another_workspaces_feed_is_not_found(client, engine_lead, feed):
    other = Workspace.objects.create(name="Other", slug="other")
    Feed.objects.update(workspace=other, source=batches.source_named(other, "Shop"))
    for name in ("feed-read", "feed-change"):
        assert post(client, engine_lead, feed, name, every=0) == 404
    assert now(feed) == (True, 60)


def test_reading_now_takes_up_rows_that_were_rejected(client, member, workspace, shop, run_jobs: RunJobs):
    made = feeds.add(batches.source_named(workspace, "Shop"), "shop.orders", "orders")[0]
    shop.load(order("A-1", currency="MARS"))
    assert feeds.start_due(READ_AT) == 1
    run_jobs()
    assert Batch.objects.get().state == Batch.State.REJECTED
    Feed.objects.update(last_run_at=READ_AT - timedelta(days=1))
    feeds.start_due(READ_AT)
    run_jobs()
    assert Batch.objects.count() == 1  # the same rows, so soon: not on schedule
    post(client, member, made, "feed-read")
    run_jobs()
    assert Batch.objects.count() == 2
    assert not Order.objects.exists()
