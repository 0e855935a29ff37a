"""After the sale."""

from django.utils.translation import gettext_lazy as _

from flywheel.facts import models as facts
from flywheel.intake import derive
from flywheel.intake.derive import Derived
from flywheel.intake.kinds.base import PERSONAL, Column, Kind, channel, long_text, market, order, time

REVIEWS = Kind(
    slug="reviews",
    label=_("Reviews"),
    help=_("One row per product review, one to five stars."),
    model=facts.Review,
    key=("review_id", "order_id"),
    columns=(
        Column("review_id", "id", _("Review"), ("V-1", "V-2"), target="", required=True, aliases=("review", "id")),
        Column("rating", "stars", _("Stars"), ("5", "4"), required=True, aliases=("review_score", "score", "stars")),
        time(
            "reviewed_at", _("Reviewed at"), "2026-03-20", "2026-03-21", required=True, aliases=("review_date", "date")
        ),
        order(),
        market(yields=True),
        channel(yields=True),
        Column("has_media", "bool", _("With photo or video"), ("yes", "no"), aliases=("has_photo", "has_images")),
    ),
    derived=(
        Derived("review_date", derive.day_of("reviewed_at"), needs=("reviewed_at",)),
        Derived("week", derive.week_of("review_date"), needs=("reviewed_at",)),
    ),
)

TICKETS = Kind(
    slug="tickets",
    label=_("Tickets"),
    help=_("One row per contact with the service team."),
    model=facts.Ticket,
    key=("ticket_id",),
    columns=(
        Column("ticket_id", "id", _("Ticket"), ("T-1", "T-2"), target="", required=True, aliases=("ticket", "id")),
        time("opened_at", _("Opened at"), "2026-03-07 08:00:00", "2026-03-08", required=True, aliases=("created_at",)),
        order(),
        Column("customer_id", "person", _("Customer"), ("C-7", ""), target="customer_ref", help=PERSONAL),
        market(yields=True),
        channel(yields=True),
        time("first_reply_at", _("First human reply"), "2026-03-07 09:30:00", aliases=("first_response_at",)),
        time("solved_at", _("Solved at"), "2026-03-07 16:00:00", aliases=("closed_at", "resolved_at")),
        long_text("reason", _("Reason"), "where_is_my_order", "return", aliases=("subject", "topic", "ticket_type")),
        Column("proactive", "bool", _("Started by us"), ("no", "yes")),
        Column("csat", "stars", _("Satisfaction, 1 to 5"), ("5", ""), aliases=("satisfaction", "satisfaction_rating")),
    ),
    derived=(Derived("week", derive.week_of("opened_at"), needs=("opened_at",)),),
)
