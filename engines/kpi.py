"""The registry of KPIs: each once, with its measures, unit, words and sample size, and how it is computed.

A KPI is a ratio of sums of weekly measures, so a total is never an average of averages. Adding one is an entry
in KPIS and its test.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import hypot, isnan, sqrt
from typing import Literal

from engines import intervals
from engines.results import Estimate, Result, Unavailable

Direction = Literal["up", "down"]
Sums = Mapping[str, float]

MIN_RATE = 100  # trials; below it the 95 % Wilson interval of a rate is wider than 20 points
MIN_ORDERS = 30  # below it the 95 % interval of a mean order value is wider than 40 % at the usual spread
MIN_EVENTS = 10  # events above the line; below it a count's relative error exceeds 32 %


class Shape(StrEnum):
    """How a KPI is computed, and so what its interval is."""

    TOTAL = "total"  # a sum; no interval
    RATE = "rate"  # successes ÷ trials; Wilson
    MEAN = "mean"  # sum ÷ count; normal, from the sum of squares
    PER_COUNT = "per_count"  # money ÷ a count of events; log-normal, the count is Poisson
    SHARE = "share"  # money ÷ money, the upper made of `events` amounts; log-normal
    LTV_CAC = "ltv_cac"  # mean 12-month contribution ÷ CAC; delta method


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
    """One KPI. `numerator` and `denominator` are measures; `squares` and `events` serve the interval."""

    key: str
    engine: Literal["market", "conversion", "aftersales"]
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
    window: int = 1  # weeks summed for one value

    @property
    def measures(self) -> tuple[str, ...]:
        """Every measure that the KPI reads."""
        extra = LTV_CAC_MEASURES if self.shape is Shape.LTV_CAC else ("sessions",) if self.numerator in _STAGES else ()
        return tuple(m for m in (self.numerator, self.denominator, self.squares, self.events, *extra) if m)


_STAGES = frozenset({"engaged_sessions", "product_views", "carts", "checkouts", "payment_attempts", "payments"})
LTV_CAC_MEASURES = ("cost_base", "first_orders")

# which data is lacking when a measure is unknown
_MISSING = {
    "sessions": "no_traffic_data",
    "engaged_sessions": "no_traffic_data",
    "product_views": "no_traffic_data",
    "carts": "no_traffic_data",
    "checkouts": "no_traffic_data",
    "payment_attempts": "no_traffic_data",
    "payments": "no_traffic_data",
    "cost_base": "no_spend_data",
    "orders": "no_orders_data",
    "tracked_orders": "no_orders_data",
    "priced_orders": "no_orders_data",
    "net_base": "no_orders_data",
    "first_orders": "no_customer_data",
    "matured_90": "no_customer_data",
    "repeaters_90": "no_customer_data",
    "promised_deliveries": "no_delivery_data",
    "kept_promises": "no_delivery_data",
    "reviews": "no_review_data",
    "rating_sum": "no_review_data",
    "refund_base": "no_refund_data",
    "costed_customers_365": "no_cost_data",
    "contribution_365": "no_cost_data",
}

_ADS = Words("Advertising accounts and web analytics", "广告账户与网站分析")
_WEB = Words("Web analytics", "网站分析")
_SHOP = Words("Shop orders", "店铺订单")
_MARKETING = Words("Marketing", "市场团队")
_SALES = Words("Sales", "销售团队")
_SERVICE = Words("Customer service", "客服团队")


def _stage(key: str, upper: str, lower: str, name: Words, definition: Words) -> Kpi:
    return Kpi(
        key,
        "conversion",
        Shape.RATE,
        "rate",
        upper,
        lower,
        "up",
        name,
        definition,
        _WEB,
        _SALES,
        MIN_RATE,
    )


KPIS: dict[str, Kpi] = {
    k.key: k
    for k in [
        Kpi(
            "sessions",
            "market",
            Shape.TOTAL,
            "count",
            "sessions",
            "",
            "up",
            Words("Sessions", "访问量"),
            Words("Visits to the shops, all channels.", "所有渠道的店铺访问次数。"),
            _WEB,
            _MARKETING,
        ),
        Kpi(
            "cost_per_session",
            "market",
            Shape.PER_COUNT,
            "money",
            "cost_base",
            "paid_sessions",
            "down",
            Words("Cost per session", "单次访问成本"),
            Words(
                "Advertising spend ÷ sessions of the channels that spend.",
                "广告花费 ÷ 付费渠道的访问量。",
            ),
            _ADS,
            _MARKETING,
            MIN_RATE,
        ),
        Kpi(
            "cac",
            "market",
            Shape.PER_COUNT,
            "money",
            "cost_base",
            "first_orders",
            "down",
            Words("CAC (blended)", "获客成本（综合 CAC）"),
            Words(
                "All advertising spend ÷ new customers (first orders of any channel).",
                "全部广告花费 ÷ 新客户数（任一渠道的首单）。",
            ),
            Words("Advertising accounts and shop orders", "广告账户与店铺订单"),
            _MARKETING,
            MIN_ORDERS,
        ),
        Kpi(
            "engaged_share",
            "market",
            Shape.RATE,
            "rate",
            "engaged_sessions",
            "sessions",
            "up",
            Words("Engaged share", "有效访问率"),
            Words("Engaged sessions ÷ sessions.", "有效访问 ÷ 访问量。"),
            _WEB,
            _MARKETING,
            MIN_RATE,
        ),
        Kpi(
            "cvr",
            "conversion",
            Shape.RATE,
            "rate",
            "tracked_orders",
            "sessions",
            "up",
            Words("Conversion rate (CVR)", "转化率（CVR）"),
            Words(
                "Counted orders ÷ sessions, of channels whose sessions are known. "
                "Unpaid, cancelled and test orders do not count.",
                "有效订单 ÷ 访问量（仅计有访问数据的渠道）。未付款、已取消与测试订单不计入。",
            ),
            Words("Shop orders and web analytics", "店铺订单与网站分析"),
            _SALES,
            MIN_RATE,
        ),
        _stage(
            "view_rate",
            "product_views",
            "engaged_sessions",
            Words("Product view rate", "商品浏览率"),
            Words("Sessions with a product view ÷ engaged sessions.", "浏览过商品的访问 ÷ 有效访问。"),
        ),
        _stage(
            "cart_rate",
            "carts",
            "product_views",
            Words("Add-to-cart rate", "加购率"),
            Words(
                "Sessions with an addition to the cart ÷ sessions with a product view.",
                "加购访问 ÷ 浏览商品的访问。",
            ),
        ),
        _stage(
            "checkout_rate",
            "checkouts",
            "carts",
            Words("Checkout rate", "结账率"),
            Words("Sessions that begin checkout ÷ sessions with a cart.", "开始结账的访问 ÷ 加购访问。"),
        ),
        _stage(
            "attempt_rate",
            "payment_attempts",
            "checkouts",
            Words("Payment attempt rate", "支付发起率"),
            Words("Sessions that try to pay ÷ sessions that begin checkout.", "发起支付的访问 ÷ 开始结账的访问。"),
        ),
        _stage(
            "payment_rate",
            "payments",
            "payment_attempts",
            Words("Payment success", "支付成功率"),
            Words("Sessions with an accepted payment ÷ sessions that try to pay.", "支付成功的访问 ÷ 发起支付的访问。"),
        ),
        Kpi(
            "aov",
            "conversion",
            Shape.MEAN,
            "money",
            "net_base",
            "priced_orders",
            "up",
            Words("Average order value (AOV)", "客单价（AOV）"),
            Words(
                "Net order revenue (goods after discount, without shipping and tax) ÷ orders with a known amount.",
                "订单净收入（扣除折扣的商品金额，不含运费与税）÷ 金额已知的订单数。",
            ),
            _SHOP,
            _SALES,
            MIN_ORDERS,
            squares="net_squares",
        ),
        Kpi(
            "repeat_rate_90",
            "aftersales",
            Shape.RATE,
            "rate",
            "repeaters_90",
            "matured_90",
            "up",
            Words("Repeat rate, 90 days", "90 天复购率"),
            Words(
                "Customers with a second order within 90 days ÷ customers whose first order is at least 90 days old. "
                "A week shows the customers whose 90 days ended in it.",
                "90 天内再次下单的客户 ÷ 首单已满 90 天的客户。每周显示在该周满 90 天的客户。",
            ),
            _SHOP,
            _SERVICE,
            MIN_RATE,
        ),
        Kpi(
            "on_time",
            "aftersales",
            Shape.RATE,
            "rate",
            "kept_promises",
            "promised_deliveries",
            "up",
            Words("Delivered on promise", "按时送达率"),
            Words(
                "Deliveries on or before the promised calendar date in the market ÷ deliveries with a promised date.",
                "在承诺日期（市场当地日历日）当天或之前送达 ÷ 有承诺日期的送达。",
            ),
            _SHOP,
            _SERVICE,
            MIN_ORDERS,
        ),
        Kpi(
            "rating",
            "aftersales",
            Shape.MEAN,
            "stars",
            "rating_sum",
            "reviews",
            "up",
            Words("Review rating", "评价星级"),
            Words("Mean stars of the week's reviews, 1 to 5.", "当周评价的平均星级（1 至 5）。"),
            Words("Reviews", "商品评价"),
            _SERVICE,
            MIN_ORDERS,
            squares="rating_squares",
        ),
        Kpi(
            "refund_rate",
            "aftersales",
            Shape.SHARE,
            "rate",
            "refund_base",
            "net_base",
            "down",
            Words("Refund rate", "退款率"),
            Words(
                "Refunds of the week (on their own date) ÷ net order revenue of the week.",
                "当周退款额（按退款日期）÷ 当周订单净收入。",
            ),
            _SHOP,
            _SERVICE,
            MIN_EVENTS,
            events="refunds",
        ),
        Kpi(
            "ltv_cac",
            "aftersales",
            Shape.LTV_CAC,
            "ratio",
            "contribution_365",
            "costed_customers_365",
            "up",
            Words("LTV : CAC", "LTV : CAC（客户终身价值与获客成本之比）"),
            Words(
                "Observed contribution per customer in the 12 months after the first order, before refunds "
                "(customers whose 12 months ended in the last 13 weeks) ÷ blended CAC of the same 13 weeks.",
                "客户首单后 12 个月内的实际贡献毛利（未扣退款，仅计近 13 周内满 12 个月的客户）÷ 同期综合获客成本。",
            ),
            Words("Shop orders and advertising accounts", "店铺订单与广告账户"),
            Words("All three teams", "三个团队共同负责"),
            MIN_ORDERS,
            squares="contribution_squares_365",
            window=13,
        ),
    ]
}


def compute(kpi: Kpi, sums: Sums) -> Result:
    """The KPI from sums of its measures (NaN or absent: not known), with its 95 % interval; or why there is none."""
    lacking = next((m for m in kpi.measures if m in _MISSING and isnan(sums.get(m, float("nan")))), None)
    if lacking in _STAGES and not isnan(sums.get("sessions", float("nan"))):
        return Unavailable("not_measured")
    if lacking is not None:
        return Unavailable(_MISSING[lacking])
    return _COMPUTE[kpi.shape](kpi, sums)


def _total(kpi: Kpi, sums: Sums) -> Result:
    return Estimate(sums[kpi.numerator], None, None, sums[kpi.numerator], kpi.unit)


def _rate(kpi: Kpi, sums: Sums) -> Result:
    hits, trials = sums[kpi.numerator], sums[kpi.denominator]
    if trials < kpi.min_n:
        return Unavailable("too_few", trials, kpi.min_n)
    low, high = intervals.wilson(min(hits, trials), trials)
    return Estimate(hits / trials, low, high, trials, kpi.unit)


def _mean(kpi: Kpi, sums: Sums) -> Result:
    count = sums[kpi.denominator]
    if count < kpi.min_n:
        return Unavailable("too_few", count, kpi.min_n)
    total, squares = sums[kpi.numerator], sums[kpi.squares]
    low, high = intervals.mean(total, squares, count)
    return Estimate(total / count, low, high, count, kpi.unit)


def _per_count(kpi: Kpi, sums: Sums) -> Result:
    count = sums.get(kpi.denominator, float("nan"))
    if isnan(count):
        return Unavailable("no_traffic_data")
    if count < kpi.min_n:
        return Unavailable("too_few", count, kpi.min_n)
    value = sums[kpi.numerator] / count
    low, high = intervals.log_normal(value, 1 / sqrt(count))
    return Estimate(value, low, high, count, kpi.unit)


def _share(kpi: Kpi, sums: Sums) -> Result:
    events, below = sums.get(kpi.events, 0.0), sums[kpi.denominator]
    if below <= 0:
        return Unavailable("no_orders_data")
    if events < kpi.min_n:
        return Unavailable("too_few", events, kpi.min_n)
    value = sums[kpi.numerator] / below
    low, high = intervals.log_normal(value, sqrt(2 / events))  # amounts spread like their mean: variance doubles
    return Estimate(value, low, high, events, kpi.unit)


def _ltv_cac(kpi: Kpi, sums: Sums) -> Result:
    count, new, cost = sums[kpi.denominator], sums["first_orders"], sums["cost_base"]
    if min(count, new) < kpi.min_n:
        return Unavailable("too_few", min(count, new), kpi.min_n)
    if cost <= 0:
        return Unavailable("no_spend_data")
    ltv, cac = sums[kpi.numerator] / count, cost / new
    low, high = intervals.mean(sums[kpi.numerator], sums[kpi.squares], count)
    value = ltv / cac
    half = hypot((high - low) / 2 / cac, intervals.Z95 * value / sqrt(new))  # of LTV, and of the Poisson count in CAC
    return Estimate(value, value - half, value + half, count, kpi.unit)


_COMPUTE = {
    Shape.TOTAL: _total,
    Shape.RATE: _rate,
    Shape.MEAN: _mean,
    Shape.PER_COUNT: _per_count,
    Shape.SHARE: _share,
    Shape.LTV_CAC: _ltv_cac,
}
