"""What follows from facts across rows, in whatever order the files come."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from flywheel.accounts.models import Workspace
from flywheel.facts import undo
from flywheel.facts.channels import channel_kind
from flywheel.facts.models import (
    Channel,
    DirtyWeek,
    FirstOrder,
    Market,
    Order,
    Payment,
    Refund,
    Review,
    Session,
    Ticket,
)
from tests.builders import Row, load_rows, loaded, market, order

pytestmark = pytest.mark.django_db
OLD, MIDDLE, NEW = "2026-02-02", "2026-03-02", "2026-03-09"  # Mondays


def dirty(workspace: Workspace, rollup: str) -> list[str]:
    weeks = DirtyWeek.objects.filter(workspace=workspace, rollup=rollup).order_by("week")
    return [str(week) for week in weeks.values_list("week", flat=True)]


def clean(workspace: Workspace) -> None:
    DirtyWeek.objects.filter(workspace=workspace).delete()


def the_order(order_id: str = "A-1") -> Order:
    return Order.objects.get(external_id=order_id)


CHILDREN: dict[str, Row] = {
    "payments": {"order_id": "A-1", "amount": "104.90"},
    "refunds": {"order_id": "A-1", "refunded_at": "2026-03-10", "amount": "5", "currency": "EUR"},
    "reviews": {"review_id": "R-1", "order_id": "A-1", "rating": "5", "reviewed_at": "2026-03-11"},
    "tickets": {"ticket_id": "T-1", "order_id": "A-1", "opened_at": "2026-03-12"},
}
MODELS: dict[str, Any] = {"payments": Payment, "refunds": Refund, "reviews": Review, "tickets": Ticket}


@pytest.mark.parametrize("first", ["orders", "children"])
@pytest.mark.parametrize("kind", CHILDREN)
def test_a_child_knows_its_order_whichever_comes_first(
    workspace: Workspace, tmp_path: Path, kind: str, first: str
) -> None:
    files = {"orders": ("orders", order(currency="USD", carrier="DHL")), "children": (kind, CHILDREN[kind])}
    for name in (first, *(files.keys() - {first})):
        loaded(workspace, tmp_path, files[name][0], [files[name][1]], source=name)
    child = MODELS[kind].objects.get()
    assert (child.market, child.channel, child.carrier, str(child.order_week)) == ("DE", "direct", "DHL", MIDDLE)
    if kind == "payments":
        assert child.fx_rate == the_order().fx_rate


def test_a_corrected_order_corrects_its_children(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order()])
    loaded(workspace, tmp_path, "reviews", [CHILDREN["reviews"]])
    clean(workspace)
    loaded(workspace, tmp_path, "orders", [order(market="FR")])
    assert Review.objects.get().market == "FR"
    assert NEW in dirty(workspace, "aftersales")


def test_a_child_without_its_order_keeps_its_own_market(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "tickets", [CHILDREN["tickets"] | {"market": "FR", "channel": "amazon"}])
    ticket = Ticket.objects.get()
    assert (ticket.market, ticket.channel, ticket.order_week) == ("FR", "amazon", None)


def test_a_child_takes_the_order_of_its_own_source(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order(market="DE", gross="", total="")], source="shop")
    loaded(workspace, tmp_path, "orders", [order(market="US", gross="", total="")], source="amazon")
    loaded(workspace, tmp_path, "payments", [CHILDREN["payments"]], source="amazon")
    assert Payment.objects.get().market == "US"
    assert dict(Order.objects.values_list("market", "paid")) == {"DE": None, "US": Decimal("104.9")}


def test_payments_stand_in_for_an_unknown_total(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order("A-1", gross="", shipping="4.90"), order("A-2")])
    paid = [{"order_id": name, "sequence": n, "amount": "50"} for name in ("A-1", "A-2") for n in (1, 2)]
    loaded(workspace, tmp_path, "payments", paid)
    assert (the_order("A-1").paid, the_order("A-1").net_base) == (100, Decimal("95.1"))
    assert (the_order("A-2").paid, the_order("A-2").net_base) == (None, 100)


def test_a_customers_person_and_market_reach_the_orders(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order("A-1", market=""), order("A-2", customer_id="C-2", market="FR")])
    people = [{"customer_id": name, "person_id": "P", "market": "DE"} for name in ("C-1", "C-2")]
    loaded(workspace, tmp_path, "customers", people)
    assert set(Order.objects.values_list("customer", "market")) == {("P", "DE"), ("P", "FR")}
    first = FirstOrder.objects.get()
    assert (first.customer, first.order_id, str(first.second_date)) == ("P", the_order("A-1").pk, MIDDLE)


def test_a_corrected_market_of_a_customer_reaches_the_orders_that_took_it(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "customers", [{"customer_id": "C-1", "market": "DE"}])
    loaded(workspace, tmp_path, "orders", [order("A-1", market=""), order("A-2", market="FR")])
    loaded(workspace, tmp_path, "customers", [{"customer_id": "C-1", "market": "AT"}])
    assert (the_order("A-1").market, the_order("A-2").market) == ("AT", "FR")


def test_one_email_makes_one_person_of_two_ids(workspace: Workspace, tmp_path: Path) -> None:
    rows = [{"customer_id": name, "email": "ann@example.com"} for name in ("C-1", "C-2")]
    loaded(workspace, tmp_path, "customers", rows)
    loaded(workspace, tmp_path, "orders", [order("A-1"), order("A-2", customer_id="C-2")])
    assert FirstOrder.objects.count() == 1


def test_a_late_order_moves_the_first_order_and_its_weeks(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order("A-2", ordered_at=NEW)])
    clean(workspace)
    loaded(workspace, tmp_path, "orders", [order("A-1", ordered_at=OLD)])
    first = FirstOrder.objects.get()
    assert (first.order_id, str(first.week), str(first.second_date)) == (the_order("A-1").pk, OLD, NEW)
    assert first.due_90 - first.order_date == date(2026, 4, 1) - date(2026, 1, 1)
    assert dirty(workspace, "conversion") == [OLD, NEW]
    assert dirty(workspace, "cohorts") == [OLD, NEW]


def test_orders_that_do_not_count_or_have_no_customer_are_nobodys_first(workspace: Workspace, tmp_path: Path) -> None:
    rows = [order("A-1", status="cancelled"), order("A-2", status="pending"), order("A-3", customer_id="")]
    loaded(workspace, tmp_path, "orders", rows)
    assert not FirstOrder.objects.exists()


def test_a_cancelled_first_order_hands_over_to_the_next(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order("A-1", ordered_at=OLD), order("A-2", ordered_at=NEW)])
    loaded(workspace, tmp_path, "orders", [order("A-1", ordered_at=OLD, status="cancelled")])
    first = FirstOrder.objects.get()
    assert (first.order_id, first.second_date) == (the_order("A-2").pk, None)
    loaded(workspace, tmp_path, "orders", [order("A-2", ordered_at=NEW, status="test")])
    assert not FirstOrder.objects.exists()


def test_of_two_orders_at_one_moment_the_lower_id_is_first(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order("B"), order("A")])
    assert FirstOrder.objects.get().order_id == min(Order.objects.values_list("pk", flat=True))


def test_a_delivery_reported_later_dirties_only_its_weeks(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        order(f"A-{n}", customer_id=f"C-{n}", ordered_at=week, status="shipped") for n, week in enumerate((OLD, NEW))
    ]
    loaded(workspace, tmp_path, "orders", rows)
    clean(workspace)
    loaded(workspace, tmp_path, "orders", [rows[0] | {"status": "delivered", "delivered_at": "2026-02-10 12:00:00"}])
    assert dirty(workspace, "conversion") == [OLD]
    assert dirty(workspace, "cohorts") == [OLD]
    assert dirty(workspace, "aftersales") == [OLD, "2026-02-09"]
    assert dirty(workspace, "market") == []


def test_an_unchanged_file_dirties_nothing(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "orders", [order()])
    clean(workspace)
    loaded(workspace, tmp_path, "orders", [order()])
    assert not DirtyWeek.objects.exists()


@pytest.mark.parametrize(
    ("kind", "row", "rollup"),
    [
        ("traffic", {"date": "2026-03-04", "sessions": 10}, "conversion"),
        ("spend", {"date": "2026-03-04", "currency": "EUR", "cost": 10}, "market"),
    ],
)
def test_a_days_figures_dirty_their_week(
    workspace: Workspace, tmp_path: Path, kind: str, row: Row, rollup: str
) -> None:
    loaded(workspace, tmp_path, kind, [row])
    assert set(DirtyWeek.objects.values_list("rollup", "week")) == {(rollup, date(2026, 3, 2))}


LATE_RECORDS = [
    ("reviews", {"review_id": "R-1", "order_id": "A-1", "rating": "5", "reviewed_at": "2026-04-07"}, "2026-03-09"),
    ("tickets", {"ticket_id": "T-1", "order_id": "A-1", "opened_at": "2026-04-07"}, MIDDLE),
    ("referrals", {"referral_id": "I-1", "referrer_id": "C-9", "order_id": "A-1", "invited_at": "2026-04-07"}, MIDDLE),
]  # kind, a record of the week of 6 April, the week of its order (3 March, delivered on the 10th) that counts it


@pytest.fixture
def delivered(workspace: Workspace, tmp_path: Path) -> Workspace:
    """An order of 3 March, delivered a week later; nothing is dirty."""
    loaded(workspace, tmp_path, "orders", [order(ordered_at="2026-03-03 10:00:00", delivered_at="2026-03-10 10:00:00")])
    clean(workspace)
    return workspace


@pytest.mark.parametrize(("kind", "row", "week"), LATE_RECORDS)
def test_a_late_record_dirties_its_own_week_and_its_orders(
    delivered: Workspace, tmp_path: Path, kind: str, row: Row, week: str
) -> None:
    loaded(delivered, tmp_path, kind, [row])
    assert dirty(delivered, "aftersales") == [week, "2026-04-06"]


@pytest.mark.parametrize(("kind", "row", "week"), LATE_RECORDS)
def test_a_record_taken_back_dirties_the_same_weeks(
    delivered: Workspace, tmp_path: Path, kind: str, row: Row, week: str
) -> None:
    batch = loaded(delivered, tmp_path, kind, [row])
    clean(delivered)
    undo.undo(delivered, batch.pk)
    assert dirty(delivered, "aftersales") == [week, "2026-04-06"]


def test_a_reply_told_later_dirties_the_week_of_its_ticket(delivered: Workspace, tmp_path: Path) -> None:
    loaded(delivered, tmp_path, "tickets", [CHILDREN["tickets"]])
    clean(delivered)
    loaded(delivered, tmp_path, "tickets", [CHILDREN["tickets"] | {"first_reply_at": "2026-03-30 10:00:00"}])
    assert NEW in dirty(delivered, "aftersales")
    assert Ticket.objects.get().reply_minutes > 60 * 24


def test_a_ticket_about_a_first_order_dirties_the_cohort_that_counts_who_was_answered_slowly(
    delivered: Workspace, tmp_path: Path
) -> None:
    loaded(delivered, tmp_path, "orders", [order("A-2", ordered_at=NEW)])  # the second of the same customer
    clean(delivered)
    loaded(delivered, tmp_path, "tickets", [CHILDREN["tickets"] | {"ticket_id": "T-2", "order_id": "A-2"}])
    assert dirty(delivered, "cohorts") == []
    for reply in ({}, {"first_reply_at": "2026-03-30 10:00:00"}):
        batch = loaded(delivered, tmp_path, "tickets", [CHILDREN["tickets"] | reply])
        assert dirty(delivered, "cohorts") == [MIDDLE]
        clean(delivered)
    undo.undo(delivered, batch.pk)
    assert dirty(delivered, "cohorts") == [MIDDLE]


def test_a_late_refund_dirties_its_own_week_and_the_cohort_of_its_customer(
    delivered: Workspace, tmp_path: Path
) -> None:
    batch = loaded(delivered, tmp_path, "refunds", [CHILDREN["refunds"] | {"refunded_at": "2026-04-07"}])
    assert (dirty(delivered, "aftersales"), dirty(delivered, "cohorts")) == (["2026-04-06"], [MIDDLE])
    clean(delivered)
    undo.undo(delivered, batch.pk)
    assert (dirty(delivered, "aftersales"), dirty(delivered, "cohorts")) == (["2026-04-06"], [MIDDLE])


def test_a_refund_that_finds_its_own_sources_order_leaves_the_cohort_that_it_was_taken_off(
    workspace: Workspace, tmp_path: Path
) -> None:
    loaded(workspace, tmp_path, "orders", [order(ordered_at=OLD, customer_id="C-1")], source="shop")
    loaded(workspace, tmp_path, "refunds", [CHILDREN["refunds"]], source="amazon")
    clean(workspace)
    loaded(workspace, tmp_path, "orders", [order(ordered_at=NEW, customer_id="C-2")], source="amazon")
    assert Refund.objects.get().order_id == Order.objects.get(source__slug="amazon").pk
    assert dirty(workspace, "cohorts") == [OLD, NEW]


def test_lines_dirty_the_week_of_their_order(delivered: Workspace, tmp_path: Path) -> None:
    loaded(delivered, tmp_path, "order_lines", [{"order_id": "A-1", "line_id": "1", "sku": "S-1", "quantity": 2}])
    assert dirty(delivered, "conversion") == [MIDDLE]


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("survey_answers", {"answer_id": "N-1", "score": 9, "answered_at": "2026-03-11"}),
        ("campaigns", {"campaign_id": "M-1", "sent_at": "2026-03-11 09:00:00", "sent": 10, "ordered": 1}),
    ],
)
def test_answers_and_campaigns_dirty_their_week(workspace: Workspace, tmp_path: Path, kind: str, row: Row) -> None:
    loaded(workspace, tmp_path, kind, [row])
    assert set(DirtyWeek.objects.values_list("rollup", "week")) == {("aftersales", date(2026, 3, 9))}


def test_a_ticket_knows_how_long_after_its_order_it_came(delivered: Workspace, tmp_path: Path) -> None:
    loaded(delivered, tmp_path, "tickets", [CHILDREN["tickets"] | {"opened_at": "2026-03-05 22:00:00"}])
    ticket = Ticket.objects.get()
    assert (ticket.order_id, ticket.days_after_order) == (the_order().pk, Decimal("2.5"))


def event(name: str, at: str, **cells: object) -> Row:
    return {"session_id": "S", "event": name, "happened_at": at, **cells}


def test_events_become_a_session_of_their_first_events_slice(workspace: Workspace, tmp_path: Path) -> None:
    later = [event("purchase", "2026-03-09 00:05:00", channel="email", device="mobile")]
    earlier = [event("product_view", "2026-03-08 23:58:00", channel="google", device="desktop", market="DE")]
    loaded(workspace, tmp_path, "events", later)
    assert (Session.objects.get().engaged_sessions, str(Session.objects.get().week)) == (0, NEW)
    clean(workspace)
    loaded(workspace, tmp_path, "events", earlier)
    found = Session.objects.get()
    assert (found.channel, found.device, found.market, str(found.week)) == ("google", "desktop", "DE", MIDDLE)
    assert (found.sessions, found.engaged_sessions, found.product_views, found.carts, found.payments) == (1, 1, 1, 0, 1)
    assert dirty(workspace, "conversion") == [MIDDLE, NEW]


def test_new_markets_and_channels_are_added_with_their_likely_kind(workspace: Workspace, tmp_path: Path) -> None:
    rows = [order(f"A-{n}", channel=name) for n, name in enumerate(("google", "TikTok", "amazon", "tv"))]
    loaded(workspace, tmp_path, "orders", rows)
    assert list(Market.objects.values_list("code", flat=True)) == ["DE"]
    assert dict(Channel.objects.values_list("code", "kind")) == {
        "google": "search",
        "TikTok": "social",
        "amazon": "marketplace",
        "tv": "",
    }


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("paid_search", "search"),
        ("Organic Search", "search"),
        ("Paid Social", "social"),
        ("instagram", "social"),
        ("e-mail", "email"),
        ("affiliates", "affiliate"),
        ("Referral", "referral"),
        ("(direct)", "direct"),
        ("amazon.de", "marketplace"),
        ("own store", "own_store"),
        ("billboard", ""),
        ("口碑", "referral"),
        ("老客推荐", "referral"),
        ("自然搜索", "search"),
        ("百度", "search"),
        ("谷歌 Ads", "search"),
        ("抖音", "social"),
        ("小红书", "social"),
        ("微信", "social"),
        ("邮件", "email"),
        ("直接访问", "direct"),
        ("京东联盟", "affiliate"),
        ("天猫国际", "marketplace"),
        ("亚马逊", "marketplace"),
        ("速卖通", "marketplace"),
        ("独立站", "own_store"),
        ("线下广告牌", ""),
    ],
)
def test_a_well_known_channel_has_its_kind(name: str, kind: str) -> None:
    assert channel_kind(name) == kind


def test_dates_follow_a_market_that_a_customer_brings(workspace: Workspace, tmp_path: Path) -> None:
    market(workspace, "US", "America/Los_Angeles")
    row = order(market="", delivered_at="2026-03-09T01:00:00Z")
    loaded(workspace, tmp_path, "orders", [row])
    assert str(the_order().delivered_week) == NEW
    loaded(workspace, tmp_path, "customers", [{"customer_id": "C-1", "market": "US"}])
    assert (str(the_order().delivered_date), str(the_order().delivered_week)) == ("2026-03-08", MIDDLE)
    assert (
        load_rows(workspace, tmp_path, "orders", [order(market="", delivered_at="2026-03-09T01:00:00Z")]).changed == 0
    )


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Asia/Tokyo"])
def test_a_bare_date_is_the_same_date_in_every_market(workspace: Workspace, tmp_path: Path, zone: str) -> None:
    market(workspace, "XX", zone)
    cells = {"promised_at": "2026-03-29", "delivered_at": "2026-03-30"}
    loaded(workspace, tmp_path, "orders", [order("A-1", market="XX", **cells), order("A-2", market="", **cells)])
    loaded(workspace, tmp_path, "customers", [{"customer_id": "C-1", "market": "XX"}])
    for found in Order.objects.all():
        assert (found.market, str(found.promised_date), str(found.delivered_date)) == ("XX", "2026-03-29", "2026-03-30")
        assert str(found.delivered_week) == "2026-03-30"


def test_a_week_that_starts_on_sunday_is_the_sessions_week_too(workspace: Workspace, tmp_path: Path) -> None:
    workspace.first_weekday = 6
    workspace.save()
    loaded(workspace, tmp_path, "events", [event("home", "2026-03-07 12:00:00")])
    assert str(Session.objects.get().week) == "2026-03-01"


def test_another_workspace_is_left_alone(workspace: Workspace, tmp_path: Path) -> None:
    other = Workspace.objects.create(name="Other", slug="other", base_currency="USD")
    loaded(other, tmp_path, "orders", [order()])
    loaded(workspace, tmp_path, "orders", [order(market="FR")])
    loaded(workspace, tmp_path, "customers", [{"customer_id": "C-1", "person_id": "P", "market": "AT"}])
    untouched = Order.objects.get(workspace=other)
    assert (untouched.customer, untouched.market) == ("C-1", "DE")
    assert FirstOrder.objects.get(workspace=other).customer == "C-1"
