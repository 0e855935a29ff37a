"""Orders and what hangs on them: lines, payments, refunds, customers, first orders."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from flywheel.accounts.models import Workspace
from flywheel.facts.models.base import Fact, batch_index, fact_key, key_field, money_field, rate_field


class OrderState(models.TextChoices):
    """What a shop's own status word means. Unpaid, cancelled and test orders do not count."""

    UNPAID = "unpaid", _("Unpaid")
    OPEN = "open", _("Open")
    SHIPPED = "shipped", _("Shipped")
    DELIVERED = "delivered", _("Delivered")
    RETURNED = "returned", _("Returned")
    CANCELLED = "cancelled", _("Cancelled")
    TEST = "test", _("Test")


COUNTED_STATES = ("open", "shipped", "delivered", "returned")


def _zero(name: str) -> Coalesce:
    return Coalesce(F(name), Value(0), output_field=models.DecimalField(max_digits=18, decimal_places=4))


_NET = Case(
    When(gross__isnull=False, then=F("gross") - _zero("discount")),
    default=Coalesce(F("total"), F("paid")) - _zero("shipping") - _zero("tax"),
    output_field=models.DecimalField(max_digits=18, decimal_places=4),
)

# Fees stand in where the order itself says neither cost.
_COSTS = Case(
    When(fulfilment_cost__isnull=True, payment_cost__isnull=True, then=_zero("fees")),
    default=_zero("fulfilment_cost") + _zero("payment_cost"),
    output_field=models.DecimalField(max_digits=18, decimal_places=4),
)


class Order(Fact):
    """An order. Net revenue is goods after discount, without shipping and tax, before refunds.

    `status` is the source's own word, `state` what it means. `customer_ref` is the source's id of the customer,
    `customer` the person behind it (customers may have several ids). `order_date`, `week` and `month` follow
    from `ordered_at` in the workspace's zone; `promised_date`, `delivered_date` are dates in the market.
    """

    customer_ref = key_field()
    customer = key_field()
    market = key_field()
    channel = key_field()
    device = key_field()
    payment_method = key_field()
    carrier = key_field()
    status = key_field()
    state = models.TextField(choices=OrderState, default=OrderState.OPEN, db_default=OrderState.OPEN)
    ordered_at = models.DateTimeField()
    order_date = models.DateField()
    week = models.DateField()
    month = models.DateField()
    currency = models.CharField(max_length=3)
    fx_rate = rate_field()
    gross = money_field()
    discount = money_field()
    shipping = money_field()
    tax = money_field()
    total = money_field()  # all that the customer pays, as the order itself says
    paid = money_field()  # the sum of its payments; stands in when the order says neither gross nor total
    cogs = money_field()
    fulfilment_cost = money_field()
    payment_cost = money_field()
    fees = money_field()  # the sum of its fees; stands in when the order says neither of these costs
    units = models.IntegerField(null=True)
    promised_at = models.DateTimeField(null=True)
    shipped_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    promised_date = models.DateField(null=True)
    delivered_date = models.DateField(null=True)
    promised_is_date = models.BooleanField(default=False, db_default=False)  # told without time: the same everywhere
    delivered_is_date = models.BooleanField(default=False, db_default=False)
    delivered_week = models.DateField(null=True)

    counts = models.GeneratedField(
        expression=Case(When(state__in=COUNTED_STATES, then=Value(True)), default=Value(False)),
        output_field=models.BooleanField(),
        db_persist=True,
    )
    net_base = models.GeneratedField(
        expression=_NET * F("fx_rate"),
        output_field=models.DecimalField(max_digits=18, decimal_places=4),
        db_persist=True,
    )
    contribution_base = models.GeneratedField(
        expression=(_NET - F("cogs") - _COSTS) * F("fx_rate"),
        output_field=models.DecimalField(max_digits=18, decimal_places=4),
        db_persist=True,
    )  # NULL when the cost of goods is not known

    delivery_days = models.GeneratedField(
        expression=Func(
            F("delivered_at") - F("ordered_at"),
            template="EXTRACT(EPOCH FROM %(expressions)s) / 86400",
            output_field=models.DecimalField(max_digits=10, decimal_places=4),
        ),
        output_field=models.DecimalField(max_digits=10, decimal_places=4),
        db_persist=True,
    )
    delivery_bucket = models.GeneratedField(
        expression=Func(
            F("delivered_at") - F("ordered_at"),
            template="CASE WHEN %(expressions)s IS NOT NULL THEN"
            " GREATEST(0, LEAST(FLOOR(EXTRACT(EPOCH FROM %(expressions)s) / 3600) * 60, 129600))::integer END",
            output_field=models.IntegerField(),
        ),
        output_field=models.IntegerField(),
        db_persist=True,
    )  # whole hours to delivery in minutes, at most 90 days (engines.durations: DELIVERY)

    class Meta:
        constraints = (fact_key("order"),)
        indexes = (
            batch_index("order"),
            BrinIndex(fields=["week"], name="order_week", pages_per_range=16),
            BrinIndex(fields=["delivered_week"], name="order_delivered", pages_per_range=16),
            models.Index(fields=["workspace", "customer"], name="order_customer"),
            models.Index(fields=["workspace", "customer_ref"], name="order_customer_ref"),
        )


class OrderLine(Fact):
    """A line of an order: what was bought."""

    order_ref = key_field()
    sku = key_field()
    name = key_field()
    category = key_field()
    quantity = models.IntegerField(null=True)
    price = money_field()
    discount = money_field()  # of the whole line
    currency = models.CharField(max_length=3, default="", db_default="")

    class Meta:
        constraints = (fact_key("order_line"),)
        indexes = (batch_index("order_line"), models.Index(fields=["workspace", "order_ref"], name="order_line_order"))


class OrderChild(Fact):
    """A record that belongs to an order: week, market, channel and carrier are the order's as soon as both are in.

    `order_id` is then the order itself, which `order_ref` alone may not tell: two sources may share a number.
    """

    order_ref = key_field()
    order_id = models.BigIntegerField(null=True)
    market = key_field()
    channel = key_field()
    carrier = key_field()
    order_week = models.DateField(null=True)

    class Meta:
        abstract = True


class Payment(OrderChild):
    """One payment of an order; it counts in its order's week and at its order's rate."""

    sequence = models.IntegerField(default=1)
    method = key_field()
    amount = money_field()
    fx_rate = rate_field()
    amount_base = models.GeneratedField(
        expression=F("amount") * F("fx_rate"),
        output_field=models.DecimalField(max_digits=18, decimal_places=4),
        db_persist=True,
    )

    class Meta:
        constraints = (fact_key("payment"),)
        indexes = (batch_index("payment"), models.Index(fields=["workspace", "order_ref"], name="payment_order"))


class OrderFee(Fact):
    """What an order cost at a marketplace or payment provider; below zero: what of that was given back."""

    order_ref = key_field()
    name = key_field()
    currency = models.CharField(max_length=3)
    amount = money_field()
    charged_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (fact_key("order_fee"),)
        indexes = (models.Index(fields=["workspace", "order_ref"], name="order_fee_order"), batch_index("order_fee"))


class Refund(OrderChild):
    """Money given back, on its own date, also tied to its order's week."""

    refunded_at = models.DateTimeField()
    refund_date = models.DateField()
    week = models.DateField()
    currency = models.CharField(max_length=3)
    amount = money_field()
    reason = key_field()
    fx_rate = rate_field()
    amount_base = models.GeneratedField(
        expression=F("amount") * F("fx_rate"),
        output_field=models.DecimalField(max_digits=18, decimal_places=4),
        db_persist=True,
    )

    class Meta:
        constraints = (fact_key("refund"),)
        indexes = (
            models.Index(fields=["workspace", "order_ref"], name="refund_order"),
            BrinIndex(fields=["week"], name="refund_week"),
        )


class Customer(Fact):
    """A customer id of a source, and the person it belongs to. Of an e-mail address only a keyed hash is kept."""

    person = key_field()
    email_hash = key_field()
    market = key_field()

    class Meta:
        constraints = (fact_key("customer"),)


class FirstOrder(models.Model):
    """A person's first counted order, kept up to date as orders arrive; ties go to the lower order id.

    `second_date` is the date of the second counted order. `due_N` is N days after the first order, so that
    roll-ups compare dates and never compute them.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    customer = models.TextField()
    order_id = models.BigIntegerField()
    ordered_at = models.DateTimeField()
    order_date = models.DateField()
    week = models.DateField()
    month = models.DateField()
    market = key_field()
    channel = key_field()
    second_date = models.DateField(null=True)
    due_30 = models.DateField()
    due_60 = models.DateField()
    due_90 = models.DateField()
    due_180 = models.DateField()
    due_365 = models.DateField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["workspace", "customer"], name="first_order_key"),
            models.CheckConstraint(condition=~Q(customer=""), name="first_order_known"),
        )
        indexes = (models.Index(fields=["workspace", "week"], name="first_order_week"),)

    def __str__(self) -> str:
        return f"{self.customer} {self.order_date}"
