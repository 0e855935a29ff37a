"""WooCommerce: orders as the plugin “Advanced Order Export” writes them; the shop itself exports none."""

from django.utils.translation import gettext_lazy as _

from flywheel.intake.formats.base import Format, Header, Made, Part
from flywheel.intake.formats.makers import above_zero, first_of, where
from flywheel.intake.kinds import ORDER_LINES, ORDERS, REFUNDS

_MEANINGS = {
    "unpaid": ("pending", "failed", "checkout-draft", "draft", "on-hold"),  # on hold: waits for a transfer or a cheque
    "open": ("processing",),
    "shipped": ("completed",),  # the shop sent it; of its arrival nothing is known
    "returned": ("refunded",),
    "cancelled": ("cancelled", "trash"),
}
_TITLES = {
    "unpaid": (
        *("Pending payment", "On hold"),
        *("Zahlung ausstehend", "In Wartestellung", "Fehlgeschlagen"),
        *("Attente paiement", "En attente de paiement", "En attente", "Échouée"),
        *("待付款", "等待付款", "保留", "失败"),
    ),
    "open": ("In Bearbeitung", "En cours", "正在处理", "处理中"),
    "shipped": ("Abgeschlossen", "Fertiggestellt", "Terminée", "已完成"),
    "returned": ("Rückerstattet", "Remboursée", "已退款"),
    "cancelled": ("Storniert", "Annulée", "已取消"),
}
_STATES = (
    {word: state for state, words in _MEANINGS.items() for word in words}
    | {f"wc-{word}": state for state, words in _MEANINGS.items() for word in words}
    | {word: state for state, words in _TITLES.items() for word in words}
)
_REFUNDED = "|".join(word for word, state in _STATES.items() if state == "returned")

ORDERS_EXPORT = Format(
    "woocommerce-orders",
    "WooCommerce: orders (Advanced Order Export)",
    record="Order Number",
    columns=(
        Header("Order Number", needed=True),
        Header("Order Status", needed=True),
        Header("Order Date", needed=True),
        Header("Order Currency", also=("Currency",)),
        Header("Email (Billing)"),
        Header("Country Code (Billing)"),
        Header("Country Code (Shipping)"),
        Header("Payment Method Title"),
        Header("Shipping Method Title"),
        Header("Cart Discount Amount"),
        Header("Order Shipping Amount"),
        Header("Order Refund Amount"),
        Header("Order Total Amount", needed=True),
        Header("Order Total Tax Amount"),
        Header("Completed Date"),
        Header("SKU"),
        Header("Item #"),
        Header("Item Name"),
        Header("Quantity (- Refund)", also=("Quantity",)),
        Header("Item Cost"),
    ),
    made=(
        Made(
            "market",
            ("Country Code (Shipping)", "Country Code (Billing)"),
            first_of("Country Code (Shipping)", "Country Code (Billing)"),
        ),
        Made("refund told", ("Order Refund Amount",), above_zero("Order Refund Amount")),
        Made("refund of all", ("Order Status",), where("Order Status", _REFUNDED, "Order Total Amount")),
        Made("refunded", ("Order Status",), first_of("refund told", "refund of all")),
        Made("refunded at", ("Order Date",), first_of("Completed Date", "Order Date")),
    ),
    parts=(
        Part(
            ORDERS,
            {
                "order_id": "Order Number",
                "customer_email": "Email (Billing)",
                "market": "market",
                "payment_method": "Payment Method Title",
                "carrier": "Shipping Method Title",
                "status": "Order Status",
                "ordered_at": "Order Date",
                "currency": "Order Currency",
                "discount": "Cart Discount Amount",
                "shipping": "Order Shipping Amount",
                "tax": "Order Total Tax Amount",
                "total": "Order Total Amount",
            },
            values={"status": _STATES},
            only="Order Total Amount",
        ),
        Part(
            ORDER_LINES,
            {
                "order_id": "Order Number",
                "line": "Item #",
                "sku": "SKU",
                "name": "Item Name",
                "quantity": "Quantity (- Refund)",
                "price": "Item Cost",
                "currency": "Order Currency",
            },
            needs=("Item #",),
        ),
        Part(
            REFUNDS,
            {
                "order_id": "Order Number",
                "refund_id": "Order Number",
                "refunded_at": "refunded at",
                "amount": "refunded",
                "currency": "Order Currency",
            },
            only="refunded",
        ),
    ),
    help=_(
        "WordPress admin: WooCommerce, Export Orders (plugin “Advanced Order Export for WooCommerce”). Add the field "
        "“Order Currency”, or tell the currency here. The whole refunded sum of an order counts on the day it was "
        "completed, else ordered."
    ),
)
FORMATS = (ORDERS_EXPORT,)
