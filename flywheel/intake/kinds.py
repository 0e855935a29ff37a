"""The kinds of facts that can be loaded: each a declarative list of columns. Adding a kind is adding an entry."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from flywheel.facts import models as facts
from flywheel.intake import derive
from flywheel.intake.derive import Derived

Words = str | Promise


@dataclass(frozen=True)
class Column:
    """One column of a kind's generic template.

    `type` is a key of `parsing.PARSERS`. `target` is the model's column ('' when it only feeds derived ones).
    `default` fills a blank cell. `yields`: where the fact belongs to an order that is known, the order's own value
    wins. `meanings`: what the column's words can stand for here, as (value, label). `examples` are the cells of the
    template's example rows.
    """

    name: str
    type: str
    label: Words
    examples: tuple[str, str]
    target: str | None = None
    required: bool = False
    help: Words = ""
    aliases: tuple[str, ...] = ()
    default: str = ""
    yields: bool = False
    meanings: tuple[tuple[str, Words], ...] = ()

    @property
    def model_column(self) -> str:
        """The column of the fact table that this one fills; '' for none."""
        return self.name if self.target is None else self.target


@dataclass(frozen=True)
class Kind:
    """A kind of fact: what is in a file of it, and how a row becomes a record.

    `key` names the columns whose values, joined by `key_separator`, are the external id (blank ones at the end are
    left off); where all are blank, `key_otherwise` does. `repeats`: rows with one key are different records, numbered
    in the order of the file; otherwise equal rows collapse and different ones are an error.
    """

    slug: str
    label: Words
    help: Words
    model: type[Model]
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    key_separator: str = ":"
    key_otherwise: tuple[str, ...] = ()
    repeats: bool = False
    derived: tuple[Derived, ...] = ()
    by_name: Mapping[str, Column] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {column.name: column for column in self.columns})

    @property
    def required(self) -> list[Column]:
        """The columns that every row must have."""
        return [column for column in self.columns if column.required]


def _text(name: str, label: Words, *examples: str, **options: object) -> Column:
    return Column(name, "code", label, _pair(examples), **options)  # type: ignore[arg-type]


def _long(name: str, label: Words, *examples: str, **options: object) -> Column:
    return Column(name, "text", label, _pair(examples), **options)  # type: ignore[arg-type]


def _money(name: str, label: Words, *examples: str, **options: object) -> Column:
    return Column(name, "money", label, _pair(examples), **options)  # type: ignore[arg-type]


def _count(name: str, label: Words, *examples: str, **options: object) -> Column:
    return Column(name, "integer", label, _pair(examples), **options)  # type: ignore[arg-type]


def _time(name: str, label: Words, *examples: str, **options: object) -> Column:
    return Column(name, "timestamp", label, _pair(examples), **options)  # type: ignore[arg-type]


def _pair(examples: tuple[str, ...]) -> tuple[str, str]:
    return (*examples, "", "")[:2]  # type: ignore[return-value]


def _market(**options: object) -> Column:
    return _text("market", _("Market"), "DE", "US", aliases=("country", "region", "shipping_country"), **options)


def _channel(**options: object) -> Column:
    aliases = ("acquisition_channel", "utm_source", "sales_channel", "marketing_channel")
    return _text("channel", _("Channel"), "paid_search", "direct", aliases=aliases, **options)


def _device() -> Column:
    return Column(
        "device", "device", _("Device"), ("mobile", "desktop"), aliases=("platform", "device_category", "device_type")
    )


def _order(**options: object) -> Column:
    return Column(
        "order_id",
        "id",
        _("Order"),
        ("A-1001", "A-1002"),
        target="order_ref",
        aliases=("order", "order_number", "order_no"),
        **options,  # type: ignore[arg-type]
    )


def _currency(**options: object) -> Column:
    return Column(
        "currency",
        "currency",
        _("Currency"),
        ("EUR", "USD"),
        help=_("Three letters, such as EUR."),
        aliases=("currency_code",),
        **options,  # type: ignore[arg-type]
    )


def _date() -> Column:
    return Column("date", "date", _("Date"), ("2026-03-02", "2026-03-03"), required=True, aliases=("day",))


_PERSONAL = _("An e-mail address is never stored: only its keyed hash is.")

_STAGES: tuple[tuple[str, Words], ...] = (
    ("product_views", _("Product view")),
    ("carts", _("Item added to the cart")),
    ("cart_views", _("Cart seen")),
    ("checkouts", _("Checkout")),
    ("payment_attempts", _("Payment attempt")),
    ("payments", _("Payment accepted")),
)

ORDERS = Kind(
    slug="orders",
    label=_("Orders"),
    help=_("One row per order. A later file with the same order updates it."),
    model=facts.Order,
    key=("order_id",),
    columns=(
        Column(
            "order_id",
            "id",
            _("Order"),
            ("A-1001", "A-1002"),
            target="",
            required=True,
            aliases=("order", "order_number"),
        ),
        Column("customer_id", "person", _("Customer"), ("C-7", "C-8"), target="", help=_PERSONAL),
        Column(
            "customer_email",
            "email",
            _("Customer's e-mail"),
            ("ann@example.com", ""),
            target="",
            help=_PERSONAL,
            aliases=("email", "e_mail"),
        ),
        _market(),
        _channel(),
        _device(),
        _text("payment_method", _("Payment method"), "card", "paypal", aliases=("payment", "payment_type")),
        _text("carrier", _("Carrier"), "DHL", "UPS", aliases=("shipping_method", "shipping_carrier")),
        _long(
            "status",
            _("Status"),
            "delivered",
            "paid",
            aliases=("order_status", "state", "financial_status"),
            meanings=tuple(facts.OrderState.choices),
        ),
        _time(
            "ordered_at",
            _("Ordered at"),
            "2026-03-02 09:15:00",
            "2026-03-02T18:40:00+01:00",
            required=True,
            aliases=("order_date", "created_at", "date", "order_time", "purchase_date"),
        ),
        _currency(required=True),
        _money("gross", _("Goods before discount"), "100.00", "59.90", aliases=("subtotal", "gross_revenue")),
        _money("discount", _("Discount"), "10.00", "0", aliases=("discount_amount", "discounts")),
        _money("shipping", _("Shipping"), "4.90", "4.90", aliases=("shipping_cost", "freight")),
        _money("tax", _("Tax"), "18.02", "0", aliases=("taxes", "vat")),
        _money("total", _("Total paid by the customer"), "94.90", "64.80", aliases=("order_total", "grand_total")),
        _money("cogs", _("Cost of goods"), "40.00", "22.00", aliases=("cost_of_goods",)),
        _money("fulfilment_cost", _("Cost of fulfilment"), "7.20", "8.10", aliases=("fulfillment_cost",)),
        _money("payment_cost", _("Cost of payment"), "1.90", "1.40", aliases=("payment_fee",)),
        _count("units", _("Units"), "2", "1", aliases=("quantity", "items")),
        Column(
            "promised_at",
            "deadline",
            _("Promised delivery"),
            ("2026-03-06", "2026-03-09"),
            help=_("A date without time means the end of that day."),
            aliases=("promised_date", "estimated_delivery"),
        ),
        _time("shipped_at", _("Shipped at"), "2026-03-03 11:00:00", aliases=("shipped_date",)),
        Column(
            "delivered_at",
            "deadline",
            _("Delivered at"),
            ("2026-03-05 14:20:00", ""),
            help=_("A date without time means the end of that day."),
            aliases=("delivered_date", "delivery_date"),
        ),
    ),
    derived=(
        Derived("customer_ref", derive.customer_ref, needs=("customer_id", "customer_email")),
        Derived(
            "customer",
            derive.customer,
            needs=("customer_id", "customer_email"),
            follows="customer_ref",
            guarded=False,
        ),
        Derived("state", derive.state, needs=("status",), follows="status"),
        Derived("order_date", derive.day_of("ordered_at"), needs=("ordered_at",)),
        Derived("week", derive.week_of("order_date"), needs=("ordered_at",)),
        Derived("month", derive.month_of("order_date"), needs=("ordered_at",)),
        Derived("fx_rate", derive.fx_rate("order_date"), needs=("currency",)),
        Derived(
            "promised_is_date",
            derive.is_bare_date("promised_at"),
            needs=("promised_at",),
            follows="promised_at",
            guarded=False,
        ),
        Derived(
            "promised_date",
            derive.market_day_of("promised_at"),
            needs=("promised_at",),
            follows="promised_at",
            guarded=False,
        ),
        Derived(
            "delivered_is_date",
            derive.is_bare_date("delivered_at"),
            needs=("delivered_at",),
            follows="delivered_at",
            guarded=False,
        ),
        Derived(
            "delivered_date",
            derive.market_day_of("delivered_at"),
            needs=("delivered_at",),
            follows="delivered_at",
            guarded=False,
        ),
        Derived(
            "delivered_week",
            derive.week_of("delivered_date"),
            needs=("delivered_at",),
            follows="delivered_at",
            guarded=False,
        ),
    ),
)

ORDER_LINES = Kind(
    slug="order_lines",
    label=_("Order lines"),
    help=_("One row per line of an order: what was bought."),
    model=facts.OrderLine,
    key=("order_id", "line"),
    columns=(
        _order(required=True),
        Column("line", "id", _("Line"), ("1", "2"), target="", default="1", aliases=("line_number", "item", "line_id")),
        Column("sku", "id", _("SKU"), ("SKU-1", "SKU-2"), aliases=("product_id", "product", "lineitem_sku")),
        _long("category", _("Category"), "shoes", "bags", aliases=("product_category",)),
        _count("quantity", _("Quantity"), "1", "2", aliases=("qty", "units")),
        _money("price", _("Price per unit"), "50.00", "24.95", aliases=("unit_price",)),
        _currency(),
    ),
)

CUSTOMERS = Kind(
    slug="customers",
    label=_("Customers"),
    help=_("One row per customer id. Several ids of one person share the person's id or e-mail."),
    model=facts.Customer,
    key=("customer_id",),
    columns=(
        Column("customer_id", "person", _("Customer"), ("C-7", "C-8"), target="", required=True, help=_PERSONAL),
        Column("person_id", "person", _("Person"), ("P-1", "P-1"), target="person", aliases=("customer_unique_id",)),
        Column(
            "email",
            "email",
            _("E-mail"),
            ("ann@example.com", "ann@example.com"),
            target="email_hash",
            help=_PERSONAL,
            aliases=("customer_email", "e_mail"),
        ),
        _market(),
    ),
)

PAYMENTS = Kind(
    slug="payments",
    label=_("Payments"),
    help=_("One row per payment of an order, in the order's currency."),
    model=facts.Payment,
    key=("order_id", "sequence"),
    columns=(
        _order(required=True),
        _count("sequence", _("Number of the payment"), "1", "1", default="1", aliases=("payment_number",)),
        _text("method", _("Payment method"), "card", "paypal", aliases=("payment_method", "payment_type")),
        _money("amount", _("Amount"), "94.90", "64.80", required=True, aliases=("payment_value", "value")),
    ),
)

REFUNDS = Kind(
    slug="refunds",
    label=_("Refunds"),
    help=_("One row per refund, on the day the money went back."),
    model=facts.Refund,
    key=("refund_id",),
    key_otherwise=("order_id", "refunded_at", "amount"),
    columns=(
        _order(required=True),
        _time("refunded_at", _("Refunded at"), "2026-03-10 10:00:00", "2026-03-12", required=True, aliases=("date",)),
        _money("amount", _("Amount"), "20.00", "64.80", required=True, aliases=("refund_amount", "refunded_amount")),
        _currency(required=True),
        Column(
            "refund_id",
            "id",
            _("Refund"),
            ("R-1", "R-2"),
            target="",
            help=_("Without it the order, the time and the amount tell refunds apart."),
        ),
        _long("reason", _("Reason"), "too_late", "wrong_size", aliases=("refund_reason",)),
    ),
    derived=(
        Derived("refund_date", derive.day_of("refunded_at"), needs=("refunded_at",)),
        Derived("week", derive.week_of("refund_date"), needs=("refunded_at",)),
        Derived("fx_rate", derive.fx_rate("refund_date"), needs=("currency",)),
    ),
)

TRAFFIC = Kind(
    slug="traffic",
    label=_("Traffic"),
    help=_("One row per day, market, channel and device. A stage that you do not measure stays empty."),
    model=facts.Traffic,
    key=("date", "market", "channel", "device"),
    key_separator="|",
    columns=(
        _date(),
        _market(),
        _channel(),
        _device(),
        _count("sessions", _("Sessions"), "1200", "450", required=True, aliases=("visits",)),
        _count("engaged_sessions", _("Engaged sessions"), "800", "270"),
        _count("product_views", _("Sessions with a product view"), "640", "230", aliases=("item_views", "view_item")),
        _count("carts", _("Sessions with an item added"), "150", "48", aliases=("add_to_carts", "add_to_cart")),
        _count("cart_views", _("Sessions that saw the cart"), "120", "40", aliases=("view_cart",)),
        _count("checkouts", _("Sessions with a checkout"), "70", "22", aliases=("begin_checkout",)),
        _count("payment_attempts", _("Sessions with a payment attempt"), "50", "17", aliases=("add_payment_info",)),
        _count("payments", _("Sessions with an accepted payment"), "42", "15", aliases=("purchases", "transactions")),
    ),
    derived=(Derived("week", derive.week_of("date"), needs=("date",)),),
)

EVENTS = Kind(
    slug="events",
    label=_("Session events"),
    help=_("One row per event of a session; sessions and the journey are made of them."),
    model=facts.SessionEvent,
    key=("session_id", "happened_at", "event"),
    key_separator="|",
    repeats=True,
    columns=(
        Column("session_id", "id", _("Session"), ("S-1", "S-1"), target="session", required=True, aliases=("session",)),
        _long(
            "event",
            _("Event"),
            "product_view",
            "add_to_cart",
            required=True,
            aliases=("event_name", "event_type"),
            meanings=_STAGES,
        ),
        _time(
            "happened_at",
            _("Happened at"),
            "2026-03-02 09:10:02",
            "2026-03-02 09:11:40",
            required=True,
            aliases=("timestamp", "event_timestamp", "time", "event_time"),
        ),
        Column("visitor_id", "person", _("Visitor"), ("V-1", "V-1"), target="visitor", aliases=("user_id", "visitor")),
        _market(),
        _channel(),
        _device(),
    ),
    derived=(
        Derived("stage", derive.stage, needs=("event",)),
        Derived("date", derive.day_of("happened_at"), needs=("happened_at",)),
    ),
)

SPEND = Kind(
    slug="spend",
    label=_("Advertising spend"),
    help=_("One row per day, market, channel and campaign."),
    model=facts.Spend,
    key=("date", "market", "channel", "campaign"),
    key_separator="|",
    columns=(
        _date(),
        _currency(required=True),
        _money("cost", _("Cost"), "250.00", "90.50", required=True, aliases=("spend", "amount_spent", "ad_spend")),
        _market(),
        _channel(),
        _long("campaign", _("Campaign"), "spring", "brand", aliases=("campaign_name",)),
        _count("impressions", _("Impressions"), "41000", "9800"),
        _count("clicks", _("Clicks"), "820", "310", aliases=("link_clicks",)),
    ),
    derived=(
        Derived("week", derive.week_of("date"), needs=("date",)),
        Derived("fx_rate", derive.fx_rate("date"), needs=("currency",)),
    ),
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
        _time(
            "reviewed_at", _("Reviewed at"), "2026-03-20", "2026-03-21", required=True, aliases=("review_date", "date")
        ),
        _order(),
        _market(yields=True),
        _channel(yields=True),
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
        _time("opened_at", _("Opened at"), "2026-03-07 08:00:00", "2026-03-08", required=True, aliases=("created_at",)),
        _order(),
        Column("customer_id", "person", _("Customer"), ("C-7", ""), target="customer_ref", help=_PERSONAL),
        _market(yields=True),
        _channel(yields=True),
        _time("first_reply_at", _("First human reply"), "2026-03-07 09:30:00", aliases=("first_response_at",)),
        _time("solved_at", _("Solved at"), "2026-03-07 16:00:00", aliases=("closed_at", "resolved_at")),
        _long("reason", _("Reason"), "where_is_my_order", "return", aliases=("subject", "topic", "ticket_type")),
        Column("proactive", "bool", _("Started by us"), ("no", "yes")),
        Column("csat", "stars", _("Satisfaction, 1 to 5"), ("5", ""), aliases=("satisfaction", "satisfaction_rating")),
    ),
    derived=(Derived("week", derive.week_of("opened_at"), needs=("opened_at",)),),
)

EXCHANGE_RATES = Kind(
    slug="exchange_rates",
    label=_("Exchange rates"),
    help=_(
        "One row per day and currency: how many units of the currency one euro is, as the European Central Bank "
        "publishes it. Your own rates go before the built-in ones, and amounts loaded before follow them."
    ),
    model=facts.ExchangeRate,
    key=("date", "currency"),
    key_separator="|",
    columns=(
        Column(
            "date",
            "date",
            _("Date"),
            ("2026-03-02", "2026-03-02"),
            target="",
            required=True,
            aliases=("day", "time_period"),
        ),
        Column(
            "currency",
            "currency",
            _("Currency"),
            ("VND", "BDT"),
            required=True,
            help=_("Three letters, such as EUR."),
            aliases=("currency_code",),
        ),
        Column(
            "per_euro",
            "per_euro",
            _("Units per euro"),
            ("29845.5", "143.21"),
            target="",
            required=True,
            help=_("Not the other way round: for the US dollar about 1.1, for the yen about 170."),
            aliases=("units_per_euro", "rate", "exchange_rate", "obs_value"),
        ),
    ),
    derived=(
        Derived("day", derive.past_day("date"), needs=("date",)),
        Derived("per_euro", derive.per_euro, needs=("per_euro",)),
    ),
)

KINDS: dict[str, Kind] = {
    kind.slug: kind
    for kind in (
        ORDERS,
        ORDER_LINES,
        CUSTOMERS,
        PAYMENTS,
        REFUNDS,
        TRAFFIC,
        EVENTS,
        SPEND,
        REVIEWS,
        TICKETS,
        EXCHANGE_RATES,
    )
}


def kind_choices() -> list[tuple[str, Words]]:
    """(slug, label) of every kind, for forms."""
    return [(kind.slug, kind.label) for kind in KINDS.values()]
