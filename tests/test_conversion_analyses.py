"""What the conversion room works out of raw facts: the door against hand counts, and the job that keeps it."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from django.utils import timezone

from engines import baskets
from engines.baskets import Histogram
from engines.paths import ENTRY, EXIT, OTHER
from engines.results import Unavailable
from flywheel import jobs
from flywheel.accounts.models import Workspace
from flywheel.conversion import analyses, payments_page
from flywheel.conversion.models import Analysis
from flywheel.diagnosis.engine_pages import Choice
from flywheel.measures import raw, sessions
from flywheel.measures.rolling import roll_dirty_weeks
from tests.builders import Silent, loaded, order

MONDAY = date(2026, 3, 2)
NOW = "2026-03-16T09:00:00+01:00"
pytestmark = pytest.mark.django_db


def event(session, seconds, name, **cells):
    known = {"session_id": session, "event": name, "market": "DE", "channel": "email", "device": "mobile",
             "happened_at": f"2026-03-03 10:{seconds // 60:02d}:{seconds % 60:02d}"}  # fmt: skip
    return known | cells


def moves(workspace, first=MONDAY, last=MONDAY, **where):
    frame = sessions.moves(workspace, first, last, where)
    return {(s, t): (n, paid) for s, t, n, paid in frame.itertuples(index=False)}


def test_moves_join_repeats_and_end_where_sessions_end(workspace, tmp_path):
    loaded(workspace, tmp_path, "events", [
        event("S-1", 0, "home"), event("S-1", 5, "product_view"), event("S-1", 9, "product_view"),
        event("S-1", 20, "payment accepted"), event("S-2", 0, "home", market="FR"),
    ])  # fmt: skip
    sessions.count_sessions(workspace, timezone.now())
    assert moves(workspace, market="DE") == {
        (ENTRY, "home"): (1, 1),
        ("home", "product_views"): (1, 1),
        ("product_views", "payments"): (1, 1),
        ("payments", EXIT): (1, 1),
    }
    assert moves(workspace, market="FR") == {(ENTRY, "home"): (1, 0), ("home", EXIT): (1, 0)}
    assert moves(workspace)[ENTRY, "home"] == (2, 1)
    assert moves(workspace, MONDAY + timedelta(7), MONDAY + timedelta(7)) == {}


def test_moves_and_times_are_kept_by_week_market_channel_and_device(workspace, tmp_path):
    loaded(workspace, tmp_path, "events", [
        event("S-1", 0, "home"), event("S-1", 10, "product_view"),
        event("S-2", 0, "home", device="desktop"), event("S-2", 40, "product_view"),  # of the first event's slice
        event("S-3", 0, "home", channel="search"),
        event("S-4", 0, "home") | {"happened_at": "2026-03-10 10:00:00"},
    ])  # fmt: skip
    sessions.count_sessions(workspace, timezone.now())
    for where, count in (({}, 3), ({"device": "mobile"}, 2), ({"channel": "search"}, 1), ({"market": "FR"}, 0),
                         ({"channel": "email", "device": "desktop"}, 1)):  # fmt: skip
        assert moves(workspace, **where).get((ENTRY, "home"), (0, 0))[0] == count
    assert moves(workspace, None, MONDAY + timedelta(7))[ENTRY, "home"][0] == 4
    (gap,) = sessions.step_times(workspace, MONDAY, MONDAY, {"device": "desktop"}).itertuples(index=False, name=None)
    assert gap == ("started", "product_views", np.floor(20 * np.log(41)), 1)
    with pytest.raises(ValueError, match="secrets"):
        sessions.moves(workspace, MONDAY, MONDAY, {"secrets": "x"})


def test_of_many_sessions_the_same_share_is_counted_wherever_they_are(workspace, tmp_path, monkeypatch):
    loaded(workspace, tmp_path, "events", [event(f"S-{n}", n % 60, "home", market="DE" if n % 2 else "FR")
                                           for n in range(1_000)])  # fmt: skip
    sessions.count_sessions(workspace, timezone.now())
    assert (sessions.counted(workspace).one_in, sessions.counted(workspace).sessions) == (1, 1_000)
    monkeypatch.setattr(sessions, "MAX_SESSIONS", 250)
    sessions.count_sessions(workspace, timezone.now())
    counted = sessions.counted(workspace)
    assert counted.one_in == 4
    for market in ("DE", "FR"):
        assert moves(workspace, market=market)[ENTRY, "home"][0] == pytest.approx(125, abs=40)
    before = moves(workspace)
    sessions.count_sessions(workspace, timezone.now())
    assert moves(workspace) == before  # the same ones each time


def test_rare_touch_points_are_one_and_stages_stay(workspace, tmp_path, monkeypatch):
    monkeypatch.setattr(sessions, "MAX_POINTS", 2)
    loaded(workspace, tmp_path, "events", [
        event("S-1", 0, "home"), event("S-1", 5, "blog"), event("S-1", 9, "about"), event("S-1", 20, "add_to_cart"),
        event("S-2", 0, "home"),
    ])  # fmt: skip
    sessions.count_sessions(workspace, timezone.now())
    assert set(moves(workspace)) == {
        (ENTRY, "home"), ("home", OTHER), (OTHER, "carts"), ("carts", EXIT), ("home", EXIT),
    }  # fmt: skip


def test_time_between_steps_is_from_first_reach_to_first_reach(workspace, tmp_path):
    loaded(workspace, tmp_path, "events", [
        event("S-1", 0, "home"), event("S-1", 10, "product_view"), event("S-1", 20, "add_to_cart"),
        event("S-1", 25, "product_view"), event("S-1", 110, "payment accepted"),
    ])  # fmt: skip
    sessions.count_sessions(workspace, timezone.now())
    frame = sessions.step_times(workspace, MONDAY, MONDAY)
    found = {(s, t): b for s, t, b, _n in frame.itertuples(index=False)}
    assert found == {
        ("started", "product_views"): np.floor(20 * np.log(11)),
        ("product_views", "carts"): np.floor(20 * np.log(11)),
        ("started", "payments"): np.floor(20 * np.log(111)),
    }


def line(order_id, number, sku, **cells):
    return {"order_id": order_id, "line": number, "sku": sku, "category": sku[0], "quantity": 1, "price": "10"} | cells


def test_baskets_are_counted_by_what_they_hold(workspace, tmp_path):
    loaded(workspace, tmp_path, "orders", [order("A-1"), order("A-2"), order("A-3"), order("A-4", status="cancelled")])
    loaded(workspace, tmp_path, "order_lines", [
        line("A-1", 1, "T1"), line("A-1", 2, "P1"), line("A-2", 1, "P1"), line("A-2", 2, "T1"), line("A-2", 3, "T1"),
        line("A-3", 1, "T1"), line("A-4", 1, "P1"),
    ])  # fmt: skip
    frame = raw.baskets(workspace, MONDAY, MONDAY, "sku")
    assert {(tuple(items), n) for items, n in zip(frame["items"], frame["count"], strict=True)} == {
        (("P1", "T1"), 2),
        (("T1",), 1),
    }
    with pytest.raises(ValueError, match="secrets"):
        raw.baskets(workspace, MONDAY, MONDAY, "secrets")


def test_the_spread_of_orders_and_their_bins_are_those_of_the_orders(workspace, tmp_path):
    loaded(workspace, tmp_path, "orders", [
        order("A-1", gross="100", discount="10", shipping="5"),
        order("A-2", gross="60", discount="0", shipping="5", customer_id="C-2"),
        order("A-3", gross="40", customer_id="C-1", ordered_at="2026-03-04 10:00"),
        order("A-4", gross="8000", currency="JPY", market="JP", customer_id="C-3"),
        order("A-5", gross="77", status="cancelled"),
    ])  # fmt: skip
    frame = raw.order_spread(workspace, MONDAY, MONDAY).set_index("market")
    germany = frame.loc["DE"]
    assert (germany["orders"], germany["net"], germany["net_squares"]) == (3, 190, 90**2 + 60**2 + 40**2)
    assert germany["local_orders"] == 3
    assert frame.loc["JP", "local_p99"] == pytest.approx(8000)
    bins = raw.order_bins(workspace, MONDAY, MONDAY, [("DE", "EUR", 10.0), ("JP", "JPY", 1000.0)], 50.0)
    assert {(m, b, n) for m, b, n, _s, _p in bins.itertuples(index=False)} == {
        ("DE", 9, 1), ("DE", 6, 1), ("DE", 4, 1), ("JP", 8, 1), (None, 0, 2), (None, 1, 2),
    }  # fmt: skip


def test_customers_are_summed_up_to_a_day(workspace, tmp_path):
    loaded(workspace, tmp_path, "orders", [
        order("A-1", gross="100"), order("A-2", gross="50", ordered_at="2026-03-20", market="FR", channel="email"),
        order("A-3", customer_id=""), order("A-4", customer_id="C-9", gross="", status="cancelled"),
    ])  # fmt: skip
    early, late = raw.customers(workspace, date(2026, 3, 19)), raw.customers(workspace, date(2026, 3, 20))
    assert early[["customer", "market", "orders", "revenue"]].values.tolist() == [["C-1", "DE", 1.0, 100.0]]
    assert late[["market", "channel", "orders", "revenue"]].values.tolist() == [["DE", "direct", 2.0, 150.0]]
    assert str(late["last_date"][0].date()) == "2026-03-20"


def test_two_sources_of_page_experience_are_not_added_up(workspace, tmp_path):
    row = {"week": "2026-03-04", "market": "DE", "device": "mobile", "lcp_ms": 2300, "cls": "0.08"}
    loaded(workspace, tmp_path, "page_experience", [row], source="lab")
    loaded(workspace, tmp_path, "page_experience", [row | {"lcp_ms": 2600}], source="field")
    (found,) = raw.page_experience(workspace, None, MONDAY).to_dict("records")
    assert (found["lcp_ms"], found["cls"], str(found["week"].date())) == (2600, 0.08, "2026-03-02")
    assert np.isnan(found["inp_ms"])


def test_no_door_shows_another_workspace(workspace, tmp_path):
    other = Workspace.objects.create(name="Other", slug="other")
    loaded(workspace, tmp_path, "orders", [order()])
    loaded(workspace, tmp_path, "order_lines", [line("A-1", 1, "T1")])
    loaded(workspace, tmp_path, "events", [event("S-1", 0, "home")])
    sessions.count_sessions(workspace, timezone.now())
    assert sessions.counted(other) is None
    for found in (
        sessions.moves(other, MONDAY, MONDAY), sessions.step_times(other, MONDAY, MONDAY),
        raw.baskets(other, MONDAY, MONDAY, "sku"), raw.order_spread(other, MONDAY, MONDAY),
        raw.order_bins(other, MONDAY, MONDAY, [("DE", "EUR", 1.0)], 1.0),
        raw.customers(other, MONDAY + timedelta(30)), raw.page_experience(other, None, MONDAY),
    ):  # fmt: skip
        assert found.empty
    assert raw.product_names(other, ["T1"]) == {}


# --- the job ----------------------------------------------------------------------------------------------------------
@pytest.fixture
def shop(workspace, tmp_path, run_jobs, time_machine):
    """Two weeks of orders of 120 customers in two markets, with lines, payments that failed, and sessions."""
    time_machine.move_to(NOW)
    rows, lines = [], []
    for n in range(240):
        day = MONDAY + timedelta(n % 14)
        rows.append(order(f"A-{n}", customer_id=f"C-{n % 120}", market="DE" if n % 3 else "FR", gross=str(20 + n % 60),
                          discount="2", shipping="4.90", ordered_at=f"{day} 10:00",
                          payment_method=("Visa", "paypal")[n % 2],
                          status="pending" if n % 20 == 7 else "delivered"))  # fmt: skip
        lines += [line(f"A-{n}", 1, "T1"), *([line(f"A-{n}", 2, "P1", name="Pegs")] if n % 4 == 0 else [])]
        lines += [line(f"A-{n}", 3, "M1")] if n % 5 == 0 else []
    loaded(workspace, tmp_path, "orders", rows)
    loaded(workspace, tmp_path, "order_lines", lines)
    loaded(workspace, tmp_path, "events", [
        cells for n in range(80) for cells in (event(f"S-{n}", 0, "home"), event(f"S-{n}", 1 + n % 40, "product_view"))
    ])  # fmt: skip
    loaded(workspace, tmp_path, "spend", [{"date": "2026-03-10", "currency": "EUR", "cost": "5", "market": "DE"}])
    jobs.start(workspace, "roll", {})
    run_jobs()
    return workspace


def of(shop, kind, market="", weeks=13):
    return Analysis.objects.get(workspace=shop, kind=kind, market=market, weeks=weeks).result


def test_the_analyses_follow_the_diagnosis(shop):
    assert set(Analysis.objects.values_list("kind", flat=True)) == set(Analysis.Kind.values)
    assert sessions.counted(shop).sessions == 80
    assert sessions.counted(shop).began_at < Analysis.objects.latest("computed_at").computed_at
    values = of(shop, "values", "DE")
    assert values["currency"] == "EUR"
    assert Histogram(**values["histogram"]).orders == 152
    assert of(shop, "baskets")["names"] == {}
    assert of(shop, "baskets", "FR") == {"sku": {"reason": "too_few", "n": 76, "needed": 100}, "names": {},
                                         "category": {"reason": "too_few", "n": 76, "needed": 100}}  # fmt: skip
    profiles = of(shop, "profiles", weeks=0)
    assert profiles["customers"] == sum(c["customers"] for c in profiles["cells"]) == 114  # six never paid


def orders_paid(shop, market=""):
    return payments_page.success_rows(shop, Choice(MONDAY + timedelta(7), 4, market, MONDAY + timedelta(7)))


def test_orders_paid_are_told_of_every_market_and_method_only_where_failures_are(shop, tmp_path):
    loaded(shop, tmp_path, "orders", [order(f"B-{n}", market="JP", payment_method="konbini") for n in range(40)])
    roll_dirty_weeks(shop, Silent())
    rows = {(r["code"], r["method"]): r for r in orders_paid(shop)}
    assert list(rows) == [("DE", "card"), ("DE", "paypal"), ("FR", "card"), ("FR", "paypal"), ("JP", "konbini")]
    assert (rows["DE", "paypal"]["placed"], rows["DE", "paypal"]["paid"]) == (80, 72)
    assert rows["DE", "paypal"]["success"] == baskets.share(72, 80)
    assert rows["DE", "card"]["success"].value == 1  # none failed, in a market whose shop tells of failures
    assert rows["JP", "konbini"]["success"] == Unavailable("no_attempt_data")
    assert [r["method"] for r in orders_paid(shop, "JP")] == ["konbini"]
    loaded(shop, tmp_path, "orders", [order("B-old", market="JP", payment_method="konbini", status="pending",
                                            ordered_at="2025-03-04 10:00")])  # fmt: skip
    roll_dirty_weeks(shop, Silent())
    assert orders_paid(shop, "JP")[0]["success"] == baskets.share(40, 40)  # it told of one, long ago


def test_the_weekly_line_sums_as_many_weeks_as_most_points_need():
    weeks = MONDAY + timedelta(7) * np.arange(12)
    own = pd.DataFrame({"week": weeks, "placed_orders": 10.0, "paid_orders": 9.0})
    span, results = payments_page._summed(own)
    assert (span, results[:3]) == (4, [Unavailable("too_young", 0, 4)] * 3)
    assert results[3:] == [baskets.share(36, 40)] * 9
    assert payments_page._summed(own.assign(placed_orders=30.0))[0] == 1
    assert payments_page._weeks(own.iloc[[0, 3]]) == [str(day) for day in weeks[:4]]


def test_a_period_that_was_asked_for_is_worked_out_again_and_dropped_data_goes(shop, run_jobs):
    jobs.start(shop, "conversion_analyses", {"weeks": 4})
    run_jobs()
    assert analyses.periods(shop) == [4, 13]
    shop_orders = Analysis.objects.filter(workspace=shop, kind="values", weeks=4)
    assert shop_orders.count() == 3
    from flywheel.facts.models import Order

    Order.objects.filter(workspace=shop, market="FR").delete()
    jobs.start(shop, "conversion_analyses", {})
    run_jobs()
    assert set(shop_orders.values_list("market", flat=True)) == {"", "DE"}
    choice = Choice(MONDAY, 4, "FR", MONDAY)
    assert analyses.kept(shop, "values", choice) is None
    assert analyses.kept(shop, "values", choice, "") is not None


def test_without_data_the_job_ends_well(workspace, run_jobs):
    job = jobs.start(workspace, "conversion_analyses", {})
    run_jobs()
    job.refresh_from_db()
    assert (job.state, job.result) == ("done", {"week": ""})
