"""Olist's tables, and the sample of a click stream: files whose columns need no more than names."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from flywheel.intake.formats.base import Format, Header, Part
from flywheel.intake.kinds import CUSTOMERS, EVENTS, ORDER_LINES, ORDERS, PAYMENTS, REVIEWS, Kind

_HELP = _("A public data set, to try the product with.")


def _table(
    slug: str,
    label: str,
    kind: Kind,
    fields: Mapping[str, str],
    constants: Mapping[str, str] | None = None,
    values: Mapping[str, Mapping[str, str]] | None = None,
) -> Format:
    """A file that holds one kind of fact, all of whose columns are needed."""
    part = Part(kind, fields, constants or {}, values or {})
    return Format(slug, label, tuple(Header(name, needed=True) for name in fields.values()), (part,), help=_HELP)


FORMATS = (
    _table(
        "olist-orders",
        "Olist: orders",
        ORDERS,
        {
            "order_id": "order_id",
            "customer_id": "customer_id",
            "status": "order_status",
            "ordered_at": "order_purchase_timestamp",
            "shipped_at": "order_delivered_carrier_date",
            "delivered_at": "order_delivered_customer_date",
            "promised_at": "order_estimated_delivery_date",
        },
        constants={"currency": "BRL"},
        values={
            "status": {
                "created": "unpaid",
                "approved": "open",
                "processing": "open",
                "invoiced": "open",
                "shipped": "shipped",
                "delivered": "delivered",
                "unavailable": "cancelled",
                "canceled": "cancelled",
            }
        },
    ),
    _table(
        "olist-customers",
        "Olist: customers",
        CUSTOMERS,
        {"customer_id": "customer_id", "person_id": "customer_unique_id", "market": "customer_state"},
    ),
    _table(
        "olist-payments",
        "Olist: payments",
        PAYMENTS,
        {"order_id": "order_id", "sequence": "payment_sequential", "method": "payment_type", "amount": "payment_value"},
    ),
    _table(
        "olist-reviews",
        "Olist: reviews",
        REVIEWS,
        {
            "review_id": "review_id",
            "order_id": "order_id",
            "rating": "review_score",
            "reviewed_at": "review_creation_date",
        },
    ),
    _table(
        "olist-items",
        "Olist: order lines",
        ORDER_LINES,
        {"order_id": "order_id", "line": "order_item_id", "sku": "product_id", "price": "price"},
        constants={"quantity": "1", "currency": "BRL"},
    ),
    _table(
        "clickstream",
        "Click stream: session events",
        EVENTS,
        {
            "session_id": "session_id",
            "event": "event",
            "happened_at": "timestamp",
            "visitor_id": "user_id",
            "device": "platform",
            "channel": "acquisition_channel",
        },
        values={
            "event": {
                "product_view": "product_views",
                "add_to_cart": "carts",
                "cart": "cart_views",
                "shipping_details": "checkouts",
                "payment_details": "payment_attempts",
                "purchase": "payments",
            }
        },
    ),
)
