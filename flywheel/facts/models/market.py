"""What is known of markets: indicators, competitors, and what is invested in each engine."""

from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from flywheel.facts.models.base import Fact, counter_field, fact_key, key_field, money_field, rate_field


class Engine(models.TextChoices):
    """The three engines."""

    MARKET = "market", _("Market expansion")
    CONVERSION = "conversion", _("Customer conversion")
    AFTERSALES = "aftersales", _("After-sales")


class Investment(Fact):
    """Money put into an engine in a month; `name` says what for, where one kind is told apart."""

    class Kind(models.TextChoices):
        MEDIA = "media", _("Media")
        PEOPLE = "people", _("People")
        TOOLS = "tools", _("Tools")
        SERVICE = "service", _("Service")

    month = models.DateField()
    engine = models.TextField(choices=Engine)
    market = key_field()
    kind = models.TextField(choices=Kind)
    name = key_field()
    currency = models.CharField(max_length=3)
    amount = money_field()
    fx_rate = rate_field()  # of the month's first day
    amount_base = models.GeneratedField(
        expression=F("amount") * F("fx_rate"),
        output_field=models.DecimalField(max_digits=18, decimal_places=4),
        db_persist=True,
    )

    class Meta:
        constraints = (fact_key("investment"),)


class MarketIndicator(Fact):
    """One indicator of one market in one period, with its source."""

    market = key_field()
    indicator = models.TextField()
    period = models.TextField()
    value = models.DecimalField(max_digits=24, decimal_places=6)
    origin = key_field()

    class Meta:
        constraints = (fact_key("market_indicator"),)


class CompetitorOffer(Fact):
    """A competitor's offer in a market, scored on named attributes."""

    market = key_field()
    name = models.TextField()
    seen_on = models.DateField()
    price_index = models.DecimalField(max_digits=18, decimal_places=4, null=True)  # own price: 100
    attributes = models.JSONField(null=True)  # name -> score
    reviews = counter_field()

    class Meta:
        constraints = (fact_key("competitor_offer"),)
