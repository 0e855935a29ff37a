"""Visits and advertising."""

from django.utils.translation import gettext_lazy as _

from flywheel.facts import models as facts
from flywheel.intake import derive
from flywheel.intake.derive import Derived
from flywheel.intake.kinds.base import (
    Column,
    Kind,
    channel,
    count,
    currency,
    date,
    device,
    long_text,
    market,
    money,
    number,
    time,
)
from flywheel.intake.vocabulary import STAGE

TRAFFIC = Kind(
    slug="traffic",
    label=_("Traffic"),
    help=_("One row per day, market, channel and device. A stage that you do not measure stays empty."),
    model=facts.Traffic,
    key=("date", "market", "channel", "device"),
    key_separator="|",
    columns=(
        date(),
        market(),
        channel(),
        device(),
        count("sessions", _("Sessions"), "1200", "450", required=True, aliases=("visits",)),
        count("engaged_sessions", _("Engaged sessions"), "800", "270"),
        count("product_views", _("Sessions with a product view"), "640", "230", aliases=("item_views", "view_item")),
        count("carts", _("Sessions with an item added"), "150", "48", aliases=("add_to_carts", "add_to_cart")),
        count("cart_views", _("Sessions that saw the cart"), "120", "40", aliases=("view_cart",)),
        count("checkouts", _("Sessions with a checkout"), "70", "22", aliases=("begin_checkout",)),
        count("payment_attempts", _("Sessions with a payment attempt"), "50", "17", aliases=("add_payment_info",)),
        count("payments", _("Sessions with an accepted payment"), "42", "15", aliases=("purchases", "transactions")),
    ),
    derived=(Derived("week", derive.week_of("date"), needs=("date",)),),
)

EVENTS = Kind(
    slug="events",
    label=_("Session events"),
    help=_("One row per event of a session; sessions and the journey are made of them."),
    model=facts.SessionEvent,
    key=("session_id", "happened_at", "event"),
    key_separator="|",
    repeats=True,
    columns=(
        Column("session_id", "id", _("Session"), ("S-1", "S-1"), target="session", required=True, aliases=("session",)),
        long_text(
            "event",
            _("Event"),
            "product_view",
            "add_to_cart",
            required=True,
            aliases=("event_name", "event_type"),
            choice=STAGE,
            help=_("Other events are kept, but stand for no step of the journey."),
        ),
        time(
            "happened_at",
            _("Happened at"),
            "2026-03-02 09:10:02",
            "2026-03-02 09:11:40",
            required=True,
            aliases=("timestamp", "event_timestamp", "time", "event_time"),
        ),
        Column("visitor_id", "person", _("Visitor"), ("V-1", "V-1"), target="visitor", aliases=("user_id", "visitor")),
        market(),
        channel(),
        device(),
    ),
    derived=(Derived("date", derive.day_of("happened_at"), needs=("happened_at",)),),
)

SPEND = Kind(
    slug="spend",
    label=_("Advertising spend"),
    help=_("One row per day, market, channel and campaign."),
    model=facts.Spend,
    key=("date", "market", "channel", "campaign"),
    key_separator="|",
    columns=(
        date(),
        currency(required=True),
        money("cost", _("Cost"), "250.00", "90.50", required=True, aliases=("spend", "amount_spent", "ad_spend")),
        market(),
        channel(),
        long_text("campaign", _("Campaign"), "spring", "brand", aliases=("campaign_name",)),
        count("impressions", _("Impressions"), "41000", "9800"),
        count("clicks", _("Clicks"), "820", "310", aliases=("link_clicks",)),
    ),
    derived=(
        Derived("week", derive.week_of("date"), needs=("date",)),
        Derived("fx_rate", derive.fx_rate("date"), needs=("currency",)),
    ),
)

PAGE_EXPERIENCE = Kind(
    slug="page_experience",
    label=_("Page experience"),
    help=_("One row per week, market and device: the value that 75 % of page views stay below."),
    model=facts.PageExperience,
    key=("week", "market", "device"),
    key_separator="|",
    columns=(
        Column(
            "week",
            "date",
            _("Week"),
            ("2026-03-02", "2026-03-02"),
            target="",
            required=True,
            help=_("Any day of the week."),
            aliases=("date",),
        ),
        market(),
        device(),
        count(
            "lcp_ms",
            _("LCP in milliseconds"),
            "2300",
            "1800",
            required=True,
            help=_("Largest Contentful Paint: until the main content is there; good up to 2,500."),
            aliases=("lcp", "largest_contentful_paint"),
        ),
        count(
            "inp_ms",
            _("INP in milliseconds"),
            "180",
            "90",
            help=_("Interaction to Next Paint: until the page answers; good up to 200."),
            aliases=("inp", "interaction_to_next_paint"),
        ),
        number(
            "cls",
            _("CLS"),
            "0.08",
            "0.02",
            help=_("Cumulative Layout Shift: how much the page jumps; good up to 0.1."),
            aliases=("cumulative_layout_shift", "layout_shift"),
        ),
    ),
    derived=(Derived("week", derive.week_of("week"), needs=("week",)),),
)
