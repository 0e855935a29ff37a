"""What late deliveries cost, what campaigns bring, what word of mouth adds."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.aftersales import (
    COUNTS,
    LateEffect,
    Strata,
    all_rounds,
    category_reviews,
    compared,
    late_effect,
    lift_of,
    mailings,
    programme,
    rate,
    risk_difference,
)
from engines.intervals import newcombe
from engines.results import EngineInputError, Estimate, Unavailable
from tests import landmark

nan = float("nan")


def strata(*rows):
    """Strata from rows (hits, trials, hits of the other group, its trials)."""
    return Strata(*(np.array(column, dtype=float) for column in zip(*rows, strict=True)))


# --- differences of rates ---------------------------------------------------------------------------------------------
CENTRES = strata(
    (11, 36, 10, 37),
    (16, 20, 22, 32),
    (14, 19, 7, 19),
    (2, 16, 1, 17),
    (6, 17, 0, 12),
    (1, 11, 0, 10),
    (1, 5, 1, 9),
    (4, 6, 6, 7),
)


def test_eight_centres_give_the_published_difference_and_interval():
    found = risk_difference(CENTRES)
    assert (round(found.value, 2), round(found.low, 4), round(found.high, 4)) == (0.13, 0.0313, 0.2284)
    assert found.n == 273


def test_two_strata_worked_by_hand():
    """10 of 50 against 30 of 100, and 20 of 40 against 12 of 20: weights 100/3 and 40/3, both differences -.1."""
    found = risk_difference(strata((10, 50, 30, 100), (20, 40, 12, 20)))
    assert found.value == pytest.approx((100 / 3 * -0.1 + 40 / 3 * -0.1) / (140 / 3))
    p_first = (50**2 * 30 - 100**2 * 10 + 50 * 100 * 50 / 2) / 150**2  # 100,000 ÷ 22,500
    p_second = (40**2 * 12 - 20**2 * 20 + 40 * 20 * -20 / 2) / 60**2  # 3,200 ÷ 3,600
    q_first = (10 * 70 + 30 * 40) / 300
    q_second = (20 * 8 + 12 * 20) / 120
    variance = (-0.1 * (p_first + p_second) + q_first + q_second) / (140 / 3) ** 2
    assert (found.high - found.low) / 2 == pytest.approx(1.959963984540054 * variance**0.5)


def test_one_stratum_is_the_plain_difference_with_newcombes_interval():
    found = risk_difference(strata((56, 70, 48, 80)))
    assert (found.low, found.high) == newcombe(56, 70, 48, 80)


SIZES = 60


def stratum(number):
    """A stratum out of one number, drawn faster than four: two groups of 1 to SIZES, any of them hit."""
    number, trials = divmod(number, SIZES)
    number, trials_other = divmod(number, SIZES)
    hits, hits_other = divmod(number, SIZES + 1)
    return min(hits, trials + 1), trials + 1, min(hits_other, trials_other + 1), trials_other + 1


counts = st.integers(0, SIZES**2 * (SIZES + 1) ** 2 - 1).map(stratum)


@given(st.lists(counts, min_size=1, max_size=8))
def test_it_lies_between_the_differences_of_the_strata_and_inside_its_interval(rows):
    found = risk_difference(strata(*rows))
    each = [a / n1 - b / n0 for a, n1, b, n0 in rows]
    assert min(each) - 1e-9 <= found.value <= max(each) + 1e-9
    assert -1 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1


@given(st.lists(counts, min_size=2, max_size=8))
def test_swapping_the_groups_turns_the_sign(rows):
    found = risk_difference(strata(*rows))
    other = risk_difference(strata(*((b, n0, a, n1) for a, n1, b, n0 in rows)))
    assert (other.value, other.low, other.high) == pytest.approx((-found.value, -found.high, -found.low))


def test_a_mix_of_strata_does_not_pose_as_a_difference():
    """Each stratum has equal rates; pooled plainly the groups would differ by 24 points."""
    found = risk_difference(strata((80, 100, 8, 10), (2, 10, 20, 100)))
    assert found.value == pytest.approx(0)


def test_strata_with_one_group_only_are_left_out():
    with_lone = strata((10, 50, 30, 100), (20, 40, 12, 20), (5, 9, 0, 0))
    assert risk_difference(with_lone) == risk_difference(strata((10, 50, 30, 100), (20, 40, 12, 20)))


@pytest.mark.parametrize("row", [(3, 2, 0, 5), (-1, 2, 0, 5), (1, 2, nan, 5)])
def test_impossible_strata_are_refused(row):
    with pytest.raises(EngineInputError):
        strata(row)


# --- late deliveries --------------------------------------------------------------------------------------------------
def deliveries(*rows):
    return pd.DataFrame(rows, columns=["market", "month", "late", "customers", "repeaters"]).astype(
        {"month": "datetime64[s]", "late": float, "customers": float, "repeaters": float}
    )


FIRSTS = deliveries(
    ("DE", "2026-01-01", 0, 100, 30),
    ("DE", "2026-01-01", 1, 50, 10),
    ("US", "2026-01-01", 0, 20, 12),
    ("US", "2026-01-01", 1, 40, 20),
    ("US", "2026-02-01", 0, 500, 400),
)


def test_late_firsts_are_compared_within_market_and_month():
    effect = late_effect(FIRSTS)
    assert isinstance(effect, LateEffect)
    assert effect.difference.value == pytest.approx(-0.1)
    assert (effect.strata, effect.late.n, effect.on_time.n) == (2, 90, 120)
    assert effect.lost.value == pytest.approx(9)
    assert effect.lost.low < 9 < effect.lost.high
    assert not effect.is_clear


def test_an_interval_without_zero_is_clear():
    effect = late_effect(FIRSTS.assign(customers=FIRSTS["customers"] * 40, repeaters=FIRSTS["repeaters"] * 40))
    assert effect.is_clear
    assert effect.difference.high < 0


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (FIRSTS.iloc[:0], Unavailable("no_delivery_data")),
        (FIRSTS.query("late == 0"), Unavailable("too_few", 0, 30)),
        (FIRSTS.query("market == 'US'"), Unavailable("too_few", 20, 30)),
    ],
)
def test_thin_data_is_refused_with_its_reason(frame, reason):
    assert late_effect(frame) == reason


PROMISED_IN = {"DE": 3, "US": 6, "BR": 12}  # days, by market; so is who comes back and who is late
COMES_BACK, IS_LATE = {"DE": 0.45, "US": 0.3, "BR": 0.2}, {"DE": 0.1, "US": 0.2, "BR": 0.35}
SOON, QUICKLY, SLOWLY = 0.35, 6.0, 60.0  # of those who come back: the share who soon do, and the mean days of both


def back_by(days):
    """Of those who come back, the share who have by then."""
    return SOON * (1 - np.exp(-days / QUICKLY)) + (1 - SOON) * (1 - np.exp(-days / SLOWLY))


def simulated(rng, kept_away, customers=3_000):
    """First orders of three markets and two months, of whose late customers `kept_away` (0-1) stay away for it."""
    market = rng.choice(list(PROMISED_IN), customers)
    of_market = lambda table: np.array([table[m] for m in market], dtype=float)  # noqa: E731
    day = np.datetime64("2026-01-01") + rng.integers(0, 59, customers)
    promised = day + of_market(PROMISED_IN).astype(int)
    is_late = rng.random(customers) < of_market(IS_LATE)
    delivered = np.where(is_late, promised + rng.geometric(0.1, customers), promised - rng.integers(0, 3, customers))
    wait = rng.exponential(np.where(rng.random(customers) < SOON, QUICKLY, SLOWLY))
    second = day + np.floor(wait).astype(int) + 1
    stays = (rng.random(customers) >= of_market(COMES_BACK)) | (
        is_late & (second > promised) & (rng.random(customers) < kept_away)
    )
    return market, day, promised, delivered, np.where(stays, np.datetime64("NaT"), second)


def counted(market, day, watched, late, repeats):
    month = day.astype("datetime64[M]").astype("datetime64[s]")
    columns = {"market": market, "month": month, "late": 1.0 * late, "customers": 1.0, "repeaters": 1.0 * repeats}
    return pd.DataFrame(columns)[watched].groupby(["market", "month", "late"], as_index=False).sum()


def planted(frame, kept_away):
    """What is to be found: in each market the part kept away of those who would come back, by weight of its strata."""
    wide = frame.pivot_table(index=["market", "month"], columns="late", values="customers", fill_value=0.0)
    weight = (wide[0.0] * wide[1.0] / (wide[0.0] + wide[1.0])).groupby("market").sum()
    would = {
        m: COMES_BACK[m] * (back_by(days + 90) - back_by(days)) / (1 - COMES_BACK[m] * back_by(days))
        for m, days in PROMISED_IN.items()
    }
    return -kept_away * sum(weight[m] * would[m] for m in would) / weight.sum()


@pytest.mark.parametrize("kept_away", [0.0, 0.3])
def test_intervals_hold_the_planted_effect_of_lateness_in_95_of_100_shops(kept_away):
    rng, held, errors = np.random.default_rng(20260615), [], []
    for _shop in range(300):
        market, day, *dates = simulated(rng, kept_away)
        frame = counted(market, day, *landmark.from_the_promise(*dates))
        found, truth = late_effect(frame).difference, planted(frame, kept_away)
        held.append(found.low <= truth <= found.high)
        errors.append(found.value - truth)
    assert 0.92 <= np.mean(held) <= 0.98  # of 300 the standard error is 1.3 points
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(len(errors)) < 0.005  # and are right on average


def test_a_clock_from_the_delivery_would_find_an_effect_where_there_is_none():
    """Why it is not used: those who order again while a late parcel is on its way would be left out."""
    rng, told = np.random.default_rng(20260615), []
    for _shop in range(50):
        market, day, promised, delivered, second = simulated(rng, 0.0)
        _watched, _late, repeats = landmark.from_the_promise(delivered, delivered, second)
        frame = counted(market, day, ~(second <= delivered), delivered > promised, repeats)
        told.append(late_effect(frame).difference.high < 0)
    assert np.mean(told) > 0.5


# --- campaigns --------------------------------------------------------------------------------------------------------
def mails(*rows):
    """Rows of one day; what a row does not tell is unknown."""
    names = ["campaign", "name", "channel", "market", "day", *COUNTS]
    known = {"name": "News", "channel": "email", "day": np.datetime64("2026-03-05", "s")}
    return pd.DataFrame([dict.fromkeys(names, nan) | known | row for row in rows], columns=names)


WITH_HOLDOUT = {"sent": 10_000.0, "ordered": 90.0, "held_out": 2_000.0, "held_out_ordered": 10.0}


def test_a_mailing_adds_up_its_markets_and_rates_are_shares_of_messages():
    frame = mails(
        {"campaign": "M1", "market": "DE", "sent": 300, "opened": 90, "ordered": 3},
        {"campaign": "M1", "market": "US", "sent": 200, "opened": nan, "ordered": 2},
    )
    (mailing,) = mailings(frame)
    assert (mailing.markets, mailing.counts["sent"], mailing.sent_on) == (("DE", "US"), 500, "2026-03-05")
    assert (mailing.opened.value, mailing.opened.n) == (0.3, 300)  # the United States do not tell who opened it
    assert mailing.ordered.value == 0.01
    assert mailing.clicked == Unavailable("no_campaign_data")


def test_a_holdout_gives_the_lift_and_the_extra_orders():
    (mailing,) = mailings(mails({"campaign": "M1", "market": "DE", **WITH_HOLDOUT}))
    assert mailing.lift.value == pytest.approx(0.009 - 0.005)
    assert (mailing.lift.low, mailing.lift.high) == newcombe(90, 10_000, 10, 2_000)
    assert mailing.extra_orders.value == pytest.approx(40)
    assert mailing.extra_orders.low == pytest.approx(10_000 * mailing.lift.low)


def test_without_a_holdout_there_is_no_lift():
    (mailing,) = mailings(mails({"campaign": "M1", "market": "DE", "sent": 5_000, "ordered": 50}))
    assert mailing.lift == mailing.extra_orders == Unavailable("no_holdout")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"held_out": 40.0}, Unavailable("too_few", 40, 100)),
        ({"ordered": 4.0, "held_out_ordered": 0.0}, Unavailable("too_few", 4, 10)),
        ({"held_out_ordered": 2_001.0}, Unavailable("more_than_all")),
        ({"held_out_ordered": nan}, Unavailable("no_holdout")),
    ],
)
def test_a_holdout_that_says_nothing_says_why(changes, reason):
    lift, extra = lift_of(mails({"campaign": "M1", "market": "DE", **WITH_HOLDOUT, **changes}))
    assert lift == extra == reason


def test_all_mailings_together_compare_each_with_its_own_holdout():
    frame = mails(
        {"campaign": "M1", "market": "DE", **WITH_HOLDOUT},
        {"campaign": "M2", "market": "DE", "sent": 500.0, "ordered": 50.0, "held_out": 900.0, "held_out_ordered": 90.0},
        {"campaign": "M3", "market": "DE", "sent": 500.0},
    )
    found = programme(frame)
    assert (found.mailings, found.compared) == (3, 2)
    assert 0 < found.lift.value < 0.004
    assert found.extra_orders.n == 10_500


def test_no_campaigns_are_an_empty_programme():
    found = programme(mails())
    assert (mailings(mails()), found.mailings, found.lift) == ((), 0, Unavailable("no_holdout"))


def test_more_people_who_opened_than_messages_is_a_contradiction():
    assert rate(300, 200) == Unavailable("more_than_all")


# --- word of mouth ----------------------------------------------------------------------------------------------------
def test_all_rounds_of_invitations_are_a_geometric_series():
    k = Estimate(0.2, 0.1, 0.3, 1_000, "number")
    customers, factor = all_rounds(k, 800)
    assert customers.value == pytest.approx(sum(800 * 0.2**n for n in range(60)))
    assert (factor.low, factor.value, factor.high) == pytest.approx((1 / 0.9, 1.25, 1 / 0.7))


def test_a_factor_that_may_reach_one_has_no_end():
    customers, factor = all_rounds(Estimate(0.9, 0.7, 1.05, 100, "number"), 50)
    assert customers == factor == Unavailable("grows_by_itself")
    assert all_rounds(Unavailable("no_invitation_data"), 50)[0] == Unavailable("no_invitation_data")


def test_two_kinds_of_traffic_are_compared_by_newcombe():
    found = compared((56, 48), (70 * 10, 80 * 10), ("a", "b"))
    assert (found.difference.low, found.difference.high) == newcombe(56, 700, 48, 800)
    assert found.first.value == 0.08


def test_a_kind_of_traffic_that_is_unknown_gives_its_reason():
    found = compared((nan, 48), (nan, 800), ("no_referral_channel", "no_spend_data"))
    assert found.first == found.difference == Unavailable("no_referral_channel")
    assert found.second.value == 0.06


# --- categories -------------------------------------------------------------------------------------------------------
def test_categories_have_rates_or_say_why_not():
    names = [
        "category",
        "deliveries",
        "reviewed",
        "reviews",
        "rating_sum",
        "rating_squares",
        "media_known",
        "media_reviews",
    ]
    frame = pd.DataFrame(
        [("tents", 400.0, 80.0, 90.0, 378.0, 1_650.0, 90.0, 9.0), ("", 20.0, 1.0, 1.0, 5.0, 25.0, nan, nan)],
        columns=names,
    )
    tents, unknown = category_reviews(frame)
    assert (tents.review_rate.value, tents.rating.value, tents.media_share.value) == (0.2, 4.2, 0.1)
    assert tents.rating.low < 4.2 < tents.rating.high
    assert unknown.review_rate == Unavailable("too_few", 20, 100)
    assert unknown.media_share == Unavailable("no_media_data")
