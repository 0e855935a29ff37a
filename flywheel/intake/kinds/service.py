"""After the sale: reviews, tickets, survey answers, referrals, campaigns to customers."""

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
    customer,
    long_text,
    market,
    money,
    order,
    time,
)

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
        customer("customer_id", _("Customer"), "C-7", target="customer_ref"),
        market(yields=True),
        channel(yields=True),
        time("first_reply_at", _("First human reply"), "2026-03-07 09:30:00", aliases=("first_response_at",)),
        time("solved_at", _("Solved at"), "2026-03-07 16:00:00", aliases=("closed_at", "resolved_at")),
        long_text("reason", _("Reason"), "where_is_my_order", "return", aliases=("subject", "topic", "ticket_type")),
        Column("proactive", "bool", _("Started by us"), ("no", "yes")),
        Column("csat", "csat", _("Satisfaction, 1 to 5"), ("5", ""), aliases=("satisfaction", "satisfaction_rating")),
    ),
    derived=(Derived("week", derive.week_of("opened_at"), needs=("opened_at",)),),
)

SURVEY_ANSWERS = Kind(
    slug="survey_answers",
    label=_("Survey answers"),
    help=_("One row per answer to “how likely are you to recommend us”, 0 to 10."),
    model=facts.SurveyAnswer,
    key=("answer_id",),
    columns=(
        Column(
            "answer_id",
            "id",
            _("Answer"),
            ("N-1", "N-2"),
            target="",
            required=True,
            aliases=("answer", "response_id", "response", "id"),
        ),
        Column(
            "score",
            "score",
            _("Score, 0 to 10"),
            ("9", "6"),
            required=True,
            help=_("Leave out those who did not answer."),
            aliases=("nps", "nps_score", "likelihood_to_recommend", "NPS评分", "推荐分"),
        ),
        time(
            "answered_at",
            _("Answered at"),
            "2026-03-20",
            "2026-03-21 18:30:00",
            required=True,
            aliases=("answer_date", "submitted_at", "responded_at", "date"),
        ),
        customer("customer_id", _("Customer"), "C-7", target="customer_ref"),
        order(),
        market(yields=True),
        channel(yields=True),
    ),
    derived=(Derived("week", derive.week_of("answered_at"), needs=("answered_at",)),),
)

REFERRALS = Kind(
    slug="referrals",
    label=_("Referrals"),
    help=_("One row per invitation by a customer; the order is filled in when one came of it."),
    model=facts.Referral,
    key=("referral_id",),
    key_otherwise=("referrer_id", "referred_id", "invited_at"),
    columns=(
        customer(
            "referrer_id",
            _("Who invited"),
            "C-7",
            "C-7",
            target="referrer",
            required=True,
            aliases=("referrer", "referrer_email", "advocate", "inviter", "invited_by"),
        ),
        time(
            "invited_at",
            _("Invited at"),
            "2026-03-15 12:00:00",
            "2026-03-16",
            required=True,
            aliases=("invitation_date", "referred_at", "referral_date", "created_at", "date"),
        ),
        customer(
            "referred_id",
            _("Who was invited"),
            "C-12",
            "tom@example.com",
            target="referred",
            aliases=("referred", "referred_email", "friend", "friend_email", "invitee"),
        ),
        order(),
        Column(
            "referral_id",
            "id",
            _("Referral"),
            ("I-1", "I-2"),
            target="",
            help=_("Without it both people and the time tell referrals apart."),
            aliases=("invitation_id", "id"),
        ),
        market(yields=True),
        channel(yields=True),
    ),
    derived=(Derived("week", derive.week_of("invited_at"), needs=("invited_at",)),),
)

CAMPAIGNS = Kind(
    slug="campaigns",
    label=_("Campaigns to customers"),
    help=_("One row per mailing by e-mail, SMS or the like, per market where you tell markets apart."),
    model=facts.CustomerCampaign,
    key=("campaign_id", "market"),
    key_separator="|",
    columns=(
        Column("campaign_id", "id", _("Mailing"), ("M-1", "M-2"), target="", required=True, aliases=("campaign", "id")),
        time(
            "sent_at",
            _("Sent at"),
            "2026-03-10 09:00:00",
            "2026-03-17 09:00:00",
            required=True,
            aliases=("send_time", "send_date", "sent_date", "date"),
        ),
        long_text(
            "name", _("Name of the mailing"), "Spring news", "Back in stock", aliases=("campaign_name", "subject")
        ),
        channel(),
        market(),
        count("sent", _("Messages sent"), "4200", "1800", aliases=("recipients", "delivered", "total_recipients")),
        count(
            "opened", _("People who opened it"), "1700", "950", aliases=("opens", "unique_opens"), help=_("Each once.")
        ),
        count(
            "clicked",
            _("People who clicked"),
            "260",
            "190",
            aliases=("clicks", "unique_clicks"),
            help=_("Each once."),
        ),
        count("ordered", _("People who ordered"), "31", "27", aliases=("orders", "conversions", "placed_order")),
        count("unsubscribed", _("People who unsubscribed"), "6", "2", aliases=("unsubscribes",)),
        count(
            "held_out",
            _("People held out"),
            "420",
            aliases=("holdout", "hold_out", "holdout_size", "control_group", "control_size"),
            help=_("Of the same audience, left out by chance, so that there is something to compare with."),
        ),
        count(
            "held_out_ordered",
            _("People held out who ordered"),
            "2",
            aliases=("holdout_ordered", "holdout_orders", "control_ordered", "control_orders"),
            help=_("In the same time and counted in the same way as those who got the message."),
        ),
        money("revenue", _("Revenue"), "2480.00", "1920.50", aliases=("conversion_value", "sales", "Umsatz", "收入")),
        currency(),
    ),
    derived=(
        Derived("week", derive.week_of("sent_at"), needs=("sent_at",)),
        Derived("fx_rate", derive.fx_rate("sent_at", of="revenue"), needs=("revenue", "currency")),
    ),
)
