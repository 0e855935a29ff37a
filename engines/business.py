"""A business as the diagnosis reads it: its weekly measures, and the panels the KPIs and the value model need."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from engines import durations
from engines.panel import Array, Grid, Panel, pivot, week_range

REFERRAL = "referral"
MEDIA = "media"  # the kind of investment that advertising accounts tell too
PLACE = "\x1f"  # the unit separator, between the two codes of a channel in a market
WEEKS_90 = 13  # a cohort week's 90 days are over 13 weeks later
WEEKS_365 = 53  # and its 365 days 53 weeks later
REPEAT_WEEKS = {30: 5, 60: 9, 90: WEEKS_90, 180: 26}  # days after the first order -> weeks until all have had them
WEEKS_14 = 2  # 14 days after the last day of a week are over two weeks later
WEEKS_30 = 5
AGREED_REPLY_MINUTES = 24 * 60

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
    "mobile_sessions",
    "mobile_payments",
    "desktop_sessions",
    "desktop_payments",
    "discount_orders",
    "discount_gross_base",
    "discount_base",
    "discount_gross_squares",
    "discount_squares",
    "discount_products",
    "first_discount_base",
    "unit_orders",
    "units",
    "unit_squares",
    "basket_orders",
    "multi_orders",
)
MARKET = ("cost_base", "impressions", "clicks", "ctr_impressions", "ctr_clicks", "cpc_cost_base", "cpc_clicks")
AFTERSALES = (
    "deliveries",
    "delivery_days",
    "promised_deliveries",
    "late_by_time",
    "late_by_date",
    "reviews",
    "rating_sum",
    "rating_squares",
    "media_known",
    "media_reviews",
    "tickets",
    "proactive_known",
    "proactive_tickets",
    "csat_ratings",
    "csat_good",
    "refunds",
    "refund_base",
    "survey_answers",
    "promoters",
    "passives",
    "detractors",
    "invitations",
    "referred_first_orders",
)
CAMPAIGNS = (
    "answered_tickets",
    "reply_minutes",
    "campaign_sent",
    "campaign_opened",
    "campaign_clicked",
    "campaign_ordered",
    "campaign_order_sent",
)
COHORT_365 = (
    "repeat_orders_365",
    "costed_customers_365",
    "contribution_first",
    "contribution_30",
    "contribution_60",
    "contribution_90",
    "contribution_180",
    "contribution_365",
    "contribution_squares_365",
)


def _empty(*columns: str) -> Callable[[], pd.DataFrame]:
    """A frame without rows."""
    kinds = dict.fromkeys(("week", "month"), "datetime64[s]") | dict.fromkeys(
        ("market", "channel", "what", "kind", "method"), "str"
    )
    kinds["counts"] = "object"
    return lambda: pd.DataFrame({c: pd.Series(dtype=kinds.get(c, "float64")) for c in columns})


@dataclass(frozen=True)
class Business:
    """Weekly measures of one business, long frames with the columns week, market, channel, a facet and the measures.

    `conversion` (facet device), `market` (campaign may be summed away), `aftersales` (carrier), `cohorts` (week of
    first order), `followups` (weeks of what is followed); the channel of the last three may be summed away. Without
    channel: `durations` (what, counts as `engines.durations.unpack` reads them), `payments` (method), `investments` of
    the market engine (month, market, kind, amount_base). `channel_kinds`: channel code -> kind. Amounts are in base
    currency; NaN is not known.
    """

    conversion: pd.DataFrame
    market: pd.DataFrame
    aftersales: pd.DataFrame
    cohorts: pd.DataFrame
    channel_kinds: Mapping[str, str]
    followups: pd.DataFrame = field(default_factory=_empty("week", "market", "channel"))
    durations: pd.DataFrame = field(default_factory=_empty("week", "market", "what", "counts"))
    investments: pd.DataFrame = field(default_factory=_empty("month", "market", "kind", "amount_base"))
    payments: pd.DataFrame = field(default_factory=_empty("week", "market", "method", "paid_orders"))
    agreed_reply_minutes: float = AGREED_REPLY_MINUTES

    @classmethod
    def of_journey(cls, conversion: pd.DataFrame) -> "Business":
        """A business of which nothing is known but the journey and its orders."""
        nothing = _empty("week", "market", "channel", "cost_base")()
        return cls(conversion, nothing, nothing, nothing, {})

    def markets(self) -> tuple[str, ...]:
        """Every market code that has measures, sorted."""
        frames = (self.conversion, self.market, self.aftersales, self.cohorts, self.followups)
        return tuple(sorted({str(m) for f in frames for m in f["market"].unique()}))

    def weeks(self) -> tuple[np.datetime64, np.datetime64] | None:
        """First and last week of the journey, orders and spend; None when there is nothing."""
        known = [f["week"].to_numpy().astype("datetime64[D]") for f in (self.conversion, self.market) if len(f)]
        if not known:
            return None
        return min(k.min() for k in known), max(k.max() for k in known)

    def of_channel(self, channel: str) -> "Business":
        """The business with the measures of one channel only; what has no channel is left out."""
        kept = {name: getattr(self, name) for name in _CHANNEL_FRAMES}
        return self._without_channel({name: frame[frame["channel"] == channel] for name, frame in kept.items()})

    def by_channel(self, market: str = "") -> "Business":
        """The business with channels in the place of markets, of one market or all; what has no channel is left out."""
        kept = self._with_channel()
        of_market = {name: frame[frame["market"] == market] if market else frame for name, frame in kept.items()}
        return self._without_channel({name: f.assign(market=f["channel"]) for name, f in of_market.items()})

    def by_channel_in_market(self) -> "Business":
        """The same of every market at once: the code in the place of a market is that of `place`."""
        frames = {name: f.assign(market=f["market"] + PLACE + f["channel"]) for name, f in self._with_channel().items()}
        return self._without_channel(frames)

    def _with_channel(self) -> dict[str, pd.DataFrame]:
        """The frames that have a channel; those in which it is summed away without their rows."""
        kept = {name: getattr(self, name) for name in _CHANNEL_FRAMES}
        return {name: frame if "channel" in frame else frame[:0].assign(channel="") for name, frame in kept.items()}

    def _without_channel(self, frames: dict[str, pd.DataFrame]) -> "Business":
        untold = {name: getattr(self, name)[:0] for name in ("durations", "investments", "payments")}
        return replace(self, **frames, **untold)  # type: ignore[arg-type]


def place(market: str, channel: str) -> str:
    """The code of a channel in a market."""
    return f"{market}{PLACE}{channel}"


_CHANNEL_FRAMES = ("conversion", "market", "aftersales", "cohorts", "followups")


def panel(business: Business, first: np.datetime64, last: np.datetime64) -> Panel:
    """All measures that the KPIs read, weeks `first` to `last`, every market; cohorts in the week they matured."""
    weeks = week_range(first, last)
    markets = tuple(sorted({*business.markets(), *_invested_in(business, weeks)}))
    journey = Grid(business.conversion, weeks, markets)
    values = journey.sums(CONVERSION)
    values |= Grid(business.market, weeks, markets).sums(MARKET)
    values |= Grid(business.aftersales, weeks, markets).sums(AFTERSALES)
    kinds = _row_kinds(business)
    values |= _channel_values(business, journey, kinds)
    values |= cohort_values(business, weeks, markets)
    values |= _followed(Grid(business.followups, weeks, markets))
    values |= _duration_values(business, weeks, markets)
    values["kept_promises"] = values["promised_deliveries"] - values["late_by_date"]
    values["kept_by_time"] = values["promised_deliveries"] - values["late_by_time"]
    values |= abandoned(values)
    values |= _acquisition(business, values, weeks, markets, journey)
    return Panel(weeks, markets, values, _paired(business, journey, values, kinds.visited))


STEP_PAIRS = {
    "engaged_share": ("engaged_sessions", "sessions"),
    "view_rate": ("product_views", "engaged_sessions"),
    "cart_rate": ("carts", "product_views"),
    "checkout_rate": ("checkouts", "carts"),
    "attempt_rate": ("payment_attempts", "checkouts"),
    "payment_rate": ("payments", "payment_attempts"),
    "mobile_gap": ("mobile_payments", "mobile_sessions", "desktop_payments", "desktop_sessions"),
}  # KPI -> measures that make rates, two by two
OF_SPEND = {
    "cost_per_session": ("paid_sessions",),
    "cac_paid": ("paid_first_orders",),
    "roas": ("paid_net_base", "paid_net_squares", "paid_priced_orders"),
}  # KPI -> its measures of the channels that spend
LEFT_PAIRS = {"cart_abandonment": "carts", "checkout_abandonment": "checkouts"}
STEPS = frozenset(name for names in STEP_PAIRS.values() for name in names)


def _paired(
    business: Business, journey: Grid, values: Mapping[str, Array], visited: np.ndarray
) -> dict[tuple[str, str], Array]:
    """What a rate takes of the rows that tell both its sides: a marketplace's views are not a shop's carts' views.

    `visited`: the rows of spend on channels with known sessions. Where all rows tell both, there is nothing to choose.
    """
    known = {name: _told(business.conversion, name) for name in STEPS}
    found: dict[tuple[str, str], Array] = {}
    for key, names in STEP_PAIRS.items():
        for pair in zip(names[::2], names[1::2], strict=True):
            found |= {(key, name): array for name, array in _both(journey, known, pair).items()}
    for key, step in LEFT_PAIRS.items():
        if sums := _both(journey, known, (step, "payments")):
            left = np.maximum(sums[step] - sums["payments"], 0.0)
            found |= {(key, step): sums[step], (key, f"abandoned_{step}"): left}
    if not visited.all():
        spent = Grid(business.market, journey.weeks, journey.markets)
        found["cost_per_session", "cost_base"] = spent.sums(("cost_base",), only=visited)["cost_base"]
    for key, measure in found.keys() & {("engaged_share", "sessions"), ("cost_per_session", "cost_base")}:
        taken, whole = found[key, measure], values[measure]  # what is known and not taken is not what is missing
        found[key, measure] = np.where(np.isnan(taken) & ~np.isnan(whole), 0.0, taken)
    for key, measures in OF_SPEND.items():  # who is known to spend nothing has won nobody by it, which is not unknown
        nobody = {m: np.isnan(values[m]) & (values["cost_base"] == 0) for m in measures}
        found |= {(key, m): np.where(none, 0.0, values[m]) for m, none in nobody.items()}
    return found


def _both(journey: Grid, known: Mapping[str, np.ndarray], pair: tuple[str, str]) -> dict[str, Array]:
    """The sums of both over the rows that tell both; nothing where no row tells one alone: these are the panel's."""
    first, second = (known[name] for name in pair)
    return {} if np.array_equal(first, second) else journey.sums(pair, only=first & second)


def _told(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Which rows tell this; a column that is not there is told by none."""
    return frame[name].notna().to_numpy() if name in frame else np.zeros(len(frame), dtype=bool)


def abandoned(sums: Mapping[str, Array]) -> dict[str, Array]:
    """Sessions that reached the cart or the checkout and did not pay; none where more pay than came by it."""
    left = {f"abandoned_{step}": sums[step] - sums["payments"] for step in ("carts", "checkouts")}
    return {name: np.maximum(count, 0.0) for name, count in left.items()}


@dataclass(frozen=True, eq=False)
class RowKinds:
    """Masks of rows by what is known of their week, market and channel.

    Of the journey: `paid`, where there was spend; `tracked`, whose sessions are known, for orders of others have no
    rate. Of the spend: `visited`, where sessions are known.
    """

    paid: np.ndarray
    tracked: np.ndarray
    visited: np.ndarray


def _channel_values(business: Business, journey: Grid, kinds: RowKinds) -> dict[str, Array]:
    """What depends on the channel: those that spend, those whose sessions are known, word of mouth, all apart."""
    frame, paid, tracked = business.conversion, kinds.paid, kinds.tracked
    referral = referral_mask(business).to_numpy()
    channels, names = pd.factorize(frame["channel"])
    return {
        **_renamed(journey.sums(("sessions", *_SOLD), only=paid), "paid_"),
        **_renamed(journey.sums(("orders", *_SOLD), only=tracked), "tracked_"),
        **_renamed(journey.sums(("orders",), only=paid & tracked), "paid_"),
        **_renamed(journey.sums(("sessions",), only=referral), "referral_"),
        **_renamed(journey.sums(("orders",), only=referral & tracked), "referral_"),
        "first_orders_by_channel": journey.spread("first_orders", channels, max(len(names), 1)),
    }


_SOLD = ("first_orders", "priced_orders", "net_base", "net_squares")


def _renamed(values: Mapping[str, Array], prefix: str) -> dict[str, Array]:
    return {prefix + name: array for name, array in values.items()}


def cohort_values(business: Business, weeks: np.ndarray, markets: Sequence[str]) -> dict[str, Array]:
    """Cohort measures, each in the week in which its window was complete: matured_N and the sums."""
    grid = Grid(business.cohorts, weeks, tuple(markets))
    values: dict[str, Array] = {}
    for days, shift in REPEAT_WEEKS.items():
        found = grid.sums(("customers", f"repeaters_{days}", "repeat_orders_90"), shift)
        values |= {f"matured_{days}": found["customers"], f"repeaters_{days}": found[f"repeaters_{days}"]}
        if days == 90:
            values["repeat_orders_90"] = found["repeat_orders_90"]
    older = grid.sums(("customers", "repeat_orders_90", *COHORT_365), WEEKS_365)
    values |= {name: older[name] for name in COHORT_365}
    values["matured_365"] = older["customers"]
    values["repeat_orders_90_of_365"] = older["repeat_orders_90"]
    return values


def _followed(grid: Grid) -> dict[str, Array]:
    """What follows deliveries and orders, each in the week in which all had had the time; campaigns when sent."""
    reviewed = grid.sums(("followed_deliveries", "reviewed_deliveries"), WEEKS_14)
    returned = grid.sums(("followed_deliveries", "returned_deliveries"), WEEKS_30)
    touched = grid.sums(("followed_customers", "contacted_customers"), WEEKS_14)
    return {
        **grid.sums(CAMPAIGNS),
        "due_deliveries_14": reviewed["followed_deliveries"],
        "reviewed_deliveries": reviewed["reviewed_deliveries"],
        "due_deliveries_30": returned["followed_deliveries"],
        "returned_deliveries": returned["returned_deliveries"],
        "due_customers_14": touched["followed_customers"],
        "contacted_customers": touched["contacted_customers"],
    }


def _duration_values(business: Business, weeks: np.ndarray, markets: tuple[str, ...]) -> dict[str, Array]:
    """Histograms of deliveries and first replies (W × M × buckets), and replies within the agreed time."""
    found = {}
    for what, edges in (("delivery", durations.DELIVERY), ("reply", durations.REPLY)):
        frame = business.durations[business.durations["what"] == what]
        at, buckets, counts = durations.unpack(frame["counts"].tolist())
        places = durations.places(buckets, edges)
        found[what] = Grid(frame, weeks, markets).histogram(at, places, counts)
    known = np.where(np.isnan(found["reply"]).all(axis=-1), np.nan, np.nansum(found["reply"], axis=-1))
    within = durations.within(found["reply"], durations.REPLY, business.agreed_reply_minutes)
    return {
        "delivery_durations": found["delivery"],
        "reply_durations": found["reply"],
        "known_replies": known,
        "replies_within": np.where(np.isnan(known), np.nan, within),
    }


def _acquisition(
    business: Business, values: Mapping[str, Array], weeks: np.ndarray, markets: tuple[str, ...], journey: Grid
) -> dict[str, Array]:
    """All that winning customers cost: spend, investments and first orders' discounts; NaN where a part is not known.

    A week counts where the investments of all its days and some market's spend are known. A market without spend has
    then nothing to report, as in the blended CAC: its investments and customers count among all, but it has no figure
    of its own, for its spend is not known (`engines.kpi.LOADED` holds that). A market's week whose first orders do not
    all tell their discount is left out, costs and customers, because none of its sums would be whole.
    """
    invested, spend = _invested(business, values, weeks, markets), values["cost_base"]
    discounts = _first_discounts(business, journey)
    told = ~np.isnan(invested) & ~np.isnan(spend).all(axis=1, keepdims=True) & ~np.isnan(discounts)
    cost = np.nan_to_num(spend) + invested + discounts
    return {
        "invested_base": invested,
        "told_first_discount_base": discounts,
        "acquisition_cost_base": np.where(told, cost, np.nan),
        "loaded_first_orders": np.where(told, values["first_orders"], np.nan),
    }


def _invested(business: Business, values: Mapping[str, Array], weeks: np.ndarray, markets: tuple[str, ...]) -> Array:
    """W × M: each market's own investments and its part, by spend, of those for all markets.

    NaN in weeks with a day in a month without any investment: it has not been entered, which is not none. Media that is
    told as advertising spend already is counted once, as spend (`beside_spend`).
    """
    everywhere = tuple(dict.fromkeys((*markets, "")))
    investments = beside_spend(business.investments, business.market)
    daily = invested_weeks(investments, weeks[0])
    amounts = np.nan_to_num(pivot(daily, ["amount_base"], weeks, everywhere)["amount_base"])
    entered = investments["month"].to_numpy().astype("datetime64[M]")
    is_covered = [np.isin((weeks + np.timedelta64(days, "D")).astype("datetime64[M]"), entered) for days in (0, 6)]
    spend = np.nan_to_num(values["cost_base"])
    total = spend.sum(axis=1, keepdims=True)
    share = np.divide(spend, total, out=np.full_like(spend, 1 / max(len(markets), 1)), where=total > 0)
    for_all = amounts[:, [everywhere.index("")]]
    own = np.where(np.array(markets) == "", 0.0, amounts[:, : len(markets)])
    return np.where((is_covered[0] & is_covered[1])[:, None], own + for_all * share, np.nan)


def _first_discounts(business: Business, journey: Grid) -> Array:
    """W × M: discounts of first orders; zero where there was no first order, NaN where a row of some tells none."""
    frame = business.conversion
    names = ("first_orders", "first_discount_base")
    first, discount = (
        frame[n].to_numpy(dtype=np.float64) if n in frame else np.full(len(frame), np.nan) for n in names
    )
    untold = Grid(frame.assign(untold=1.0), journey.weeks, journey.markets).sums(
        ["untold"], only=(first > 0) & np.isnan(discount)
    )["untold"]
    found = np.nan_to_num(journey.sums(["first_discount_base"])["first_discount_base"])
    return np.where(np.isnan(untold), found, np.nan)


def _invested_in(business: Business, weeks: np.ndarray) -> set[str]:
    """The markets with investments of their own in these weeks: what they cost counts before anything is sold there."""
    investments = beside_spend(business.investments, business.market)
    months = investments["month"].to_numpy().astype("datetime64[M]")
    inside = (months >= weeks[0].astype("datetime64[M]")) & (months <= (weeks[-1] + 6).astype("datetime64[M]"))
    return {str(m) for m in investments.loc[inside, "market"].unique() if m}


def beside_spend(investments: pd.DataFrame, spent: pd.DataFrame) -> pd.DataFrame:
    """The investments without the media that `spent` (week, market, cost_base) tells already.

    A team enters its advertising as media, and its advertising accounts tell the same money: where anything was spent
    in the market and month, media of that market and month is left out; media for all markets where anything was spent
    in the month at all. Spend of no known market may be any market's. A week is of the month that has most of its days.
    """
    if "kind" not in investments:
        return investments
    weeks = spent.loc[spent["cost_base"] > 0]
    months = (weeks["week"].to_numpy().astype("datetime64[D]") + 3).astype("datetime64[M]")
    told = set(zip(months, weeks["market"].astype(str), strict=True))
    of_any = {month for month, _market in told}
    keys = zip(investments["month"].to_numpy().astype("datetime64[M]"), investments["market"].astype(str), strict=True)
    is_told = np.array(
        [
            (month, market) in told or (month, "") in told or (market == "" and month in of_any)
            for month, market in keys
        ],
        dtype=bool,
    )
    return investments.loc[~(is_told & (investments["kind"] == MEDIA).to_numpy())]


def invested_weeks(investments: pd.DataFrame, first_week: np.datetime64) -> pd.DataFrame:
    """Monthly amounts spread evenly over the days of their months: rows per week and market, one for each day.

    `first_week` is the start of any week of the grid.
    """
    months = investments["month"].to_numpy().astype("datetime64[M]")
    lengths = ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(int)
    row = np.repeat(np.arange(len(investments)), lengths)
    day = np.arange(len(row)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    days = (months.astype("datetime64[D]")[row] + day - first_week).astype(np.int64)
    return pd.DataFrame(
        {
            "week": first_week + days // 7 * 7,
            "market": investments["market"].to_numpy()[row],
            "amount_base": (investments["amount_base"].to_numpy(dtype=np.float64) / np.maximum(lengths, 1))[row],
        }
    )


def paid_only(business: Business) -> pd.DataFrame:
    """The journey's rows of a week, market and channel that spent in that week."""
    return business.conversion.loc[_row_kinds(business).paid]


def _row_kinds(business: Business) -> RowKinds:
    """The masks, by numbers that rows of one week, market and channel share, in the journey and in the spend."""
    journey, spend = business.conversion, business.market
    ids = np.zeros(len(journey) + len(spend), dtype=np.int64)
    for name in ("week", "market", "channel"):
        codes, found = pd.factorize(pd.concat([journey[name], spend[name]], ignore_index=True))
        ids = ids * max(len(found), 1) + codes
    own, spent = ids[: len(journey)], ids[len(journey) :]
    known = own[(journey["sessions"] > 0).to_numpy()]
    return RowKinds(
        np.isin(own, spent[(spend["cost_base"] > 0).to_numpy()]), np.isin(own, known), np.isin(spent, known)
    )


def referral_mask(business: Business) -> pd.Series:
    """True for the journey's rows that came by referral."""
    return business.conversion["channel"].astype(str).map(business.channel_kinds).eq(REFERRAL)
