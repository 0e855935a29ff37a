"""Weekly measures: additive sums per week × market × channel × one facet. KPIs are ratios of these, computed later.

A sum is NULL when no fact behind it told the value: missing is not zero.
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Rollup
from flywheel.facts.models.base import key_field


def total_field() -> models.DecimalField:
    """A sum of money in base currency; NULL when nothing was known."""
    return models.DecimalField(max_digits=24, decimal_places=4, null=True)


def square_field() -> models.DecimalField:
    """A sum of squared amounts, for standard errors."""
    return models.DecimalField(max_digits=38, decimal_places=4, null=True)


def count_field() -> models.BigIntegerField:
    """A sum of counts; NULL when nothing was known."""
    return models.BigIntegerField(null=True)


class Measure(models.Model):
    """The slice every measure row belongs to."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_index=False)
    week = models.DateField()
    market = key_field()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.week} {self.market}"


def week_index(name: str) -> tuple[models.Index]:
    """The one index of a measure table."""
    return (models.Index(fields=["workspace", "week"], name=name),)


class MarketWeek(Measure):
    """Advertising per campaign."""

    channel = key_field()
    campaign = key_field()
    cost_base = total_field()
    impressions = count_field()
    clicks = count_field()
    ctr_impressions = count_field()  # impressions and clicks of the rows that tell both
    ctr_clicks = count_field()
    cpc_cost_base = total_field()  # cost and clicks of the rows that tell both
    cpc_clicks = count_field()

    class Meta:
        indexes = week_index("market_week")


class ConversionWeek(Measure):
    """The journey and the orders per device. Orders are counted ones, in the week they were placed."""

    channel = key_field()
    device = key_field()
    sessions = count_field()
    engaged_sessions = count_field()
    product_views = count_field()
    carts = count_field()
    cart_views = count_field()
    checkouts = count_field()
    payment_attempts = count_field()
    payments = count_field()
    orders = count_field()
    identified_orders = count_field()  # orders whose customer is known: only they can be first orders or not
    first_orders = count_field()
    priced_orders = count_field()  # orders whose net revenue is known
    net_base = total_field()
    net_squares = square_field()
    first_priced_orders = count_field()
    first_net_base = total_field()
    first_net_squares = square_field()
    costed_orders = count_field()  # orders whose contribution is known
    costed_net_base = total_field()  # net revenue of the orders whose contribution is known
    contribution_base = total_field()
    mobile_sessions = count_field()
    mobile_payments = count_field()
    desktop_sessions = count_field()
    desktop_payments = count_field()
    discount_orders = count_field()  # orders that tell gross and discount
    discount_gross_base = total_field()
    discount_base = total_field()
    discount_gross_squares = square_field()
    discount_squares = square_field()
    discount_products = square_field()  # of each order's gross and discount
    first_discount_base = total_field()  # discounts of first orders
    unit_orders = count_field()  # orders whose units are known
    units = count_field()
    unit_squares = count_field()
    basket_orders = count_field()  # orders known to hold one product or several
    multi_orders = count_field()

    class Meta:
        indexes = week_index("conversion_week")


class AftersalesWeek(Measure):
    """Deliveries (in the week of delivery), reviews, tickets, refunds, answers, invitations (each in its own week)."""

    channel = key_field()
    carrier = key_field()
    deliveries = count_field()
    delivery_days = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    promised_deliveries = count_field()
    late_by_time = count_field()
    late_by_date = count_field()
    reviews = count_field()
    rating_sum = models.DecimalField(max_digits=20, decimal_places=2, null=True)
    rating_squares = models.DecimalField(max_digits=24, decimal_places=4, null=True)
    tickets = count_field()
    proactive_known = count_field()  # tickets known to be proactive or reactive
    proactive_tickets = count_field()
    csat_ratings = count_field()
    csat_good = count_field()
    refunds = count_field()
    refund_base = total_field()
    media_known = count_field()  # reviews known to have a photo or video, or none
    media_reviews = count_field()
    survey_answers = count_field()
    promoters = count_field()
    passives = count_field()
    detractors = count_field()
    invitations = count_field()
    referred_first_orders = count_field()  # first orders that came of an invitation, in their own week

    class Meta:
        indexes = week_index("aftersales_week")


class FollowUpWeek(Measure):
    """What follows later, counted in the week of what it follows; such weeks change by growing older.

    Deliveries are in the week of delivery, orders and customers (their first orders) in the order's, tickets in the
    week they were opened, campaigns in the week they were sent.
    """

    channel = key_field()
    carrier = key_field()
    followed_deliveries = count_field()
    reviewed_deliveries = count_field()
    returned_deliveries = count_field()
    followed_orders = count_field()
    contacted_orders = count_field()  # with a ticket within 14 days
    followed_customers = count_field()
    contacted_customers = count_field()
    answered_tickets = count_field()  # first human reply known; not those that we started
    reply_minutes = total_field()
    campaign_sent = count_field()
    campaign_opened = count_field()
    campaign_clicked = count_field()
    campaign_ordered = count_field()
    campaign_order_sent = count_field()  # sent by campaigns that tell how many ordered

    class Meta:
        indexes = week_index("followup_week")


class DurationWeek(Measure):
    """How many deliveries and first replies took how long: counts per bucket, since percentiles do not add up.

    `counts` packs the buckets that have any: pairs of four-byte integers, most significant byte first, the lower edge
    in minutes (engines.durations) and the count. A row per bucket would be two million for a large business.
    """

    class What(models.TextChoices):
        DELIVERY = "delivery"
        REPLY = "reply"

    carrier = key_field()
    what = models.TextField(choices=What)
    counts = models.BinaryField()

    class Meta:
        indexes = (models.Index(fields=["workspace", "what", "week"], name="duration_week"),)


class CohortWeek(Measure):
    """Customers by the week, market and channel of their first order, and what they did since.

    Windows are in days after the first order. A window is complete only when the whole cohort is that old:
    the reader leaves out younger weeks.
    """

    channel = key_field()
    customers = count_field()
    repeaters_30 = count_field()
    repeaters_60 = count_field()
    repeaters_90 = count_field()
    repeaters_180 = count_field()
    repeat_orders_90 = count_field()
    repeat_orders_365 = count_field()
    repeat_priced_365 = count_field()
    repeat_net_365 = total_field()
    repeat_net_squares_365 = square_field()
    costed_customers_365 = count_field()  # customers all of whose orders within 365 days have a known contribution
    contribution_first = total_field()  # of first orders; these and the next are of the same customers, after refunds
    contribution_30 = total_field()
    contribution_60 = total_field()
    contribution_90 = total_field()
    contribution_180 = total_field()
    contribution_365 = total_field()
    contribution_squares_365 = square_field()
    promised_customers = count_field()  # whose first order was promised for a day and delivered
    promised_repeat_orders_90 = count_field()
    late_customers = count_field()  # of these, whose first order came late
    late_repeat_orders_90 = count_field()
    answered_customers = count_field()  # who asked about their first order and were answered
    answered_repeat_orders_90 = count_field()
    slow_customers = count_field()  # of these, whose first answer took more than a day
    slow_repeat_orders_90 = count_field()

    class Meta:
        indexes = week_index("cohort_week")


class CohortMonth(models.Model):
    """Customers by month of first order, active in a later month (month 0 is the cohort's own)."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_index=False)
    cohort = models.DateField()
    month = models.DateField()
    market = key_field()
    channel = key_field()
    customers = count_field()
    orders = count_field()
    net_base = total_field()

    class Meta:
        indexes = (models.Index(fields=["workspace", "cohort"], name="cohort_month"),)

    def __str__(self) -> str:
        return f"{self.cohort} {self.month}"


class PaymentWeek(Measure):
    """Payments by method, in their order's week, and the orders placed with a method and paid.

    Every payment counts, whatever became of its order. Orders are counted and unpaid ones.
    """

    method = key_field()
    payments = count_field()
    amount_base = total_field()
    placed_orders = count_field()
    paid_orders = count_field()

    class Meta:
        indexes = week_index("payment_week")


class StatusWeek(Measure):
    """Orders by the source's own status word, counted or not."""

    status = key_field()
    state = key_field()
    orders = count_field()

    class Meta:
        indexes = week_index("status_week")


class RolledWeek(models.Model):
    """What a roll-up's week amounted to when it was last rolled, and what it did before it was restated.

    `first_rolled_at` is of the first roll after the week was over. `restated_at` is set when a roll on a later day
    gives other measures; `published` and `published_digest` then keep what stood before, and all three are cleared
    when that is back.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_index=False)
    rollup = models.CharField(max_length=12, choices=Rollup)
    week = models.DateField()
    digest = models.TextField()  # of all measure rows of the week, whatever their order
    figures = models.JSONField()  # totals that a reader knows the week by: name -> number, None for unknown
    first_rolled_at = models.DateTimeField()
    rolled_at = models.DateTimeField()
    restated_at = models.DateTimeField(null=True)
    published_digest = models.TextField(default="", db_default="")
    published = models.JSONField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "week", "rollup"], name="rolled_week_once"),)

    def __str__(self) -> str:
        return f"{self.rollup} {self.week}"


# --- counts -----------------------------------------------------------------------------------------------------------
# What cannot be told week by week as it comes, because it needs all orders of a customer or all records of an order.
# Counted anew as a whole by flywheel.measures.counting; every column adds up over the others' keys.
class Counted(models.Model):
    """When the counts below were last made of a workspace, and how far its orders reached then.

    `began_at`: what landed later is not in them. `newest_day`: of counted orders; NULL when there was none.
    """

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, primary_key=True)
    began_at = models.DateTimeField()
    newest_day = models.DateField(null=True)

    def __str__(self) -> str:
        return f"{self.began_at}"


class CustomerMonth(models.Model):
    """Customers who ordered in a month, by market and channel of their first order; active are the other three.

    `new`: their first order ever. `retained`: the month before too. `resurrected`: earlier, not the month before.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, db_index=False)
    month = models.DateField()
    market = key_field()
    channel = key_field()
    active = models.BigIntegerField()
    new = models.BigIntegerField()
    retained = models.BigIntegerField()
    resurrected = models.BigIntegerField()

    class Meta:
        indexes = (models.Index(fields=["workspace", "month"], name="customer_month"),)

    def __str__(self) -> str:
        return f"{self.month} {self.market}"


class FirstDeliveryWeek(Measure):
    """Promised first orders that were delivered, in the week of the order, of who had not ordered again by the promise.

    `ripe_week` holds the last of the days after the promised date in which a second order makes a repeater. `late`:
    delivered after the promised date in the market.
    """

    ripe_week = models.DateField()
    month = models.DateField()
    channel = key_field()
    late = models.BooleanField()
    customers = models.BigIntegerField()
    repeaters = models.BigIntegerField()

    class Meta:
        indexes = week_index("first_delivery_week")


class ReasonWeek(Measure):
    """Tickets by their reason, in the week they were opened; replies are first human ones to customers' tickets."""

    channel = key_field()
    reason = key_field()
    tickets = models.BigIntegerField()
    proactive_known = models.BigIntegerField()
    proactive = models.BigIntegerField()
    csat_ratings = models.BigIntegerField()
    csat_good = models.BigIntegerField()
    replies = models.BigIntegerField()
    reply_minutes = total_field()

    class Meta:
        indexes = week_index("reason_week")


class CategoryWeek(Measure):
    """Deliveries by product category in their week, and their reviews to date; an order counts in each of its own."""

    channel = key_field()
    category = key_field()
    deliveries = models.BigIntegerField()
    reviewed = models.BigIntegerField()
    reviews = models.BigIntegerField()
    rating_sum = total_field()
    rating_squares = square_field()
    media_known = models.BigIntegerField()
    media_reviews = models.BigIntegerField()

    class Meta:
        indexes = week_index("category_week")


class ReferrerWeek(Measure):
    """Who invited in a week. A new customer counts once, with the first invitation that led to the first order."""

    channel = key_field()
    referrer = key_field()
    invitations = models.BigIntegerField()
    new_customers = models.BigIntegerField()

    class Meta:
        indexes = week_index("referrer_week")


class CountedSessions(models.Model):
    """When the counts of single sessions below were last made of a workspace: of one session in `one_in`, by chance.

    `began_at`: what landed later is not in them. `sessions`: how many were counted.
    """

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, primary_key=True)
    began_at = models.DateTimeField()
    one_in = models.IntegerField()
    sessions = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.began_at}"


class MoveWeek(Measure):
    """How often sessions went from one touch point to the next, in the week and slice in which they began.

    `paid`: in sessions that paid. `source` is ENTRY for the start of a session, `target` EXIT for its end
    (engines.paths), OTHER is what few of all sessions touch.
    """

    channel = key_field()
    device = key_field()
    source = key_field()
    target = key_field()
    count = models.BigIntegerField()
    paid = models.BigIntegerField()

    class Meta:
        indexes = week_index("move_week")


class StepTimeWeek(Measure):
    """How long sessions took from first reaching one step to first reaching another: `counts` by `bins`.

    Both in one order; a bin is one of engines.paths.duration_bin.
    """

    channel = key_field()
    device = key_field()
    source = key_field()
    target = key_field()
    bins = ArrayField(models.SmallIntegerField())
    counts = ArrayField(models.BigIntegerField())

    class Meta:
        indexes = week_index("step_time_week")
