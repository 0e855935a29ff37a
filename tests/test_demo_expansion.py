"""What the demo's market team keeps: every page of the room is filled, the same each time."""

import datetime as dt

from flywheel.demo import expansion
from flywheel.demo.norrsken import MARKETS
from flywheel.facts.models import CompetitorOffer, Investment, MarketIndicator
from flywheel.market.models import (
    ContentAsset,
    GatePass,
    OwnOffer,
    OwnValue,
    Partner,
    RoadmapEntry,
    ScoringModel,
    Stage,
)
from flywheel.market.screening import screen
from flywheel.market.spec import Spec
from tests.builders import loaded

UNTIL = dt.date(2026, 11, 17)


def test_every_page_of_the_market_room_is_filled(workspace):
    expansion.fill(workspace, UNTIL)
    kept = (ScoringModel, OwnOffer, OwnValue, ContentAsset, Partner, CompetitorOffer, MarketIndicator)
    assert all(model.objects.filter(workspace=workspace).exists() for model in kept)
    assert {entry.stage for entry in RoadmapEntry.objects.all()} == set(Stage.values)
    assert set(RoadmapEntry.objects.exclude(entered_on=None).values_list("market", flat=True)) == {
        market.code for market in MARKETS
    }  # so that the back-test has markets to score
    assert GatePass.objects.filter(market="US").count() == len(Stage) - 1
    found = screen(workspace, Spec.of(ScoringModel.objects.get().document))
    assert found.row("DE").coverage == 1
    assert found.row("IN").coverage < 1  # left for the reader to fill in


def test_two_demos_have_the_same_offers(workspace):
    expansion.fill(workspace, UNTIL)
    first = list(CompetitorOffer.objects.order_by("external_id").values_list("name", "price_index", "reviews"))
    CompetitorOffer.objects.all().delete()
    MarketIndicator.objects.all().delete()
    RoadmapEntry.objects.all().delete()
    ScoringModel.objects.all().delete()
    OwnValue.objects.all().delete()
    Investment.objects.all().delete()
    expansion.fill(workspace, UNTIL)
    assert list(CompetitorOffer.objects.order_by("external_id").values_list("name", "price_index", "reviews")) == first


def test_a_file_of_indicators_can_be_loaded_beside_the_demos(workspace, tmp_path):
    expansion.fill(workspace, UNTIL)
    row = {"market": "IN", "indicator": "policy_risk", "period": "2026", "value": "5", "origin": "desk"}
    loaded(workspace, tmp_path, "market_indicators", [row])
    found = screen(workspace, Spec.of(ScoringModel.objects.get().document))
    assert found.row("IN").parts[-1] == 0.5
