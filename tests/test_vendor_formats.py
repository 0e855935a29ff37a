"""Export files of well-known programs: what their rows mean, and that their headers are told apart."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from flywheel.accounts.models import Workspace
from flywheel.environment import BASE_DIR
from flywheel.facts.models import Channel, CustomerCampaign, Order, OrderFee, OrderLine, Refund, Spend, Ticket, Traffic
from flywheel.intake.formats import FORMATS
from flywheel.intake.formats.base import Format
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Batch
from flywheel.intake.plans import Plan
from flywheel.intake.recognising import guess
from tests.builders import Row, csv_file, load_plan, loaded, order

pytestmark = pytest.mark.django_db
Plans = Sequence[Plan]


# --- one file, read by its header -------------------------------------------------------------------------------------
def plans_of(slug: str, header: Sequence[str], preamble: Sequence[str] = ()) -> Plans:
    plans = FORMATS[slug].plans(header, preamble)
    assert plans, f"{slug} does not know this header"
    return plans


def read(
    workspace: Workspace,
    folder: Path,
    slug: str,
    rows: Sequence[Row],
    preamble: Sequence[str] = (),
    constants: Mapping[str, str] | None = None,
    options: Mapping[str, str] | None = None,
) -> Batch:
    """Load rows as the export that `slug` names, with what a person adds to its plans."""
    path = csv_file(folder, rows, f"{slug}-{Batch.objects.count()}.csv")
    plans = [
        replace(plan, constants={**plan.constants, **(constants or {})}, options={**plan.options, **(options or {})})
        for plan in plans_of(slug, list(rows[0]), preamble)
    ]
    batch = load_plan(workspace, path, plans, slug)
    assert batch.state == Batch.State.LOADED, list(batch.errors.values_list("line", "column", "value", "code"))
    return batch


# --- headers ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("known", FORMATS.values(), ids=FORMATS.keys())
def test_no_header_means_two_columns_of_a_format(known: Format) -> None:
    for column in known.columns:
        for spelling in (column.name, *column.also):
            meant = [other.name for other in known.columns if other.is_written(spelling)]
            assert meant in ([column.name], []), spelling  # none: a name of ours for headers known by a pattern


@pytest.mark.parametrize("known", FORMATS.values(), ids=FORMATS.keys())
def test_a_format_is_recognised_by_its_own_columns(workspace: Workspace, known: Format) -> None:
    header = [column.name for column in known.columns if column.is_written(column.name)]
    found = guess(workspace, header)
    assert found is not None
    assert found.name == known.slug


@pytest.mark.parametrize("slug", KINDS)
def test_a_generic_template_is_recognised_as_itself(workspace: Workspace, slug: str) -> None:
    found = guess(workspace, [column.name for column in KINDS[slug].columns])
    assert found is not None
    assert (found.name, found.plans[0].kind.slug) == ("", slug)


@pytest.mark.parametrize("known", FORMATS.values(), ids=FORMATS.keys())
def test_parts_read_columns_that_the_format_has(known: Format) -> None:
    there = {column.name for column in known.columns} | {made.name for made in known.made}
    for part in known.parts:
        for source in part.fields.values():
            assert {source} <= there if isinstance(source, str) else set(source) <= there
        assert part.fields.keys() <= part.kind.by_name.keys()
        assert {part.only, *part.needs, *part.until, *part.until.values()} - {""} <= there
    assert {name for made in known.made for name in made.of} <= {column.name for column in known.columns}


def test_every_format_is_in_the_guide() -> None:
    guide = (BASE_DIR / "docs" / "formats.md").read_text()
    assert [known.slug for known in FORMATS.values() if f"`{known.slug}`" not in guide] == []


@pytest.mark.parametrize("known", FORMATS.values(), ids=FORMATS.keys())
def test_every_format_says_where_its_file_comes_from(known: Format) -> None:
    assert str(known.help)


# --- Shopify ----------------------------------------------------------------------------------------------------------
LATER_LINE = {"Lineitem quantity": "3", "Lineitem price": "5.00", "Lineitem sku": "SOAP", "Lineitem name": "Soap"}


def shopify(name: str = "#1001", **cells: str) -> dict[str, str]:
    """An order's first line: one shirt of 20, paid by card and sent to Germany."""
    known = {
        "Name": name,
        "Email": "ann@example.com",
        "Financial Status": "paid",
        "Fulfillment Status": "fulfilled",
        "Fulfilled at": "2026-03-03 09:00:00 +0100",
        "Currency": "EUR",
        "Subtotal": "18.00",
        "Shipping": "4.00",
        "Taxes": "3.00",
        "Total": "25.00",
        "Discount Amount": "2.00",
        "Shipping Method": "DHL",
        "Created at": "2026-03-02 10:00:00 +0100",
        "Lineitem quantity": "1",
        "Lineitem name": "Shirt",
        "Lineitem price": "20.00",
        "Lineitem sku": "SHIRT",
        "Lineitem discount": "2.00",
        "Billing Country": "FR",
        "Shipping Country": "DE",
        "Note Attributes": "",
        "Cancelled at": "",
        "Payment Method": "Shopify Payments",
        "Refunded Amount": "0.00",
        "Source": "web",
    }
    return known | cells


def later_line(name: str = "#1001") -> dict[str, str]:
    """A further line of an order: only what belongs to the line, and the order's number and time."""
    blank = dict.fromkeys(shopify(), "")
    return blank | {"Name": name, "Created at": "2026-03-02 10:00:00 +0100"} | LATER_LINE


def test_shopify_lines_make_one_order(workspace: Workspace, tmp_path: Path) -> None:
    read(workspace, tmp_path, "shopify-orders", [shopify(), later_line(), shopify("#1002")])
    order = Order.objects.get(external_id="#1001")
    assert (order.market, order.channel, order.carrier, order.state) == ("DE", "web", "DHL", "shipped")
    assert (order.total, order.net_base, order.discount) == (Decimal("25"), Decimal("18"), Decimal("2"))
    assert order.customer not in ("", "ann@example.com")
    lines = OrderLine.objects.filter(order_ref="#1001").order_by("external_id")
    assert [(line.external_id, line.sku, line.name, line.quantity, line.price, line.currency) for line in lines] == [
        ("#1001:1", "SHIRT", "Shirt", 1, Decimal("20"), "EUR"),
        ("#1001:2", "SOAP", "Soap", 3, Decimal("5"), "EUR"),
    ]
    assert lines[0].discount == Decimal("2")


@pytest.mark.parametrize(
    ("cells", "state"),
    [
        ({}, "shipped"),
        ({"Fulfillment Status": "unfulfilled"}, "open"),
        ({"Fulfillment Status": "partial"}, "shipped"),
        ({"Financial Status": "authorized", "Fulfillment Status": "unfulfilled"}, "open"),
        ({"Financial Status": "pending"}, "unpaid"),
        ({"Financial Status": "pending", "Payment Method": "Cash on Delivery (COD)"}, "shipped"),
        (
            {
                "Financial Status": "pending",
                "Payment Method": "Nachnahme",
                "Fulfillment Status": "unfulfilled",
            },
            "open",
        ),
        (
            {"Financial Status": "pending", "Payment Method": "货到付款", "Cancelled at": "2026-03-04 10:00"},
            "cancelled",
        ),
        ({"Financial Status": "voided", "Payment Method": "Cash on Delivery (COD)"}, "cancelled"),
        ({"Financial Status": "refunded"}, "returned"),
        ({"Financial Status": "refunded", "Cancelled at": "2026-03-04 10:00:00 +0100"}, "cancelled"),
        ({"Financial Status": "partially_refunded"}, "shipped"),
        ({"Financial Status": "partially_refunded", "Fulfillment Status": "unfulfilled"}, "open"),
        ({"Payment Method": "(for testing) Bogus Gateway"}, "test"),
    ],
)
def test_shopify_orders_count_by_what_came_of_them(
    workspace: Workspace, tmp_path: Path, cells: dict[str, str], state: str
) -> None:
    read(workspace, tmp_path, "shopify-orders", [shopify(**cells)])
    assert Order.objects.get().state == state


@pytest.mark.parametrize(
    ("source", "notes", "channel"),
    [
        ("web", "", "web"),
        ("web", "utm_source: newsletter", "newsletter"),
        ("web", "gift: yes\nutm_source: google \nutm_medium: cpc", "google"),
        ("tiktok", "utm_source: newsletter", "tiktok"),
        ("5690175", "utm_source: facebook", "facebook"),
        ("5690175", "", "app 5690175"),
        ("5690175", "utm_source:\nutm_medium: cpc", "app 5690175"),
    ],
)
def test_a_shopify_channel_is_the_named_source_or_else_the_campaign(
    workspace: Workspace, tmp_path: Path, source: str, notes: str, channel: str
) -> None:
    read(workspace, tmp_path, "shopify-orders", [shopify(**{"Source": source, "Note Attributes": notes})])
    assert Order.objects.get().channel == channel


def test_shopify_times_have_their_own_offset_on_both_sides_of_a_clock_change(
    workspace: Workspace, tmp_path: Path
) -> None:
    times = {"#1": "2026-10-31 23:30:00 -0400", "#2": "2026-11-01 01:30:00 -0400", "#3": "2026-11-01 01:30:00 -0500"}
    read(
        workspace,
        tmp_path,
        "shopify-orders",
        [shopify(name, **{"Created at": time, "Fulfilled at": ""}) for name, time in times.items()],
    )
    hours = {order.external_id: order.ordered_at.astimezone(dt.UTC) for order in Order.objects.all()}
    assert {name: (time.day, time.hour, time.minute) for name, time in hours.items()} == {
        "#1": (1, 3, 30),
        "#2": (1, 5, 30),
        "#3": (1, 6, 30),
    }


def test_a_later_shopify_export_raises_the_refund_it_knows(workspace: Workspace, tmp_path: Path) -> None:
    first = {"Refunded Amount": "5.00", "Financial Status": "partially_refunded"}
    read(workspace, tmp_path, "shopify-orders", [shopify(**first), later_line(), shopify("#1002")])
    read(workspace, tmp_path, "shopify-orders", [shopify(**first | {"Refunded Amount": "12.50"})])
    refund = Refund.objects.get()
    assert (refund.order_ref, refund.amount, refund.market) == ("#1001", Decimal("12.50"), "DE")
    assert refund.refund_date == dt.date(2026, 3, 3)  # nothing tells the refund's day: the day it was sent


# --- WooCommerce ------------------------------------------------------------------------------------------------------
def woocommerce(number: str = "501", **cells: str) -> dict[str, str]:
    known = {
        "Order Number": number,
        "Order Status": "completed",
        "Order Date": "2026-01-15 12:00:00",
        "State Code (Shipping)": "GA",
        "Country Code (Shipping)": "US",
        "Order Total Amount": "108.00",
        "Order Total Tax Amount": "8.00",
    }
    return known | cells


def test_woocommerce_asks_for_the_currency_that_its_file_does_not_tell() -> None:
    for plan in plans_of("woocommerce-orders", list(woocommerce())):
        assert [column.name for column in plan.missing] == ["currency"]
    told = plans_of("woocommerce-orders", [*woocommerce(), "Order Currency"])
    assert [plan.missing for plan in told] == [[], []]


def test_woocommerce_refunds_of_whole_orders_are_their_totals(workspace: Workspace, tmp_path: Path) -> None:
    rows = [woocommerce(), woocommerce("502", **{"Order Status": "refunded", "Order Total Amount": "50.00"})]
    read(workspace, tmp_path, "woocommerce-orders", rows, constants={"currency": "USD"})
    states = dict(Order.objects.values_list("external_id", "state"))
    assert states == {"501": "shipped", "502": "returned"}
    assert list(Refund.objects.values_list("order_ref", "amount")) == [("502", Decimal("50.00"))]


def test_woocommerce_items_are_lines(workspace: Workspace, tmp_path: Path) -> None:
    item = {"SKU": "A", "Item #": "1", "Item Name": "Shirt", "Quantity (- Refund)": "2", "Item Cost": "50.00"}
    status = {"Order Status": "On hold", "Order Currency": "EUR", "Order Refund Amount": "3.00"}
    rows = [woocommerce(**status, **item), woocommerce(**status, **item | {"SKU": "B", "Item #": "2"})]
    read(workspace, tmp_path, "woocommerce-orders", rows)
    assert Order.objects.get().state == "unpaid"
    assert set(OrderLine.objects.values_list("external_id", "sku", "quantity")) == {
        ("501:1", "A", 2),
        ("501:2", "B", 2),
    }
    assert Refund.objects.get().amount == Decimal("3")


# --- Amazon -----------------------------------------------------------------------------------------------------------
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


# --- GA4 --------------------------------------------------------------------------------------------------------------
CHANNEL = "Session default channel group"


def test_ga4_days_are_added_up_over_other_dimensions(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        {"Date": "20260701", CHANNEL: "Organic Search", "Landing page": "/a", "Sessions": "60", "Country": "Germany"},
        {"Date": "20260701", CHANNEL: "Organic Search", "Landing page": "/b", "Sessions": "40", "Country": "Germany"},
        {"Date": "20260702", CHANNEL: "(not set)", "Landing page": "/b", "Sessions": "7", "Country": "(not set)"},
    ]
    read(workspace, tmp_path, "ga4-traffic", rows)
    assert list(Traffic.objects.order_by("date").values_list("date", "channel", "sessions")) == [
        (dt.date(2026, 7, 1), "Organic Search", 100),
        (dt.date(2026, 7, 2), "", 7),
    ]
    assert Traffic.objects.get(sessions=7).market == ""


@pytest.mark.parametrize(
    "lines",
    [
        ["# Traffic acquisition", "# Start date: 20260701", "# End date: 20260704"],
        ["# Startdatum: 20260701", "# Enddatum: 20260704"],
        ["# All Users", "# 20260701-20260704"],
        ["# 开始日期：20260701", "# 结束日期：20260704"],
    ],
)
def test_ga4_sessions_without_days_are_spread_over_the_period_of_the_comments(
    workspace: Workspace, tmp_path: Path, lines: list[str]
) -> None:
    rows = [{CHANNEL: "Direct", "Sessions": "10", "Engaged sessions": "6", "Event count": "99"}]
    read(workspace, tmp_path, "ga4-traffic", rows, lines)
    days = Traffic.objects.order_by("date").values_list("date__day", "sessions", "engaged_sessions", "carts")
    assert list(days) == [(1, 2, 1, None), (2, 3, 2, None), (3, 2, 1, None), (4, 3, 2, None)]


@pytest.mark.parametrize("lines", [[], ["# All Users"], ["# 20260101-20260131", "# 20250101-20250131"]])
def test_ga4_sessions_of_an_unknown_period_are_asked_for_it(lines: list[str]) -> None:
    for header in ([CHANNEL, "Sessions"], ["Month", CHANNEL, "Sessions"]):
        plan = plans_of("ga4-traffic", header, lines)[0]
        assert [column.name for column in plan.missing] == ["date"]


def test_ga4_months_are_spread_over_their_own_days_of_the_period(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        {"Month": "10", CHANNEL: "Direct", "Sessions": "62"},
        {"Month": "01", CHANNEL: "Direct", "Sessions": "31"},
        {"Month": "02", CHANNEL: "Direct", "Sessions": "20"},
    ]
    read(workspace, tmp_path, "ga4-traffic", rows, ["# 20251001-20260210"])
    per_day = {day.date: day.sessions for day in Traffic.objects.all()}
    assert len(per_day) == 31 + 31 + 10
    assert (per_day[dt.date(2025, 10, 7)], per_day[dt.date(2026, 1, 7)], per_day[dt.date(2026, 2, 7)]) == (2, 1, 2)


def test_a_ga4_month_that_comes_twice_in_the_period_is_not_guessed(workspace: Workspace, tmp_path: Path) -> None:
    rows = [{"Month": "10", CHANNEL: "Direct", "Sessions": "62"}]
    plans = plans_of("ga4-traffic", list(rows[0]), ["# 20251001-20261031"])
    batch = load_plan(workspace, csv_file(tmp_path, rows), plans)
    assert list(batch.errors.values_list("line", "code")) == [(2, "required")]


@pytest.mark.parametrize(
    "header",
    [
        ["Date", "Session primary channel group (Default channel group)", "Sessions", "Engaged sessions"],
        [
            "Datum",
            "Sitzung – primäre Channelgruppe (Standard-Channelgruppe)",
            "Sitzungen",
            "Sitzungen mit Interaktionen",
        ],
        [
            "Date",
            "Groupe de canaux principal de la session (Groupe de canaux par défaut)",
            "Sessions",
            "Sessions avec engagement",
        ],
        ["日期", "会话主要渠道组（默认渠道组）", "会话数", "互动会话数"],
        ["Date", "Session source / medium", "Sessions", "Engaged sessions"],
    ],
)
def test_ga4_is_known_in_other_languages(workspace: Workspace, header: list[str]) -> None:
    found = guess(workspace, header)
    assert found is not None
    assert found.name == "ga4-traffic"
    assert set(found.plans[0].columns) == {"date", "channel", "sessions", "engaged_sessions"}


# --- advertising ------------------------------------------------------------------------------------------------------
def google(campaign: str = "Brand", **cells: str) -> dict[str, str]:
    known = {"Campaign status": "Enabled", "Campaign": campaign, "Campaign type": "Search", "Currency code": "EUR"}
    return known | {"Impr.": "40,000", "Clicks": "900", "Cost": "990.00"} | cells


@pytest.mark.parametrize(
    ("line", "period"),
    [
        ("September 1, 2026 - September 30, 2026", ("2026-09-01", "2026-09-30")),
        ("Aug 1, 2026 - Aug 2, 2026", ("2026-08-01", "2026-08-02")),
        ("Sept 1, 2026 - Oct 2, 2026", ("2026-09-01", "2026-10-02")),
        ("September 1, 2026", ("2026-09-01", "2026-09-01")),
        ("1. September 2026 - 30. September 2026", ("2026-09-01", "2026-09-30")),
        ("1. März 2026–31. März 2026", ("2026-03-01", "2026-03-31")),
        ("1er août 2026 - 31 août 2026", ("2026-08-01", "2026-08-31")),
        ("1 de marzo de 2026 - 31 de marzo de 2026", ("2026-03-01", "2026-03-31")),
        ("2026年9月1日 - 2026年9月30日", ("2026-09-01", "2026-09-30")),
        ("All time", None),
        ("Campaign report", None),
        ("September 30, 2026 - September 1, 2026", None),
    ],
)
def test_the_period_of_a_google_ads_report_is_read_from_its_second_line(
    line: str, period: tuple[str, str] | None
) -> None:
    options = plans_of("google-ads", list(google()), ["Campaign report", line])[0].options
    assert (options.get("period_first"), options.get("period_last")) == (period or (None, None))


def test_google_ads_without_days_are_spread_and_totals_left_out(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        google(),
        google("--", **{"Campaign status": "Total: Account"}),
        google("", Cost="1"),
        google("Total: Search"),
    ]
    read(workspace, tmp_path, "google-ads", rows, ["Campaign report", "September 1, 2026 - September 30, 2026"])
    days = Spend.objects.order_by("date")
    assert (len(days), {(day.cost, day.clicks, day.channel, day.campaign) for day in days}) == (
        30,
        {(Decimal("33"), 30, "google", "Brand")},
    )


def test_google_ads_of_a_week_are_spread_over_its_days_within_the_period(workspace: Workspace, tmp_path: Path) -> None:
    rows = [google(Week="2026-08-31", Cost="60.00"), google(Week="2026-09-07", Cost="70.00")]
    read(workspace, tmp_path, "google-ads", rows, ["Campaign report", "September 1, 2026 - September 30, 2026"])
    costs = {day.date.isoformat(): day.cost for day in Spend.objects.all()}
    assert (min(costs), max(costs), set(costs.values())) == ("2026-09-01", "2026-09-13", {Decimal("10")})


def test_google_ads_of_all_time_are_asked_for_their_period() -> None:
    plan = plans_of("google-ads", list(google()), ["Campaign report", "All time"])[0]
    assert [column.name for column in plan.missing] == ["date"]


@pytest.mark.parametrize(
    "header",
    [
        ["Tag", "Kampagne", "Währungscode", "Impr.", "Klicks", "Kosten", "CTR"],
        ["Jour", "Campagne", "Code de devise", "Impr.", "Clics", "Coût", "CTR"],
        ["天", "广告系列", "货币代码", "展示次数", "点击次数", "费用", "点击率"],
    ],
)
def test_google_ads_are_known_in_other_languages(workspace: Workspace, header: list[str]) -> None:
    found = guess(workspace, header)
    assert found is not None
    assert found.name == "google-ads"
    assert set(found.plans[0].columns) == {"date", "campaign", "currency", "impressions", "clicks", "cost"}


def meta(day: str = "2026-09-01", until: str = "", **cells: str) -> dict[str, str]:
    known = {"Reporting starts": day, "Reporting ends": until or day, "Campaign name": "Spring", "Ad name": "v1"}
    return known | {"Impressions": "5400", "Link clicks": "61", "Amount spent (USD)": "62.10"} | cells


def test_meta_ads_of_one_day_are_added_up_by_campaign(workspace: Workspace, tmp_path: Path) -> None:
    rows = [meta(), meta(**{"Ad name": "v2", "Amount spent (USD)": "37.90"}), meta("2026-09-02")]
    read(workspace, tmp_path, "meta-ads", rows)
    spend = Spend.objects.get(date="2026-09-01")
    assert (spend.cost, spend.currency, spend.channel, spend.campaign) == (Decimal("100"), "USD", "meta", "Spring")
    assert (spend.impressions, spend.clicks) == (10_800, 122)


def test_meta_ads_of_several_days_are_spread_over_each_rows_own(workspace: Workspace, tmp_path: Path) -> None:
    rows = [
        meta("2026-09-01", "2026-09-07", **{"Amount spent (USD)": "70.00"}),
        meta("2026-09-08", "2026-09-09", **{"Amount spent (USD)": "10.00"}),
    ]
    read(workspace, tmp_path, "meta-ads", rows)
    costs = [day.cost for day in Spend.objects.order_by("date")]
    assert costs == [Decimal("10")] * 7 + [Decimal("5")] * 2


def test_the_row_of_totals_in_meta_ads_has_no_name(workspace: Workspace, tmp_path: Path) -> None:
    row = {"Reporting starts": "2025-12-10", "Reporting ends": "2026-08-10", "Ad set name": "", "Day": "2026-08-01"}
    amounts = {"Amount spent (INR)": "15000.00", "Impressions": "500000", "Link clicks": "4000"}
    rows = [row | amounts, row | amounts | {"Ad set name": "Set A", "Amount spent (INR)": "9000.00"}]
    read(workspace, tmp_path, "meta-ads", rows)
    assert list(Spend.objects.values_list("date", "campaign", "cost")) == [
        (dt.date(2026, 8, 1), "Set A", Decimal("9000")),
    ]


@pytest.mark.parametrize(
    "header",
    [
        ["Tag", "Kampagnenname", "Ausgegebener Betrag (EUR)", "Impressionen", "Link-Klicks", "Reichweite"],
        ["Jour", "Nom de la campagne", "Montant dépensé (EUR)", "Impressions", "Clics sur un lien", "Couverture"],
        ["单日", "广告系列名称", "已花费金额 (USD)", "展示次数", "链接点击量", "覆盖人数"],
        ["单日", "广告系列名称", "已花费金额（USD）", "展示次数", "链接点击量", "覆盖人数"],
    ],
)
def test_meta_ads_are_known_in_other_languages(workspace: Workspace, header: list[str]) -> None:
    found = guess(workspace, header)
    assert found is not None
    assert found.name == "meta-ads"
    assert set(found.plans[0].columns) == {"date", "campaign", "currency", "impressions", "clicks", "cost"}


def test_meta_ads_without_a_currency_ask_for_it() -> None:
    plan = plans_of("meta-ads", ["Day", "Ad name", "Amount spent", "Impressions"])[0]
    assert [column.name for column in plan.missing] == ["currency"]


def test_tiktok_ads_are_read_day_by_day(workspace: Workspace, tmp_path: Path) -> None:
    row = {"By Day": "2026-09-01", "Campaign name": "Clips", "Cost": "12.50", "Impressions": "900", "Currency": "GBP"}
    rows = [row | {"Clicks (destination)": "30"}, row | {"By Day": "", "Campaign name": "Total of 1 results"}]
    read(workspace, tmp_path, "tiktok-ads", rows)
    spend = Spend.objects.get()
    assert (spend.channel, spend.cost, spend.clicks) == ("tiktok", Decimal("12.5"), 30)


# --- Klaviyo ----------------------------------------------------------------------------------------------------------
def test_klaviyo_campaigns_are_counted_in_people(workspace: Workspace, tmp_path: Path) -> None:
    row = {"Campaign Name": "Spring", "Send Time": "2026-03-02 09:00:00", "Total Recipients": "64517.0"}
    people = {
        "Unique Opens": "45587.0",
        "Unique Clicks": "264.0",
        "Unique Placed Order": "48.0",
        "Unsubscribes": "170.0",
    }
    named = row | people | {"Revenue": "2800.27", "Campaign ID": "01C", "Campaign Channel": "Email"}
    read(workspace, tmp_path, "klaviyo-campaigns", [named])
    read(workspace, tmp_path, "klaviyo-campaigns", [row | people])  # an older export, without ids
    campaigns = {campaign.external_id: campaign for campaign in CustomerCampaign.objects.all()}
    assert campaigns.keys() == {"01C", "Spring 2026-03-02 09:00:00"}
    one = campaigns["01C"]
    assert (one.sent, one.opened, one.clicked, one.ordered, one.unsubscribed) == (64_517, 45_587, 264, 48, 170)
    assert (one.channel, one.revenue) == ("Email", None)


# --- Zendesk ----------------------------------------------------------------------------------------------------------
def ticket(number: str = "1", **cells: str) -> dict[str, str]:
    known = {
        "Id": number,
        "Requester id": "77",
        "Requester email": "ann@example.com",
        "Subject": "Ann Smith wants her parcel",
        "Tags": "parcel, web",
        "Status": "Solved",
        "Ticket type": "Question",
        "Created at": "2026-03-02 10:00",
        "Solved at": "2026-03-03 09:00",
        "Satisfaction Score": "Good",
        "First reply time in minutes": "90",
        "Ticket Category [list]": "Where is my order",
    }
    return known | cells


def test_a_zendesk_ticket_was_answered_minutes_after_it_came(workspace: Workspace, tmp_path: Path) -> None:
    read(workspace, tmp_path, "zendesk-tickets", [ticket()])
    known = Ticket.objects.get()
    assert known.first_reply_at - known.opened_at == dt.timedelta(minutes=90)
    assert (known.reason, str(known.csat)) == ("Where is my order", "5.0")
    assert known.customer_ref not in ("", "ann@example.com", "77")


@pytest.mark.parametrize(
    ("word", "stars"), [("Bad", 1), ("Good with comment", 5), ("Offered", None), ("4", 4), ("", None)]
)
def test_zendesk_satisfaction_is_good_or_bad(
    workspace: Workspace, tmp_path: Path, word: str, stars: int | None
) -> None:
    read(workspace, tmp_path, "zendesk-tickets", [ticket(**{"Satisfaction Score": word})])
    assert Ticket.objects.get().csat == stars


def test_merged_and_deleted_zendesk_tickets_are_left_out(workspace: Workspace, tmp_path: Path) -> None:
    rows = [ticket(), ticket("2", Tags="web, closed_by_merge"), ticket("3", Status="Deleted")]
    read(workspace, tmp_path, "zendesk-tickets", rows)
    assert list(Ticket.objects.values_list("external_id", flat=True)) == ["1"]
