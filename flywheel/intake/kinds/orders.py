"""Orders and what hangs on them: lines, customers, payments, refunds."""

from django.utils.translation import gettext_lazy as _

from flywheel.facts import models as facts
from flywheel.intake import derive
from flywheel.intake.derive import Derived
from flywheel.intake.kinds.base import (
    PERSONAL,
    Column,
    Kind,
    channel,
    count,
    currency,
    device,
    long_text,
    market,
    money,
    order,
    text,
    time,
)
from flywheel.intake.vocabulary import ORDER_STATE

ORDERS = Kind(
    slug="orders",
    label=_("Orders"),
    help=_("One row per order. A later file with the same order updates it."),
    model=facts.Order,
    key=("order_id",),
    columns=(
        Column(
            "order_id",
            "id",
            _("Order"),
            ("A-1001", "A-1002"),
            target="",
            required=True,
            aliases=("order", "order_number"),
        ),
        Column("customer_id", "person", _("Customer"), ("C-7", "C-8"), target="", help=PERSONAL),
        Column(
            "customer_email",
            "email",
            _("Customer's e-mail"),
            ("ann@example.com", ""),
            target="",
            help=PERSONAL,
            aliases=("email", "e_mail"),
        ),
        market(),
        channel(),
        device(),
        text("payment_method", _("Payment method"), "card", "paypal", aliases=("payment", "payment_type")),
        text("carrier", _("Carrier"), "DHL", "UPS", aliases=("shipping_method", "shipping_carrier")),
        long_text(
            "status",
            _("Status"),
            "delivered",
            "paid",
            aliases=("order_status", "state", "financial_status"),
            choice=ORDER_STATE,
        ),
        time(
            "ordered_at",
            _("Ordered at"),
            "2026-03-02 09:15:00",
            "2026-03-02T18:40:00+01:00",
            required=True,
            aliases=("order_date", "created_at", "date", "order_time", "purchase_date"),
        ),
        currency(required=True),
        money("gross", _("Goods before discount"), "100.00", "59.90", aliases=("subtotal", "gross_revenue")),
        money("discount", _("Discount"), "10.00", "0", aliases=("discount_amount", "discounts")),
        money("shipping", _("Shipping"), "4.90", "4.90", aliases=("shipping_cost", "freight")),
        money("tax", _("Tax"), "18.02", "0", aliases=("taxes", "vat")),
        money("total", _("Total paid by the customer"), "94.90", "64.80", aliases=("order_total", "grand_total")),
        money("cogs", _("Cost of goods"), "40.00", "22.00", aliases=("cost_of_goods",)),
        money("fulfilment_cost", _("Cost of fulfilment"), "7.20", "8.10", aliases=("fulfillment_cost",)),
        money("payment_cost", _("Cost of payment"), "1.90", "1.40", aliases=("payment_fee",)),
        count("units", _("Units"), "2", "1", aliases=("quantity", "items")),
        Column(
            "promised_at",
            "deadline",
            _("Promised delivery"),
            ("2026-03-06", "2026-03-09"),
            help=_("A date without time means the end of that day."),
            aliases=("promised_date", "estimated_delivery"),
        ),
        time("shipped_at", _("Shipped at"), "2026-03-03 11:00:00", aliases=("shipped_date",)),
        Column(
            "delivered_at",
            "deadline",
            _("Delivered at"),
            ("2026-03-05 14:20:00", ""),
            help=_("A date without time means the end of that day."),
            aliases=("delivered_date", "delivery_date"),
        ),
    ),
    derived=(
        Derived("customer_ref", derive.customer_ref, needs=("customer_id", "customer_email")),
        Derived(
            "customer",
            derive.customer,
            needs=("customer_id", "customer_email"),
            follows="customer_ref",
            guarded=False,
        ),
        Derived("order_date", derive.day_of("ordered_at"), needs=("ordered_at",)),
        Derived("week", derive.week_of("order_date"), needs=("ordered_at",)),
        Derived("month", derive.month_of("order_date"), needs=("ordered_at",)),
        Derived("fx_rate", derive.fx_rate("order_date"), needs=("currency",)),
        Derived(
            "promised_is_date",
            derive.is_bare_date("promised_at"),
            needs=("promised_at",),
            follows="promised_at",
            guarded=False,
        ),
        Derived(
            "promised_date",
            derive.market_day_of("promised_at"),
            needs=("promised_at",),
            follows="promised_at",
            guarded=False,
        ),
        Derived(
            "delivered_is_date",
            derive.is_bare_date("delivered_at"),
            needs=("delivered_at",),
            follows="delivered_at",
            guarded=False,
        ),
        Derived(
            "delivered_date",
            derive.market_day_of("delivered_at"),
            needs=("delivered_at",),
            follows="delivered_at",
            guarded=False,
        ),
        Derived(
            "delivered_week",
            derive.week_of("delivered_date"),
            needs=("delivered_at",),
            follows="delivered_at",
            guarded=False,
        ),
    ),
)

ORDER_LINES = Kind(
    slug="order_lines",
    label=_("Order lines"),
    help=_("One row per line of an order: what was bought."),
    model=facts.OrderLine,
    key=("order_id", "line"),
    columns=(
        order(required=True),
        Column("line", "id", _("Line"), ("1", "2"), target="", default="1", aliases=("line_number", "item", "line_id")),
        Column("sku", "id", _("SKU"), ("SKU-1", "SKU-2"), aliases=("product_id", "product", "lineitem_sku")),
        long_text("name", _("Product name"), "Trail shoe", "Day pack", aliases=("product_name", "item_name", "title")),
        long_text("category", _("Category"), "shoes", "bags", aliases=("product_category",)),
        count("quantity", _("Quantity"), "1", "2", aliases=("qty", "units")),
        money("price", _("Price per unit"), "50.00", "24.95", aliases=("unit_price",), per_unit=True),
        money("discount", _("Discount"), "5.00", "0", help=_("Of the whole line."), aliases=("line_discount",)),
        currency(),
    ),
)

CUSTOMERS = Kind(
    slug="customers",
    label=_("Customers"),
    help=_("One row per customer id. Several ids of one person share the person's id or e-mail."),
    model=facts.Customer,
    key=("customer_id",),
    columns=(
        Column("customer_id", "person", _("Customer"), ("C-7", "C-8"), target="", required=True, help=PERSONAL),
        Column("person_id", "person", _("Person"), ("P-1", "P-1"), target="person", aliases=("customer_unique_id",)),
        Column(
            "email",
            "email",
            _("E-mail"),
            ("ann@example.com", "ann@example.com"),
            target="email_hash",
            help=PERSONAL,
            aliases=("customer_email", "e_mail"),
        ),
        market(),
    ),
)

PAYMENTS = Kind(
    slug="payments",
    label=_("Payments"),
    help=_("One row per payment of an order, in the order's currency."),
    model=facts.Payment,
    key=("order_id", "sequence"),
    columns=(
        order(required=True),
        count("sequence", _("Number of the payment"), "1", "1", default="1", aliases=("payment_number",)),
        text("method", _("Payment method"), "card", "paypal", aliases=("payment_method", "payment_type")),
        money("amount", _("Amount"), "94.90", "64.80", required=True, aliases=("payment_value", "value")),
    ),
)

ORDER_FEES = Kind(
    slug="order_fees",
    label=_("Order fees"),
    help=_(
        "One row per fee of an order, such as commission or fulfilment, in the order's currency. Where an order tells "
        "neither its cost of fulfilment nor of payment, its fees are taken off its contribution."
    ),
    model=facts.OrderFee,
    key=("order_id", "statement", "fee"),
    columns=(
        order(required=True),
        long_text("fee", _("Fee"), "commission", "fulfilment", target="name", required=True, aliases=("fee_type",)),
        Column(
            "amount",
            "signed",
            _("Amount"),
            ("12.40", "-1.50"),
            required=True,
            help=_("A fee that was given back is below zero."),
            aliases=("fee_amount",),
        ),
        currency(required=True),
        time("charged_at", _("Charged at"), "2026-03-04 10:00:00", "2026-03-09", aliases=("posted_date", "date")),
        Column(
            "statement",
            "id",
            _("Statement"),
            ("S-31", "S-32"),
            target="",
            help=_("Of the same fee in several statements each counts."),
            aliases=("settlement_id",),
        ),
    ),
)

REFUNDS = Kind(
    slug="refunds",
    label=_("Refunds"),
    help=_("One row per refund, on the day the money went back."),
    model=facts.Refund,
    key=("refund_id",),
    key_otherwise=("order_id", "refunded_at", "amount"),
    columns=(
        order(required=True),
        time("refunded_at", _("Refunded at"), "2026-03-10 10:00:00", "2026-03-12", required=True, aliases=("date",)),
        money("amount", _("Amount"), "20.00", "64.80", required=True, aliases=("refund_amount", "refunded_amount")),
        currency(required=True),
        Column(
            "refund_id",
            "id",
            _("Refund"),
            ("R-1", "R-2"),
            target="",
            help=_("Without it the order, the time and the amount tell refunds apart."),
        ),
        long_text("reason", _("Reason"), "too_late", "wrong_size", aliases=("refund_reason",)),
    ),
    derived=(
        Derived("refund_date", derive.day_of("refunded_at"), needs=("refunded_at",)),
        Derived("week", derive.week_of("refund_date"), needs=("refunded_at",)),
        Derived("fx_rate", derive.fx_rate("refund_date"), needs=("currency",)),
    ),
)
