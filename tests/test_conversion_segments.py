"""The customers of segments as the job keeps them: who is in, whose they are, what the file holds."""

from datetime import date, timedelta

import pytest

from flywheel import jobs
from flywheel.accounts.models import Workspace
from flywheel.conversion import segments
from flywheel.conversion.models import Analysis, CustomerProfile
from flywheel.conversion.segments import Asked
from flywheel.facts.models import Order
from flywheel.measures import raw
from tests.builders import loaded, order

MONDAY = date(2026, 3, 2)
pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(workspace, tmp_path, run_jobs, time_machine):
    """120 customers; those with even numbers came back on the last day, the others bought once, long ago."""
    time_machine.move_to("2026-03-16T09:00:00+01:00")
    rows = []
    for n in range(120):
        place = {"market": "DE" if n % 3 else "FR", "channel": "email", "customer_id": f"C-{n:03d}"}
        rows.append(order(f"A-{n}", gross=str(50 + n), ordered_at=f"{MONDAY - timedelta(n % 50)} 10:00", **place))
        if n % 2 == 0:
            rows.append(order(f"B-{n}", gross="90", ordered_at="2026-03-14 10:00", **place))
    loaded(workspace, tmp_path, "orders", rows)
    loaded(workspace, tmp_path, "spend", [{"date": "2026-03-10", "currency": "EUR", "cost": "5", "market": "DE"}])
    jobs.start(workspace, "roll", {})
    run_jobs()
    return workspace


def test_the_job_keeps_every_customer_in_the_segment_that_the_page_counts(shop):
    cells = Analysis.objects.get(workspace=shop, kind="profiles").result["cells"]
    for segment in {c["segment"] for c in cells}:
        own = [c for c in cells if c["segment"] == segment]
        kept = segments.customers(shop, Asked(segment))
        assert kept.count() == sum(c["customers"] for c in own)
        assert float(sum(c.revenue for c in kept)) == pytest.approx(sum(c["revenue"] for c in own))
    assert CustomerProfile.objects.filter(workspace=shop).count() == 120


def test_a_segment_is_listed_by_market_with_the_most_valuable_first(shop):
    page = segments.shown(shop, Asked("champions", market="FR"), None)
    assert len(page.object_list) > 5
    assert {row["profile"].market for row in page} == {"FR"}
    revenue = [row["profile"].revenue for row in page]
    assert revenue == sorted(revenue, reverse=True)
    assert segments.shown(shop, Asked("champions"), "nonsense").number == 1


def test_scores_and_facts_of_a_customer_are_those_of_its_orders(shop):
    best = CustomerProfile.objects.get(workspace=shop, customer="C-118")
    assert (best.orders, float(best.revenue), best.last_date) == (2, 258.0, date(2026, 3, 14))
    assert (best.recency, best.segment) == (4, "champions")  # sixty came on the last day: their middle rank is .75


def test_the_file_tells_the_shops_ids_of_a_person(shop, tmp_path, run_jobs):
    loaded(shop, tmp_path, "customers", [{"customer_id": "C-118", "person_id": "P-1"},
                                         {"customer_id": "C-116", "person_id": "P-1"}])  # fmt: skip
    jobs.start(shop, "conversion_analyses", {})
    run_jobs()
    columns, rows = segments.table(shop, Asked("champions"))
    person = next(row for row in rows if row[0] == "P-1")
    assert person[columns.index("Customer ids of the shops")] == "C-116 C-118"
    assert person[columns.index("Orders")] == 4


def test_profiles_go_when_there_are_too_few_customers(shop, run_jobs):
    Order.objects.filter(workspace=shop, market="FR").delete()
    jobs.start(shop, "conversion_analyses", {})
    run_jobs()
    assert Analysis.objects.get(workspace=shop, kind="profiles").result["missing"]["reason"] == "too_few"
    assert not CustomerProfile.objects.filter(workspace=shop).exists()


def test_another_workspace_has_neither_customers_nor_their_ids(shop, run_jobs):
    other = Workspace.objects.create(name="Other", slug="other")
    assert not segments.customers(other, Asked("champions")).exists()
    assert list(segments.table(other, Asked("champions"))[1]) == []
    assert raw.customer_refs(other, ["C-118"]) == {}
    segments.keep(other, *_of(shop))
    assert CustomerProfile.objects.filter(workspace=shop).count() == 120


def _of(shop):
    from flywheel.conversion.analyses import profiled

    return profiled(shop, MONDAY + timedelta(13))
