"""After the sale: reviews, tickets, surveys, referrals, campaigns to customers."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Func

from flywheel.facts.models.base import Fact, counter_field, fact_key, key_field, money_field, rate_field
from flywheel.facts.models.orders import OrderChild


class Review(OrderChild):
    """A product review: 1 to 5 stars."""

    reviewed_at = models.DateTimeField()
    review_date = models.DateField()
    week = models.DateField()
    rating = models.DecimalField(max_digits=3, decimal_places=1)
    has_media = models.BooleanField(null=True)

    class Meta:
        constraints = (fact_key("review"),)
        indexes = (
            models.Index(fields=["workspace", "order_ref"], name="review_order"),
            BrinIndex(fields=["week"], name="review_week"),
        )


_REPLY = F("first_reply_at") - F("opened_at")
_MINUTES = "FLOOR(EXTRACT(EPOCH FROM %(expressions)s) / 60)"


class Ticket(OrderChild):
    """A customer's contact with the service team; `first_reply_at` is the first reply by a human.

    `days_after_order` is set with the order: below zero when the ticket came before it.
    """

    opened_at = models.DateTimeField()
    week = models.DateField()
    first_reply_at = models.DateTimeField(null=True)
    solved_at = models.DateTimeField(null=True)
    customer_ref = key_field()
    reason = key_field()
    proactive = models.BooleanField(null=True)
    csat = models.DecimalField(max_digits=3, decimal_places=1, null=True)
    days_after_order = models.DecimalField(max_digits=10, decimal_places=4, null=True)

    reply_minutes = models.GeneratedField(
        expression=Func(
            _REPLY,
            template="EXTRACT(EPOCH FROM %(expressions)s) / 60",
            output_field=models.DecimalField(max_digits=18, decimal_places=4),
        ),
        output_field=models.DecimalField(max_digits=18, decimal_places=4),
        db_persist=True,
    )
    reply_bucket = models.GeneratedField(
        expression=Func(
            _REPLY,
            template="CASE WHEN %(expressions)s IS NOT NULL THEN "
            f"GREATEST(0, CASE WHEN {_MINUTES} < 1440 THEN FLOOR({_MINUTES} / 5) * 5"
            f" WHEN {_MINUTES} < 10080 THEN FLOOR({_MINUTES} / 60) * 60"
            f" ELSE LEAST(FLOOR({_MINUTES} / 1440) * 1440, 86400) END)::integer END",
            output_field=models.IntegerField(),
        ),
        output_field=models.IntegerField(),
        db_persist=True,
    )  # the lower edge in minutes of its bucket (engines.durations: REPLY)

    class Meta:
        constraints = (fact_key("ticket"),)
        indexes = (
            models.Index(fields=["workspace", "order_ref"], name="ticket_order"),
            BrinIndex(fields=["week"], name="ticket_week"),
        )


class SurveyAnswer(OrderChild):
    """An answer to "how likely are you to recommend us", 0 to 10."""

    answered_at = models.DateTimeField()
    week = models.DateField()
    customer_ref = key_field()
    score = models.SmallIntegerField()

    class Meta:
        constraints = (fact_key("survey_answer"),)
        indexes = (
            models.Index(fields=["workspace", "order_ref"], name="survey_answer_order"),
            BrinIndex(fields=["week"], name="survey_answer_week"),
        )


class Referral(OrderChild):
    """An invitation by a customer, and the order that came of it ('' while none has)."""

    invited_at = models.DateTimeField()
    week = models.DateField()
    referrer = key_field()
    referred = key_field()

    class Meta:
        constraints = (fact_key("referral"),)
        indexes = (
            models.Index(fields=["workspace", "order_ref"], name="referral_order"),
            BrinIndex(fields=["week"], name="referral_week"),
        )


class CustomerCampaign(Fact):
    """A mailing to customers in one market, or in all where the source does not tell them apart.

    `held_out`: customers of the same audience whom chance left out, to compare with; `held_out_ordered`: those of them
    who ordered in the same time, counted like `ordered`.
    """

    sent_at = models.DateTimeField()
    week = models.DateField()
    name = key_field()
    market = key_field()
    channel = key_field()
    sent = counter_field()
    opened = counter_field()
    clicked = counter_field()
    ordered = counter_field()
    unsubscribed = counter_field()
    held_out = counter_field()
    held_out_ordered = counter_field()
    currency = models.CharField(max_length=3, default="", db_default="")
    revenue = money_field()
    fx_rate = rate_field()
    revenue_base = models.GeneratedField(
        expression=F("revenue") * F("fx_rate"),
        output_field=models.DecimalField(max_digits=18, decimal_places=4),
        db_persist=True,
    )

    class Meta:
        constraints = (fact_key("customer_campaign"),)
        indexes = (BrinIndex(fields=["week"], name="customer_campaign_week"),)
