"""Words of shops and trackers, and what they mean here. A mapping's own `values` come first."""

from flywheel.facts.models import OrderState

_STATES: dict[OrderState, tuple[str, ...]] = {
    OrderState.UNPAID: (
        "unpaid",
        "pending",
        "pending payment",
        "awaiting payment",
        "payment pending",
        "created",
        "draft",
        "checkout draft",
        "failed",
        "expired",
        "未付款",
        "待付款",
    ),
    OrderState.OPEN: (
        "open",
        "paid",
        "approved",
        "authorized",
        "authorised",
        "confirmed",
        "processing",
        "invoiced",
        "on hold",
        "unshipped",
        "unfulfilled",
        "new",
        "partially paid",
        "payment accepted",
        "已付款",
        "待发货",
    ),
    OrderState.SHIPPED: (
        "shipped",
        "partially shipped",
        "fulfilled",
        "partially fulfilled",
        "dispatched",
        "in transit",
        "shipping",
        "out for delivery",
        "shipped picked up",
        "shipped out for delivery",
        "已发货",
        "运输中",
    ),
    OrderState.DELIVERED: (
        "delivered",
        "complete",
        "completed",
        "received",
        "closed",
        "shipped delivered to buyer",
        "partially refunded",
        "已完成",
        "已签收",
        "已收货",
    ),
    OrderState.RETURNED: (
        "returned",
        "refunded",
        "shipped returned to seller",
        "shipped rejected by buyer",
        "已退货",
        "已退款",
    ),
    OrderState.CANCELLED: (
        "cancelled",
        "canceled",
        "voided",
        "void",
        "unavailable",
        "rejected",
        "trash",
        "已取消",
        "已关闭",
    ),
    OrderState.TEST: ("test", "测试"),
}

_STAGES: dict[str, tuple[str, ...]] = {
    "product_views": ("product_view", "view_item", "product_viewed", "view_product", "product_page", "view_content"),
    "carts": ("carts", "add_to_cart", "added_to_cart", "product_added", "addtocart", "cart_add"),
    "cart_views": ("cart_view", "view_cart", "cart", "cart_viewed", "cart_page"),
    "checkouts": (
        "checkout",
        "begin_checkout",
        "initiate_checkout",
        "checkout_started",
        "add_shipping_info",
        "shipping",
        "shipping_details",
    ),
    "payment_attempts": ("payment", "payment_attempt", "add_payment_info", "payment_details", "payment_info_entered"),
    "payments": ("purchase", "payment_accepted", "order_completed", "checkout_completed", "transaction"),
}


def plain(word: str) -> str:
    """A word without case, hyphens and doubled spaces, for comparing."""
    return " ".join(word.casefold().replace("-", " ").replace("_", " ").split())


STATES: dict[str, OrderState] = {plain(word): state for state, words in _STATES.items() for word in words} | {
    plain(state): state for state in OrderState.values
}  # type: ignore[assignment]
STAGES_BY_EVENT: dict[str, str] = {plain(word): stage for stage, words in _STAGES.items() for word in (stage, *words)}
