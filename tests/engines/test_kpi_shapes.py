"""Each shape of a KPI: values worked out by hand, published intervals, bounds, and what is withheld."""

import math

import numpy as np
import pandas as pd
import pytest

from engines import weekly
from engines.business import Business, beside_spend, invested_weeks, panel
from engines.intervals import net_share, poisson, squared_shares, wilson
from engines.kpi import KPIS, METHODS, compute, headlines
from engines.kpis.shapes import HISTOGRAMS
from engines.results import Estimate, Unavailable
from tests.businesses import LAST, WEEKS, business

FIRST = LAST - (WEEKS - 1) * np.timedelta64(7, "D")
MANY = 100_000.0


def value(key, **sums):
    """The estimate of a KPI from these sums; fails when there is none."""
    result = compute(KPIS[key], {name: np.asarray(v, dtype=float) for name, v in sums.items()})
    assert isinstance(result, Estimate), result
    return result


def reason(key, **sums):
    result = compute(KPIS[key], {name: np.asarray(v, dtype=float) for name, v in sums.items()})
    assert isinstance(result, Unavailable), result
    return result.reason


# --- intervals ------------------------------------------------------------------------------------------------------
def test_the_score_interval_of_a_count_of_none_reaches_z_squared():
    low, high = poisson(0.0)
    assert low == 0
    assert high == pytest.approx(1.96**2, rel=1e-3)


def test_the_score_interval_of_ten_is_the_published_one():
    low, high = poisson(10.0)
    assert [low, high] == pytest.approx([5.43, 18.41], abs=0.01)


def test_net_share_has_the_variance_of_three_outcomes():
    low, high = net_share(50.0, 20.0, 100.0)
    half = 1.959964 * math.sqrt((0.7 - 0.3**2) / 100)
    assert [low, high] == pytest.approx([0.3 - half, 0.3 + half])
    assert net_share(100.0, 0.0, 100.0) == (1.0, 1.0)


def test_squared_shares_of_equal_parts_are_one_over_their_number():
    low, high = squared_shares(np.full(4, 0.25), 1000.0)
    assert (low, high) == (0.25, 0.25)  # the variance of the sum is zero where all parts are equal


# --- market ---------------------------------------------------------------------------------------------------------
def test_clicks_per_impression_and_cost_per_click_take_rows_that_tell_both():
    assert value("ctr", ctr_clicks=200, ctr_impressions=10_000).value == 0.02
    assert value("cpc", cpc_cost_base=300, cpc_clicks=200).value == 1.5
    assert reason("cpc", cpc_cost_base=300, cpc_clicks=math.nan) == "no_spend_data"


def test_the_three_costs_of_a_customer_differ_in_what_they_divide():
    sums = {"cost_base": 3000, "first_orders": 150, "paid_first_orders": 100}
    sums |= {"acquisition_cost_base": 4500, "loaded_first_orders": 150}
    sums |= {"invested_base": 1000, "told_first_discount_base": 500}
    found = [value(key, **sums).value for key in ("cac_paid", "cac", "cac_full")]
    assert found == [30, 20, 30]


def test_roas_and_mer_are_revenue_over_spend():
    roas = value("roas", paid_net_base=6000, paid_net_squares=100 * 60**2, paid_priced_orders=100, cost_base=2000)
    assert roas.value == 3
    assert roas.high - roas.value == pytest.approx(1.96 * 60 * 10 / 2000, rel=1e-3)
    mer = value("mer", net_base=9000, net_squares=150 * 60**2, priced_orders=150, cost_base=2000)
    assert (mer.value, mer.n) == (4.5, 150)
    assert reason("mer", net_base=9000, net_squares=1, priced_orders=150, cost_base=0) == "nothing_spent"


@pytest.mark.parametrize("key", ["cac", "cac_paid", "cost_per_session", "cpc", "ltv_cac", "payback_months", "roas"])
def test_what_costs_nothing_has_no_price(key):
    """A CAC of 0 from 0 to 0 would be the best there is, sure beyond doubt, of a channel that is switched off."""
    kpi = KPIS[key]
    found = dict.fromkeys(kpi.measures, 5_000.0)
    assert isinstance(compute(kpi, found), Estimate)
    assert compute(kpi, found | {m: 0.0 for m in found if m.endswith("cost_base")}) == Unavailable("nothing_spent")


def test_one_channel_alone_is_fully_concentrated_and_equal_ones_are_not():
    assert value("channel_hhi", first_orders_by_channel=[500, 0]).value == 1
    equal = value("channel_hhi", first_orders_by_channel=[100, 100, 100, 100])
    assert (equal.value, equal.n) == (0.25, 400)
    uneven = value("channel_hhi", first_orders_by_channel=[600, 300, 100])
    assert uneven.value == pytest.approx(0.46)
    assert uneven.low < 0.46 < uneven.high


def test_word_of_mouth_needs_a_channel_of_that_kind():
    assert value("word_of_mouth_share", referral_sessions=50, sessions=1000).value == 0.05
    assert reason("word_of_mouth_share", referral_sessions=math.nan, sessions=1000) == "no_referral_channel"


# --- conversion -----------------------------------------------------------------------------------------------------
def test_abandonment_is_what_payment_success_leaves():
    carts = value("cart_abandonment", abandoned_carts=700, carts=1000, sessions=MANY)
    assert carts.value == 0.7
    assert value("checkout_abandonment", abandoned_checkouts=300, checkouts=600, sessions=MANY).value == 0.5
    assert reason("cart_abandonment", abandoned_carts=math.nan, carts=1000, sessions=MANY) == "not_measured"


def test_phones_that_convert_half_as_well_have_a_gap_of_a_half():
    sums = {"mobile_payments": 200, "mobile_sessions": 10_000, "desktop_payments": 200, "desktop_sessions": 5_000}
    gap = value("mobile_gap", **sums, sessions=15_000)
    assert gap.value == pytest.approx(0.5)
    error = math.sqrt(1 / 200 - 1 / 10_000 + 1 / 200 - 1 / 5_000)
    assert (1 - gap.low) / (1 - gap.value) == pytest.approx(math.exp(1.959964 * error))
    assert reason("mobile_gap", **{**sums, "desktop_payments": 9}, sessions=15_000) == "too_few"
    assert reason("mobile_gap", **{**sums, "mobile_payments": 0}, sessions=15_000) == "too_few"


def test_baskets_and_units():
    assert value("units_per_order", units=250, unit_orders=100, unit_squares=800).value == 2.5
    assert value("attach_rate", multi_orders=30, basket_orders=120).value == 0.25
    first = value("first_aov", first_net_base=6000, first_priced_orders=100, first_net_squares=400_000)
    assert first.value == 60


def discounts(gross, off):
    """The sums of orders of `gross` with a discount of `off` each, as the KPI reads them."""
    return {
        "discount_base": off.sum(),
        "discount_gross_base": gross.sum(),
        "discount_orders": len(gross),
        "discount_squares": (off**2).sum(),
        "discount_gross_squares": (gross**2).sum(),
        "discount_products": (gross * off).sum(),
    }


def test_the_discount_rate_is_discounts_over_goods_of_the_orders_that_tell_both():
    gross = np.full(40, 50.0)
    found = value("discount_rate", **discounts(gross, np.where(np.arange(40) < 20, 10.0, 0.0)))
    assert (found.value, found.n) == (0.1, 40)
    size = 0.1 * 0.9 / (0.01 / 39)  # the variance of 20 rates of 0.2 and 20 of none is 0.01 ÷ 39
    assert [found.low, found.high] == pytest.approx(wilson(0.1 * size, size))
    few = compute(KPIS["discount_rate"], discounts(gross[:29], gross[:29] / 10))
    assert few == Unavailable("too_few", 29, 30)


@pytest.mark.parametrize("discounted", [0, 1, 2, 199, 200])
@pytest.mark.parametrize("share", [0.05, 1.0])
def test_the_interval_of_a_discount_rate_never_leaves_0_to_1(discounted, share):
    gross = np.linspace(10, 90, 200)
    found = value("discount_rate", **discounts(gross, np.where(np.arange(200) < discounted, share * gross, 0.0)))
    assert 0 <= found.low <= found.value <= found.high <= 1
    assert found.high > 0


def test_the_interval_of_a_discount_rate_holds_the_truth_in_about_95_of_100_shops():
    rng = np.random.default_rng(5)
    truth, held = 0.25 * 0.2, 0
    for _shop in range(1000):
        gross = rng.lognormal(4, 0.6, 300)
        found = value("discount_rate", **discounts(gross, gross * 0.2 * (rng.random(300) < 0.25)))
        held += found.low <= truth <= found.high
    assert 930 <= held <= 965


def test_a_refund_rate_of_few_large_refunds_stays_a_share():
    found = value("refund_rate", refund_base=800, net_base=1000, refunds=10)
    assert found.low < 0.8 < found.high == 1


def test_the_interval_of_a_rating_stays_within_its_stars():
    found = value("rating", rating_sum=149, reviews=30, rating_squares=29 * 25 + 16)
    assert found.low < found.value < found.high == 5


def test_revenue_per_session_is_of_sessions_that_are_known():
    sums = {"tracked_net_base": 4000, "tracked_net_squares": 50 * 80**2, "tracked_priced_orders": 50}
    found = value("revenue_per_session", **sums, sessions=2000)
    assert (found.value, found.n) == (2.0, 50)
    assert found.low < 2 < found.high


# --- after-sales ----------------------------------------------------------------------------------------------------
def test_the_net_promoter_score_runs_from_minus_a_hundred_to_a_hundred():
    assert value("nps", promoters=50, detractors=20, survey_answers=100).value == pytest.approx(30)
    assert value("nps", promoters=0, detractors=40, survey_answers=40).value == -100
    assert reason("nps", promoters=20, detractors=2, survey_answers=29) == "too_few"


def test_contacts_and_invitations_may_outnumber_what_they_are_divided_by():
    assert value("contact_rate", tickets=300, orders=200).value == 1.5
    none = value("contact_rate", tickets=0, orders=200)
    assert (none.value, none.low) == (0, 0)
    assert none.high == pytest.approx(1.96**2 / 200, rel=1e-3)


def test_k_is_invitations_per_customer_times_their_conversion():
    sums = {"invitations": 600, "referred_first_orders": 90, "first_orders": 1000}
    each, conversion, k = (
        value(key, **sums).value for key in ("invitations_per_customer", "referral_conversion", "referral_k")
    )
    assert each * conversion == pytest.approx(k)
    assert k == 0.09


def test_word_of_mouth_is_compared_with_paid_traffic():
    sums = {"referral_orders": 60, "referral_sessions": 1000, "paid_orders": 400, "paid_sessions": 20_000}
    lift = value("word_of_mouth_lift", **sums)
    assert lift.value == pytest.approx(3)
    assert lift.low < 3 < lift.high


@pytest.mark.parametrize(
    ("key", "unit", "expected"), [("delivery_days_p50", "days", 5), ("delivery_days_p90", "days", 9)]
)
def test_delivery_days_are_read_off_the_histogram(key, unit, expected):
    counts = np.zeros(HISTOGRAMS["delivery_durations"].size)
    counts[: 10 * 24] = 5  # evenly over ten days
    found = value(key, delivery_durations=counts)
    assert (found.value, found.unit, found.n) == (pytest.approx(expected, abs=0.05), unit, 1200)
    assert reason(key, delivery_durations=counts / 1200 * 49) == "too_few"
    assert reason(key, delivery_durations=np.full(4, np.nan)) == "no_delivery_data"


@pytest.mark.parametrize(("key", "expected"), [("first_reply_p50", 2), ("first_reply_p90", 3.6)])
def test_first_replies_are_in_hours(key, expected):
    counts = np.zeros(HISTOGRAMS["reply_durations"].size)
    counts[: 4 * 12] = 10  # evenly over four hours
    assert value(key, reply_durations=counts).value == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("key", "upper", "lower"),
    [
        ("on_time_by_stamp", "kept_by_time", "promised_deliveries"),
        ("reply_within", "replies_within", "known_replies"),
        ("first_contact", "contacted_customers", "due_customers_14"),
        ("proactive_share", "proactive_tickets", "proactive_known"),
        ("csat", "csat_good", "csat_ratings"),
        ("return_rate", "returned_deliveries", "due_deliveries_30"),
        ("review_rate", "reviewed_deliveries", "due_deliveries_14"),
        ("media_share", "media_reviews", "media_known"),
        ("campaign_order_rate", "campaign_ordered", "campaign_order_sent"),
        *((f"repeat_rate_{n}", f"repeaters_{n}", f"matured_{n}") for n in (30, 60, 180)),
    ],
)
def test_shares_carry_wilson_intervals(key, upper, lower):
    found = value(key, **{upper: 81, lower: 263})
    assert (round(found.low, 4), round(found.high, 4), found.n) == (0.2553, 0.3662, 263)  # Newcombe 1998
    assert reason(key, **{upper: 1, lower: KPIS[key].min_n - 1}) == "too_few"


PATH = {"contribution_first": 10, "contribution_30": 12, "contribution_60": 14, "contribution_90": 16}
PATH |= {"contribution_180": 22, "contribution_365": 40}


def payback(cac, path=PATH):
    count = 1000.0
    sums = {name: v * count for name, v in path.items()}
    return compute(
        KPIS["payback_months"],
        {**sums, "costed_customers_365": count, "contribution_squares_365": count * 41 * 41,
         "cost_base": cac * 500.0, "first_orders": 500.0},
    )  # fmt: skip


@pytest.mark.parametrize(("cac", "months"), [(9, 0), (10, 0), (11, 1), (12, 1), (16.1, 4), (22, 6), (31, 9), (40, 12)])
def test_payback_is_the_first_month_whose_contribution_reaches_the_cost(cac, months):
    found = payback(cac)
    assert isinstance(found, Estimate)
    assert (found.value, found.unit) == (months, "months")
    assert found.low <= months


def test_what_is_not_paid_back_in_a_year_has_no_month():
    assert payback(40.01).reason == "not_paid_back"
    assert payback(20, dict.fromkeys(PATH, -1)).reason == "not_paid_back"


def test_observed_lifetime_value_is_a_mean_with_its_spread():
    found = value("ltv_12m", contribution_365=40_000, contribution_squares_365=1000 * 2000, costed_customers_365=1000)
    assert found.value == 40
    assert found.high - 40 == pytest.approx(1.96 * 20 / math.sqrt(1000), rel=1e-3)


# --- the registry ---------------------------------------------------------------------------------------------------
def test_every_kpi_is_named_by_its_key_and_states_its_interval():
    assert all(KPIS[key].key == key for key in KPIS)
    assert {k.shape for k in KPIS.values()} <= METHODS.keys()
    assert all(words.en and words.zh for words in METHODS.values())


@pytest.mark.parametrize("engine", ["market", "conversion", "aftersales"])
def test_an_overview_shows_a_few(engine):
    assert 5 <= len(headlines(engine)) <= 8


def test_the_panel_has_every_measure_of_every_kpi():
    made = panel(business(1), FIRST, LAST)
    for kpi in KPIS.values():
        assert not set(kpi.measures) - made.values.keys(), kpi.key


def test_many_slices_give_what_each_alone_gives():
    made = panel(business(1), FIRST, LAST)
    last = len(made.weeks) - 1
    for kpi in KPIS.values():
        lines = weekly.series(kpi, made, range(last - 5, last + 1)).results()
        alone = [weekly.result_at(kpi, made, at) for at in range(last - 5, last + 1)]
        for one, other in zip(lines, alone, strict=True):
            assert type(one) is type(other)
            if isinstance(one, Estimate):
                assert one.value == pytest.approx(other.value)
                assert (one.low is None) == (other.low is None)
                assert one.n == pytest.approx(other.n)
            else:
                assert one == other
        each = weekly.by_market(kpi, made, last)
        assert str(each[0]) == str(weekly.result_at(kpi, made, last, 0))


def test_a_value_lies_in_its_interval():
    made = panel(business(1), FIRST, LAST)
    known = 0
    for kpi in KPIS.values():
        for found in weekly.by_market(kpi, made, len(made.weeks) - 1).results():
            if isinstance(found, Estimate) and found.low is not None:
                assert found.low <= found.value <= found.high, kpi.key
                known += 1
    assert known > 60


# --- panels ---------------------------------------------------------------------------------------------------------
def follow(**measures):
    """A business whose one market had these follow-ups in its first week."""
    whole = business(1)
    rows = pd.DataFrame(
        {"week": [FIRST], "market": ["DE"], "channel": ["email"], **{k: [v] for k, v in measures.items()}}
    )
    return panel(Business(**{**vars(whole), "followups": rows.astype({"week": "datetime64[s]"})}), FIRST, LAST)


def test_followed_deliveries_show_when_they_had_the_time():
    made = follow(followed_deliveries=200, reviewed_deliveries=50, returned_deliveries=4)
    de = made.markets.index("DE")
    reviewed = made["reviewed_deliveries"][:, de]
    assert np.flatnonzero(~np.isnan(reviewed)).tolist() == [2]  # fourteen days after its last day the week is over
    assert np.flatnonzero(~np.isnan(made["returned_deliveries"][:, de])).tolist() == [5]
    assert weekly.result_at(KPIS["review_rate"], made, 2, de).value == 0.25


def test_a_months_investment_is_spread_over_its_days():
    months = pd.DataFrame({"month": pd.to_datetime(["2026-02-01"]), "market": ["DE"], "amount_base": [280.0]})
    rows = invested_weeks(months, np.datetime64("2026-02-02", "D"))
    by_week = rows.groupby("week")["amount_base"].sum()
    assert by_week.sum() == pytest.approx(280)
    assert by_week.loc["2026-02-02"] == pytest.approx(70)
    assert by_week.loc["2026-01-26"] == pytest.approx(10)  # the first of February is a Sunday


def invest(rows, columns=("month", "market", "amount_base")):
    whole = business(1)
    frame = pd.DataFrame(rows, columns=list(columns))
    frame["month"] = pd.to_datetime(frame["month"]).astype("datetime64[s]")
    journey = whole.conversion.assign(first_discount_base=0.0)
    return panel(Business(**{**vars(whole), "conversion": journey, "investments": frame}), FIRST, LAST)


def test_what_is_for_all_markets_is_shared_by_spend_and_nothing_is_lost():
    made = invest([("2026-10-01", "", 31_000.0), ("2026-10-01", "DE", 3_100.0)])
    week = int((np.datetime64("2026-10-12") - FIRST) / np.timedelta64(7, "D"))
    extra = made["acquisition_cost_base"][week] - made["cost_base"][week]
    assert extra.sum() == pytest.approx(7 * 1_100)
    spend = made["cost_base"][week]
    own = np.where(np.array(made.markets) == "DE", 700.0, 0.0)
    assert extra == pytest.approx(own + 7_000 * spend / spend.sum())


def test_weeks_without_investments_are_left_out_of_the_full_cost():
    made = invest([("2026-10-01", "", 31_000.0)])
    last = len(made.weeks) - 1
    assert weekly.result_at(KPIS["cac_full"], made, last, weeks=1) == Unavailable("no_investment_data")
    both = weekly.result_at(KPIS["cac_full"], made, last)
    alone = weekly.result_at(KPIS["cac"], made, last, weeks=13)
    assert both.value > alone.value
    assert both.n < alone.n


KINDS = ("month", "market", "kind", "amount_base")


def with_kinds(rows):
    frame = pd.DataFrame(rows, columns=list(KINDS))
    frame["month"] = pd.to_datetime(frame["month"]).astype("datetime64[s]")
    return frame


def test_media_that_is_told_as_spend_already_is_counted_once():
    people, ads = ("2026-10-01", "DE", "people", 3_100.0), ("2026-10-01", "DE", "media", 9_300.0)
    everywhere = ("2026-10-01", "", "media", 31_000.0)
    week = int((np.datetime64("2026-10-12") - FIRST) / np.timedelta64(7, "D"))
    made = invest([people, ads, everywhere], KINDS)
    extra = made["acquisition_cost_base"][week] - made["cost_base"][week]
    assert extra == pytest.approx(np.where(np.array(made.markets) == "DE", 700.0, 0.0))


def test_media_counts_where_no_spend_of_its_market_and_month_is_known():
    weeks = ["2026-08-31", "2026-10-05"]  # the first has six days of September
    spent = pd.DataFrame({"week": pd.to_datetime(weeks), "market": ["DE", "FR"], "cost_base": [10.0, 0.0]})
    rows = [(f"2026-{month}-01", market, "media", 1.0) for month in ("08", "09", "10") for market in ("DE", "FR", "")]
    left = beside_spend(with_kinds(rows), spent)
    told = {("2026-09-01", "DE"), ("2026-09-01", "")}  # an account without spend tells of no media
    assert {(str(m.date()), market) for m, market in zip(left["month"], left["market"], strict=True)} == {
        (month, market) for month, market, _kind, _amount in rows
    } - told


def test_spend_of_no_known_market_may_be_any_markets_media():
    spent = pd.DataFrame({"week": pd.to_datetime(["2026-10-05"]), "market": [""], "cost_base": [10.0]})
    rows = [
        ("2026-10-01", "DE", "media", 1.0),
        ("2026-10-01", "DE", "service", 2.0),
        ("2026-11-01", "DE", "media", 4.0),
    ]
    assert beside_spend(with_kinds(rows), spent)["amount_base"].tolist() == [2.0, 4.0]


def test_a_month_with_media_alone_has_no_full_cost():
    media = ("2026-10-01", "DE", "media", 3_100.0)
    assert np.isnan(invest([media], KINDS)["acquisition_cost_base"]).all()
    beside = invest([media, ("2026-10-01", "DE", "tools", 10.0)], KINDS)
    assert not np.isnan(beside["acquisition_cost_base"]).all()


def test_of_a_channel_there_are_no_percentiles_and_no_full_cost():
    told = {key for key, kpi in KPIS.items() if not kpi.is_by_channel}
    assert told == {
        "cac_full", "channel_hhi", "delivery_days_p50", "delivery_days_p90", "first_reply_p50", "first_reply_p90",
        "reply_within",
    }  # fmt: skip


def test_channels_in_the_place_of_markets_add_up():
    whole = business(1)
    by_market, by_channel = panel(whole, FIRST, LAST), panel(whole.by_channel(), FIRST, LAST)
    assert by_channel.markets == tuple(sorted(whole.channel_kinds))
    for measure in ("sessions", "cost_base", "paid_sessions", "tracked_orders", "refund_base"):
        assert np.nansum(by_channel[measure]) == pytest.approx(np.nansum(by_market[measure]))
    one = panel(whole.by_channel("DE"), FIRST, LAST)
    de = by_market.markets.index("DE")
    assert np.nansum(one["sessions"]) == pytest.approx(np.nansum(by_market["sessions"][:, de]))
