"""Shopify: the export of orders, one row per line item, order-level fields on an order's first row only."""

from django.utils.translation import gettext_lazy as _

from flywheel.intake.formats.base import Format, Header, Made, Part
from flywheel.intake.formats.makers import (
    Case,
    above_zero,
    carried_down,
    cases,
    extracted,
    first_of,
    place_in_run,
    unless,
)
from flywheel.intake.kinds import ORDER_LINES, ORDERS, REFUNDS

ON_DELIVERY = (
    r".*(cash on delivery|\bcod\b|contre[- ]remboursement|nachnahme|contrassegno|contra ?reembolso|货到付款).*"
)

# Whether an order counts: by what came of it, then by whether it was paid, then by how far it is.
_STATE = cases(
    Case("Payment Method", r".*bogus.*", "test"),  # the gateway for test orders
    Case("Cancelled at", "", "cancelled"),
    Case("Financial Status", "voided", "cancelled"),
    Case("Financial Status", "refunded", "returned"),
    Case("payment awaited", "pending|unpaid|expired", "unpaid"),
    Case("Fulfillment Status", "fulfilled|partial|partially[ _]fulfilled", "shipped"),
    Case("Financial Status", "", "open"),
)
# A named source (tiktok, pos) says more than a campaign's; the online store and apps with a number say less.
_CHANNEL = first_of("named source", "utm source", "app source", "Source")

ORDERS_EXPORT = Format(
    "shopify-orders",
    "Shopify: orders",
    record="Name",
    columns=(
        Header("Name", needed=True),
        Header("Email"),
        Header("Financial Status", needed=True),
        Header("Fulfillment Status", needed=True),
        Header("Fulfilled at"),
        Header("Currency", needed=True),
        Header("Shipping"),
        Header("Taxes"),
        Header("Total", needed=True),
        Header("Discount Amount"),
        Header("Shipping Method"),
        Header("Created at", needed=True),
        Header("Lineitem quantity", needed=True),
        Header("Lineitem name"),
        Header("Lineitem price", needed=True),
        Header("Lineitem sku"),
        Header("Lineitem discount"),
        Header("Billing Country"),
        Header("Shipping Country"),
        Header("Note Attributes"),
        Header("Cancelled at"),
        Header("Payment Method"),
        Header("Refunded Amount"),
        Header("Source"),
    ),
    made=(
        Made("payment awaited", ("Financial Status",), unless("Payment Method", ON_DELIVERY, "Financial Status")),
        Made("state", ("Financial Status",), _STATE),
        Made("market", ("Shipping Country", "Billing Country"), first_of("Shipping Country", "Billing Country")),
        Made("named source", ("Source",), unless("Source", "[0-9]+|web")),
        Made("utm source", ("Note Attributes",), extracted("Note Attributes", r"(?:^|\n)utm_source:[ \t]*([^\n]*\S)")),
        Made("app number", ("Source",), extracted("Source", "^([0-9]+)$")),
        Made("app source", ("Source",), lambda cells: [cell and f"app {cell}" for cell in cells["app number"]]),
        Made("channel", ("Source", "Note Attributes"), _CHANNEL),
        Made("line", ("Name",), place_in_run("Name")),
        Made("line's currency", ("Currency",), carried_down("Currency")),
        Made("refunded", ("Refunded Amount",), above_zero("Refunded Amount")),
        Made("refunded at", ("Refunded Amount",), first_of("Cancelled at", "Fulfilled at", "Created at")),
    ),
    parts=(
        Part(
            ORDERS,
            {
                "order_id": "Name",
                "customer_email": "Email",
                "market": "market",
                "channel": "channel",
                "payment_method": "Payment Method",
                "carrier": "Shipping Method",
                "status": "state",
                "ordered_at": "Created at",
                "currency": "Currency",
                "discount": "Discount Amount",
                "shipping": "Shipping",
                "tax": "Taxes",
                "total": "Total",
                "shipped_at": "Fulfilled at",
            },
            only="Total",
        ),
        Part(
            ORDER_LINES,
            {
                "order_id": "Name",
                "line": "line",
                "sku": "Lineitem sku",
                "name": "Lineitem name",
                "quantity": "Lineitem quantity",
                "price": "Lineitem price",
                "discount": "Lineitem discount",
                "currency": "line's currency",
            },
        ),
        Part(
            REFUNDS,
            {
                "order_id": "Name",
                "refund_id": "Name",  # one per order, so that a later and larger sum replaces this one
                "refunded_at": "refunded at",
                "amount": "refunded",
                "currency": "Currency",
            },
            only="refunded",
            needs=("refunded",),
        ),
    ),
    help=_(
        "Shopify admin: Orders, Export, “Plain CSV file”. The export has no date of a refund: the whole refunded sum "
        "of an order counts on the day it was cancelled, else shipped, else ordered. Give each shop a source of its "
        "own: shops number their orders alike."
    ),
)
FORMATS = (ORDERS_EXPORT,)
