"""A business as the diagnosis reads it: its weekly measures, and the panels the KPIs and the value model need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from engines.panel import Panel, pivot, week_range

REFERRAL = "referral"
WEEKS_90 = 13  # a cohort week's 90 days are over 13 weeks later
WEEKS_365 = 53  # and its 365 days 53 weeks later

CONVERSION = (
    "sessions",
    "engaged_sessions",
    "product_views",
    "carts",
    "cart_views",
    "checkouts",
    "payment_attempts",
    "payments",
    "orders",
    "first_orders",
    "priced_orders",
    "net_base",
    "net_squares",
    "first_priced_orders",
    "first_net_base",
    "first_net_squares",
    "costed_orders",
    "costed_net_base",
    "contribution_base",
)
MARKET = ("cost_base", "impressions", "clicks")
AFTERSALES = (
    "deliveries",
    "delivery_days",
    "promised_deliveries",
    "late_by_time",
    "late_by_date",
    "reviews",
    "rating_sum",
    "rating_squares",
    "tickets",
    "refunds",
    "refund_base",
)
COHORT_90 = ("repeaters_90", "repeat_orders_90")
COHORT_365 = (
    "repeat_orders_365",
    "costed_customers_365",
    "contribution_365",
    "contribution_squares_365",
)


@dataclass(frozen=True)
class Business:
    """Weekly measures of one business, long frames with the columns week, market, channel, a facet and the measures.

    `conversion` (facet device), `market` (campaign may be summed away), `aftersales` (carrier), `cohorts` (week of
    first order). `channel_kinds`: channel code -> kind. Amounts are in base currency; NaN is not known.
    """

    conversion: pd.DataFrame
    market: pd.DataFrame
    aftersales: pd.DataFrame
    cohorts: pd.DataFrame
    channel_kinds: Mapping[str, str]

    def markets(self) -> tuple[str, ...]:
        """Every market code that has measures, sorted."""
        frames = (self.conversion, self.market, self.aftersales, self.cohorts)
        return tuple(sorted({str(m) for f in frames for m in f["market"].unique()}))

    def weeks(self) -> tuple[np.datetime64, np.datetime64] | None:
        """First and last week of the journey, orders and spend; None when there is nothing."""
        known = [f["week"].to_numpy().astype("datetime64[D]") for f in (self.conversion, self.market) if len(f)]
        if not known:
            return None
        return min(k.min() for k in known), max(k.max() for k in known)


def panel(business: Business, first: np.datetime64, last: np.datetime64) -> Panel:
    """All measures that the KPIs read, weeks `first` to `last`, every market; cohorts in the week they matured."""
    weeks, markets = week_range(first, last), business.markets()
    values = pivot(business.conversion, CONVERSION, weeks, markets)
    values |= pivot(business.market, MARKET, weeks, markets)
    values |= pivot(business.aftersales, AFTERSALES, weeks, markets)
    values["paid_sessions"] = pivot(paid_only(business), ["sessions"], weeks, markets)["sessions"]
    values["tracked_orders"] = pivot(tracked_only(business), ["orders"], weeks, markets)["orders"]
    values |= cohort_values(business, weeks, markets)
    values["kept_promises"] = values["promised_deliveries"] - values["late_by_date"]
    return Panel(weeks, markets, values)


def cohort_values(business: Business, weeks: np.ndarray, markets: Sequence[str]) -> dict[str, np.ndarray]:
    """Cohort measures, each in the week in which its window was complete: matured_90, matured_365 and the sums."""
    codes = tuple(markets)
    values = pivot(business.cohorts, COHORT_90, weeks, codes, WEEKS_90)
    values |= pivot(business.cohorts, COHORT_365, weeks, codes, WEEKS_365)
    values["matured_90"] = pivot(business.cohorts, ["customers"], weeks, codes, WEEKS_90)["customers"]
    older = pivot(business.cohorts, ["customers", "repeat_orders_90"], weeks, codes, WEEKS_365)
    values["matured_365"] = older["customers"]
    values["repeat_orders_90_of_365"] = older["repeat_orders_90"]
    return values


def paid_only(business: Business) -> pd.DataFrame:
    """The journey's rows of a week, market and channel that spent in that week."""
    spending = business.market.loc[business.market["cost_base"] > 0]
    return _of_slices(business.conversion, _slices(spending))


def tracked_only(business: Business) -> pd.DataFrame:
    """The journey's rows of a week, market and channel whose sessions are known: orders of others have no rate."""
    known = business.conversion.loc[business.conversion["sessions"] > 0]
    return _of_slices(business.conversion, _slices(known))


def _slices(frame: pd.DataFrame) -> pd.MultiIndex:
    """Week, market and channel of each row."""
    days = frame["week"].to_numpy().astype("datetime64[D]").astype(np.int64)
    return pd.MultiIndex.from_arrays([days, frame["market"].astype(str), frame["channel"].astype(str)])


def _of_slices(frame: pd.DataFrame, wanted: pd.MultiIndex) -> pd.DataFrame:
    return frame.loc[_slices(frame).isin(wanted)]


def referral_mask(business: Business) -> pd.Series:
    """True for the journey's rows that came by referral."""
    return business.conversion["channel"].astype(str).map(business.channel_kinds).eq(REFERRAL)
