"""What the after-sales room keeps: the fitted lifetime values and, per customer, what they say."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from flywheel.accounts.models import Workspace
from flywheel.accounts.records import Kept, KeptChange
from flywheel.facts.models.base import key_field


class LifetimeFit(models.Model):
    """Lifetime value of one scope: the business, a market, a channel (of the first order), or a channel in a market.

    `code` is that of the market or channel; where both are told apart, of the market, and `channel` is the other.
    `result` is what the engine said, as plain data: see flywheel.aftersales.fitting.
    """

    class Scope(models.TextChoices):
        ALL = "all", _("All customers")
        MARKET = "market", _("Market")
        CHANNEL = "channel", _("Channel")
        BOTH = "both", _("Market and channel")

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    scope = models.CharField(max_length=8, choices=Scope)
    code = key_field()
    channel = key_field()
    as_of = models.DateField()  # the newest day of orders
    customers = models.BigIntegerField()
    repeaters = models.BigIntegerField()
    result = models.JSONField()
    computed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["workspace", "scope", "code", "channel"], name="lifetime_fit_once"),
        )

    def __str__(self) -> str:
        return f"{self.scope} {self.code} {self.channel}".strip()

    @property
    def place(self) -> tuple[str, ...]:
        """The values of the scope's keys: () of all, (market,), (channel,) or (market, channel)."""
        return (*([self.code] if self.scope != self.Scope.ALL else []), *([self.channel] if self.channel else []))


# What customers are sorted by: who has no model comes after all others.
BY_VALUE, BY_ALIVE = Coalesce("value_12", Value(Decimal(-1))), Coalesce("alive", Value(-1.0))


class CustomerScore(models.Model):
    """A person, their orders so far and what the model expects of the next twelve months.

    `alive` (now), `alive_then` (right after the last order), `orders_12`, `value_12` (net revenue) are NULL where there
    is no model. If the customer is still there, the next order comes by `next_from` with a chance of a quarter, by
    `next_middle` of a half, by `next_until` of three quarters (NULL: in more than two years). `at_risk` is set for
    those who are slipping away: the year's revenue that silence endangers. `praise` is set for likely advocates,
    higher for those of whom more speaks. `suggestion` is an article that others took together with their last ones.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    customer = models.TextField()
    market = key_field()
    channel = key_field()
    first_date = models.DateField()
    last_date = models.DateField()
    repeats = models.IntegerField()
    mean_value = models.DecimalField(max_digits=18, decimal_places=4, null=True)  # of repeat days, net
    contribution = models.DecimalField(max_digits=18, decimal_places=4, null=True)  # of days with known costs
    alive = models.FloatField(null=True)
    alive_then = models.FloatField(null=True)
    orders_12 = models.FloatField(null=True)
    value_12 = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    next_from = models.DateField(null=True)
    next_middle = models.DateField(null=True)
    next_until = models.DateField(null=True)
    at_risk = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    praise = models.FloatField(null=True)
    suggestion = key_field()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "customer"], name="customer_score_once"),)
        indexes = (
            models.Index("workspace", F("at_risk").desc(), name="score_at_risk", condition=Q(at_risk__gt=0)),
            models.Index("workspace", F("praise").desc(), name="score_praise", condition=Q(praise__gt=0)),
            models.Index("workspace", BY_VALUE, "id", name="score_by_value"),
            models.Index("workspace", BY_ALIVE, "id", name="score_by_alive"),
            models.Index("workspace", "last_date", "id", name="score_by_last"),
            models.Index("workspace", "market", name="score_market"),
        )

    def __str__(self) -> str:
        return self.customer


class Replenishment(models.Model):
    """An article that a customer is about to need again, by the usual time between two purchases of it."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    customer = models.TextField()
    market = key_field()
    sku = models.TextField()
    name = key_field()
    bought = models.IntegerField()  # on how many days
    last_date = models.DateField()
    interval_days = models.IntegerField()
    due_date = models.DateField()
    alive = models.FloatField(null=True)
    suggestion = key_field()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "customer", "sku"], name="replenishment_once"),)
        indexes = (models.Index(fields=["workspace", "due_date"], name="replenishment_due"),)

    def __str__(self) -> str:
        return f"{self.customer} {self.sku}"


class CohortContribution(models.Model):
    """What the customers of a month brought by their age, after refunds.

    At age 0 all of them are active: that is their number. `age` counts months of 30.44 days of each one's own time.
    `squares` is by how much the age raised the sum of squares of each one's total: they add up like contributions.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    cohort = models.DateField()
    age = models.SmallIntegerField()
    market = key_field()
    channel = key_field()
    active = models.BigIntegerField()
    contribution = models.DecimalField(max_digits=18, decimal_places=4)
    squares = models.FloatField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["workspace", "cohort", "age", "market", "channel"], name="cohort_value_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.cohort} +{self.age}"


class ListCampaign(Kept):
    """An action list as it was exported for a campaign; a share of its customers, drawn by chance, was held out."""

    class List(models.TextChoices):
        DUE = "due", _("Due for replenishment")
        SLIPPING = "slipping", _("Slipping away")
        ADVOCATES = "advocates", _("Likely advocates")

    class Share(models.IntegerChoices):
        NONE = 0, _("Nobody")
        FIVE = 5, "5 %"
        TEN = 10, "10 %"
        TWENTY = 20, "20 %"

    class Days(models.IntegerChoices):
        WEEK = 7, _("7 days")
        FORTNIGHT = 14, _("14 days")
        MONTH = 30, _("30 days")
        TWO_MONTHS = 60, _("60 days")
        QUARTER = 90, _("90 days")

    name = models.CharField(_("Name"), max_length=120)
    list = models.CharField(_("List"), max_length=10, choices=List)
    market = models.CharField(_("Market"), max_length=60, blank=True)  # '' is all
    share = models.PositiveSmallIntegerField(_("Share held out"), choices=Share, default=Share.TEN)
    days = models.PositiveSmallIntegerField(_("Orders count within"), choices=Days, default=Days.MONTH)
    note = models.TextField(_("Note"), max_length=2000, blank=True)
    exported_on = models.DateField(_("Exported on"))
    exported_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        ordering = ("-exported_on", "-pk")

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Who adds it has exported it."""
        if self._state.adding and self.exported_by_id is None:
            self.exported_by = self.changed_by
        super().save(*args, **kwargs)

    @property
    def ends_on(self) -> date:
        """The last day whose orders count."""
        return self.exported_on + timedelta(days=self.days)


class CampaignMember(models.Model):
    """A customer who was on the list of a campaign, written to or held out.

    `campaign` is the number of a ListCampaign. They outlive it, so that its deletion can be taken back.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    campaign = models.BigIntegerField()
    customer = models.TextField()
    market = key_field()
    articles = models.JSONField(default=list)  # that are due
    suggestion = key_field()
    held_out = models.BooleanField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["workspace", "campaign", "customer"], name="campaign_member_once"),
        )

    def __str__(self) -> str:
        return f"{self.campaign} {self.customer}"


class CampaignOutcome(models.Model):
    """What one of the two groups of a campaign ordered within its days: sums, and sums of squares over customers.

    Money is in base currency, NULL where an order does not tell it; contribution is before refunds.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE)
    campaign = models.BigIntegerField()
    held_out = models.BooleanField()
    customers = models.BigIntegerField()
    ordered = models.BigIntegerField()  # customers with an order
    orders = models.FloatField()
    orders_squares = models.FloatField()
    revenue = models.FloatField(null=True)
    revenue_squares = models.FloatField(null=True)
    contribution = models.FloatField(null=True)
    contribution_squares = models.FloatField(null=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["workspace", "campaign", "held_out"], name="campaign_outcome_once"),
        )

    def __str__(self) -> str:
        return f"{self.campaign} {self.held_out}"


class Change(KeptChange):
    """Who changed which campaign when."""

    class Meta:
        ordering = ("-pk",)
        indexes = (models.Index(fields=["workspace", "record", "record_id"], name="aftersales_change_record"),)
