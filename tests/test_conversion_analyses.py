"""What the conversion room works out of raw facts: the door against hand counts, and the job that keeps it."""

from datetime import date, timedelta

import numpy as np
import pytest

from engines.baskets import Histogram
from flywheel import jobs
from flywheel.accounts.models import Workspace
from flywheel.conversion import analyses
from flywheel.conversion.models import Analysis
from flywheel.diagnosis.engine_pages import Choice
from flywheel.measures import raw
from tests.builders import loaded, order

MONDAY = date(2026, 3, 2)
NOW = "2026-03-16T09:00:00+01:00"
pytestmark = pytest.mark.django_db


def event(session, seconds, name, **cells):
    known = {"session_id": session, "event": name, "market": "DE", "channel": "email", "device": "mobile",
             "happened_at": f"2026-03-03 10:{seconds // 60:02d}:{seconds % 60:02d}"}  # fmt: skip
    return known | cells


def test_moves_join_repeats_and_end_where_sessions_end(workspace, tmp_path):
    loaded(workspace, tmp_path, "events", [
        event("S-1", 0, "home"), event("S-1", 5, "product_view"), event("S-1", 9, "product_view"),
        event("S-1", 20, "payment accepted"), event("S-2", 0, "home", market="FR"),
    ])  # fmt: skip
    frame = raw.session_moves(workspace, MONDAY, MONDAY)
    rows = {(m, s, t): (n, paid) for m, s, t, n, paid in frame.itertuples(index=False)}
    assert rows == {
        ("DE", None, "home"): (1, 1),
        ("DE", "home", "product_views"): (1, 1),
        ("DE", "product_views", "payments"): (1, 1),
        ("DE", "payments", None): (1, 1),
        ("FR", None, "home"): (1, 0),
        ("FR", "home", None): (1, 0),
    }
    assert raw.session_moves(workspace, MONDAY + timedelta(7), MONDAY + timedelta(7)).empty


def test_time_between_steps_is_from_first_reach_to_first_reach(workspace, tmp_path):
    loaded(workspace, tmp_path, "events", [
        event("S-1", 0, "home"), event("S-1", 10, "product_view"), event("S-1", 20, "add_to_cart"),
        event("S-1", 25, "product_view"), event("S-1", 110, "payment accepted"),
    ])  # fmt: skip
    frame = raw.session_gaps(workspace, MONDAY, MONDAY)
    found = {(s, t): b for _m, s, t, b, _n in frame.itertuples(index=False)}
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
    for found in (
        raw.session_moves(other, MONDAY, MONDAY), raw.session_gaps(other, MONDAY, MONDAY),
        raw.baskets(other, MONDAY, MONDAY, "sku"), raw.order_spread(other, MONDAY, MONDAY),
        raw.order_bins(other, MONDAY, MONDAY, [("DE", "EUR", 1.0)], 1.0), raw.method_states(other, MONDAY, MONDAY),
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
    assert of(shop, "paths")["map"]["sessions"] == 80
    assert of(shop, "paths")["gaps"][0]["target"] == "product_views"
    values = of(shop, "values", "DE")
    assert values["currency"] == "EUR"
    assert Histogram(**values["histogram"]).orders == 152
    assert of(shop, "baskets")["names"] == {}
    assert of(shop, "baskets", "FR") == {"sku": {"reason": "too_few", "n": 76, "needed": 100}, "names": {},
                                         "category": {"reason": "too_few", "n": 76, "needed": 100}}  # fmt: skip
    profiles = of(shop, "profiles", weeks=0)
    assert profiles["customers"] == sum(c["customers"] for c in profiles["cells"]) == 114  # six never paid


def test_payment_success_is_told_only_where_failures_are(shop):
    methods = {m["method"]: m for m in of(shop, "methods")["methods"]}
    assert set(methods) == {"card", "paypal"}
    assert methods["paypal"]["unpaid"] == 12
    assert methods["paypal"]["success"]["value"] == pytest.approx(108 / 120)


def test_a_market_without_failures_has_no_success_rate(workspace, tmp_path):
    loaded(workspace, tmp_path, "orders", [order(f"A-{n}", payment_method="boleto") for n in range(40)])
    found = analyses.compute(workspace, MONDAY, 13)["methods", ""]
    assert found["methods"][0]["success"] == {"reason": "no_attempt_data", "n": None, "needed": None}


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
