"""Facts: raw records, each belonging to a workspace and a source."""

from flywheel.facts.models.base import Channel, Fact, Market, Source
from flywheel.facts.models.health import SourceHealth
from flywheel.facts.models.market import CompetitorOffer, Engine, Investment, MarketIndicator
from flywheel.facts.models.orders import (
    COUNTED_STATES,
    Customer,
    FirstOrder,
    Order,
    OrderChild,
    OrderFee,
    OrderLine,
    OrderState,
    Payment,
    Refund,
)
from flywheel.facts.models.rates import ExchangeRate, RatesVersion
from flywheel.facts.models.service import CustomerCampaign, Referral, Review, SurveyAnswer, Ticket
from flywheel.facts.models.traffic import STAGES, PageExperience, Session, SessionEvent, Spend, Traffic
from flywheel.facts.models.upkeep import Change, DirtyWeek, Rollup

__all__ = [
    "COUNTED_STATES",
    "STAGES",
    "Change",
    "Channel",
    "CompetitorOffer",
    "Customer",
    "CustomerCampaign",
    "DirtyWeek",
    "Engine",
    "ExchangeRate",
    "Fact",
    "FirstOrder",
    "Investment",
    "Market",
    "MarketIndicator",
    "Order",
    "OrderChild",
    "OrderFee",
    "OrderLine",
    "OrderState",
    "PageExperience",
    "Payment",
    "RatesVersion",
    "Referral",
    "Refund",
    "Review",
    "Rollup",
    "Session",
    "SessionEvent",
    "Source",
    "SourceHealth",
    "Spend",
    "SurveyAnswer",
    "Ticket",
    "Traffic",
]
