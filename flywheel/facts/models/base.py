"""Sources, markets, channels and the base every fact is made of."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from flywheel.accounts.models import Workspace, check_time_zone
from flywheel.facts.names import channel_name, market_name


class Source(models.Model):
    """Where facts come from: a shop, an ad account, a help desk. Facts are keyed by it.

    Files name it by `slug` or by `name`, so a new name does not make old scripts load into another source.
    """

    class Cadence(models.IntegerChoices):
        DAILY = 1, _("Every day")
        WEEKLY = 7, _("Every week")
        MONTHLY = 30, _("Every month")

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="sources")
    slug = models.SlugField(max_length=60, allow_unicode=True)
    name = models.CharField(_("name"), max_length=120)
    owner_team = models.CharField(_("owner team"), max_length=60, blank=True)
    contact = models.CharField(_("contact"), max_length=120, blank=True)
    cadence_days = models.PositiveSmallIntegerField(_("loaded"), choices=Cadence, null=True, blank=True)
    agreed_delay_days = models.PositiveSmallIntegerField(_("agreed delay in days"), null=True, blank=True)
    note = models.TextField(_("note"), max_length=2000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "slug"], name="source_once"),)
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Market(models.Model):
    """A country or region sold to. Facts name it by `code`; an unknown code is added when it first arrives."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="markets")
    code = models.CharField(max_length=60)
    name = models.CharField(_("name"), max_length=120, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, validators=[check_time_zone])
    batch_id = models.BigIntegerField(null=True)  # the batch whose rows first named it

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "code"], name="market_once"),)
        ordering = ("code",)

    def __str__(self) -> str:
        return market_name(self.code, self.name)


class Channel(models.Model):
    """Where traffic or an order came from."""

    class Kind(models.TextChoices):
        MARKETPLACE = "marketplace", _("Marketplace")
        OWN_STORE = "own_store", _("Own store")
        SEARCH = "search", _("Search")
        SOCIAL = "social", _("Social")
        AFFILIATE = "affiliate", _("Affiliate")
        EMAIL = "email", _("E-mail")
        REFERRAL = "referral", _("Referral")
        DIRECT = "direct", _("Direct")
        UNKNOWN = "", _("Unknown")

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="channels")
    code = models.CharField(max_length=60)
    name = models.CharField(_("name"), max_length=120, blank=True)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.UNKNOWN, blank=True)
    batch_id = models.BigIntegerField(null=True)  # the batch whose rows first named it

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "code"], name="channel_once"),)
        ordering = ("code",)

    def __str__(self) -> str:
        return channel_name(self.code, self.name)


class Fact(models.Model):
    """A raw record, upserted on (workspace, source, external id).

    Workspace and source carry no database constraint: rows arrive a million at a time by COPY, and a trigger per
    row would double the cost. Intake writes them from objects it holds. `batch_id` is the batch that last wrote
    the row. Text keys (market, channel, ...) are '' when unknown; amounts and counts are NULL when not known.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    source = models.ForeignKey(Source, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    external_id = models.TextField()
    batch_id = models.BigIntegerField(null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.external_id


def fact_key(name: str) -> models.UniqueConstraint:
    """The key of a fact table; external id before source, so that the same index finds a record of any source."""
    return models.UniqueConstraint(fields=["workspace", "external_id", "source"], name=f"{name}_key")


def batch_index(name: str) -> BrinIndex:
    """Finds the rows of a batch, which lie together; for tables that grow by millions."""
    return BrinIndex(fields=["batch_id"], name=f"{name}_batch", pages_per_range=16)


def key_field() -> models.TextField:
    """A text key such as a market's code; '' is unknown."""
    return models.TextField(default="", db_default="", blank=True)


def counter_field() -> models.BigIntegerField:
    """A count; NULL is not known, which is not zero."""
    return models.BigIntegerField(null=True)


def money_field() -> models.DecimalField:
    """An amount in the row's currency; NULL is not known."""
    return models.DecimalField(max_digits=18, decimal_places=4, null=True)


def rate_field() -> models.DecimalField:
    """Base-currency units per unit of the row's currency, on the row's day."""
    return models.DecimalField(max_digits=20, decimal_places=10, null=True)
