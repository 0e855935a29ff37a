"""The drivers of the value model: which measures make each, how it is drawn, and what its reference is.

All are oriented so that up is good (the refund rate enters as the share kept). What their cells are: `engines.cubes`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from engines.business import Business, cohort_values, paid_only, referral_mask
from engines.conversion import STAGES
from engines.panel import Panel, pivot

WINDOW = 4  # weeks of "now": one cycle of pay days and promotions
YEAR = 52

Kind = Literal["rate", "mean", "count", "kept"]
EngineKey = Literal["market", "conversion", "aftersales"]


@dataclass(frozen=True, slots=True)
class Driver:
    """A factor of the value model, and the measures above and below its line. `kind`: rates and counts are drawn from
    counts, means and the share kept after refunds from the spread of amounts."""

    key: str
    engine: EngineKey
    kind: Kind
    upper: str
    lower: str


STAGE_DRIVERS = (
    Driver("engaged_share", "market", "rate", "engaged_sessions", "reached_sessions"),
    Driver("view_rate", "conversion", "rate", "product_views", "reached_engaged_sessions"),
    Driver("cart_rate", "conversion", "rate", "carts", "reached_product_views"),
    Driver("cart_view_rate", "conversion", "rate", "cart_views", "reached_carts"),
    Driver("checkout_rate", "conversion", "rate", "checkouts", "reached_cart_views"),
    Driver("attempt_rate", "conversion", "rate", "payment_attempts", "reached_checkouts"),
    Driver("payment_rate", "conversion", "rate", "payments", "reached_payment_attempts"),
)  # a rate is of the newest stage before it that is measured: `reached_` columns carry it across stages that are not
STAGE_KEYS = tuple(d.key for d in STAGE_DRIVERS)
OTHER_DRIVERS = (
    Driver("sessions_per_spend", "market", "count", "paid_sessions", "cost_base"),
    Driver("first_aov", "conversion", "mean", "net_base", "priced_orders"),
    Driver("repeat_orders", "aftersales", "count", "repeat_orders", "expected_repeat_orders"),
    Driver("repeat_aov", "aftersales", "mean", "repeat_net_base", "repeat_priced_orders"),
    Driver("kept_share", "aftersales", "kept", "kept_base", "refundable_base"),
    Driver("on_time_share", "aftersales", "rate", "kept_promises", "promised_deliveries"),
    Driver("first_reply", "aftersales", "rate", "replies_within", "known_replies"),
    Driver("referral", "aftersales", "count", "referral_first_orders", "earlier_orders"),
)


def model_panel(business: Business, weeks: np.ndarray) -> Panel:
    """The measures of the value model, W × M: the journey without referral, and everything else of all channels."""
    markets = business.markets()
    referral = referral_mask(business)
    journey = business.conversion.loc[~referral]
    values = pivot(with_reached(journey), (*STAGES, *_REACHED, "first_orders"), weeks, markets)
    everyone = pivot(business.conversion, _ALL_CHANNELS, weeks, markets)
    values |= {k: v for k, v in everyone.items() if k != "first_orders"}
    values["all_first_orders"] = everyone["first_orders"]
    paid = pivot(_paid_journey(business), ["sessions", "first_orders"], weeks, markets)
    values |= {"paid_sessions": paid["sessions"], "paid_first_orders": paid["first_orders"]}
    values |= pivot(business.market, ["cost_base"], weeks, markets)
    values |= pivot(business.aftersales, ["tickets"], weeks, markets)
    values |= cohort_values(business, weeks, markets)
    return Panel(weeks, markets, values)


_REACHED = tuple(f"reached_{stage}" for stage in STAGES)


def with_reached(frame: pd.DataFrame) -> pd.DataFrame:
    """The journey with a column per stage that takes the stage before where the stage is not measured."""
    carried = frame[list(STAGES)].ffill(axis=1)
    return frame.assign(**{f"reached_{stage}": carried[stage] for stage in STAGES})


_ALL_CHANNELS = (
    "orders",
    "first_orders",
    "priced_orders",
    "net_base",
    "net_squares",
    "first_priced_orders",
    "first_net_base",
    "first_net_squares",
    "costed_net_base",
    "contribution_base",
)


def _paid_journey(business: Business) -> pd.DataFrame:
    paid = paid_only(business)
    return paid.loc[~referral_mask(business).reindex(paid.index)]
