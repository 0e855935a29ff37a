"""What the market team keeps: scoring models, own values, own offers, the entry roadmap, localised content, partners.

Every record carries a version, so that of two people who change it at once the second is told and loses nothing, and
every change is kept with who made it and what was there before (flywheel/accounts/records.py).
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils.translation import gettext_lazy as _

from flywheel.accounts.models import Workspace
from flywheel.accounts.records import Kept, KeptChange

DOCUMENT_PARTS = {
    "dimensions": _("dimensions and bounds"),
    "weights": _("weights"),
    "markets": _("markets"),
    "pairs": _("judgements"),
    "min_coverage": _("least known weight"),
    "min_score": _("score of the first gate"),
    "top": _("how many lead"),
}  # of a scoring model


class ScoringModel(Kept):
    """A way of scoring markets; `document` is flywheel.market.spec.Spec as plain data."""

    name = models.CharField(_("name"), max_length=80)
    document = models.JSONField()

    class Meta:
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name

    @classmethod
    def differing(cls, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[str]:
        """Which parts of the document were changed, too."""
        if before is None or after is None:
            return []
        old, new = before.get("document") or {}, after.get("document") or {}
        whole = super().differing(before, {**after, "document": before.get("document")})
        return [*whole, *(str(words) for name, words in DOCUMENT_PARTS.items() if new.get(name) != old.get(name))]


class OwnValue(Kept):
    """A value of an indicator that the team enters itself; it goes before what files bring of the same period."""

    market = models.CharField(_("Market"), max_length=60)
    indicator = models.CharField(_("Indicator"), max_length=200)  # a key of ours, or the workspace's own name
    period = models.CharField(_("Year or period"), max_length=8)
    value = models.DecimalField(_("Value"), max_digits=24, decimal_places=6)
    origin = models.CharField(_("Where the figure is from"), max_length=200)

    class Meta:
        ordering = ("market", "indicator", "-period")
        constraints = (
            models.UniqueConstraint(fields=["workspace", "market", "indicator", "period"], name="own_value_once"),
        )

    def __str__(self) -> str:
        return self.told({self.market: self.market})

    def told(self, names: Mapping[str, str]) -> str:
        """Its market, indicator and period."""
        from flywheel.market.indicators import label_of  # which reads these values

        return f"{names[self.market]} · {label_of(self.indicator)} · {self.period}"


class OwnOffer(Kept):
    """Our own product on the positioning map; its price index is 100 unless a market differs."""

    name = models.CharField(_("Product"), max_length=120)
    market = models.TextField(_("Market"), default="", db_default="", blank=True)  # '' is everywhere
    price_index = models.DecimalField(_("Price index"), max_digits=10, decimal_places=2, default=100)
    attributes = models.JSONField(_("Scores"), default=dict, blank=True)  # name -> score

    class Meta:
        ordering = ("name", "market", "pk")

    def __str__(self) -> str:
        return self.name


class Stage(models.TextChoices):
    """How far the entry into a market has come, in order."""

    CANDIDATE = "candidate", _("Candidate")
    SCREENED = "screened", _("Screened")
    VALIDATED = "validated", _("Validated")
    MVP_TEST = "mvp_test", _("MVP test")
    SCALED = "scaled", _("Scaled")


class RoadmapEntry(Kept):
    """A market on its way in. The stage is changed through its gate only."""

    market = models.CharField(_("Market"), max_length=60)
    stage = models.CharField(_("Entry stage"), max_length=12, choices=Stage, default=Stage.CANDIDATE)
    scoring_model = models.ForeignKey(
        ScoringModel, verbose_name=_("Scored by"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    owner = models.CharField(_("In charge"), max_length=80, blank=True)
    target_on = models.DateField(_("Next stage by"), null=True, blank=True)
    entered_on = models.DateField(
        _("Sold in since"),
        null=True,
        blank=True,
        help_text=_("Of a market that was sold in before the loaded data begins: the back-test scores it as of then."),
    )
    note = models.TextField(_("Note"), max_length=2000, blank=True)

    class Meta:
        ordering = ("market",)
        constraints = (models.UniqueConstraint(fields=["workspace", "market"], name="roadmap_once"),)

    def __str__(self) -> str:
        return self.market

    def told(self, names: Mapping[str, str]) -> str:
        """The market."""
        return names[self.market]


class GatePass(models.Model):
    """A market that went from one stage to another, on which grounds; `reason` says why where the data did not."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    market = models.CharField(max_length=60)
    stage_before = models.CharField(max_length=12, choices=Stage)
    stage = models.CharField(max_length=12, choices=Stage)
    is_by_hand = models.BooleanField()
    reason = models.TextField(max_length=2000, blank=True)
    criteria = models.JSONField(default=list, encoder=DjangoJSONEncoder)  # as they stood: key, met, value, needed
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-at", "-pk")
        indexes = (models.Index(fields=["workspace", "market"], name="gate_pass_market"),)

    def __str__(self) -> str:
        return f"{self.market} {self.stage_before} > {self.stage}"


class ContentAsset(Kept):
    """A piece of localised content."""

    class Kind(models.TextChoices):
        PRODUCT_PAGE = "product_page", _("Product page")
        LANDING_PAGE = "landing_page", _("Landing page")
        ADVERT = "advert", _("Advertisement")
        EMAIL = "email", _("E-mail")
        VIDEO = "video", _("Video")
        HELP = "help", _("Help article")
        POLICY = "policy", _("Policy or legal text")
        OTHER = "other", _("Other")

    class Status(models.TextChoices):
        PLANNED = "planned", _("Planned")
        TRANSLATING = "translating", _("Being translated")
        REVIEW = "review", _("In review")
        LIVE = "live", _("Live")
        RETIRED = "retired", _("Retired")

    name = models.CharField(_("Asset"), max_length=160)
    kind = models.CharField(_("Kind"), max_length=16, choices=Kind, default=Kind.PRODUCT_PAGE)
    language = models.CharField(_("Language"), max_length=12)
    market = models.CharField(_("Market"), max_length=60, blank=True)
    status = models.CharField(_("Status"), max_length=12, choices=Status, default=Status.PLANNED)
    used_by = models.CharField(_("Used by"), max_length=160, blank=True, help_text=_("Team, campaign or page."))
    link = models.URLField(_("Link"), max_length=500, blank=True)

    class Meta:
        ordering = ("name", "language", "pk")

    def __str__(self) -> str:
        return self.name


class Partner(Kept):
    """A partner in a market, and the next step with them."""

    class Kind(models.TextChoices):
        LOGISTICS = "logistics", _("Logistics")
        PAYMENT = "payment", _("Payment")
        MARKETPLACE = "marketplace", _("Marketplace")
        CREATOR = "creator", _("Creator")
        AGENCY = "agency", _("Agency")
        DISTRIBUTOR = "distributor", _("Distributor")
        OTHER = "other", _("Other")

    class Stage(models.TextChoices):
        FOUND = "found", _("Found")
        CONTACTED = "contacted", _("Contacted")
        NEGOTIATING = "negotiating", _("Negotiating")
        SIGNED = "signed", _("Signed")
        ACTIVE = "active", _("Active")
        ENDED = "ended", _("Ended")

    name = models.CharField(_("Partner"), max_length=160)
    kind = models.CharField(_("Kind"), max_length=16, choices=Kind, default=Kind.LOGISTICS)
    market = models.CharField(_("Market"), max_length=60, blank=True)
    stage = models.CharField(_("Progress"), max_length=12, choices=Stage, default=Stage.FOUND)
    owner = models.CharField(_("In charge"), max_length=80, blank=True)
    next_step = models.CharField(_("Next step"), max_length=300, blank=True)
    due_on = models.DateField(_("Due by"), null=True, blank=True)
    link = models.URLField(_("Link"), max_length=500, blank=True)
    note = models.TextField(_("Note"), max_length=2000, blank=True)

    class Meta:
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name


class Change(KeptChange):
    """Who changed which of these records when."""

    class Meta:
        ordering = ("-pk",)
        indexes = (models.Index(fields=["workspace", "record", "record_id"], name="market_change_record"),)
