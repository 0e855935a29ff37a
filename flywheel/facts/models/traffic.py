"""Visits and advertising: traffic per day, raw session events and the sessions made of them, spend, page experience."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F

from flywheel.accounts.models import Workspace
from flywheel.facts.models.base import (
    Fact,
    Source,
    batch_index,
    counter_field,
    fact_key,
    key_field,
    money_field,
    rate_field,
)

STAGES = (
    "sessions",
    "engaged_sessions",
    "product_views",
    "carts",
    "cart_views",
    "checkouts",
    "payment_attempts",
    "payments",
)  # the journey in order; each counts sessions that reached it, NULL when the source does not tell


class Traffic(Fact):
    """One day × market × channel × device: sessions that reached each stage of the journey."""

    date = models.DateField()
    week = models.DateField()
    market = key_field()
    channel = key_field()
    device = key_field()
    sessions = counter_field()
    engaged_sessions = counter_field()
    product_views = counter_field()
    carts = counter_field()
    cart_views = counter_field()
    checkouts = counter_field()
    payment_attempts = counter_field()
    payments = counter_field()

    class Meta:
        constraints = (fact_key("traffic"),)
        indexes = (batch_index("traffic"), BrinIndex(fields=["week"], name="traffic_week"))


class SessionEvent(Fact):
    """A raw event of a session. `event` is the source's word, `stage` the stage it stands for ('' for none)."""

    session = models.TextField()
    visitor = key_field()
    event = models.TextField()
    stage = key_field()
    happened_at = models.DateTimeField()
    date = models.DateField()
    market = key_field()
    channel = key_field()
    device = key_field()

    class Meta:
        constraints = (fact_key("session_event"),)
        indexes = (batch_index("event"), models.Index(fields=["workspace", "session"], name="event_session"))


class Session(models.Model):
    """A session made of its events, kept up to date as events arrive. It belongs to its first event's slice.

    Each stage column is 1 when the session reached the stage, else 0. Engaged: two events or more.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    session = models.TextField()
    started_at = models.DateTimeField()
    date = models.DateField()
    week = models.DateField()
    market = key_field()
    channel = key_field()
    device = key_field()
    sessions = models.SmallIntegerField(default=1)
    engaged_sessions = models.SmallIntegerField(default=0)
    product_views = models.SmallIntegerField(default=0)
    carts = models.SmallIntegerField(default=0)
    cart_views = models.SmallIntegerField(default=0)
    checkouts = models.SmallIntegerField(default=0)
    payment_attempts = models.SmallIntegerField(default=0)
    payments = models.SmallIntegerField(default=0)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "session", "source"], name="session_key"),)
        indexes = (BrinIndex(fields=["week"], name="session_week"),)

    def __str__(self) -> str:
        return self.session


class Spend(Fact):
    """Advertising of one day × market × channel × campaign."""

    date = models.DateField()
    week = models.DateField()
    market = key_field()
    channel = key_field()
    campaign = key_field()
    currency = models.CharField(max_length=3)
    cost = money_field()
    impressions = counter_field()
    clicks = counter_field()
    fx_rate = rate_field()
    cost_base = models.GeneratedField(
        expression=F("cost") * F("fx_rate"),
        output_field=models.DecimalField(max_digits=18, decimal_places=4),
        db_persist=True,
    )

    class Meta:
        constraints = (fact_key("spend"),)
        indexes = (BrinIndex(fields=["week"], name="spend_week"),)


class PageExperience(Fact):
    """75th percentiles of page loading per market × device × week."""

    week = models.DateField()
    market = key_field()
    device = key_field()
    lcp_ms = models.IntegerField(null=True)
    inp_ms = models.IntegerField(null=True)
    cls = models.DecimalField(max_digits=18, decimal_places=4, null=True)

    class Meta:
        constraints = (fact_key("page_experience"),)
        indexes = (BrinIndex(fields=["week"], name="page_experience_week"),)
