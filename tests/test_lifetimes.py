"""Lifetime values of a workspace: what is read of its customers, the job that fits them, and what it keeps."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from engines import lifetime
from engines.results import Estimate, Unavailable
from flywheel import jobs
from flywheel.accounts.models import Workspace
from flywheel.aftersales import fitting
from flywheel.aftersales.models import CohortContribution, CustomerScore, LifetimeFit, Replenishment
from flywheel.facts.models import Order, OrderLine, Refund, Review, SurveyAnswer
from flywheel.jobs.models import Job
from flywheel.jobs.runner import run
from flywheel.measures import customers
from tests.customers_builder import AS_OF, line, sell
from tests.facts_builder import FIRST_DAY, moment, new_source, order, set_first_orders, week_of

pytestmark = pytest.mark.django_db


def fit(workspace: Workspace) -> Job:
    """Run the job to its end."""
    job = jobs.start(workspace, "ltv", {})
    run(job.pk, heartbeat=False)
    job.refresh_from_db()
    assert job.state == Job.State.DONE, job.error
    return job


def result(workspace: Workspace, name: str, scope: str = "all", code: str = ""):
    row = LifetimeFit.objects.get(workspace=workspace, scope=scope, code=code)
    return fitting.result_of(row.result[name])


# --- histories --------------------------------------------------------------------------------------------------------
def day(n: int) -> date:
    return FIRST_DAY + timedelta(days=n)


def money(value: int, cost: int | None = None) -> dict[str, object]:
    return {"gross": Decimal(value), "cogs": None if cost is None else Decimal(cost)}


def history(workspace: Workspace, until: date) -> dict:
    (row,) = customers.histories(workspace, until).to_dict("records")
    return row


def test_orders_of_one_day_are_one_purchase(workspace) -> None:
    source = new_source(workspace)
    for n, at in enumerate((0, 0, 10, 10, 30)):
        order(workspace, source, n, day(at), customer="c", market="DE", **money(10 * (n + 1), 5)).save()
    set_first_orders(workspace)
    row = history(workspace, day(99))
    assert (row["customer"], row["market"], row["repeats"], row["last_day"] - row["first_day"]) == ("c", "DE", 2, 30)
    assert row["mean_value"] == (30 + 40 + 50) / 2  # the first day is not a repeat
    assert (row["net"], row["contribution"], row["refunded"]) == (150, 125, 0)


def test_what_came_after_the_day_is_not_known_yet(workspace) -> None:
    source = new_source(workspace)
    for n, at in enumerate((0, 10, 30)):
        order(workspace, source, n, day(at), customer="c", **money(10)).save()
    set_first_orders(workspace)
    assert history(workspace, day(29))["repeats"] == 1
    assert customers.newest_day(workspace, day(29)) == day(10)
    assert len(customers.histories(workspace, day(-1))) == 0


def test_a_day_with_an_unknown_amount_is_unknown_and_not_zero(workspace) -> None:
    source = new_source(workspace)
    for n, (at, gross) in enumerate(((0, 10), (5, 20), (5, None), (9, 40))):
        order(workspace, source, n, day(at), customer="c", gross=gross and Decimal(gross)).save()
    set_first_orders(workspace)
    row = history(workspace, day(99))
    assert (row["repeats"], row["valued_repeats"], row["mean_value"]) == (2, 1, 40)
    assert np.isnan(row["contribution"])


def give_back(parent: Order, at: date, amount: int | None) -> None:
    """A refund of an order."""
    Refund.objects.create(
        workspace=parent.workspace, source=parent.source, external_id=f"{parent.external_id} {at} {amount}",
        order_ref=parent.external_id, order_id=parent.pk, order_week=parent.week, refunded_at=moment(at),
        refund_date=at, week=week_of(at), currency="EUR", amount=amount, fx_rate=1,
    )  # fmt: skip


def test_refunds_are_taken_off_the_customer_of_their_order(workspace) -> None:
    source = new_source(workspace)
    order(workspace, source, "A", day(0), customer="c", **money(100, 40)).save()
    for amount in (10, 5):
        give_back(Order.objects.get(), day(3), amount)
    set_first_orders(workspace)
    assert history(workspace, day(9))["refunded"] == 15
    assert history(workspace, day(2))["refunded"] == 0
    (row,) = customers.months(workspace, day(9)).to_dict("records")
    assert (row["age"], row["active"], row["contribution"]) == (0, 1, 45)


def test_money_that_went_back_later_is_taken_off_at_that_age(workspace) -> None:
    source = new_source(workspace)
    order(workspace, source, "A", day(0), customer="c", **money(100, 40)).save()
    give_back(Order.objects.get(), day(70), 10)
    give_back(Order.objects.get(), day(-3), 5)  # dated before its order
    set_first_orders(workspace)
    found = customers.months(workspace, day(99))
    assert found[["age", "active", "contribution"]].to_numpy().tolist() == [[0, 1, 55], [2, 0, -10]]
    assert len(customers.months(workspace, day(69))) == 1


def test_money_back_for_a_day_of_unknown_costs_or_amount_is_not_taken_off_the_others(workspace) -> None:
    """100 at a cost of 40, then 80 at an unknown cost, then an unknown amount; of each 10 came back."""
    source = new_source(workspace)
    for n, known in enumerate((money(100, 40), money(80), {})):
        made = order(workspace, source, n, day(n), customer="c", **known)
        made.save()
        give_back(made, day(2), 10)
    set_first_orders(workspace)
    row = history(workspace, day(9))
    assert (row["net"], row["refunded"]) == (180, 20)
    assert (row["costed_net"], row["contribution"], row["costed_refunded"]) == (100, 60, 10)
    fit(workspace)
    assert CustomerScore.objects.get().contribution == 50
    alike = (np.full(200, float(row[name])) for name in ("net", "costed_net", "contribution", "refunded"))
    assert lifetime.margin(*alike).estimate.value == pytest.approx(60 / 100 - 20 / 180)


def test_money_back_for_an_order_that_does_not_count_is_not_taken_off(workspace) -> None:
    source, other = new_source(workspace), new_source(workspace, "other")
    order(workspace, source, "A", day(0), customer="c", **money(100, 40)).save()
    void = order(workspace, other, "A", day(0), customer="c", state="cancelled", **money(100, 40))
    void.save()
    give_back(void, day(3), 100)
    set_first_orders(workspace)
    assert history(workspace, day(9))["refunded"] == 0
    assert customers.months(workspace, day(9))["contribution"].tolist() == [60]


def test_cancelled_orders_unknown_people_and_other_businesses_are_left_out(workspace) -> None:
    source = new_source(workspace)
    order(workspace, source, 1, day(0), customer="c", state="cancelled").save()
    order(workspace, source, 2, day(0), customer="").save()
    other = Workspace.objects.create(name="Other", slug="other", base_currency="EUR")
    order(other, new_source(other), 3, day(0), customer="c").save()
    set_first_orders(workspace)
    set_first_orders(other)
    assert len(customers.histories(workspace, day(9))) == 0
    assert customers.newest_day(workspace, day(9)) is None
    assert len(customers.histories(other, day(9))) == 1


def test_what_customers_brought_is_told_by_their_own_age(workspace) -> None:
    source = new_source(workspace)
    for n, (who, at) in enumerate((("a", 0), ("a", 30), ("a", 31), ("b", 5), ("b", 100))):
        order(workspace, source, n, day(at), customer=who, **money(10, 4)).save()
    order(workspace, source, 9, day(0), customer="of unknown cost", **money(10)).save()
    set_first_orders(workspace)
    found = customers.months(workspace, day(200))
    assert found[["age", "active", "contribution"]].to_numpy().tolist() == [[0, 2, 18], [1, 1, 6], [3, 1, 6]]
    squares = found["squares"].cumsum().tolist()  # of what each has brought so far: a 12, 18, 18 and b 6, 6, 12
    assert squares == [12**2 + 6**2, 18**2 + 6**2, 18**2 + 12**2]


# --- the job ----------------------------------------------------------------------------------------------------------
def test_the_job_fits_all_customers_and_those_of_each_market_and_channel(workspace) -> None:
    sell(workspace, new_source(workspace))
    job = fit(workspace)
    assert job.result == {"customers": 400, "as_of": str(AS_OF)}
    kept = LifetimeFit.objects.exclude(scope="both").order_by("scope", "code").values_list("scope", "code", "customers")
    assert list(kept) == [
        ("all", "", 400), ("channel", "email", 200), ("channel", "google", 200), ("market", "DE", 200),
        ("market", "US", 200),
    ]  # fmt: skip
    for scope, code, _n in kept:
        found = result(workspace, "ltv", scope, code)
        assert isinstance(found, Estimate)
        assert 0 < found.low < found.value < found.high
    margin = result(workspace, "margin")
    assert margin.value == pytest.approx(0.4, abs=0.001)
    assert margin.low <= margin.value <= margin.high


def test_a_channel_in_a_market_has_a_fit_of_its_own_where_it_has_customers_enough(workspace) -> None:
    sell(workspace, new_source(workspace), 480, mixed=True)
    fit(workspace)
    kept = LifetimeFit.objects.filter(scope="both").order_by("code", "channel")
    assert [(f.place, f.customers) for f in kept] == [
        (("DE", "email"), 80), (("DE", "google"), 160), (("US", "email"), 80), (("US", "google"), 160),
    ]  # fmt: skip
    own, market = kept[1], LifetimeFit.objects.get(scope="market", code="DE")
    assert isinstance(fitting.result_of(own.result["ltv"]), Estimate)
    assert own.result["parameters"] != market.result["parameters"]
    assert fitting.result_of(kept[0].result["ltv"]) == Unavailable("too_few", 80, 100)


def test_the_same_customers_are_fitted_once(workspace, monkeypatch) -> None:
    """Each market has one channel here, so that market, channel, and both are the same customers."""
    fitted = []

    def counted(*args):
        fitted.append(args[2])
        return original(*args)

    original = fitting._fit
    monkeypatch.setattr(fitting, "_fit", counted)
    sell(workspace, new_source(workspace), 200)
    fit(workspace)
    assert fitted == ["all", "market", "market"]
    rows = {f.scope: f for f in LifetimeFit.objects.filter(code__in=("DE", "google"))}
    assert rows["both"].result == rows["channel"].result == rows["market"].result
    assert not CustomerScore.objects.filter(alive=None).exists()


def test_every_customer_is_scored(workspace) -> None:
    sell(workspace, new_source(workspace))
    fit(workspace)
    assert CustomerScore.objects.count() == 400
    for row in CustomerScore.objects.all():
        assert 0 < row.alive <= 1
        assert row.orders_12 > 0
        assert row.value_12 > 0
        assert row.alive <= row.alive_then
        assert (row.at_risk is not None) == (row.repeats > 0 and 0.1 <= row.alive < 0.6 * row.alive_then)
    expected = result(workspace, "ahead_orders").value
    assert sum(CustomerScore.objects.values_list("orders_12", flat=True)) == pytest.approx(expected, rel=0.05)


def test_running_it_again_changes_nothing_but_the_time(workspace) -> None:
    sell(workspace, new_source(workspace), 300)
    fit(workspace)
    before = list(LifetimeFit.objects.order_by("scope", "code").values_list("scope", "code", "result"))
    scores = list(CustomerScore.objects.order_by("customer").values_list("customer", "alive", "value_12"))
    fit(workspace)
    assert list(LifetimeFit.objects.order_by("scope", "code").values_list("scope", "code", "result")) == before
    assert list(CustomerScore.objects.order_by("customer").values_list("customer", "alive", "value_12")) == scores


def test_another_business_keeps_what_it_has(workspace) -> None:
    other = Workspace.objects.create(name="Other", slug="other", base_currency="EUR")
    sell(other, new_source(other), 200, seed=2)
    fit(other)
    sell(workspace, new_source(workspace), 200)
    fit(workspace)
    assert CustomerScore.objects.filter(workspace=other).count() == 200
    assert not CustomerScore.objects.filter(workspace=workspace, customer__startswith="c2-").exists()


def test_thin_data_is_refused_with_the_reason_and_customers_are_still_listed(workspace) -> None:
    sell(workspace, new_source(workspace), 60)
    fit(workspace)
    assert result(workspace, "ltv") == Unavailable("too_few", 60, 100)
    assert CustomerScore.objects.filter(alive=None, value_12=None, at_risk=None).count() == 60


def test_a_market_too_small_for_a_fit_is_scored_by_that_of_all(workspace) -> None:
    sell(workspace, new_source(workspace), 180)
    fit(workspace)
    assert isinstance(result(workspace, "ltv"), Estimate)
    assert result(workspace, "ltv", "market", "DE") == Unavailable("too_few", 90, 100)
    assert not CustomerScore.objects.filter(alive=None).exists()


def test_without_costs_there_is_no_lifetime_value_but_orders_to_come(workspace) -> None:
    sell(workspace, new_source(workspace), 300, cogs=None)
    fit(workspace)
    assert result(workspace, "ltv") == Unavailable("no_cost_data")
    assert isinstance(result(workspace, "ahead_orders"), Estimate)
    assert not CohortContribution.objects.exists()


def test_without_orders_the_job_keeps_nothing(workspace) -> None:
    assert fit(workspace).result == {"customers": 0}


def test_when_the_last_order_is_undone_nothing_is_kept(workspace) -> None:
    sell(workspace, new_source(workspace), 150)
    fit(workspace)
    from flywheel.facts.models import FirstOrder

    Order.objects.all().delete()
    FirstOrder.objects.all().delete()
    fit(workspace)
    assert not CustomerScore.objects.exists()
    assert not LifetimeFit.objects.exists()


def test_the_hold_out_is_told_with_what_came(workspace) -> None:
    sell(workspace, new_source(workspace), 800)
    fit(workspace)
    found = LifetimeFit.objects.get(scope="all").result["hold_out"]
    assert found["days"] == 182
    assert found["actual"] > 0
    assert found["error"] == pytest.approx(found["forecast"]["value"] / found["actual"] - 1)


def test_an_account_that_orders_like_a_business_is_left_out_and_told(workspace) -> None:
    source = new_source(workspace)
    sell(workspace, source, 300)
    for n in range(700):
        order(
            workspace, source, f"b{n}", AS_OF - timedelta(days=n), customer="hotel", market="DE", **money(90, 50)
        ).save()
    set_first_orders(workspace)
    fit(workspace)
    row = LifetimeFit.objects.get(scope="all")
    assert row.customers == 300
    assert row.result["heavy"]["accounts"] == 1
    assert row.result["heavy"]["share"] > 0.5
    assert LifetimeFit.objects.get(scope="market", code="US").result["heavy"] is None
    assert CustomerScore.objects.get(customer="hotel").alive > 0.9


def test_the_job_follows_the_diagnosis(workspace, run_jobs) -> None:
    jobs.start(workspace, "diagnose", {})
    run_jobs()
    assert Job.objects.filter(kind="ltv", state=Job.State.DONE).exists()


# --- lists to act on --------------------------------------------------------------------------------------------------
def refills(workspace: Workspace, source, customers_: int = 30, every: int = 60, last_ago: int = 55) -> None:
    """Customers who took the same article every 60 days, and a filter with it that one of them lacks."""
    lines = []
    for c in range(customers_):
        for n in range(4):
            at = AS_OF - timedelta(days=last_ago + every * (3 - n))
            made = order(workspace, source, f"r{c}-{n}", at, customer=f"r{c}", **money(20, 8))
            made.save()
            lines.append(line(made, "GAS"))
            if c:
                lines.append(line(made, "FILTER", 2))
    OrderLine.objects.bulk_create(lines)


def test_an_article_is_due_by_the_usual_time_between_two_purchases(workspace) -> None:
    source = new_source(workspace)
    sell(workspace, source, 200)
    refills(workspace, source)
    set_first_orders(workspace)
    fit(workspace)
    due = Replenishment.objects.filter(sku="GAS")
    assert due.count() == 30
    first = due.get(customer="r0")
    assert (first.bought, first.interval_days, first.due_date) == (4, 60, AS_OF + timedelta(days=5))
    assert first.name == "Article GAS"


def test_what_is_usually_taken_with_it_is_suggested_to_who_has_not_got_it(workspace) -> None:
    source = new_source(workspace)
    sell(workspace, source, 200)
    refills(workspace, source)
    others = []
    for n in range(200):  # orders of other things, so that the pair stands out
        made = order(workspace, source, f"o{n}", AS_OF - timedelta(days=n), customer=f"o{n}", **money(9, 3))
        made.save()
        others.append(line(made, f"S{n % 7}"))
    OrderLine.objects.bulk_create(others)
    set_first_orders(workspace)
    fit(workspace)
    assert Replenishment.objects.get(customer="r0", sku="GAS").suggestion == "FILTER"
    assert Replenishment.objects.get(customer="r5", sku="GAS").suggestion == ""


def test_an_article_that_nobody_takes_again_is_never_due(workspace) -> None:
    source = new_source(workspace)
    made = sell(workspace, source, 200)
    OrderLine.objects.bulk_create(line(o, f"ONE-{n}") for n, o in enumerate(made))
    fit(workspace)
    assert not Replenishment.objects.exists()


def test_long_overdue_articles_are_no_longer_due(workspace) -> None:
    source = new_source(workspace)
    sell(workspace, source, 200)
    refills(workspace, source, last_ago=120)  # due 60 days ago, more than half an interval
    set_first_orders(workspace)
    fit(workspace)
    assert not Replenishment.objects.exists()


@pytest.fixture
def loyal(workspace):
    """Three customers who order every month, the last time yesterday; and the source."""
    source = new_source(workspace)
    sell(workspace, source, 300)
    for who in ("ann", "bo", "cy"):
        for n in range(12):
            at = AS_OF - timedelta(days=1 + 30 * n)
            order(workspace, source, f"{who}{n}", at, customer=who, customer_ref=f"id-{who}", **money(50, 20)).save()
    set_first_orders(workspace)
    return source


def rate(source, order_ref: str, stars: int) -> None:
    Review.objects.create(
        workspace=source.workspace, source=new_source(source.workspace, f"s{order_ref}"), external_id=order_ref,
        order_ref=order_ref, reviewed_at=moment(AS_OF), review_date=AS_OF, week=week_of(AS_OF), rating=stars,
    )  # fmt: skip


def answer(source, customer_ref: str, score: int) -> None:
    SurveyAnswer.objects.create(
        workspace=source.workspace, source=source, external_id=customer_ref, customer_ref=customer_ref, score=score,
        answered_at=moment(AS_OF), week=week_of(AS_OF),
    )  # fmt: skip


def test_loyal_customers_who_speak_well_are_likely_advocates(workspace, loyal) -> None:
    rate(loyal, "ann3", 5)
    answer(loyal, "id-ann", 10)
    answer(loyal, "id-bo", 9)
    fit(workspace)
    found = CustomerScore.objects.filter(praise__isnull=False).order_by("-praise").values_list("customer", flat=True)
    assert list(found) == ["ann", "bo"]


def test_who_has_complained_as_well_is_no_advocate(workspace, loyal) -> None:
    rate(loyal, "ann3", 5)
    answer(loyal, "id-ann", 3)
    rate(loyal, "bo1", 2)
    answer(loyal, "id-bo", 10)
    fit(workspace)
    assert not CustomerScore.objects.filter(praise__isnull=False).exists()


def test_only_silence_makes_a_customer_slip_away() -> None:
    """Who has ordered just now is not silent, however seldom such customers come back."""
    repeats, alive, then, value = (np.array(v, dtype=float) for v in ([2, 2, 2, 0, 2], [0.4, 0.35, 0.05, 0.2, 0.9],
                                   [0.9, 0.4, 0.9, 1.0, 0.95], [40, 40, 40, 40, 40]))  # fmt: skip
    found = fitting.at_risk(repeats, alive, then, value)
    assert found[0] == pytest.approx(40 / 0.4 * 0.5)
    assert np.isnan(found[1:]).all()
