"""Results of the engines: an estimate with its interval, or the reason there is none."""

from dataclasses import dataclass


class EngineInputError(ValueError):
    """Input that cannot be right; the message names the row or value."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval and sample size.

    `n` is the count below the line (sessions of a rate, orders of a mean). `unit` is one of
    rate (0-1), count, number, money (base currency), money_per, days, hours, months, stars, points (-100 to 100),
    index (0-1), correlation (-1 to 1), score (0-1, read as 0-100), ratio, difference (of two rates, -1 to 1, read in
    percentage points).
    `low` and `high` are None where the value is a plain count or sum.
    """

    value: float
    low: float | None
    high: float | None
    n: float
    unit: str


@dataclass(frozen=True, slots=True)
class Unavailable:
    """Why there is no estimate. `reason` is a key of REASONS; `n` and `needed` say how far the data is."""

    reason: str
    n: float | None = None
    needed: float | None = None


Result = Estimate | Unavailable

REASONS = frozenset(
    {
        "no_traffic_data",
        "not_measured",
        "no_spend_data",
        "no_orders_data",
        "no_customer_data",
        "no_delivery_data",
        "no_review_data",
        "no_refund_data",
        "no_cost_data",
        "no_media_data",
        "no_return_data",
        "no_discount_data",
        "no_unit_data",
        "no_ticket_data",
        "no_reply_data",
        "no_survey_data",
        "no_invitation_data",
        "no_referral_channel",
        "no_campaign_data",
        "no_holdout",
        "entry_not_known",
        "more_than_all",
        "grows_by_itself",
        "no_investment_data",
        "not_by_channel",
        "not_paid_back",
        "no_demand_data",
        "no_spend_now",
        "no_attempt_data",
        "no_convergence",
        "not_worked_out",
        "nothing_spent",
        "not_yet_paid_back",
        "too_early",
        "too_few",
        "too_few_channels",
        "too_few_markets",
        "too_few_offers",
        "too_few_weeks",
        "too_little_covered",
        "too_steady",
        "too_young",
        "values_all_equal",
        "values_too_spread",
    }
)
