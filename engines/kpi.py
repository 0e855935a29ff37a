"""The registry of KPIs, and how one is computed from sums of its measures, for one slice or for many at once.

A KPI is a function of sums of weekly measures, so a total is never an average of averages. Adding one is an entry in
`engines/kpis/` and its test.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engines.kpis import aftersales, conversion, market
from engines.kpis.entry import LOADED, MIN_EVENTS, MIN_ORDERS, MIN_RATE, STAGES, STEPS, Direction, Kpi, Shape, Words
from engines.kpis.shapes import COMPUTE, HISTOGRAMS
from engines.panel import Array
from engines.results import Estimate, Result, Unavailable

__all__ = [
    "KPIS",
    "METHODS",
    "MIN_EVENTS",
    "MIN_ORDERS",
    "MIN_RATE",
    "Direction",
    "Figures",
    "Kpi",
    "Shape",
    "Words",
    "compute",
    "figures",
    "headlines",
]

Sums = Mapping[str, float]
KPIS: dict[str, Kpi] = {k.key: k for k in (*market.KPIS, *conversion.KPIS, *aftersales.KPIS)}

METHODS: dict[Shape, Words] = {
    Shape.TOTAL: Words("A count of everything there is: no interval.", "全量计数，无区间。"),
    Shape.RATE: Words(
        "Wilson score interval of a rate. No figure where the counts contradict each other: more did it than there "
        "were.",
        "比率的 Wilson 得分区间。若计数相互矛盾，即发生次数多于总数，则不给出数值。",
    ),
    Shape.MEAN: Words(
        "Normal interval of a mean, from the stored sum of squares.", "均值的正态区间，由所存平方和得出。"
    ),
    Shape.PER_COUNT: Words(
        "Log-normal interval: the count below the line is Poisson, the money is as spent. No figure where nothing was "
        "spent: what costs nothing has no price.",
        "对数正态区间：分母计数按泊松分布，金额为实际花费。未产生花费时不给出数值，零花费不等于成本为零。",
    ),
    Shape.COUNT_RATIO: Words(
        "Score interval of a Poisson count above the line; the count below is as it is.",
        "分子按泊松计数的得分区间；分母为实际计数。",
    ),
    Shape.SHARE: Words(
        "Log-normal interval, delta method: amounts are taken to spread like their mean. A share stays below 1.",
        "对数正态区间（delta 法）：假定金额的离散程度与其均值相当；占比不超过 1。",
    ),
    Shape.PART: Words(
        "Delta method over the orders, as a Wilson interval at the effective sample size: within 0 and 1.",
        "对各订单采用 delta 法，并按有效样本量取 Wilson 区间，始终介于 0 与 1 之间。",
    ),
    Shape.SUM_RATIO: Words(
        "Normal interval, delta method: the variance of a sum of Poisson many amounts is its sum of squares.",
        "正态区间（delta 法）：泊松笔数金额之和的方差即其平方和。",
    ),
    Shape.RATE_RATIO: Words(
        "Log-normal interval of a ratio of two rates, delta method.", "两个比率之比的对数正态区间（delta 法）。"
    ),
    Shape.RATE_GAP: Words(
        "One minus the log-normal interval of a ratio of two rates, delta method.",
        "1 减去两个比率之比的对数正态区间（delta 法）。",
    ),
    Shape.NET_SHARE: Words(
        "Normal interval with the variance of a multinomial: p + d − (p − d)².",
        "采用多项分布方差 p + d −（p − d）² 的正态区间。",
    ),
    Shape.CONCENTRATION: Words(
        "Normal interval with the variance of a multinomial, delta method.", "采用多项分布方差的正态区间（delta 法）。"
    ),
    Shape.PERCENTILE: Words(
        "Order statistics read off the histogram, even inside a bucket.",
        "由直方图读取的次序统计量区间，桶内按均匀分布。",
    ),
    Shape.LTV_CAC: Words(
        "Delta method: the spread of contributions and the Poisson count of new customers.",
        "delta 法：贡献毛利的离散程度与新客户数的泊松波动。",
    ),
    Shape.PAYBACK: Words(
        "The months at which the path reaches CAC moved by the joint error of contribution and CAC.",
        "将获客成本按贡献毛利与其自身的联合误差上下移动后的回本月数。",
    ),
}

# which data is lacking when a measure is unknown
_LACKING: dict[str, tuple[str, ...]] = {
    "no_traffic_data": (
        "sessions",
        *STAGES,
        "paid_sessions",
        "abandoned_carts",
        "abandoned_checkouts",
        "mobile_sessions",
        "desktop_sessions",
        "mobile_payments",
        "desktop_payments",
    ),
    "no_spend_data": (
        "cost_base",
        "ctr_clicks",
        "ctr_impressions",
        "cpc_cost_base",
        "cpc_clicks",
        "paid_first_orders",
        "paid_net_base",
        "paid_net_squares",
        "paid_priced_orders",
        "paid_orders",
    ),
    "no_orders_data": (
        "orders",
        "tracked_orders",
        "priced_orders",
        "net_base",
        "net_squares",
        "tracked_net_base",
        "tracked_net_squares",
        "tracked_priced_orders",
    ),
    "no_customer_data": (
        "first_orders",
        "loaded_first_orders",
        "first_orders_by_channel",
        "first_net_base",
        "first_net_squares",
        "first_priced_orders",
        *(f"{name}_{days}" for name in ("matured", "repeaters") for days in (30, 60, 90, 180)),
        "due_customers_14",
    ),
    "no_delivery_data": (
        "promised_deliveries",
        "kept_promises",
        "kept_by_time",
        "delivery_durations",
        "due_deliveries_14",
        "due_deliveries_30",
    ),
    "no_review_data": ("reviews", "rating_sum", "rating_squares", "reviewed_deliveries"),
    "no_media_data": ("media_known", "media_reviews"),
    "no_refund_data": ("refund_base",),
    "no_return_data": ("returned_deliveries",),
    "no_cost_data": (
        "costed_customers_365",
        "contribution_365",
        "contribution_squares_365",
        "contribution_first",
        "contribution_30",
        "contribution_60",
        "contribution_90",
        "contribution_180",
    ),
    "no_discount_data": (
        "told_first_discount_base",
        "discount_base",
        "discount_gross_base",
        "discount_orders",
        "discount_squares",
        "discount_gross_squares",
        "discount_products",
    ),
    "no_unit_data": ("units", "unit_orders", "unit_squares", "basket_orders", "multi_orders"),
    "no_ticket_data": (
        "tickets",
        "proactive_known",
        "proactive_tickets",
        "csat_ratings",
        "csat_good",
        "contacted_customers",
    ),
    "no_reply_data": ("reply_durations", "known_replies", "replies_within"),
    "no_survey_data": ("survey_answers", "promoters", "detractors"),
    "no_invitation_data": ("invitations", "referred_first_orders"),
    "no_referral_channel": ("referral_sessions", "referral_orders"),
    "no_campaign_data": ("campaign_ordered", "campaign_order_sent"),
    "no_investment_data": ("acquisition_cost_base", "invested_base"),
}
_MISSING = {measure: reason for reason, measures in _LACKING.items() for measure in measures}


@dataclass(frozen=True)
class Figures:
    """A KPI of many slices. `reason` is '' where there is a value; `n` and `needed` as in Unavailable elsewhere."""

    unit: str
    value: Array
    low: Array
    high: Array
    n: Array
    needed: Array
    reason: Any  # an array of str

    def __getitem__(self, at: Any) -> Result:
        """The result of one slice."""
        reason = str(self.reason[at])
        if reason:
            return Unavailable(reason, _float(self.n[at]), _float(self.needed[at]))
        return Estimate(
            float(self.value[at]), _float(self.low[at]), _float(self.high[at]), float(self.n[at]), self.unit
        )

    def row(self, at: int) -> "Figures":
        """The slices of one place of the first dimension."""
        parts = (self.value, self.low, self.high, self.n, self.needed, self.reason)
        return Figures(self.unit, *(part[at] for part in parts))

    def results(self) -> list[Result]:
        """The results of slices in a row (one dimension)."""
        return [self[at] for at in range(len(self.value))]


def _float(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def headlines(engine: str = "") -> tuple[Kpi, ...]:
    """The few KPIs of an engine's overview and of the weekly review; of all engines without `engine`."""
    return tuple(k for k in KPIS.values() if k.headline and engine in ("", k.engine))


def compute(kpi: Kpi, sums: Mapping[str, float | Array]) -> Result:
    """The KPI from sums of its measures (NaN or absent: not known), with its 95 % interval; or why there is none."""
    return figures(kpi, {m: np.asarray(v, dtype=np.float64)[None] for m, v in sums.items()})[0]


def figures(kpi: Kpi, sums: Mapping[str, Array]) -> Figures:
    """The KPI of many slices: each measure an array of one shape (a histogram's has its buckets last)."""
    shape = next((_slices(kpi, m, sums[m]).shape for m in kpi.measures if m in sums), (1,))
    known = {m: sums[m] if m in sums else _unknown(m, shape) for m in kpi.measures}
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        raw = COMPUTE[kpi.shape](kpi, known)
        enough = raw.n if raw.enough is None else raw.enough
        reason = np.where(enough < kpi.min_n, "too_few", "").astype("U24")
    n = np.where(reason == "", raw.n, enough)
    for name, against in raw.refused.items():
        reason = np.where(against, name, reason)
    reason = _lacking(kpi, known, reason)
    told = (reason == "") | (reason == "too_few")
    needed = np.where(reason == "too_few", float(kpi.min_n), np.nan)
    return Figures(kpi.unit, raw.value, raw.low, raw.high, np.where(told, n, np.nan), needed, reason)


def _lacking(kpi: Kpi, known: Mapping[str, Array], reason: Any) -> Any:
    """Where a measure is not known, that is the reason: the first in the KPI's order."""
    for measure in reversed(kpi.measures):
        if measure == kpi.events and kpi.shape is Shape.SHARE:
            continue  # none known is none
        gone = np.isnan(_slices(kpi, measure, known[measure]))
        reason = np.where(gone, _MISSING[measure], reason)
        if measure in STEPS:
            reason = np.where(gone & ~np.isnan(known["sessions"]), "not_measured", reason)
    if kpi.numerator.startswith("tracked_"):  # orders that have sessions beside them: without these there are none
        reason = np.where(np.isnan(known["sessions"]), _MISSING["sessions"], reason)
    for measure in reversed(LOADED if set(LOADED) <= set(kpi.measures) else ()):  # the part that makes the sum unknown
        reason = np.where(np.isnan(known[measure]), _MISSING[measure], reason)
    return reason


def _slices(kpi: Kpi, measure: str, values: Array) -> Array:
    """A measure without its buckets or channels: NaN where none is known."""
    if measure in HISTOGRAMS or kpi.shape is Shape.CONCENTRATION:
        return np.asarray(np.where(np.isnan(values).all(axis=-1), np.nan, 0.0))
    return values


def _unknown(measure: str, shape: tuple[int, ...]) -> Array:
    buckets = HISTOGRAMS[measure].size if measure in HISTOGRAMS else None
    if measure == "first_orders_by_channel":
        buckets = 1
    return np.full((*shape, buckets) if buckets else shape, np.nan)
