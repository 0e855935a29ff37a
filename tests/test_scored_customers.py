"""The page and file of all customers: what the model expects of each, found, filtered, sorted and paged."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from python_calamine import CalamineWorkbook

from flywheel import jobs
from flywheel.accounts.models import Membership, Role, User, Workspace
from flywheel.aftersales import customer_lists, scored
from flywheel.aftersales.models import CustomerScore
from flywheel.facts.models import Customer, Rollup
from tests.customers_builder import AS_OF, sell
from tests.facts_builder import mark_dirty, new_source, order, set_first_orders, week_of

pytestmark = pytest.mark.django_db
CUSTOMERS = 130  # three pages, of two markets


@pytest.fixture
def member(workspace):
    user = User.objects.create_user("member@example.com", name="Member")
    Membership.objects.create(workspace=workspace, user=user, role=Role.MEMBER)
    return user


@pytest.fixture
def business(workspace, run_jobs, time_machine):
    """CUSTOMERS customers with their scores."""
    time_machine.move_to("2026-03-09T09:00:00+01:00")
    sell(workspace, new_source(workspace), CUSTOMERS)
    for rollup in Rollup.values:
        mark_dirty(workspace, rollup, [week_of(AS_OF) - timedelta(weeks=n) for n in range(8)])
    jobs.start(workspace, "roll", {})
    run_jobs()
    return workspace


def get(client, user, name="aftersales-scored", *args, **query):
    client.force_login(user)
    return client.get(reverse(name, args=["acme", *args]), query)


def page_of(client, user, **query):
    return get(client, user, **query).context["page"]


def scores(page) -> list[CustomerScore]:
    return [row["row"] for row in page["rows"]]


def csv_of(client, user, **query) -> list[list[str]]:
    response = get(client, user, "aftersales-scored-file", "csv", **query)
    assert response.streaming
    return list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


# --- what a page shows ------------------------------------------------------------------------------------------------
def test_customers_come_by_what_they_are_expected_to_bring(business, member, client):
    values = [row.value_12 or 0 for row in scores(page_of(client, member))]
    assert len(values) == scored.PER_PAGE
    assert values == sorted(values, reverse=True)
    assert values[0] == max(value or 0 for value in CustomerScore.objects.values_list("value_12", flat=True))


@pytest.mark.parametrize(("sort", "field"), [("alive", "alive"), ("last", "last_date"), ("value", "value_12")])
def test_pages_follow_each_other_without_gap_or_repeat_and_lead_back(sort, field, business, member, client):
    seen, first = [], page_of(client, member, sort=sort)
    page = first
    while True:
        seen += scores(page)
        if page["after"] is None:
            break
        last, page = page, page_of(client, member, sort=sort, after=page["after"])
    assert len({row.pk for row in seen}) == len(seen) == CUSTOMERS
    values = [getattr(row, field) for row in seen]
    assert values == sorted(values, reverse=True)
    back = page_of(client, member, sort=sort, before=page["before"])
    assert [row.pk for row in scores(back)] == [row.pk for row in scores(last)]
    again = page_of(client, member, sort=sort, before=back["before"])
    assert [row.pk for row in scores(again)] == [row.pk for row in scores(first)]
    assert again["before"] is None


def test_customers_of_equal_rank_are_paged_too(business, member, client):
    CustomerScore.objects.update(alive=1.0)
    first = page_of(client, member, sort="alive")
    second = page_of(client, member, sort="alive", after=first["after"])
    third = page_of(client, member, sort="alive", after=second["after"])
    assert len({row.pk for page in (first, second, third) for row in scores(page)}) == CUSTOMERS


def test_who_has_no_model_comes_last_and_is_still_listed(business, member, client):
    some = CustomerScore.objects.order_by("pk").first()
    CustomerScore.objects.filter(pk=some.pk).update(
        alive=None, value_12=None, orders_12=None, next_from=None, next_middle=None, next_until=None
    )
    assert csv_of(client, member)[-1][0] == some.customer


def test_a_market_and_a_group_narrow_it(business, member, client):
    assert {row.market for row in scores(page_of(client, member, market="DE"))} == {"DE"}
    assert {row.repeats for row in scores(page_of(client, member, group="once"))} == {0}
    slipping = CustomerScore.objects.filter(at_risk__gt=0, market="US")
    assert slipping.exists()
    found = scores(page_of(client, member, group="slipping", market="US"))
    assert {row.pk for row in found} == {row.pk for row in slipping}


def test_a_customer_is_found_by_the_id_of_a_shop_and_by_the_own(business, member, client):
    for text in ("ref-1-7", "c1-7", " c1-7 "):
        (row,) = scores(page_of(client, member, q=text))
        assert row.customer == "c1-7"
    assert "ref-1-7" in get(client, member, q="c1-7").content.decode()


def test_nobody_of_that_id_says_so(business, member, client):
    assert "No such customer" in get(client, member, q="nobody").content.decode()


def test_the_next_order_has_a_range_after_the_newest_day(business):
    for row in CustomerScore.objects.exclude(next_until=None):
        assert row.next_from > AS_OF
        assert row.next_from <= row.next_middle <= row.next_until <= AS_OF + timedelta(days=730)
    assert CustomerScore.objects.exclude(next_until=None).exists()


def test_who_orders_often_is_expected_earlier(workspace, business, run_jobs):
    source = new_source(workspace, "second")
    for n in range(20):
        order(workspace, source, f"v{n}", AS_OF - timedelta(days=7 * n), customer="often", customer_ref="v").save()
    set_first_orders(workspace)
    jobs.start(workspace, "ltv", {})
    run_jobs()
    often = CustomerScore.objects.get(customer="often")
    assert often.next_middle < AS_OF + timedelta(days=14)


def test_a_wait_of_more_than_two_years_is_told_in_words(business, member, client):
    CustomerScore.objects.update(next_until=None)
    assert "later than two years" in get(client, member).content.decode()


# --- who sees it, and what it costs -----------------------------------------------------------------------------------
def test_readers_see_how_many_but_not_who(business, reader, client):
    html = get(client, reader).content.decode()
    assert "members of the team" in html
    assert "c1-" not in html
    assert get(client, reader, "aftersales-scored-file", "csv").status_code == 403


def test_strangers_get_nothing(business, stranger, client):
    assert get(client, stranger).status_code == 404
    assert get(client, stranger, "aftersales-scored-file", "csv").status_code == 404


def test_before_the_work_is_done_the_page_says_so(workspace, business, member, client):
    from flywheel.aftersales.models import LifetimeFit

    LifetimeFit.objects.all().delete()
    assert "Not worked out yet" in get(client, member).content.decode()


@pytest.mark.parametrize("query", [
    {"after": "x"}, {"after": "99999999999999999999"}, {"before": "-1"}, {"sort": "<b>"}, {"group": "\0"},
    {"market": "no such"}, {"q": "\0"}, {"q": "'; DROP TABLE"}, {"after": "1", "before": "1"}, {"after": "٣"},
])  # fmt: skip
def test_a_page_answers_whatever_is_asked(query, business, member, client):
    assert get(client, member, **query).status_code == 200


def test_another_business_is_never_shown(business, member, client, run_jobs):
    other = Workspace.objects.create(name="Other", slug="other", base_currency="EUR")
    sell(other, new_source(other), 150, seed=2)
    jobs.start(other, "ltv", {})
    run_jobs()
    foreign = CustomerScore.objects.filter(workspace=other).first()
    assert foreign is not None
    assert not page_of(client, member, q=foreign.customer)["rows"]
    assert len(csv_of(client, member)) == 1 + CUSTOMERS
    assert [r.pk for r in scores(page_of(client, member, after=foreign.pk))] == [
        r.pk for r in scores(page_of(client, member))
    ]


def test_no_page_counts_its_customers_and_the_queries_do_not_grow(business, member, client):
    client.force_login(member)
    with CaptureQueriesContext(connection) as captured:
        client.get(reverse("aftersales-scored", args=["acme"]))
    assert len(captured) <= 30
    assert not [q["sql"] for q in captured if "count(" in q["sql"].lower() and "customerscore" in q["sql"]]


def test_pages_are_read_off_an_index(business):
    """With sequential scans and sorts forbidden, a page of each order still needs none."""
    anchor = CustomerScore.objects.order_by("pk").first()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off")
    for sort, index in (("value", "score_by_value"), ("alive", "score_by_alive"), ("last", "score_by_last")):
        with CaptureQueriesContext(connection) as captured:
            scored._page(business, scored.Asked(sort=sort, after=anchor.pk))
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN " + captured[-1]["sql"])
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert f"using {index}" in plan
        assert "ROW(" in plan.split("Index Cond")[1].split("\n")[0]
        assert "Sort" not in plan


# --- the file ---------------------------------------------------------------------------------------------------------
def test_the_file_holds_every_customer_of_the_filter(business, member, client):
    table = csv_of(client, member, market="DE", sort="last")
    assert len(table) == 1 + CustomerScore.objects.filter(market="DE").count()
    days = [row[table[0].index("Last order")] for row in table[1:]]
    assert days == sorted(days, reverse=True)


def test_the_file_holds_hashes_and_no_formulas(business, member, client):
    some = CustomerScore.objects.order_by("pk").first()
    Customer.objects.create(
        workspace=business, source=new_source(business, "crm"), external_id="x", person=some.customer, email_hash="ab12"
    )
    CustomerScore.objects.filter(pk=some.pk).update(channel="=cmd()")
    (row,) = (row for row in csv_of(client, member) if row[0] == some.customer)
    assert row[2] == "ab12"
    assert row[4] == "'=cmd()"


def test_the_workbook_holds_the_same_and_has_its_limit(business, member, client, monkeypatch):
    response = get(client, member, "aftersales-scored-file", "xlsx", group="once")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(response.content)).get_sheet_by_index(0).to_python()
    assert len(rows) == 1 + CustomerScore.objects.filter(repeats=0).count()
    monkeypatch.setattr(scored, "MOST_IN_WORKBOOK", 5)
    client.force_login(member)
    refused = client.get(reverse("aftersales-scored-file", args=["acme", "xlsx"]), {"market": "DE"}, follow=True)
    assert "take the CSV file" in refused.content.decode()
    assert get(client, member, "aftersales-scored-file", "exe").status_code == 404


def test_the_lists_lead_here(business, member, client):
    html = get(client, member, "aftersales-customers").content.decode()
    assert reverse("aftersales-scored", args=["acme"]) in html
    assert customer_lists.scored_customers(business) == CUSTOMERS
    assert customer_lists.scored_customers(business, "DE") == CUSTOMERS // 2
