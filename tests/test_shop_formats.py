"""Orders as Shopify and WooCommerce export them."""

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Order, OrderLine, Refund
from flywheel.intake import batches
from flywheel.intake.models import Batch
from flywheel.intake.plans import Plan
from tests.builders import Silent, csv_file
from tests.vendor_files import plans_of, read

pytestmark = pytest.mark.django_db
Plans = Sequence[Plan]


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


def good_rows(workspace: Workspace, path: Path, plans: Plans) -> Batch:
    """The file loaded without its bad rows."""
    source = batches.source_named(workspace, "shop")
    return batches.load(batches.create(source, plans, path, path.name, skips_bad_rows=True), Silent())


def given_back(batch: Batch, folder: Path, old: str, new: str) -> Path:
    """The file of a batch's bad rows, as a person puts it right."""
    path = folder / "corrected.csv"
    path.write_text(batches.bad_rows_path(batch).read_text("utf-8-sig").replace(old, new), "utf-8")
    return path


def test_the_lines_of_a_shopify_order_that_is_refused_go_with_it(workspace: Workspace, tmp_path: Path) -> None:
    rows = [shopify(**{"Created at": "soon"}), later_line(), shopify("#1002")]
    batch = good_rows(workspace, csv_file(tmp_path, rows), plans_of("shopify-orders", list(rows[0])))
    assert (batch.state, batch.rejected) == (Batch.State.LOADED, 2)
    assert set(OrderLine.objects.values_list("order_ref", flat=True)) == {"#1002"}
    assert set(batch.errors.values_list("line", "code")) == {(2, "timestamp"), (3, "refused_order")}


def test_a_shopify_order_goes_with_its_line_that_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    rows = [shopify(), later_line() | {"Lineitem quantity": "many"}, shopify("#1002")]
    batch = good_rows(workspace, csv_file(tmp_path, rows), plans_of("shopify-orders", list(rows[0])))
    assert (batch.rows, batch.rejected) == (3, 2)
    assert list(Order.objects.values_list("external_id", flat=True)) == ["#1002"]
    assert set(batch.errors.values_list("line", "code")) == {(2, "refused_order"), (3, "integer")}


def test_what_is_given_back_of_a_shopify_file_loads_as_the_whole_file_would(
    workspace: Workspace, tmp_path: Path
) -> None:
    bad = later_line("#1003") | {"Lineitem price": "cheap"}
    rows = [shopify(), later_line(), shopify("#1002"), later_line("#1002"), shopify("#1003"), bad]
    rows[0] |= {"Total": "much"}
    plans = plans_of("shopify-orders", list(rows[0]))
    batch = good_rows(workspace, csv_file(tmp_path, rows), plans)
    assert (batch.added, batch.rejected) == (3, 4)  # an order and its two lines
    path = given_back(batch, tmp_path, "much", "25.00")
    path.write_text(path.read_text().replace("cheap", "5.00"))
    assert [line.split(",")[0] for line in path.read_text().splitlines()] == ["Line", "2", "3", "6", "7"]
    again = good_rows(workspace, path, plans_of("shopify-orders", ["Line", "What is wrong", *rows[0]]))
    assert (again.added, again.changed, again.rejected) == (6, 0, 0)
    lines = OrderLine.objects.order_by("external_id").values_list("external_id", "sku", "currency")
    assert list(lines) == [
        (f"{name}:{place}", sku, "EUR")
        for name in ("#1001", "#1002", "#1003")
        for place, sku in ((1, "SHIRT"), (2, "SOAP"))
    ]


def test_a_check_tells_what_loading_the_good_rows_would_do(workspace: Workspace, tmp_path: Path) -> None:
    rows = [shopify(), later_line() | {"Lineitem quantity": "many"}, shopify("#1002")]
    path = csv_file(tmp_path, rows)
    plans = plans_of("shopify-orders", list(rows[0]))
    batch = batches.create(batches.source_named(workspace, "shop"), plans, path, path.name)
    batches.check(batch, Silent())
    assert (batch.rows, batch.added, batch.rejected) == (3, 2, 2)
    assert not Order.objects.exists()


def test_orders_of_one_number_that_contradict_each_other_are_given_back_whole(
    workspace: Workspace, tmp_path: Path
) -> None:
    rows = [shopify(), later_line(), shopify("#1002"), shopify(Total="99.00")]
    batch = good_rows(workspace, csv_file(tmp_path, rows), plans_of("shopify-orders", list(rows[0])))
    assert list(Order.objects.values_list("external_id", flat=True)) == ["#1002"]
    assert {code for _line, code in batch.errors.values_list("line", "code")} == {"conflict", "refused_order"}
    assert set(batch.errors.values_list("line", flat=True)) == {2, 3, 5}


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
