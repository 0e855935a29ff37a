"""Real files through the bundled mappings: the exact figures of public data sets."""

import os
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from django.db.models import Count, F, Q, QuerySet, Sum

from flywheel.accounts.models import Workspace
from flywheel.facts.models import STAGES, FirstOrder, Order, OrderLine, Payment, Review, Session
from flywheel.intake.models import Batch
from tests.builders import load_file

REAL = os.environ.get("FLYWHEEL_REAL_DATA", "")
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not REAL, reason="FLYWHEEL_REAL_DATA is not set: no folder with public data sets"),
]
ORDERS = ("olist-orders", "orders", "olist/full/olist_orders_dataset.csv.gz")
PAYMENTS = ("olist-payments", "payments", "olist/full/olist_order_payments_dataset.csv.gz")
CUSTOMERS = ("olist-customers", "customers", "olist/full/olist_customers_reconstructed.csv.gz")
SAMPLE = "olist/sample_3000_orders/"


@pytest.fixture
def brazil(workspace: Workspace) -> Workspace:
    """A business in reais, in São Paulo."""
    workspace.base_currency, workspace.time_zone = "BRL", "America/Sao_Paulo"
    workspace.save()
    return workspace


def load(workspace: Workspace, mapping: str, kind: str, path: str) -> Batch:
    batch = load_file(workspace, Path(REAL) / path, kind, "olist", mapping)
    assert batch.state == Batch.State.LOADED, list(batch.errors.values_list("line", "column", "value", "code")[:5])
    return batch


def late(workspace: Workspace) -> dict[str, int]:
    """Deliveries of delivered orders, and those late by the clock and by the calendar."""
    delivered = Order.objects.filter(workspace=workspace, state="delivered", delivered_at__isnull=False)
    return delivered.aggregate(
        deliveries=Count("id"),
        by_time=Count("id", filter=Q(delivered_at__gt=F("promised_at"))),
        by_date=Count("id", filter=Q(delivered_date__gt=F("promised_date"))),
    )


def has_known_figures(brazil: Workspace) -> None:
    """The facts are those of the public data set."""
    orders = Order.objects.filter(workspace=brazil)
    assert Counter(orders.values_list("status", flat=True)) == {
        "delivered": 96_478,
        "shipped": 1_107,
        "canceled": 625,
        "unavailable": 609,
        "invoiced": 314,
        "processing": 301,
        "created": 5,
        "approved": 2,
    }
    assert Counter(orders.values_list("state", flat=True)) == {
        "delivered": 96_478,
        "shipped": 1_107,
        "cancelled": 1_234,
        "open": 617,
        "unpaid": 5,
    }
    paid = orders.aggregate(sum=Sum("paid"), orders=Count("paid"))
    assert paid == {"sum": Decimal("16008872.1200"), "orders": 99_440}
    assert orders.filter(status="delivered").aggregate(net=Sum("net_base"))["net"] == Decimal("15422461.7700")
    assert late(brazil) == {"deliveries": 96_470, "by_time": 7_826, "by_date": 6_534}
    states = Counter(orders.values_list("market", flat=True))
    assert (states["SP"], states["RJ"], states["MG"], states[""]) == (41_746, 12_852, 11_635, 0)
    peak = Counter(orders.values_list("month", flat=True)).most_common(1)[0]
    assert (f"{peak[0]:%Y-%m}", peak[1]) == ("2017-11", 7_544)
    assert orders.filter(order_date="2017-11-24").count() == 1_176
    methods = Counter(
        Payment.objects.filter(workspace=brazil, order_week__isnull=False).values_list("method", flat=True)
    )
    assert methods == {"credit_card": 76_795, "boleto": 19_784, "voucher": 5_775, "debit_card": 1_529, "not_defined": 3}
    people = orders.filter(counts=True).values("customer").distinct().count()
    assert FirstOrder.objects.filter(workspace=brazil).count() == people


def test_the_olist_sample_gives_its_reviews_lines_and_repeat_customers(brazil: Workspace) -> None:
    for mapping, kind, name in (
        ("olist-reviews", "reviews", "olist_order_reviews_dataset.csv"),
        ("olist-items", "order_lines", "olist_order_items_dataset.csv"),
        ("olist-orders", "orders", "olist_orders_dataset.csv"),
        ("olist-payments", "payments", "olist_order_payments_dataset.csv"),
        ("olist-customers", "customers", "olist_customers_dataset.csv"),
    ):
        load(brazil, mapping, kind, SAMPLE + name)
    orders = Order.objects.filter(workspace=brazil)
    assert orders.aggregate(sum=Sum("paid"))["sum"] == Decimal("468087.3700")
    assert (late(brazil)["deliveries"], late(brazil)["by_time"]) == (2_904, 231)
    reviews = Review.objects.filter(workspace=brazil)
    ratings = reviews.aggregate(sum=Sum("rating"), n=Count("id"))
    assert round(ratings["sum"] / ratings["n"], 4) == Decimal("4.0698")
    assert not reviews.filter(order_week=None).exists()
    customers = Counter(orders.values_list("customer", flat=True))
    assert (len(customers), sum(n > 1 for n in customers.values())) == (2_995, 5)
    assert OrderLine.objects.filter(workspace=brazil, quantity=1, currency="BRL").count() > 3_000


def test_the_clickstream_gives_its_funnel_to_the_session(workspace: Workspace) -> None:
    load(workspace, "clickstream", "events", "clickstream/ecom.csv.gz")
    sessions = Session.objects.filter(workspace=workspace)
    reached = sessions.aggregate(**{f"{stage}_": Sum(stage) for stage in STAGES})
    assert reached | {"engaged_sessions_": 0} == {
        "sessions_": 3_605,
        "engaged_sessions_": 0,
        "product_views_": 2_868,
        "carts_": 1_213,
        "cart_views_": 1_022,
        "checkouts_": 798,
        "payment_attempts_": 632,
        "payments_": 470,
    }
    assert _paid(sessions, "device", "desktop") == Decimal("14.66")
    assert _paid(sessions, "device", "mobile") == Decimal("9.73")
    assert _paid(sessions, "channel", "paid_search") == Decimal("15.74")
    assert _paid(sessions, "channel", "social") == Decimal("9.93")


def _paid(sessions: QuerySet[Session], column: str, value: str) -> Decimal:
    """Sessions with a payment per hundred, in one slice."""
    sums = sessions.filter(**{column: value}).aggregate(sessions=Sum("sessions"), payments=Sum("payments"))
    return round(Decimal(100) * sums["payments"] / sums["sessions"], 2)
