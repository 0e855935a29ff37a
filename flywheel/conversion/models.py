"""What the conversion team keeps: pain points, the trust checklist, payment methods offered, free-shipping thresholds.

And what the room works out of raw facts, kept until the next time.
"""

from collections.abc import Mapping

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from flywheel.accounts.models import Workspace
from flywheel.accounts.records import Kept, KeptChange
from flywheel.facts.models.base import key_field


class PainPoint(Kept):
    """Something that stops customers at a step of the journey, pinned to it."""

    class Step(models.TextChoices):
        ENGAGED = "engaged_sessions", _("Engaged")
        PRODUCT = "product_views", _("Product view")
        CART = "carts", _("Added to cart")
        CART_VIEW = "cart_views", _("Cart viewed")
        CHECKOUT = "checkouts", _("Checkout")
        ATTEMPT = "payment_attempts", _("Payment attempt")
        PAID = "payments", _("Paid")

    class Status(models.TextChoices):
        OPEN = "open", pgettext_lazy("pain point", "Open")
        SOLVED = "solved", pgettext_lazy("pain point", "Solved")

    step = models.CharField(_("Lost before the step"), max_length=16, choices=Step)
    market = models.CharField(_("Market"), max_length=60, blank=True)  # '' is everywhere
    device = models.CharField(_("Device"), max_length=20, blank=True)
    text = models.CharField(pgettext_lazy("pain point", "What is wrong"), max_length=300)
    evidence = models.TextField(_("Evidence"), max_length=2000, blank=True, help_text=_("Words or a link."))
    owner = models.CharField(_("Owner"), max_length=80, blank=True)
    status = models.CharField(_("Status"), max_length=6, choices=Status, default=Status.OPEN)
    solved_on = models.DateField(_("Solved on"), null=True, blank=True)

    class Meta:
        ordering = ("status", "-pk")  # open before solved
        indexes = (models.Index(fields=["workspace", "status"], name="pain_point_open"),)

    def __str__(self) -> str:
        return self.text


class TrustItem(Kept):
    """How one item of the trust checklist stands in one market; `item` is a key of checklist.ITEMS, '' an own item."""

    class Group(models.TextChoices):
        PROOF = "proof", _("Social proof")
        SECURITY = "security", _("Security and payment")
        POLICY = "policy", _("Policies")
        CONTENT = "content", _("Professional content")

    class State(models.TextChoices):
        YES = "yes", _("In place")
        NO = "no", _("Missing")
        NOT_APPLICABLE = "not_applicable", _("Does not apply")
        UNKNOWN = "unknown", _("Not known")

    market = models.CharField(_("Market"), max_length=60)
    group = models.CharField(_("Group"), max_length=8, choices=Group)
    item = models.CharField(max_length=40, blank=True, editable=False)
    name = models.CharField(_("Item"), max_length=200, blank=True)
    state = models.CharField(_("Status"), max_length=14, choices=State, default=State.UNKNOWN)
    since = models.DateField(_("In place since"), null=True, blank=True)
    evidence = models.CharField(_("Evidence"), max_length=500, blank=True, help_text=_("Words or a link."))
    checked_on = models.DateField(_("Checked on"), null=True, blank=True)

    class Meta:
        ordering = ("market", "group", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=["workspace", "market", "item"], condition=~models.Q(item=""), name="trust_item_once"
            ),
        )

    def __str__(self) -> str:
        return self.told({self.market: self.market})

    def told(self, names: Mapping[str, str]) -> str:
        """Its market, and the item in words."""
        from flywheel.conversion.checklist import ITEMS  # its groups are this model's

        known = ITEMS.get(self.item)
        return f"{names[self.market]} · {known.words if known else self.name}"


class OfferedMethod(Kept):
    """A payment method that a market's checkout offers, or does not, whatever the payments say."""

    market = models.CharField(_("Market"), max_length=60)
    method = models.CharField(_("Payment method"), max_length=60)
    is_offered = models.BooleanField(_("Offered"), default=True)
    note = models.CharField(_("Note"), max_length=300, blank=True)

    class Meta:
        ordering = ("market", "method")
        constraints = (models.UniqueConstraint(fields=["workspace", "market", "method"], name="offered_method_once"),)

    def __str__(self) -> str:
        return self.told({self.market: self.market})

    def told(self, names: Mapping[str, str]) -> str:
        """Its market, and what the method is called."""
        from flywheel.conversion.methods import name_of  # with words of the reader's language

        return f"{names[self.market]} · {name_of(self.method)}"


class FreeShipping(Kept):
    """The order value from which a market ships free: goods after discount, in the market's currency.

    The currency is kept with it: a market whose orders come in another one day must not turn 85 dollars into 85 yen.
    """

    market = models.CharField(_("Market"), max_length=60)
    amount = models.DecimalField(
        _("Free shipping from"), max_digits=14, decimal_places=2, validators=[MinValueValidator(1)]
    )
    currency = models.CharField(
        _("Currency"), max_length=3, blank=True, help_text=_("Empty: the currency of most of the market's orders.")
    )

    class Meta:
        ordering = ("market",)
        constraints = (models.UniqueConstraint(fields=["workspace", "market"], name="free_shipping_once"),)

    def __str__(self) -> str:
        return self.told({self.market: self.market})

    def told(self, names: Mapping[str, str]) -> str:
        """Its market, and the amount."""
        return f"{names[self.market]} · {self.amount} {self.currency}".strip()


class Change(KeptChange):
    """Who changed which of these records when."""

    class Meta:
        ordering = ("-pk",)
        indexes = (models.Index(fields=["workspace", "record", "record_id"], name="conversion_change_record"),)


class Analysis(models.Model):
    """What a job worked out of raw facts for one market ('' is all of them) and period, as plain data.

    `weeks` up to and with `week` (0: all there are). A new run takes its place.
    """

    class Kind(models.TextChoices):
        BASKETS = "baskets"
        VALUES = "values"
        PROFILES = "profiles"

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind)
    market = key_field()
    weeks = models.PositiveSmallIntegerField()
    week = models.DateField()
    result = models.JSONField()
    computed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["workspace", "kind", "market", "weeks"], name="conversion_analysis_once"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.market} {self.weeks}"


class CustomerProfile(models.Model):
    """A customer's scores and segment as of the end of the kept profiles' week; a new run takes the place of all.

    Kept by customer, so that a segment's list and file never sum up orders while somebody waits.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    customer = models.TextField()
    market = key_field()  # of the first order, like the channel
    channel = key_field()
    segment = models.CharField(max_length=12)
    recency = models.PositiveSmallIntegerField()
    frequency = models.PositiveSmallIntegerField()
    money = models.PositiveSmallIntegerField()
    last_date = models.DateField()
    orders = models.IntegerField()
    revenue = models.DecimalField(max_digits=18, decimal_places=4)  # base currency

    class Meta:
        ordering = ("-revenue", "pk")
        indexes = (models.Index(fields=["workspace", "segment", "-revenue", "id"], name="customer_profile_segment"),)

    def __str__(self) -> str:
        return f"{self.customer} {self.segment}"
