"""What a KPI is: its measures, unit, words, sample size, and the shape that says how it is computed."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Direction = Literal["up", "down"]
EngineKey = Literal["market", "conversion", "aftersales"]

MIN_RATE = 100  # trials; below it the 95 % Wilson interval of a rate is wider than 20 points
MIN_ORDERS = 30  # below it the 95 % interval of a mean order value is wider than 40 % at the usual spread
MIN_EVENTS = 10  # events above the line; below it a count's relative error exceeds 32 %
MIN_SPREAD = 50  # facts for a percentile; below it the interval of a 90th percentile reaches the largest fact
MIN_CUSTOMERS = 100  # for a share of channels or a payback; below it the interval says next to nothing


class Shape(StrEnum):
    """How a KPI is computed, and so what its interval is (`engines.kpi.METHODS`)."""

    TOTAL = "total"  # a sum
    RATE = "rate"  # successes ÷ trials
    MEAN = "mean"  # sum ÷ count
    PER_COUNT = "per_count"  # money ÷ a count of events
    COUNT_RATIO = "count_ratio"  # a count of events ÷ another count
    SHARE = "share"  # money ÷ money, the upper made of `events` amounts
    PART = "part"  # money ÷ the money it is part of, over `events` orders that tell both
    SUM_RATIO = "sum_ratio"  # a sum of `events` amounts ÷ something given
    RATE_RATIO = "rate_ratio"  # a rate ÷ the rate `against`
    RATE_GAP = "rate_gap"  # 1 − a rate ÷ the rate `against`
    NET_SHARE = "net_share"  # (those for − those against) ÷ all, in points
    CONCENTRATION = "concentration"  # Σ of squared shares
    PERCENTILE = "percentile"  # of a histogram
    LTV_CAC = "ltv_cac"  # mean 12-month contribution ÷ CAC
    PAYBACK = "payback"  # the month in which cumulative contribution reaches CAC


@dataclass(frozen=True, slots=True)
class Words:
    """A text in both languages of the product."""

    en: str
    zh: str

    def get(self, language: str) -> str:
        """The text in `language` ("zh-hans", "en", ...); English when it is neither."""
        return self.zh if language.lower().startswith("zh") else self.en


@dataclass(frozen=True, slots=True)
class Kpi:
    """One KPI. `numerator` and `denominator` are measures; `squares`, `events` and `against` serve some shapes.

    `min_n` is what the denominator (or `events`) needs at least; `window` the weeks summed for one value.
    `moments`: of a PART, the sum of squares below the line and that of the products of both.
    `headline`: it is among the few on an engine's overview and in the weekly review. `percentile` in 0-1.
    """

    key: str
    engine: EngineKey
    shape: Shape
    unit: str
    numerator: str
    denominator: str
    direction: Direction
    name: Words
    definition: Words
    source: Words
    owner: Words
    min_n: float = 0
    squares: str = ""
    events: str = ""
    window: int = 1
    headline: bool = False
    against: tuple[str, str] | None = None
    moments: tuple[str, str] | None = None
    percentile: float = 0.0

    @property
    def measures(self) -> tuple[str, ...]:
        """Every measure that the KPI reads."""
        named = (
            self.numerator,
            self.denominator,
            self.squares,
            self.events,
            *(self.against or ()),
            *(self.moments or ()),
        )
        return tuple(dict.fromkeys(m for m in (*named, *self._more()) if m))

    def _more(self) -> tuple[str, ...]:
        if self.shape is Shape.LTV_CAC:
            return CAC_MEASURES
        if self.numerator == "acquisition_cost_base":
            return LOADED
        if self.shape is Shape.PAYBACK:
            return (*CONTRIBUTION_AT, *CAC_MEASURES)
        return ("sessions",) if STEPS & {self.numerator, self.denominator} else ()

    @property
    def formula(self) -> str:
        """The computation in the names of its measures."""
        upper, lower = self.numerator, self.denominator
        if self.against:
            ratio = f"({upper} ÷ {lower}) ÷ ({self.against[0]} ÷ {self.against[1]})"
            return f"1 − {ratio}" if self.shape is Shape.RATE_GAP else ratio
        special = {
            Shape.TOTAL: f"Σ {upper}",
            Shape.NET_SHARE: f"100 × ({upper} − {self.events}) ÷ {lower}",
            Shape.CONCENTRATION: f"Σ ({upper} ÷ Σ {upper})²",
            Shape.PERCENTILE: f"P{self.percentile:.0%}({upper})".replace("%", ""),
            Shape.LTV_CAC: f"({upper} ÷ {lower}) ÷ (cost_base ÷ first_orders)",
            Shape.PAYBACK: f"min m: contribution_m ÷ {lower} ≥ cost_base ÷ first_orders",
        }
        return special.get(self.shape, f"{upper} ÷ {lower}")

    @property
    def is_by_channel(self) -> bool:
        """Whether the KPI can be told of one channel."""
        return self.shape is not Shape.CONCENTRATION and not set(self.measures) & NO_CHANNEL


STAGES = frozenset({"engaged_sessions", "product_views", "carts", "checkouts", "payment_attempts", "payments"})
STEPS = STAGES | {"abandoned_carts", "abandoned_checkouts", "mobile_payments", "desktop_payments"}
CAC_MEASURES = ("cost_base", "first_orders")
LOADED = ("invested_base", "cost_base", "told_first_discount_base")  # what all has to be known of a full cost
CONTRIBUTION_AT = {
    "contribution_first": 0,
    "contribution_30": 1,
    "contribution_60": 2,
    "contribution_90": 3,
    "contribution_180": 6,
    "contribution_365": 12,
}  # cumulative contribution of customers with all costs known -> their age in months
NO_CHANNEL = frozenset(
    {"delivery_durations", "reply_durations", "known_replies", "replies_within", "acquisition_cost_base"}
)  # measures whose facts have no channel

ADS = Words("Advertising accounts and web analytics", "广告账户与网站分析")
ADS_ONLY = Words("Advertising accounts", "广告账户")
ADS_AND_SHOP = Words("Advertising accounts and shop orders", "广告账户与店铺订单")
WEB = Words("Web analytics", "网站分析")
SHOP = Words("Shop orders", "店铺订单")
SHOP_AND_WEB = Words("Shop orders and web analytics", "店铺订单与网站分析")
SHOP_AND_ADS = Words("Shop orders and advertising accounts", "店铺订单与广告账户")
DESK = Words("Help desk", "客服系统")
DESK_AND_SHOP = Words("Help desk and shop orders", "客服系统与店铺订单")
REVIEWS = Words("Reviews", "商品评价")
REVIEWS_AND_SHOP = Words("Reviews and shop orders", "商品评价与店铺订单")
SURVEYS = Words("Customer surveys", "客户调研")
REFERRALS = Words("Referral programme and shop orders", "推荐计划与店铺订单")
MAIL = Words("Mail tool", "邮件营销工具")
MARKETING = Words("Marketing", "市场团队")
SALES = Words("Sales", "销售团队")
SERVICE = Words("Customer service", "客服团队")
EVERYONE = Words("All three teams", "三个团队共同负责")
