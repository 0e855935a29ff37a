"""Amazon Seller Central: the report of all orders, settlements, and business reports."""

from django.utils.translation import gettext_lazy as _

from flywheel.intake.formats.base import Format, Header, Made, Part
from flywheel.intake.formats.makers import (
    Case,
    added,
    carried_down,
    cases,
    divided,
    first_of,
    joined,
    negated,
    respelled,
    unless,
    where,
)
from flywheel.intake.kinds import ORDER_FEES, ORDER_LINES, ORDERS, REFUNDS, TRAFFIC

CANCELLED = "cancel?led"
TAX_ON_TOP = r"amazon\.(com|ca)"  # marketplaces whose prices are told without tax; elsewhere they contain it
_TAXES = ("item-tax", "shipping-tax", "gift-wrap-tax")
_PRICES = ("item-price", "shipping-price", "gift-wrap-price")

# An order is the sum of its items. Those that were cancelled count for nothing, and shape the order only when all were.
ALL_ORDERS = Format(
    "amazon-all-orders",
    "Amazon: all orders",
    record="amazon-order-id",
    columns=(
        Header("amazon-order-id", needed=True),
        Header("purchase-date", needed=True),
        Header("order-status", needed=True),
        Header("sales-channel", needed=True),
        Header("product-name"),
        Header("sku", needed=True),
        Header("item-status", needed=True),
        Header("quantity", needed=True),
        Header("currency", needed=True),
        *(Header(name, needed=name == "item-price") for name in (*_PRICES, *_TAXES)),
        Header("item-promotion-discount"),
        Header("ship-promotion-discount"),
        Header("ship-country"),
    ),
    made=(
        # A multi-channel order was sold elsewhere and is only sent by Amazon: the shop that sold it tells of it.
        Made("sale", ("amazon-order-id",), unless("sales-channel", "non-amazon.*", "amazon-order-id")),
        Made("state", ("order-status",), cases(Case("item-status", CANCELLED, "cancelled"), otherwise="order state")),
        Made(
            "order state",
            ("order-status",),
            cases(
                Case("order-status", r"pending.*", "unpaid"),
                Case("order-status", rf"{CANCELLED}|unfulfillable", "cancelled"),
                Case(
                    "order-status", r"shipped.*(returned to seller|returning to seller|rejected by buyer).*", "returned"
                ),
                Case("order-status", r"shipped.*delivered to buyer.*", "delivered"),
                Case("order-status", r"shipped\b.*|partially ?shipped", "shipped"),
                Case("order-status", r"unshipped|shipping|invoiceunconfirmed", "open"),
                otherwise="order-status",
            ),
        ),
        *(Made(f"kept {name}", (name,), unless("item-status", CANCELLED, name)) for name in (*_PRICES, *_TAXES)),
        Made("kept quantity", ("quantity",), unless("item-status", CANCELLED, "quantity")),
        Made(
            "kept discount", ("item-promotion-discount",), unless("item-status", CANCELLED, "item-promotion-discount")
        ),
        Made(
            "kept ship discount",
            ("ship-promotion-discount",),
            unless("item-status", CANCELLED, "ship-promotion-discount"),
        ),
        *(Made(f"contained {name}", (name,), unless("sales-channel", TAX_ON_TOP, f"kept {name}")) for name in _TAXES),
        *(Made(f"extra {name}", (name,), where("sales-channel", TAX_ON_TOP, f"kept {name}")) for name in _TAXES),
        Made(
            "goods",
            ("item-price",),
            added(
                "kept item-price",
                "kept gift-wrap-price",
                minus=("contained item-tax", "contained gift-wrap-tax"),
            ),
        ),
        Made("shipping", ("shipping-price",), added("kept shipping-price", minus=("kept ship discount",))),
        Made("tax", ("item-tax",), added("kept item-tax", "kept shipping-tax", "kept gift-wrap-tax")),
        Made(
            "total",
            ("item-price",),
            added(
                *(f"kept {name}" for name in _PRICES),
                *(f"extra {name}" for name in _TAXES),
                minus=("kept discount", "kept ship discount"),
            ),
        ),
        Made("line's quantity", ("quantity",), cases(Case("item-status", CANCELLED, "0"), otherwise="quantity")),
        Made("unit price", ("item-price",), divided("item-price", "quantity")),
    ),
    parts=(
        Part(
            ORDERS,
            {
                "order_id": "amazon-order-id",
                "market": "ship-country",
                "channel": "sales-channel",
                "status": "state",
                "ordered_at": "purchase-date",
                "currency": "currency",
                "gross": "goods",
                "discount": "kept discount",
                "shipping": "shipping",
                "tax": "tax",
                "total": "total",
                "units": "kept quantity",
            },
            only="sale",
            sums=True,
        ),
        Part(
            ORDER_LINES,
            {
                "order_id": "amazon-order-id",
                "line": "sku",
                "sku": "sku",
                "name": "product-name",
                "quantity": "line's quantity",
                "price": "unit price",
                "discount": "kept discount",
                "currency": "currency",
            },
            only="sale",
            sums=True,
        ),
    ),
    options={"time_zone": "UTC"},
    help=_(
        "Seller Central: Reports, Fulfilment, All Orders (by order date or by last update). Orders of other shops that "
        "Amazon only sends (sales channel “Non-Amazon”) are left out."
    ),
)

# The price and the promotions of what was sent back; what Amazon keeps or returns of its fees is no refund.
_REFUND = r"((chargeback|a-to-z guarantee|guarantee) )?refund"
_SETTLEMENT = (
    Header("settlement-id", needed=True),
    Header("settlement-start-date", needed=True),
    Header("currency", needed=True),
    Header("transaction-type", needed=True),
    Header("order-id", needed=True),
    Header("adjustment-id", needed=True),
)
_REFUND_PART = Part(
    REFUNDS,
    {
        "order_id": "order-id",
        "refund_id": "refund",
        "refunded_at": "posted at",
        "amount": "given back",
        "currency": "settlement's currency",
    },
    only="given back",
    sums=True,
)
# A fee is told as an amount below zero. Tax that a marketplace keeps and hands on is none.
_NO_FEE = "marketplacefacilitator.*|lowvaluegoods.*"
_FEE_PART = Part(
    ORDER_FEES,
    {
        "order_id": "order-id",
        "fee": "fee's name",
        "amount": "fee",
        "currency": "settlement's currency",
        "charged_at": "posted at",
        "statement": "settlement-id",
    },
    only="fee",
    sums=True,
)
_CURRENCY = Made("settlement's currency", ("currency",), carried_down("currency"))  # told in the first row only
_REFUND_ID = Made("refund", ("order-id",), joined("order-id", "adjustment-id"))
_SETTLEMENT_HELP = _(
    "Seller Central: Payments, Reports repository, a settlement as “Flat file”. Its refunds and the fees of orders are "
    "read; sales stand in the report of all orders, and transfers, service fees and other rows are not read."
)
_FEES = ("item-related-fee", "order-fee", "shipment-fee")
SETTLEMENT = Format(
    "amazon-settlement",
    "Amazon: settlement (flat file)",
    columns=(
        *_SETTLEMENT,
        Header("posted-date", needed=True),
        Header("price-type", needed=True),
        Header("price-amount", needed=True),
        Header("promotion-amount"),
        *(Header(f"{fee}-{part}") for fee in _FEES for part in ("type", "amount")),
    ),
    made=(
        _CURRENCY,
        _REFUND_ID,
        Made("posted at", ("posted-date",), respelled("posted-date", " UTC$", "+00:00")),
        Made("amount", ("price-amount",), first_of("price-amount", "promotion-amount")),
        Made("of a refund", ("price-amount",), where("transaction-type", _REFUND, "amount")),
        Made("given back", ("price-amount",), negated("of a refund")),
        Made("fee's name", ("item-related-fee-type",), first_of(*(f"{fee}-type" for fee in _FEES))),
        Made("fee told", ("item-related-fee-amount",), first_of(*(f"{fee}-amount" for fee in _FEES))),
        Made("fee of an order", ("item-related-fee-amount",), unless("order-id", "", "fee told")),
        Made("no tax", ("item-related-fee-amount",), unless("fee's name", _NO_FEE, "fee of an order")),
        Made("fee", ("item-related-fee-amount",), negated("no tax")),
    ),
    parts=(_REFUND_PART, _FEE_PART),
    options={"time_zone": "UTC"},
    help=_SETTLEMENT_HELP,
)
SETTLEMENT_V2 = Format(
    "amazon-settlement-v2",
    "Amazon: settlement (flat file V2)",
    columns=(
        *_SETTLEMENT,
        Header("amount-type", needed=True),
        Header("amount-description", needed=True),
        Header("amount", needed=True),
        Header("posted-date"),
        Header("posted-date-time"),
    ),
    made=(
        _CURRENCY,
        _REFUND_ID,
        Made("posted", ("posted-date-time", "posted-date"), first_of("posted-date-time", "posted-date")),
        Made("posted at", ("posted-date-time", "posted-date"), respelled("posted", " UTC$", "+00:00")),
        Made("price", ("amount",), where("amount-type", "itemprice|promotion", "amount")),
        Made("of a refund", ("amount",), where("transaction-type", _REFUND, "price")),
        Made("given back", ("amount",), negated("of a refund")),
        Made("fee's name", ("amount-description",), first_of("amount-description")),
        Made("fee told", ("amount",), where("amount-type", "(item|order|shipment)fees", "amount")),
        Made("fee of an order", ("amount",), unless("order-id", "", "fee told")),
        Made("no tax", ("amount",), unless("fee's name", _NO_FEE, "fee of an order")),
        Made("fee", ("amount",), negated("no tax")),
    ),
    parts=(_REFUND_PART, _FEE_PART),
    options={"time_zone": "UTC"},
    help=_SETTLEMENT_HELP,
)

# Business customers are part of the totals. Page views are no sessions, and units no payments.
_SESSIONS = Header(
    "Sessions - Total",
    also=(
        *("Sessions", "Sitzungen – Summe", "Sitzungen – Gesamt", "Sitzungen", "会话数 - 总计", "会话次数 – 总计"),
        *("会话数", "Sessions – Total", "Sesiones: total", "Sessioni - Totale", "セッション数 - 合計"),
    ),
    needed=True,
)
_ORDERED = Header(
    "Units Ordered",
    also=(
        "Bestellte Einheiten",
        "Unités commandées",
        "已订购商品数量",
        "Unidades pedidas",
        "Unità ordinate",
        "注文された商品点数",
    ),
    needed=True,
)
BY_ITEM = Format(
    "amazon-business-report",
    "Amazon: business report by item",
    columns=(
        Header(
            "(Child) ASIN",
            also=(
                *("(Parent) ASIN", "(Untergeordnete) ASIN", "(Übergeordnete) ASIN", "（子）ASIN", "（父）ASIN"),
                *("ASIN (enfant)", "ASIN (parent)", "ASIN enfant", "ASIN parent", "ASIN (secundario)", "ASIN (figlio)"),
            ),
            needed=True,
        ),
        _SESSIONS,
        _ORDERED,
    ),
    parts=(Part(TRAFFIC, {"sessions": "Sessions - Total"}, constants={"channel": "amazon"}, sums=True),),
    help=_(
        "Seller Central: Reports, Business reports, Detail page sales and traffic by child item. The report names no "
        "days: tell the period, and its sessions are spread over the days. A visitor who saw several items is counted "
        "at each; the report by date counts everyone once."
    ),
)
BY_DATE = Format(
    "amazon-business-report-by-date",
    "Amazon: business report by date",
    columns=(
        Header("Date", also=("Datum", "日期", "Fecha", "Data", "日付"), needed=True),
        _SESSIONS,
        _ORDERED,
    ),
    parts=(
        Part(
            TRAFFIC,
            {"date": "Date", "sessions": "Sessions - Total"},
            constants={"channel": "amazon"},
            sums=True,
        ),
    ),
    help=_("Seller Central: Reports, Business reports, Sales and traffic, shown by day."),
)
FORMATS = (ALL_ORDERS, SETTLEMENT, SETTLEMENT_V2, BY_ITEM, BY_DATE)
