"""Words of shops, trackers and people, and what they mean here. A mapping's own `values` come first."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext

from flywheel.facts.models import Engine, Investment, OrderState

_STATES: dict[str, tuple[str, ...]] = {
    OrderState.UNPAID: (
        "unpaid",
        "pending",
        "pending payment",
        "awaiting payment",
        "payment pending",
        "created",
        "draft",
        "checkout draft",
        "failed",
        "expired",
        "未付款",
        "待付款",
    ),
    OrderState.OPEN: (
        "open",
        "paid",
        "approved",
        "authorized",
        "authorised",
        "confirmed",
        "processing",
        "invoiced",
        "on hold",
        "unshipped",
        "unfulfilled",
        "new",
        "partially paid",
        "payment accepted",
        "已付款",
        "待发货",
    ),
    OrderState.SHIPPED: (
        "shipped",
        "partially shipped",
        "fulfilled",
        "partially fulfilled",
        "dispatched",
        "in transit",
        "shipping",
        "out for delivery",
        "shipped picked up",
        "shipped out for delivery",
        "已发货",
        "运输中",
    ),
    OrderState.DELIVERED: (
        "delivered",
        "complete",
        "completed",
        "received",
        "closed",
        "shipped delivered to buyer",
        "partially refunded",
        "已完成",
        "已签收",
        "已收货",
    ),
    OrderState.RETURNED: (
        "returned",
        "refunded",
        "shipped returned to seller",
        "shipped rejected by buyer",
        "已退货",
        "已退款",
    ),
    OrderState.CANCELLED: (
        "cancelled",
        "canceled",
        "voided",
        "void",
        "unavailable",
        "rejected",
        "trash",
        "已取消",
        "已关闭",
    ),
    OrderState.TEST: ("test", "测试"),
}

_STAGES: dict[str, tuple[str, ...]] = {
    "product_views": ("product_view", "view_item", "product_viewed", "view_product", "product_page", "view_content"),
    "carts": ("carts", "add_to_cart", "added_to_cart", "product_added", "addtocart", "cart_add"),
    "cart_views": ("cart_view", "view_cart", "cart", "cart_viewed", "cart_page"),
    "checkouts": (
        "checkout",
        "begin_checkout",
        "initiate_checkout",
        "checkout_started",
        "add_shipping_info",
        "shipping",
        "shipping_details",
    ),
    "payment_attempts": ("payment", "payment_attempt", "add_payment_info", "payment_details", "payment_info_entered"),
    "payments": ("purchase", "payment_accepted", "order_completed", "checkout_completed", "transaction"),
}


_ENGINES: dict[str, tuple[str, ...]] = {
    Engine.MARKET: (
        "market expansion",
        "markets",
        "acquisition",
        "marketing",
        "markt",
        "markterschließung",
        "市场",
        "市场拓展",
        "市场拓展引擎",
        "拉新",
        "获客",
    ),
    Engine.CONVERSION: (
        "customer conversion",
        "sales",
        "konversion",
        "conversion client",
        "verkauf",
        "vente",
        "转化",
        "客户转化",
        "客户转化引擎",
        "销售",
    ),
    Engine.AFTERSALES: (
        "after sales",
        "after sale",
        "customer service",
        "service",
        "retention",
        "kundenservice",
        "kundendienst",
        "service après vente",
        "sav",
        "售后",
        "售后优化",
        "售后优化引擎",
        "客服",
        "复购",
    ),
}
_INVESTMENT_KINDS: dict[str, tuple[str, ...]] = {
    Investment.Kind.MEDIA: ("ads", "advertising", "ad spend", "werbung", "publicité", "médias", "媒体", "广告", "投放"),
    Investment.Kind.PEOPLE: (
        "staff",
        "team",
        "salaries",
        "payroll",
        "personal",
        "gehälter",
        "personnel",
        "salaires",
        "人员",
        "人力",
        "工资",
        "薪酬",
    ),
    Investment.Kind.TOOLS: ("tool", "software", "saas", "werkzeuge", "outils", "logiciels", "工具", "软件", "系统"),
    Investment.Kind.SERVICE: (
        "services",
        "agency",
        "freelancer",
        "consulting",
        "dienstleistung",
        "agentur",
        "agence",
        "prestation",
        "服务",
        "外包",
        "代理",
        "咨询",
    ),
}


def plain(word: str) -> str:
    """A word without case, hyphens, doubled spaces and the many ways to encode a letter, for comparing."""
    composed = unicodedata.normalize("NFKC", word).casefold()
    return " ".join(composed.replace("-", " ").replace("_", " ").split())


@dataclass(frozen=True)
class Choice:
    """What the words of a column can stand for: (value, label) by `meanings`, the words themselves by `known`.

    `target` is the fact table's column that gets the value. `blank` is the value of an empty cell. `open`: a word that
    stands for nothing is no mistake.
    """

    name: str
    target: str
    meanings: tuple[tuple[str, str | Promise], ...]
    known: Mapping[str, tuple[str, ...]]
    blank: str = ""
    open: bool = False

    @cached_property
    def words(self) -> dict[str, str]:
        """Every word that is understood, plain, and its value: values, labels in each language, known words."""
        found: dict[str, str] = {}
        for code, _name in settings.LANGUAGES:
            with translation.override(code):
                found |= {plain(str(label)): value for value, label in self.meanings}
        found |= {plain(word): str(value) for value, words in self.known.items() for word in words}
        return found | {plain(value): str(value) for value, _label in self.meanings}

    def understood(self, own: Mapping[str, str]) -> dict[str, str]:
        """`words`, and before them a mapping's own; meanings that do not exist are left out."""
        values = {value for value, _label in self.meanings}
        return self.words | {plain(word): value for word, value in own.items() if value in values}

    @property
    def allowed(self) -> str:
        """The labels to choose from, in the active language."""
        return pgettext("between the words of a list", ", ").join(str(label) for _value, label in self.meanings)


ORDER_STATE = Choice("order_state", "state", tuple(OrderState.choices), _STATES, blank=OrderState.OPEN.value)
STAGE = Choice(
    "stage",
    "stage",
    (
        ("product_views", _("Product view")),
        ("carts", _("Item added to the cart")),
        ("cart_views", _("Cart seen")),
        ("checkouts", _("Checkout")),
        ("payment_attempts", _("Payment attempt")),
        ("payments", _("Payment accepted")),
    ),
    _STAGES,
    open=True,
)
ENGINE = Choice("engine", "engine", tuple(Engine.choices), _ENGINES)
INVESTMENT_KIND = Choice("investment_kind", "kind", tuple(Investment.Kind.choices), _INVESTMENT_KINDS)
CHOICES = {choice.name: choice for choice in (ORDER_STATE, STAGE, ENGINE, INVESTMENT_KIND)}
