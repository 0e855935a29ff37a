"""What Amazon exports: orders, settlements, business reports."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Channel, Order, OrderFee, OrderLine, Refund, Traffic
from flywheel.intake import batches, words
from flywheel.intake.plans import Plan
from tests.builders import Silent, csv_file, load_plan, loaded, order
from tests.vendor_files import plans_of, read

pytestmark = pytest.mark.django_db
Plans = Sequence[Plan]


AMAZON_29 = """
amazon-order-id merchant-order-id purchase-date last-updated-date order-status fulfillment-channel sales-channel
order-channel url ship-service-level product-name sku asin item-status quantity currency item-price item-tax
shipping-price shipping-tax gift-wrap-price gift-wrap-tax item-promotion-discount ship-promotion-discount ship-city
ship-state ship-postal-code ship-country promotion-ids
"""


def amazon(order_id: str = "302-1", sku: str = "CUP", **cells: str) -> dict[str, str]:
    """One item of an order in Germany: two cups for 23.80, of which 3.80 are tax."""
    known = dict.fromkeys(AMAZON_29.split(), "") | {
        "amazon-order-id": order_id,
        "purchase-date": "2026-03-01T23:30:00+00:00",
        "order-status": "Shipped",
        "sales-channel": "Amazon.de",
        "sku": sku,
        "item-status": "Shipped",
        "quantity": "2",
        "currency": "EUR",
        "item-price": "23.80",
        "item-tax": "3.80",
        "shipping-price": "4.99",
        "shipping-tax": "0.80",
        "ship-country": "DE",
    }
    return known | {name.replace("_", "-"): cell for name, cell in cells.items()}


def test_an_amazon_order_is_the_sum_of_its_items(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        amazon(),
        amazon(sku="POT", quantity="1", item_price="11.90", item_tax="1.90", item_promotion_discount="1.00"),
    ]
    read(workspace, tmp_path, "amazon-all-orders", rows)
    order = Order.objects.get()
    assert (order.market, order.channel, order.state, order.units) == ("DE", "Amazon.de", "shipped", 3)
    assert (order.gross, order.discount, order.net_base) == (Decimal("30"), Decimal("1"), Decimal("29"))
    assert order.total == Decimal("44.68")  # 23.80 + 11.90 + 2 × 4.99 − 1.00, taxes contained
    assert order.order_date == dt.date(2026, 3, 2)  # 00:30 in Berlin
    assert Channel.objects.get(code="Amazon.de").kind == "marketplace"
    assert set(OrderLine.objects.values_list("external_id", "quantity", "price")) == {
        ("302-1:CUP", 2, Decimal("11.90")),
        ("302-1:POT", 1, Decimal("11.90")),
    }


def test_amazon_prices_in_america_are_told_without_tax(workspace: Workspace, tmp_path: Path) -> None:
    read(workspace, tmp_path, "amazon-all-orders", [amazon(sales_channel="Amazon.com", currency="USD")])
    order = Order.objects.get()
    assert (order.gross, order.tax, order.total) == (Decimal("23.80"), Decimal("4.60"), Decimal("33.39"))


def test_a_cancelled_amazon_item_counts_for_nothing(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        amazon(item_status="Cancelled"),
        amazon(sku="POT", quantity="1"),
        amazon("302-2", item_status="Cancelled", order_status="Cancelled", quantity="0", item_price=""),
        amazon("302-3", item_status="Cancelled"),
    ]
    read(workspace, tmp_path, "amazon-all-orders", rows)
    assert dict(Order.objects.values_list("external_id", "state")) == {
        "302-1": "shipped",
        "302-2": "cancelled",
        "302-3": "cancelled",
    }
    order = Order.objects.get(external_id="302-1")
    assert (order.gross, order.units) == (Decimal("20"), 1)
    assert OrderLine.objects.get(external_id="302-1:CUP").quantity == 0


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Pending", "unpaid"),
        ("PendingAvailability", "unpaid"),
        ("Unshipped", "open"),
        ("PartiallyShipped", "shipped"),
        ("Shipped - Picked Up", "shipped"),
        ("Shipped - Delivered to Buyer", "delivered"),
        ("Shipped - Returned to Seller", "returned"),
        ("Cancelled", "cancelled"),
    ],
)
def test_amazon_states_are_known(workspace: Workspace, tmp_path: Path, word: str, state: str) -> None:
    read(workspace, tmp_path, "amazon-all-orders", [amazon(order_status=word, item_status="")])
    assert Order.objects.get().state == state


def test_orders_that_amazon_only_sends_are_no_sales_of_its(workspace: Workspace, tmp_path: Path) -> None:
    read(workspace, tmp_path, "amazon-all-orders", [amazon(), amazon("S01-1", sales_channel="Non-Amazon DE")])
    assert list(Order.objects.values_list("external_id", flat=True)) == ["302-1"]
    assert list(OrderLine.objects.values_list("order_ref", flat=True)) == ["302-1"]


def test_the_same_item_twice_in_an_amazon_order_is_one_line(workspace: Workspace, tmp_path: Path) -> None:
    read(workspace, tmp_path, "amazon-all-orders", [amazon(), amazon()])
    line = OrderLine.objects.get()
    assert (line.quantity, line.price) == (4, Decimal("11.90"))


def test_an_amazon_order_is_given_back_whole_when_one_of_its_items_is_bad(workspace: Workspace, tmp_path: Path) -> None:
    rows = [amazon(), amazon(sku="POT", quantity="some"), amazon("302-2")]
    path = csv_file(tmp_path, rows)
    source, plans = batches.source_named(workspace, "amazon"), plans_of("amazon-all-orders", AMAZON_29.split())
    batch = batches.load(batches.create(source, plans, path, path.name, skips_bad_rows=True), Silent())
    assert (batch.rejected, list(Order.objects.values_list("external_id", flat=True))) == (2, ["302-2"])
    assert set(OrderLine.objects.values_list("order_ref", flat=True)) == {"302-2"}
    assert set(batch.errors.values_list("line", flat=True)) == {2, 3}


SETTLEMENT = """
settlement-id settlement-start-date settlement-end-date deposit-date total-amount currency transaction-type order-id
adjustment-id marketplace-name posted-date sku quantity-purchased price-type price-amount item-related-fee-type
item-related-fee-amount promotion-type promotion-amount
"""


def settled(**cells: str) -> dict[str, str]:
    """A row of a settlement."""
    blank = dict.fromkeys(SETTLEMENT.split(), "")
    known = {"settlement-id": "60165", "order-id": "112-8", "posted-date": "2026-03-04T04:15:26+00:00"}
    return blank | known | {name.replace("_", "-"): cell for name, cell in cells.items()}


def test_a_settlements_refunds_are_added_up_in_the_currency_of_its_first_row(
    workspace: Workspace, tmp_path: Path
) -> None:
    back = {"transaction_type": "Refund", "adjustment_id": "77"}
    rows = [
        settled(order_id="", posted_date="", total_amount="16630.13", currency="USD"),
        settled(transaction_type="Order", price_type="Principal", price_amount="27.99"),
        settled(**back, price_type="Principal", price_amount="-27.99"),
        settled(**back, price_type="Tax", price_amount="-2.01"),
        settled(**back, promotion_type="Principal", promotion_amount="5.00"),
        settled(**back, item_related_fee_type="RefundCommission", item_related_fee_amount="-0.84"),
        settled(transaction_type="Refund", adjustment_id="78", price_type="Goodwill", price_amount="-3.00"),
        settled(transaction_type="Subscription Fee", order_id=""),
    ]
    read(workspace, tmp_path, "amazon-settlement", rows)
    assert set(Refund.objects.values_list("external_id", "order_ref", "amount", "currency")) == {
        ("112-8:77", "112-8", Decimal("25.00"), "USD"),
        ("112-8:78", "112-8", Decimal("3.00"), "USD"),
    }


def test_a_settlements_fees_are_costs_of_the_orders(workspace: Workspace, tmp_path: Path) -> None:
    first = settled(order_id="", posted_date="", currency="EUR")
    commission = {"transaction_type": "Order", "item_related_fee_type": "Commission"}
    tax = {"transaction_type": "Order", "item_related_fee_type": "MarketplaceFacilitatorTax-Principal"}
    rows = [
        first,
        settled(**commission, item_related_fee_amount="-3.00"),
        settled(**commission, item_related_fee_amount="-1.50"),
        settled(**tax, item_related_fee_amount="-1.90"),
        settled(transaction_type="Order", item_related_fee_type="FBAFee", item_related_fee_amount="-2.50"),
        settled(transaction_type="Subscription", order_id="", item_related_fee_amount="-39.00"),
    ]
    read(workspace, tmp_path, "amazon-settlement", rows)
    assert {fee.name: fee.amount for fee in OrderFee.objects.all()} == {
        "Commission": Decimal("4.5"),
        "FBAFee": Decimal("2.5"),
    }
    loaded(workspace, tmp_path, "orders", [{**order("112-8"), "cogs": "40"}], source="amazon-settlement")
    assert Order.objects.get().contribution_base == Decimal("53")
    back = {"transaction_type": "Refund", "adjustment_id": "7", "item_related_fee_type": "Commission"}
    later = [settled(**back, item_related_fee_amount="4.50") | {"settlement-id": "60166"}]
    read(workspace, tmp_path, "amazon-settlement", [first, *later])
    assert Order.objects.get().contribution_base == Decimal("57.5")


def test_a_settlements_rows_that_tell_of_nothing_that_is_loaded_are_counted(
    workspace: Workspace, tmp_path: Path
) -> None:
    rows = [
        settled(order_id="", posted_date="", total_amount="16630.13", currency="USD"),
        settled(transaction_type="Order", price_type="Principal", price_amount="27.99"),
        settled(transaction_type="Refund", adjustment_id="77", price_type="Principal", price_amount="-27.99"),
        settled(transaction_type="Order", item_related_fee_type="Commission", item_related_fee_amount="-4.20"),
        settled(transaction_type="Subscription Fee", order_id=""),
    ]
    batch = load_plan(workspace, csv_file(tmp_path, rows), plans_of("amazon-settlement", SETTLEMENT.split()))
    assert (batch.rows, batch.notes["unread"]) == (5, 3)
    assert words.note("unread", 3).startswith("3 rows tell of nothing that is loaded")


def test_a_refund_below_zero_is_refused_at_its_row(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        settled(order_id="", posted_date="", currency="USD"),
        settled(transaction_type="Refund", adjustment_id="77", price_type="RestockingFee", price_amount="3.00"),
    ]
    path = csv_file(tmp_path, rows)
    batch = load_plan(workspace, path, plans_of("amazon-settlement", SETTLEMENT.split()))
    assert list(batch.errors.values_list("line", "column", "value", "code")) == [
        (3, "→ given back", "-3.0000", "negative")
    ]


def test_a_settlement_of_the_second_version_tells_the_same(workspace: Workspace, tmp_path: Path) -> None:
    names = "settlement-id settlement-start-date currency transaction-type order-id adjustment-id amount-type "
    header = dict.fromkeys((names + "amount-description amount posted-date posted-date-time").split(), "")
    back = header | {
        "transaction-type": "Refund",
        "order-id": "112-8",
        "adjustment-id": "77",
        "posted-date-time": "2026-03-04 04:15:26 UTC",
    }
    rows = [
        header | {"settlement-id": "60165", "currency": "GBP"},
        back | {"amount-type": "ItemPrice", "amount-description": "Principal", "amount": "-27.99"},
        back | {"amount-type": "ItemFees", "amount-description": "Commission", "amount": "4.20"},
        back | {"amount-type": "Promotion", "amount-description": "Principal", "amount": "2.99"},
    ]
    read(workspace, tmp_path, "amazon-settlement-v2", rows)
    refund = Refund.objects.get()
    assert (refund.amount, refund.currency) == (Decimal("25.00"), "GBP")
    assert refund.refunded_at == dt.datetime(2026, 3, 4, 4, 15, 26, tzinfo=dt.UTC)


def business(**cells: str) -> dict[str, str]:
    known = {"(Child) ASIN": "B1", "Title": "Net", "Sessions - Total": "12,131", "Sessions - Total - B2B": "261"}
    return known | {"Page Views - Total": "17,004", "Units Ordered": "683", "Ordered Product Sales": "$12.25"} | cells


def test_a_business_report_by_item_is_spread_over_the_period_that_is_told(workspace: Workspace, tmp_path: Path) -> None:
    plan = plans_of("amazon-business-report", list(business()))[0]
    assert [column.name for column in plan.missing] == ["date"]
    read(
        workspace,
        tmp_path,
        "amazon-business-report",
        [business(), business(**{"(Child) ASIN": "B2", "Sessions - Total": "869"})],
        options={"period_first": "2026-03-01", "period_last": "2026-03-07"},
        constants={"market": "US"},
    )
    days = Traffic.objects.order_by("date")
    assert [day.date.day for day in days] == [1, 2, 3, 4, 5, 6, 7]
    assert sum(day.sessions for day in days) == 13_000
    assert {(day.channel, day.market) for day in days} == {("amazon", "US")}


def test_a_business_report_by_date_is_read_day_by_day(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        {"Datum": "2026-03-01", "Sitzungen – Summe": "120", "Sitzungen – Summe – B2B": "9", "Bestellte Einheiten": "3"}
    ]
    read(workspace, tmp_path, "amazon-business-report-by-date", rows)
    assert list(Traffic.objects.values_list("date", "sessions")) == [(dt.date(2026, 3, 1), 120)]
