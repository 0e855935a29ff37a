"""Frames of the kept counts: what they count, that they add up, that they stay in their workspace."""

from collections import defaultdict
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from engines import cohorts
from flywheel.accounts.models import Workspace
from flywheel.facts.models import FirstOrder, Order, Source, Ticket
from flywheel.measures import fact_frames, frames
from flywheel.measures.rolling import roll_dirty_weeks
from tests import landmark
from tests.builders import count, loaded, order
from tests.facts_builder import FIRST_DAY, RandomFacts, mark_everything_dirty, new_source

pytestmark = pytest.mark.django_db
WEEKS = 40
SPRING = (date(2026, 3, 2), date(2026, 4, 6))  # weeks


@pytest.fixture
def source(workspace: Workspace) -> Source:
    return new_source(workspace)


@pytest.fixture
def other() -> Workspace:
    return Workspace.objects.create(name="Other", slug="other", base_currency="EUR", time_zone="Europe/Berlin")


# --- growth accounting ------------------------------------------------------------------------------------------------
def month_before(month: date) -> date:
    return (month - timedelta(days=1)).replace(day=1)


def counted_by_hand(workspace: Workspace, market: str = "") -> dict[date, list[int]]:
    """Month -> active, new, retained, resurrected customers, customer by customer."""
    months, first = defaultdict(set), {}
    for customer, month in Order.objects.filter(workspace=workspace, counts=True).values_list("customer", "month"):
        months[customer].add(month)
    for row in FirstOrder.objects.filter(workspace=workspace):
        first[row.customer] = row
    table: dict[date, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for customer, active in months.items():
        if not customer or (market and first[customer].market != market):
            continue
        for month in active:
            kind = 1 if month == min(active) else 2 if month_before(month) in active else 3
            table[month][0] += 1
            table[month][kind] += 1
    return dict(table)


def as_dict(frame):
    days = frame["month"].dt.date
    rows = frame[["active", "new", "retained", "resurrected"]].astype(int).to_numpy().tolist()
    return dict(zip(days, rows, strict=True))


@pytest.mark.parametrize("market", ["", "DE"])
def test_growth_months_are_what_counting_customer_by_customer_gives(workspace, source, market):
    RandomFacts(workspace, source, 3, WEEKS).create(400)
    count(workspace)
    last = FIRST_DAY + timedelta(weeks=WEEKS)
    frame = fact_frames.growth_months(workspace, FIRST_DAY, last, {"market": market} if market else None)
    assert as_dict(frame) == counted_by_hand(workspace, market)


def test_active_customers_are_those_of_the_cohort_table_and_lost_ones_follow(workspace, source):
    RandomFacts(workspace, source, 4, WEEKS).create(400)
    mark_everything_dirty(workspace, WEEKS + 6)
    roll_dirty_weeks(workspace)
    count(workspace)
    end = date(2024, 9, 30)
    table = cohorts.growth(
        fact_frames.growth_months(workspace, date(2024, 3, 1), end), np.datetime64("2024-03"), np.datetime64(end)
    )
    active = frames.cohort_months(workspace, ("month",)).set_index("month")["customers"]
    assert [m.active for m in table] == [active[np.datetime64(m.month, "s")] for m in table]
    assert len(table) == 7
    before = active[np.datetime64("2024-02-01", "s")]
    for month in table:
        assert month.active == month.new + month.retained + month.resurrected
        assert month.lost == before - month.retained
        before = month.active


def test_growth_stays_in_its_workspace(workspace, source, other):
    RandomFacts(workspace, source, 3, WEEKS).create(60)
    count(workspace)
    count(other)
    assert fact_frames.growth_months(other, FIRST_DAY, FIRST_DAY + timedelta(weeks=WEEKS)).empty


def test_only_market_and_channel_filter(workspace):
    with pytest.raises(ValueError, match="carrier"):
        fact_frames.campaigns(workspace, where={"carrier": "DHL"})


# --- late first deliveries --------------------------------------------------------------------------------------------
def delivered(number: int, on: str = "2026-03-05", **cells: object) -> dict[str, object]:
    """A first order of a customer of its own, promised for 6 March 2026."""
    known = {"customer_id": f"C-{number}", "promised_at": "2026-03-06", "delivered_at": on}
    return order(f"A-{number}", **known | cells)


def again(number: int, day: str) -> dict[str, object]:
    return order(f"B-{number}", customer_id=f"C-{number}", ordered_at=f"{day} 10:00:00")


def test_first_deliveries_are_late_by_date_and_repeat_within_the_days_after_the_promise(workspace, tmp_path: Path):
    rows = [
        delivered(1),
        delivered(2),
        delivered(3, on="2026-03-07"),
        delivered(4, on="2026-03-07"),
        delivered(5, promised_at=""),  # no promise
        again(2, "2026-03-20"),
        again(3, "2026-06-05"),  # 91 days after the promised date, 90 after the delivery
        again(4, "2026-03-06"),  # before anybody was late
        delivered(6, on="2026-03-20"),
        again(6, "2026-03-10"),  # while the late parcel is on its way
        delivered(7, on="2026-03-02"),
        again(7, "2026-03-05"),  # before the promised date, though the parcel had come
    ]
    loaded(workspace, tmp_path, "orders", rows)
    count(workspace)
    frame = fact_frames.first_deliveries(workspace, SPRING[0], date(2026, 6, 29))
    assert frame[["late", "customers", "repeaters"]].to_numpy().tolist() == [[0, 2, 1], [1, 2, 1]]
    assert (frame["market"] == "DE").all()


def test_a_delivery_is_left_out_until_its_days_are_over(workspace, tmp_path: Path):
    loaded(workspace, tmp_path, "orders", [delivered(1, on="2026-03-05")])
    count(workspace)
    assert fact_frames.first_deliveries(workspace, None, date(2026, 5, 25)).empty  # 31 May is 86 days on
    assert not fact_frames.first_deliveries(workspace, None, date(2026, 6, 1)).empty


# --- campaigns --------------------------------------------------------------------------------------------------------
def test_a_mailing_in_two_markets_is_one_mailing_and_keeps_what_is_not_told_apart(workspace, tmp_path: Path):
    rows = [
        {"campaign_id": "M|1", "sent_at": "2026-03-05 23:30:00", "market": "DE", "sent": 90, "held_out": 10},
        {"campaign_id": "M|1", "sent_at": "2026-03-05 23:30:00", "market": "FR", "sent": 50, "held_out_ordered": 1},
        {"campaign_id": "M2", "sent_at": "2026-03-12 09:00:00", "sent": 5},
        {"campaign_id": "M3", "sent_at": "2025-03-12 09:00:00", "sent": 5},
    ]
    loaded(workspace, tmp_path, "campaigns", rows)
    frame = fact_frames.campaigns(workspace, *SPRING)
    assert [key.partition("/")[2] for key in frame["campaign"]] == ["M|1", "M|1", "M2"]
    assert frame["sent"].tolist() == [90, 50, 5]
    assert frame["held_out"].isna().tolist() == [False, True, True]
    assert str(frame["day"].iloc[0].date()) == "2026-03-05"
    assert fact_frames.campaigns(workspace, *SPRING, {"market": "FR"})["sent"].tolist() == [50]


# --- tickets ----------------------------------------------------------------------------------------------------------
def test_reasons_count_their_tickets_ratings_and_human_replies(workspace, tmp_path: Path):
    opened = {"opened_at": "2026-03-05 10:00:00", "reason": "where"}
    rows = [
        {"ticket_id": "T1", **opened, "csat": 5, "proactive": "no", "first_reply_at": "2026-03-05 11:00:00"},
        {"ticket_id": "T2", **opened, "csat": 2, "proactive": "yes", "first_reply_at": "2026-03-05 12:00:00"},
        {"ticket_id": "T3", "opened_at": "2026-03-06 10:00:00"},
        {"ticket_id": "T4", "opened_at": "2025-03-06 10:00:00", "reason": "where"},
    ]
    loaded(workspace, tmp_path, "tickets", rows)
    count(workspace)
    frame = fact_frames.ticket_reasons(workspace, *SPRING)
    assert frame["reason"].tolist() == ["where", ""]
    names = ["tickets", "proactive_known", "proactive", "csat_ratings", "csat_good", "replies", "reply_minutes"]
    assert frame.iloc[0][names].tolist() == [2, 2, 1, 2, 1, 1, 60]


# --- categories -------------------------------------------------------------------------------------------------------
def test_an_order_counts_once_in_each_of_its_categories(workspace, tmp_path: Path):
    loaded(workspace, tmp_path, "orders", [order(f"A-{n}", delivered_at="2026-03-05 10:00:00") for n in (1, 2)])
    lines = [("A-1", 1, "tents"), ("A-1", 2, "tents"), ("A-1", 3, "stoves"), ("A-2", 1, "tents"), ("A-2", 2, "")]
    rows = [{"order_id": o, "line": n, "sku": f"S{n}", "category": c, "quantity": 1} for o, n, c in lines]
    loaded(workspace, tmp_path, "order_lines", rows)
    reviews = [
        {"review_id": f"R{n}", "order_id": "A-1", "rating": stars, "reviewed_at": "2026-03-20", "has_media": media}
        for n, stars, media in ((1, 5, "yes"), (2, 3, ""))
    ]
    loaded(workspace, tmp_path, "reviews", reviews)
    count(workspace)
    frame = fact_frames.category_deliveries(workspace, *SPRING).set_index("category")
    assert frame.loc["tents", ["deliveries", "reviewed", "reviews", "rating_sum"]].tolist() == [2, 1, 2, 8]
    assert frame.loc["stoves", ["deliveries", "media_known", "media_reviews"]].tolist() == [1, 1, 1]
    assert list(frame.index) == ["tents", "stoves"]


# --- referrals --------------------------------------------------------------------------------------------------------
def test_who_brought_new_customers_comes_first_and_all_are_counted(workspace, tmp_path: Path):
    loaded(workspace, tmp_path, "orders", [order("A-1", customer_id="N1"), order("A-2", customer_id="N2")])
    invited = {"invited_at": "2026-03-02 08:00:00"}
    rows = [
        {"referral_id": "I1", "referrer_id": "C1", **invited},
        {"referral_id": "I2", "referrer_id": "C1", **invited},
        {"referral_id": "I3", "referrer_id": "C2", "order_id": "A-1", **invited},
    ]
    loaded(workspace, tmp_path, "referrals", rows)
    count(workspace)
    frame = fact_frames.referrers(workspace, *SPRING)
    assert frame["invitations"].tolist() == [1, 2]
    assert frame["new_customers"].tolist() == [1, 0]
    first = fact_frames.referrers(workspace, *SPRING, limit=1)
    assert first[["everybody", "bringers"]].to_numpy().tolist() == [[2, 1]]


def test_a_new_customer_counts_once_with_the_first_invitation_that_led_to_the_order(workspace, tmp_path: Path):
    loaded(workspace, tmp_path, "orders", [order("A-1", customer_id="N1")])
    rows = [
        {"referral_id": f"I{n}", "referrer_id": "C1", "order_id": "A-1", "invited_at": f"{day} 08:00:00"}
        for n, day in enumerate(("2026-03-24", "2026-03-03", "2026-03-04"))
    ]
    loaded(workspace, tmp_path, "referrals", rows)
    count(workspace)
    told = fact_frames.referrers(workspace, *SPRING)[["invitations", "new_customers"]].to_numpy().tolist()
    assert told == [[3, 1]]
    later = fact_frames.referrers(workspace, date(2026, 3, 23), SPRING[1])
    assert later["new_customers"].tolist() == [0]


# --- kept counts against the facts ------------------------------------------------------------------------------------
def slices(workspace: Workspace) -> list[dict[str, str]]:
    places = FirstOrder.objects.filter(workspace=workspace).values_list("market", "channel").distinct()
    return [{"market": market, "channel": channel} for market, channel in sorted(places)]


def total(frames_of, measure: str) -> float:
    return float(sum(frame[measure].sum() for frame in frames_of))


def test_counts_of_markets_and_channels_add_up_to_those_of_all(workspace, source):
    RandomFacts(workspace, source, 5, WEEKS).create(400)
    count(workspace)
    last = FIRST_DAY + timedelta(weeks=WEEKS)
    for read, measure in (
        (lambda where: fact_frames.growth_months(workspace, FIRST_DAY, last, where), "retained"),
        (lambda where: fact_frames.first_deliveries(workspace, None, last, where), "customers"),
    ):
        whole = total([read(None)], measure)
        assert whole > 0
        assert total([read(where) for where in slices(workspace)], measure) == whole


def test_first_deliveries_are_what_counting_order_by_order_gives(workspace, source):
    RandomFacts(workspace, source, 6, WEEKS).create(500)
    count(workspace)
    for weeks in (20, 33, WEEKS):
        last = FIRST_DAY + timedelta(weeks=weeks)
        dates = []
        for row in FirstOrder.objects.filter(workspace=workspace, week__lte=last):
            o = Order.objects.get(pk=row.order_id)
            if not (o.counts and o.promised_date and o.delivered_date):
                continue
            if o.promised_date + timedelta(days=90) <= last + timedelta(days=6):
                dates.append((o.promised_date, o.delivered_date, row.second_date))
        watched, late, repeats = landmark.from_the_promise(*np.array(dates, dtype="datetime64[D]").T)
        told = [watched.sum(), (watched & late).sum(), repeats.sum()]
        frame = fact_frames.first_deliveries(workspace, None, last)
        late = frame.loc[frame["late"] == 1, "customers"].sum()
        assert [frame["customers"].sum(), late, frame["repeaters"].sum()] == told
        assert told[0] > 0


def test_reasons_of_tickets_add_up_over_weeks_to_the_tickets_there_are(workspace, source):
    RandomFacts(workspace, source, 7, WEEKS).create(300)
    count(workspace)
    weeks = [FIRST_DAY + timedelta(weeks=n) for n in range(-2, WEEKS + 12)]
    each = [fact_frames.ticket_reasons(workspace, week, week) for week in weeks]
    whole = fact_frames.ticket_reasons(workspace)
    assert total(each, "tickets") == whole["tickets"].sum() == Ticket.objects.count() > 0
    assert total(each, "reply_minutes") == pytest.approx(whole["reply_minutes"].sum())


def test_counting_again_replaces_what_was_counted(workspace, source):
    RandomFacts(workspace, source, 3, WEEKS).create(100)
    count(workspace)
    before = as_dict(fact_frames.growth_months(workspace, FIRST_DAY, FIRST_DAY + timedelta(weeks=WEEKS)))
    began = fact_frames.counted(workspace).began_at
    count(workspace)
    assert as_dict(fact_frames.growth_months(workspace, FIRST_DAY, FIRST_DAY + timedelta(weeks=WEEKS))) == before
    assert fact_frames.counted(workspace).began_at > began
    Order.objects.all().delete()
    FirstOrder.objects.all().delete()
    count(workspace)
    assert fact_frames.growth_months(workspace, FIRST_DAY, FIRST_DAY + timedelta(weeks=WEEKS)).empty
    assert fact_frames.counted(workspace).newest_day is None


@pytest.mark.parametrize("first_weekday", range(7))
def test_a_delivery_is_ripe_in_the_week_that_ends_its_days_whatever_day_weeks_begin(workspace, tmp_path, first_weekday):
    workspace.first_weekday = first_weekday
    workspace.save()
    loaded(workspace, tmp_path, "orders", [delivered(1, on="2026-03-05")])
    count(workspace)
    over = date(2026, 6, 4)  # 90 days after the promised date
    week = over - timedelta(days=(over.weekday() - first_weekday) % 7)
    assert fact_frames.first_deliveries(workspace, None, week - timedelta(days=7)).empty
    assert not fact_frames.first_deliveries(workspace, None, week).empty
