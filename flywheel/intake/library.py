"""Mappings that come with the product, for files whose headers are well known. Adding one is adding an entry."""

from flywheel.intake.kinds import CUSTOMERS, EVENTS, ORDER_LINES, ORDERS, PAYMENTS, REVIEWS
from flywheel.intake.plans import Plan

LIBRARY: dict[str, Plan] = {
    "olist-orders": Plan(
        kind=ORDERS,
        columns={
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
    "olist-customers": Plan(
        kind=CUSTOMERS,
        columns={"customer_id": "customer_id", "person_id": "customer_unique_id", "market": "customer_state"},
    ),
    "olist-payments": Plan(
        kind=PAYMENTS,
        columns={
            "order_id": "order_id",
            "sequence": "payment_sequential",
            "method": "payment_type",
            "amount": "payment_value",
        },
    ),
    "olist-reviews": Plan(
        kind=REVIEWS,
        columns={
            "review_id": "review_id",
            "order_id": "order_id",
            "rating": "review_score",
            "reviewed_at": "review_creation_date",
        },
    ),
    "olist-items": Plan(
        kind=ORDER_LINES,
        columns={"order_id": "order_id", "line": "order_item_id", "sku": "product_id", "price": "price"},
        constants={"quantity": "1", "currency": "BRL"},
    ),
    "clickstream": Plan(
        kind=EVENTS,
        columns={
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
}
