"""The proof of the diagnosis in small: worlds know their truth, and the diagnosis finds it from the facts alone."""

import dataclasses

import numpy as np
import pytest

from bench import facts, worlds
from bench.diagnosis import Outcome, report, run, summary
from engines.diagnosis import diagnose
from flywheel.demo.world import Outage, Plant

SEED = 90_001


def small(plant: Plant | None = None, **changes: object) -> worlds.Case:
    """A world of few orders with a chosen plant."""
    case = worlds.null(SEED)
    plants = (plant,) if plant else ()
    return dataclasses.replace(case, world=dataclasses.replace(case.world, plants=plants, orders=40_000, **changes))


def test_a_seed_is_a_world() -> None:
    assert worlds.planted(SEED) == worlds.planted(SEED)
    assert worlds.planted(SEED) != worlds.planted(SEED + 1)
    assert worlds.planted(SEED).sound.world == worlds.null(SEED).world


def test_worlds_are_as_unlike_as_businesses_are() -> None:
    cases = [worlds.planted(seed) for seed in range(90_000, 90_200)]
    plants = [case.plant for case in cases if case.plant]
    assert {3, 12} <= {len(case.world.markets) for case in cases}
    assert {plant.driver for plant in plants} == {*worlds.SEGMENTS, "payment_rate"} - {"method"}
    assert {plant.shape for plant in plants} == {"sudden", "creeping", "always"}
    assert any(case.world.outages for case in cases)
    shares = [[m.share for m in case.world.markets] for case in cases]
    assert np.median([max(s) / min(s) for s in shares]) > 5


def test_what_was_always_so_everywhere_comes_with_goals() -> None:
    for seed in range(90_000, 90_200):
        case = worlds.planted(seed)
        assert case.plant is not None
        if case.plant.shape == "always" and not (case.plant.market or case.plant.carrier):
            assert case.with_goals


@pytest.mark.long
def test_the_weekly_measures_hold_what_the_tables_tell() -> None:
    case = small()
    tables = worlds.tables_of(case)
    business = facts.business_of(case.world, tables)
    orders = tables["orders"]
    counted = orders["status"] != "cancelled"
    assert business.conversion["orders"].sum() == counted.sum()
    assert business.conversion["first_orders"].sum() == orders.loc[counted, "customer_id"].nunique()
    assert business.conversion["sessions"].sum() == tables["traffic"]["sessions"].sum()
    assert business.aftersales["refunds"].sum() == len(tables["refunds"])
    assert business.cohorts["customers"].sum() == business.conversion["first_orders"].sum()
    late = business.aftersales["late_by_date"].sum() / business.aftersales["promised_deliveries"].sum()
    truth = worlds.truth_now(tables["truth"])
    assert late == pytest.approx(1 - np.average(truth["on_time_share"], weights=truth["first_orders"]), abs=0.02)


@pytest.mark.long
def test_a_glaring_weakness_is_named_with_its_place_week_and_loss() -> None:
    market = max(worlds.null(SEED).world.markets, key=lambda m: m.share).code
    plant = Plant("payment_rate", 0.6, onset_week=-12, market=market, device="mobile")
    case = small(plant)
    tables = worlds.tables_of(case)
    verdict = diagnose(facts.business_of(case.world, tables), worlds.LAST).verdict
    assert (verdict.engine, verdict.driver) == ("conversion", "payment_rate")
    assert {(s.dimension, s.value) for s in verdict.segments} == {("market", market), ("device", "mobile")}
    assert abs((np.datetime64(verdict.since) - (worlds.LAST - np.timedelta64(77, "D"))).astype(int)) <= 14
    assert verdict.loss == pytest.approx(worlds.truth_now(tables["truth"])["planted_loss"].sum(), rel=0.3)


@pytest.mark.long
def test_a_business_without_a_weak_link_and_with_holes_gets_no_call() -> None:
    market = worlds.null(SEED).world.codes[0]
    case = small(outages=(Outage("traffic", 40, 2, market), Outage("spend", 70), Outage("refunds", -1, 1, market)))
    verdict = diagnose(facts.business_of(case.world, worlds.tables_of(case)), worlds.LAST).verdict
    assert not verdict.called


@pytest.mark.long
def test_the_bench_tells_what_came_of_a_world() -> None:
    outcome = run(("null", SEED))
    assert (outcome.called, outcome.driver, outcome.share) == (False, "", 0.0)


def outcome(share: float = 0.1, right: bool = True, called: bool = True) -> Outcome:
    return Outcome(1, "cart_rate", "sudden", "market US", share, 10.0, called, "said", right, right, right, right, 9.0)


def test_the_bars_are_for_material_losses_and_a_call_that_is_not_made_is_a_miss() -> None:
    planted = [outcome(), outcome(right=False, called=False), outcome(share=0.01, right=False)]
    found = summary(planted, [outcome(called=False), outcome()])
    assert (found["worlds above 5 % of V"], found["engine"], found["false calls"]) == (2, 0.5, 0.5)


def test_the_report_names_every_miss() -> None:
    text = report([outcome(), outcome(right=False)], [outcome()], {}, "abc")
    assert "1: cart_rate sudden, market US, 10.0 % of V: said said" in text
    assert "nothing planted: said said" in text
