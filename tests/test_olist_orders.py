"""Order values, baskets and profiles of real orders: figures counted independently from the files."""

import os
from datetime import date

import pytest

from engines import weekly
from engines.baskets import Histogram
from engines.kpi import KPIS
from engines.results import Unavailable
from flywheel import jobs
from flywheel.accounts.models import Workspace
from flywheel.conversion import segments
from flywheel.conversion.models import Analysis, CustomerProfile
from flywheel.conversion.segments import Asked
from flywheel.diagnosis import engine_pages
from flywheel.diagnosis.engine_pages import Choice
from flywheel.diagnosis.running import newest_week
from flywheel.measures import raw
from tests.test_olist import SAMPLE, brazil, load

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        not os.environ.get("FLYWHEEL_REAL_DATA"),
        reason="FLYWHEEL_REAL_DATA is not set: no folder with public data sets",
    ),
]
__all__ = ["brazil"]
FILES = (
    ("olist-items", "order_lines", "olist_order_items_dataset.csv"),
    ("olist-orders", "orders", "olist_orders_dataset.csv"),
    ("olist-payments", "payments", "olist_order_payments_dataset.csv"),
    ("olist-customers", "customers", "olist_customers_dataset.csv"),
)
REPEAT = ("champions", "loyal", "growing", "attention", "at_risk", "cannot_lose", "hibernating")


def test_the_olist_samples_orders_and_customers(brazil: Workspace, run_jobs) -> None:
    """2,959 of its 3,000 orders count, of 2,954 customers; five of them came back."""
    for mapping, kind, name in FILES:
        load(brazil, mapping, kind, SAMPLE + name)
    run_jobs()
    jobs.start(brazil, "conversion_analyses", {"weeks": 0})
    run_jobs()
    _order_values_are_the_known_ones(brazil)
    _no_pair_of_products_is_in_ten_orders(brazil)
    _customers_are_the_known_ones(brazil)


def _order_values_are_the_known_ones(brazil: Workspace) -> None:
    week = newest_week(brazil)
    assert week is not None
    measured = engine_pages.load(brazil, Choice.parse({"weeks": "0"}, brazil, week))
    keys = ("aov", "units_per_order", "attach_rate", "discount_rate")
    aov, units, attach, discount = (
        weekly.result_at(KPIS[key], measured.panel, measured.last, weeks=measured.weeks) for key in keys
    )
    assert (aov.value, aov.n) == (pytest.approx(458_374.31 / 2_959), 2_959)
    assert units.value == pytest.approx(3_379 / 2_959)
    assert (attach.value, attach.n) == (pytest.approx(92 / 2_959), 2_959)
    assert discount == Unavailable("no_discount_data")  # the files know no discounts: that is not a rate of zero
    kept = Analysis.objects.get(workspace=brazil, kind="values", market="", weeks=0).result
    assert Histogram(**kept["histogram"]).orders == 2_959


def _no_pair_of_products_is_in_ten_orders(brazil: Workspace) -> None:
    kept = Analysis.objects.get(workspace=brazil, kind="baskets", market="", weeks=0).result
    assert kept["sku"] == []
    frame = raw.baskets(brazil, date(2016, 1, 1), date(2019, 1, 1), "sku")
    both = {"36f60d45225e60c7da4558b070ce4b60", "3f14d740544f37ece8a9e7bc8349797e"}
    held = [n for items, n in zip(frame["items"], frame["count"], strict=True) if both <= set(items)]
    assert (frame["count"].sum(), sum(held)) == (2_959, 3)


def _customers_are_the_known_ones(brazil: Workspace) -> None:
    kept = CustomerProfile.objects.filter(workspace=brazil)
    assert kept.count() == 2_954
    assert kept.filter(orders__gt=1).count() == kept.filter(segment__in=REPEAT).count() == 5
    assert float(sum(kept.values_list("revenue", flat=True))) == pytest.approx(458_374.31)
    assert kept.filter(segment="new", frequency=3).exists()  # one order: the middle of nearly all
    assert len(list(segments.table(brazil, Asked("new"))[1])) == kept.filter(segment="new").count()
