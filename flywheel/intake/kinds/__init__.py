"""The kinds of facts that can be loaded: each a declarative list of columns. Adding a kind is adding an entry."""

from flywheel.intake.kinds.base import Column, Kind, NamedColumns, Words
from flywheel.intake.kinds.market import COMPETITOR_OFFERS, INVESTMENTS, MARKET_INDICATORS
from flywheel.intake.kinds.orders import CUSTOMERS, ORDER_FEES, ORDER_LINES, ORDERS, PAYMENTS, REFUNDS
from flywheel.intake.kinds.rates import EXCHANGE_RATES
from flywheel.intake.kinds.service import CAMPAIGNS, REFERRALS, REVIEWS, SURVEY_ANSWERS, TICKETS
from flywheel.intake.kinds.traffic import EVENTS, PAGE_EXPERIENCE, SPEND, TRAFFIC

__all__ = [
    "CAMPAIGNS",
    "COMPETITOR_OFFERS",
    "CUSTOMERS",
    "EVENTS",
    "EXCHANGE_RATES",
    "INVESTMENTS",
    "KINDS",
    "MARKET_INDICATORS",
    "ORDERS",
    "ORDER_FEES",
    "ORDER_LINES",
    "PAGE_EXPERIENCE",
    "PAYMENTS",
    "REFERRALS",
    "REFUNDS",
    "REVIEWS",
    "SPEND",
    "SURVEY_ANSWERS",
    "TICKETS",
    "TRAFFIC",
    "Column",
    "Kind",
    "NamedColumns",
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
        ORDER_FEES,
        REFUNDS,
        TRAFFIC,
        EVENTS,
        SPEND,
        REVIEWS,
        TICKETS,
        SURVEY_ANSWERS,
        REFERRALS,
        CAMPAIGNS,
        PAGE_EXPERIENCE,
        INVESTMENTS,
        MARKET_INDICATORS,
        COMPETITOR_OFFERS,
        EXCHANGE_RATES,
    )
}


def kind_choices() -> list[tuple[str, Words]]:
    """(slug, label) of every kind, for forms."""
    return [(kind.slug, kind.label) for kind in KINDS.values()]
