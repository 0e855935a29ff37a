"""Real export files, recognised by their header: what is known of them."""

import datetime as dt
import os
from decimal import Decimal
from pathlib import Path

import pytest
from django.db.models import Sum

from flywheel.accounts.models import Workspace
from flywheel.facts.models import CustomerCampaign, Order, OrderLine, Refund, Spend, Traffic
from flywheel.intake.models import Batch
from flywheel.intake.recognising import first_guess
from tests.builders import load_plan

REAL = os.environ.get("FLYWHEEL_REAL_DATA", "")
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not REAL, reason="FLYWHEEL_REAL_DATA is not set: no folder with export files"),
]
FILES = {
    "amazon/all_orders_29col_header.txt": "amazon-all-orders",
    "amazon/all_orders_by_last_update.txt": "amazon-all-orders",
    "amazon/business_report_by_child_item.csv": "amazon-business-report",
    "amazon/settlement_flat_file_v1.txt": "amazon-settlement",
    "ga4/date_channel.csv": "ga4-traffic",
    "ga4/free_form_month_page_channel.csv": "ga4-traffic",
    "ga4/traffic_acquisition_en.csv": "ga4-traffic",
    "google_ads/campaign_report_all_time_real.csv": "google-ads",
    "google_ads/campaign_report_daily.csv": "google-ads",
    "google_ads/campaign_report_range_en.csv": "google-ads",
    "klaviyo/campaigns_export.csv": "klaviyo-campaigns",
    "meta_ads/ad_daily_usd.csv": "meta-ads",
    "meta_ads/adset_daily_with_total_row_inr.csv": "meta-ads",
    "shopify/orders_export_10_redacted.csv": "shopify-orders",
    "shopify/orders_export_21_redacted.csv": "shopify-orders",
    "shopify/orders_export_3_redacted.csv": "shopify-orders",
    "shopify/orders_export_gbp_redacted.csv": "shopify-orders",
    "woocommerce/third_party_order_headers.csv": "woocommerce-orders",
    "zendesk/tickets_export_header.csv": "zendesk-tickets",
}


def load(workspace: Workspace, path: str) -> Batch:
    """Load a file as it is recognised, without a question."""
    file = Path(REAL) / "formats" / path
    guessed = first_guess(workspace, file)
    assert guessed is not None
    batch = load_plan(workspace, file, guessed.plans, guessed.name)
    assert batch.state == Batch.State.LOADED, list(batch.errors.values_list("line", "column", "value", "code")[:5])
    return batch


@pytest.mark.parametrize(("path", "slug"), FILES.items())
def test_a_real_file_is_recognised(workspace: Workspace, path: str, slug: str) -> None:
    guessed = first_guess(workspace, Path(REAL) / "formats" / path)
    assert guessed is not None
    assert guessed.name == slug


def test_a_shop_in_pounds_has_its_known_figures(workspace: Workspace) -> None:
    load(workspace, "shopify/orders_export_gbp_redacted.csv")
    orders = Order.objects.all()
    assert (orders.count(), orders.aggregate(Sum("total"))["total__sum"]) == (60, Decimal("2327.46"))
    assert (Refund.objects.count(), Refund.objects.aggregate(Sum("amount"))["amount__sum"]) == (8, Decimal("274.07"))
    assert OrderLine.objects.count() == 61
    assert set(orders.values_list("market", "currency")) == {("GB", "GBP")}
    assert orders.filter(state="unpaid").count() == 0


@pytest.fixture
def dhaka(workspace: Workspace) -> Workspace:
    """A business in taka."""
    workspace.base_currency, workspace.time_zone = "BDT", "Asia/Dhaka"
    workspace.save()
    return workspace


def test_a_shop_that_is_paid_on_delivery_has_sales(dhaka: Workspace) -> None:
    load(dhaka, "shopify/orders_export_10_redacted.csv")
    counted = Order.objects.filter(counts=True)
    assert (Order.objects.count(), Order.objects.filter(state="cancelled").count()) == (50, 12)
    assert counted.count() == 38


def test_several_lines_of_an_order_are_kept(dhaka: Workspace) -> None:
    load(dhaka, "shopify/orders_export_3_redacted.csv")
    assert (Order.objects.count(), OrderLine.objects.count()) == (7, 10)
    assert set(OrderLine.objects.values_list("currency", flat=True)) == {"BDT"}


def test_daily_google_ads_have_their_known_spend(workspace: Workspace) -> None:
    load(workspace, "google_ads/campaign_report_daily.csv")
    assert Spend.objects.aggregate(Sum("cost"))["cost__sum"] == Decimal("125500.75")
    assert set(Spend.objects.values_list("date", flat=True)) == {dt.date(2026, 8, 1), dt.date(2026, 8, 2)}


def test_google_ads_of_a_month_are_spread_over_it(workspace: Workspace) -> None:
    load(workspace, "google_ads/campaign_report_range_en.csv")
    brand = Spend.objects.filter(campaign="Spring Roofs & Gutters")
    assert (brand.count(), brand.aggregate(Sum("cost"))["cost__sum"]) == (30, Decimal("990"))
    assert set(brand.values_list("currency", flat=True)) == {"CAD"}


def test_google_ads_of_all_time_need_their_period(workspace: Workspace) -> None:
    guessed = first_guess(workspace, Path(REAL) / "formats" / "google_ads" / "campaign_report_all_time_real.csv")
    assert guessed is not None
    assert [column.name for column in guessed.plans[0].missing] == ["date"]


def test_meta_ads_have_their_known_spend(workspace: Workspace) -> None:
    load(workspace, "meta_ads/adset_daily_with_total_row_inr.csv")
    load(workspace, "meta_ads/ad_daily_usd.csv")
    sums = Spend.objects.values_list("currency").annotate(Sum("cost")).order_by("currency")
    assert list(sums) == [("INR", Decimal("26000.50")), ("USD", Decimal("122.10"))]


def test_ga4_reports_hold_no_totals(workspace: Workspace) -> None:
    load(workspace, "ga4/traffic_acquisition_en.csv")
    assert Traffic.objects.aggregate(Sum("sessions"))["sessions__sum"] == 1000
    assert set(Traffic.objects.values_list("channel", flat=True)) == {"Organic Search", "Direct"}
    assert Traffic.objects.filter(channel="Direct").count() == 90


def test_ga4_by_month_and_page_is_spread_over_the_months(workspace: Workspace) -> None:
    load(workspace, "ga4/free_form_month_page_channel.csv")
    october = Traffic.objects.filter(date__year=2025, date__month=10)
    assert october.aggregate(Sum("sessions"))["sessions__sum"] == 140 + 999
    assert Traffic.objects.filter(date__year=2026, date__month=1).aggregate(Sum("sessions"))["sessions__sum"] == 30


def test_ga4_by_date_and_channel_is_read_day_by_day(workspace: Workspace) -> None:
    load(workspace, "ga4/date_channel.csv")
    assert Traffic.objects.aggregate(Sum("sessions"))["sessions__sum"] == 180
    assert Traffic.objects.count() == 4


def test_klaviyo_campaigns_have_their_known_figures(workspace: Workspace) -> None:
    load(workspace, "klaviyo/campaigns_export.csv")
    assert CustomerCampaign.objects.count() == 8
    last = CustomerCampaign.objects.get(name="Campaign H, May 2025")
    assert (last.sent, last.opened, last.clicked, last.ordered, last.unsubscribed) == (67_721, 46_944, 324, 102, 288)
