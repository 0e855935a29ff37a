"""The kinds of facts that can be loaded: each a declarative list of columns. Adding a kind is adding an entry."""

from flywheel.intake.kinds.base import Column, Kind, Words
from flywheel.intake.kinds.orders import CUSTOMERS, ORDER_LINES, ORDERS, PAYMENTS, REFUNDS
from flywheel.intake.kinds.service import REVIEWS, TICKETS
from flywheel.intake.kinds.traffic import EVENTS, SPEND, TRAFFIC

__all__ = [
    "CUSTOMERS",
    "EVENTS",
    "KINDS",
    "ORDERS",
    "ORDER_LINES",
    "PAYMENTS",
    "REFUNDS",
    "REVIEWS",
    "SPEND",
    "TICKETS",
    "TRAFFIC",
    "Column",
    "Kind",
    "Words",
    "kind_choices",
]

KINDS: dict[str, Kind] = {
    kind.slug: kind
    for kind in (
        ORDERS,
        ORDER_LINES,
        CUSTOMERS,
        PAYMENTS,
        REFUNDS,
        TRAFFIC,
        EVENTS,
        SPEND,
        REVIEWS,
        TICKETS,
    )
}


def kind_choices() -> list[tuple[str, Words]]:
    """(slug, label) of every kind, for forms."""
    return [(kind.slug, kind.label) for kind in KINDS.values()]
