"""Each kind of fact: loads, is updated by a second file, refuses what is wrong, and brings its markets."""

import datetime as dt
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from flywheel.accounts.models import Workspace
from flywheel.facts.models import (
    Channel,
    CompetitorOffer,
    CustomerCampaign,
    DirtyWeek,
    Investment,
    Market,
    MarketIndicator,
    OrderLine,
    PageExperience,
    Referral,
    SurveyAnswer,
)
from flywheel.intake import batches
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Batch
from flywheel.intake.parsing import PARSERS, Reading, parse
from flywheel.intake.plans import by_header
from flywheel.intake.vocabulary import CHOICES, plain
from tests.builders import Row, Silent, load_rows, loaded, order

pytestmark = pytest.mark.django_db

ROWS: dict[str, Row] = {
    "order_lines": {"order_id": "A-1", "line": "1", "name": "Trail shoe", "price": "50", "discount": "5"},
    "survey_answers": {"answer_id": "N-1", "score": 9, "answered_at": "2026-03-20", "market": "JP", "channel": "sms"},
    "referrals": {"referrer_id": "C-7", "invited_at": "2026-03-15", "referred_id": "C-9", "market": "JP"},
    "campaigns": {"campaign_id": "M-1", "market": "JP", "channel": "sms", "sent_at": "2026-03-10 09:00", "sent": 100},
    "page_experience": {"week": "2026-03-04", "market": "JP", "device": "mobile", "lcp_ms": 2300, "cls": "0.08"},
    "investments": {
        "month": "2026-03",
        "engine": "market",
        "market": "JP",
        "kind": "people",
        "amount": "3200",
        "currency": "USD",
    },
    "market_indicators": {"market": "JP", "indicator": "growth, %", "period": "2025", "value": "-1.4"},
    "competitor_offers": {"market": "JP", "name": "Alpine", "seen_on": "2026-03-02", "score: design": "8"},
}
LATER: dict[str, Row] = {
    "order_lines": {"discount": "6"},
    "survey_answers": {"score": 10},
    "referrals": {"order_id": "A-1"},
    "campaigns": {"opened": 40},
    "page_experience": {"inp_ms": 190},
    "investments": {"amount": "3300.50"},
    "market_indicators": {"value": "2.5"},
    "competitor_offers": {"reviews": 12},
}


def counts(batch: Batch) -> tuple[int | None, int | None, int | None]:
    return batch.added, batch.changed, batch.unchanged


def errors(batch: Batch) -> list[tuple[int, str, str, str]]:
    return list(batch.errors.values_list("line", "column", "value", "code"))


@pytest.mark.parametrize("kind", ROWS)
def test_a_second_file_updates_what_the_first_has_brought(workspace: Workspace, tmp_path: Path, kind: str) -> None:
    assert counts(loaded(workspace, tmp_path, kind, [ROWS[kind]])) == (1, 0, 0)
    assert counts(loaded(workspace, tmp_path, kind, [ROWS[kind]])) == (0, 0, 1)
    assert counts(loaded(workspace, tmp_path, kind, [{**ROWS[kind], **LATER[kind]}])) == (0, 1, 0)
    assert KINDS[kind].model._default_manager.count() == 1


@pytest.mark.parametrize("kind", ROWS)
def test_a_file_of_any_kind_can_be_taken_back(workspace: Workspace, tmp_path: Path, kind: str) -> None:
    model = KINDS[kind].model._default_manager
    first = loaded(workspace, tmp_path, kind, [ROWS[kind]])
    before = model.values().get()
    batches.undo(loaded(workspace, tmp_path, kind, [{**ROWS[kind], **LATER[kind]}]), Silent())
    assert model.values().get() == before
    batches.undo(first, Silent())
    assert not model.exists()
    assert not Market.objects.exists()


@pytest.mark.parametrize("kind", [kind for kind in ROWS if "market" in ROWS[kind]])
def test_an_unknown_market_is_added(workspace: Workspace, tmp_path: Path, kind: str) -> None:
    loaded(workspace, tmp_path, kind, [ROWS[kind]])
    assert list(Market.objects.values_list("code", flat=True)) == ["JP"]


@pytest.mark.parametrize(
    ("kind", "cells", "expected"),
    [
        ("order_lines", {"discount": "-1"}, ("discount", "-1", "negative")),
        ("survey_answers", {"score": "11"}, ("score", "11", "score")),
        ("survey_answers", {"score": "8.5"}, ("score", "8.5", "score")),
        ("survey_answers", {"score": "-1"}, ("score", "-1", "negative")),
        ("referrals", {"referrer_id": ""}, ("referrer_id", "", "required")),
        ("referrals", {"invited_at": "soon"}, ("invited_at", "soon", "timestamp")),
        ("campaigns", {"revenue": "12"}, ("currency", "", "required")),
        ("campaigns", {"opened": "many"}, ("opened", "many", "integer")),
        ("page_experience", {"lcp_ms": "2.3"}, ("lcp_ms", "2.3", "integer")),
        ("page_experience", {"cls": "-0.1"}, ("cls", "-0.1", "negative")),
        ("investments", {"month": "March"}, ("month", "March", "month")),
        ("investments", {"month": "2026-13"}, ("month", "2026-13", "month")),
        ("investments", {"engine": "warehouse"}, ("engine", "warehouse", "choice")),
        ("investments", {"kind": "luck"}, ("kind", "luck", "choice")),
        ("investments", {"currency": "XAU"}, ("currency", "XAU", "rate")),
        ("market_indicators", {"value": "high"}, ("value", "high", "signed")),
        ("market_indicators", {"value": "1" * 19}, ("value", "1" * 19, "too_large")),
        ("competitor_offers", {"score: design": "good"}, ("score: design", "good", "number")),
        ("competitor_offers", {"score_3": "5"}, ("attribute_3", "", "required")),
    ],
)
def test_what_is_wrong_is_named(
    workspace: Workspace, tmp_path: Path, kind: str, cells: Row, expected: tuple[str, str, str]
) -> None:
    batch = load_rows(workspace, tmp_path, kind, [{**ROWS[kind], **cells}])
    assert errors(batch) == [(2, *expected)]
    assert not KINDS[kind].model._default_manager.exists()


# --- after the sale ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("kind", "model"), [("survey_answers", SurveyAnswer), ("referrals", Referral)])
def test_an_answer_or_referral_knows_its_order_whichever_comes_first(
    workspace: Workspace, tmp_path: Path, kind: str, model: type[SurveyAnswer | Referral]
) -> None:
    loaded(workspace, tmp_path, kind, [{**ROWS[kind], "order_id": "A-1", "market": "", "channel": ""}])
    loaded(workspace, tmp_path, "orders", [order("A-1", market="FR", channel="amazon", carrier="DHL")])
    found = model.objects.get()
    assert (found.market, found.channel, found.carrier, str(found.order_week)) == ("FR", "amazon", "DHL", "2026-03-02")
    assert DirtyWeek.objects.filter(rollup="aftersales", week=found.week).exists()


def test_referrals_without_an_id_are_told_apart_by_both_people_and_the_time(
    workspace: Workspace, tmp_path: Path
) -> None:
    row = {"referrer_id": "C-7", "invited_at": "2026-03-15"}
    rows = [{**row, "referred_id": "tom@example.com"}, {**row, "referred_id": "eva@example.com"}]
    assert counts(loaded(workspace, tmp_path, "referrals", rows)) == (2, 0, 0)
    assert not Referral.objects.filter(external_id__contains="@").exists()
    assert not Referral.objects.filter(referred__contains="@").exists()


def test_a_mailing_in_two_markets_is_two_records_in_base_currency(workspace: Workspace, tmp_path: Path) -> None:
    mailing = {**ROWS["campaigns"], "revenue": "100", "currency": "USD"}
    loaded(workspace, tmp_path, "campaigns", [mailing, {**mailing, "market": "DE"}])
    assert CustomerCampaign.objects.count() == 2
    found = CustomerCampaign.objects.get(market="DE")
    assert found.revenue_base == round(100 * found.fx_rate, 4)
    assert (found.week, found.sent, found.opened) == (dt.date(2026, 3, 9), 100, None)
    assert Channel.objects.get().kind == Channel.Kind.EMAIL


# --- traffic ----------------------------------------------------------------------------------------------------------
def test_any_day_of_a_week_names_the_week(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "page_experience", [ROWS["page_experience"]])
    again = loaded(workspace, tmp_path, "page_experience", [{**ROWS["page_experience"], "week": "2026-03-08"}])
    assert counts(again) == (0, 0, 1)
    found = PageExperience.objects.get()
    assert (found.week, found.lcp_ms, found.inp_ms, found.cls) == (dt.date(2026, 3, 2), 2300, None, Decimal("0.08"))


# --- markets ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "cells",
    [
        {"engine": "市场", "kind": "人力"},
        {"engine": "Markterschließung", "kind": "Gehälter"},
        {"engine": "Market expansion", "kind": "People", "month": "2026-03-31"},
        {"engine": "MARKET", "kind": "staff", "month": "2026/3"},
    ],
)
def test_an_investment_is_one_and_the_same_in_any_words(workspace: Workspace, tmp_path: Path, cells: Row) -> None:
    loaded(workspace, tmp_path, "investments", [ROWS["investments"]])
    assert counts(loaded(workspace, tmp_path, "investments", [{**ROWS["investments"], **cells}])) == (0, 0, 1)
    found = Investment.objects.get()
    assert (found.engine, found.kind, found.month) == ("market", "people", dt.date(2026, 3, 1))
    assert found.amount_base == round(found.amount * found.fx_rate, 4)


def test_two_tools_of_one_month_are_two_investments(workspace: Workspace, tmp_path: Path) -> None:
    rows = [{**ROWS["investments"], "kind": "tools", "name": name} for name in ("help desk", "translation")]
    assert counts(loaded(workspace, tmp_path, "investments", rows)) == (2, 0, 0)


def test_a_mapping_gives_a_word_its_meaning(workspace: Workspace, tmp_path: Path) -> None:
    rows = [{**ROWS["investments"], "engine": "Team Blue"}]
    batch = load_rows(workspace, tmp_path, "investments", rows, values={"engine": {"team blue": "conversion"}})
    assert batch.state == Batch.State.LOADED
    assert Investment.objects.get().engine == "conversion"


@pytest.mark.parametrize(("language", "word"), [("en", "After-sales"), ("zh-hans", "售后")])
def test_the_error_of_a_choice_names_the_allowed_words(
    workspace: Workspace, tmp_path: Path, language: str, word: str
) -> None:
    batch = load_rows(workspace, tmp_path, "investments", [{**ROWS["investments"], "engine": "warehouse"}])
    with translation.override(language):
        assert word in batch.errors.get().expected


@pytest.mark.parametrize("value", ["-1.4", "0", "25744000000000000", "-0.000001", "1,234.5"])
def test_an_indicator_keeps_its_value(workspace: Workspace, tmp_path: Path, value: str) -> None:
    loaded(workspace, tmp_path, "market_indicators", [{**ROWS["market_indicators"], "value": value}])
    assert MarketIndicator.objects.get().value == Decimal(value.replace(",", ""))


def test_each_scored_attribute_is_a_column(workspace: Workspace, tmp_path: Path) -> None:
    row = {
        "market": "DE",
        "name": 'The "Alp\\30"',
        "seen_on": "2026-03-02",
        'Score: 7" screen': "007",
        "评分：设计": "8.5",
    }
    assert load_rows(workspace, tmp_path, "competitor_offers", [row]).state == Batch.State.LOADED
    assert CompetitorOffer.objects.get().attributes == {'7" screen': 7, "设计": 8.5}


def test_a_later_score_leaves_the_others_alone(workspace: Workspace, tmp_path: Path) -> None:
    offer = {"market": "DE", "name": "Alpine", "seen_on": "2026-03-02"}
    for scores in ({"score: design": "8", "score: price": "5"}, {"score: price": "6", "score: design": ""}):
        loaded(workspace, tmp_path, "competitor_offers", [{**offer, **scores}])
    assert CompetitorOffer.objects.get().attributes == {"design": 8, "price": 6}


def test_a_line_keeps_its_products_name_and_discount(workspace: Workspace, tmp_path: Path) -> None:
    loaded(workspace, tmp_path, "order_lines", [ROWS["order_lines"]])
    found = OrderLine.objects.get()
    assert (found.name, found.discount) == ("Trail shoe", 5)


# --- headers ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", KINDS)
def test_a_header_word_names_one_column_of_a_kind(kind: str) -> None:
    words = Counter(word for column in KINDS[kind].columns for word in {plain(column.name), *column.words})
    assert [word for word, count in words.items() if count > 1] == []


@pytest.mark.parametrize("language", [code for code, _name in settings.LANGUAGES])
@pytest.mark.parametrize("kind", KINDS)
def test_labels_of_every_language_are_recognised_as_headers(kind: str, language: str) -> None:
    with translation.override(language):
        header = {column.name: str(column.label) for column in KINDS[kind].columns}
    assert by_header(KINDS[kind], list(header.values())).columns == header


@pytest.mark.parametrize(
    ("kind", "header"),
    [
        ("orders", {"order_id": "Bestellnummer", "ordered_at": "Datum", "market": "Land", "currency": "Währung"}),
        ("orders", {"order_id": "numéro de commande", "currency": "devise", "total": "Montant total"}),
        ("orders", {"order_id": "订单号", "ordered_at": "下单时间", "currency": "币种", "total": "实付金额"}),
        ("traffic", {"date": "Datum", "sessions": "Sitzungen", "channel": "Kanal", "device": "Gerät"}),
        ("spend", {"date": "Tag", "cost": "Kosten", "currency": "Währung", "market": "Markt"}),
        ("refunds", {"order_id": "N° de commande", "amount": "MONTANT", "currency": "devise"}),
    ],
)
def test_common_columns_are_known_by_their_german_french_and_chinese_names(kind: str, header: dict[str, str]) -> None:
    assert by_header(KINDS[kind], list(header.values())).columns == header


def test_a_decomposed_umlaut_is_the_same_letter() -> None:
    assert by_header(KINDS["spend"], ["Wa\u0308hrung"]).columns == {"currency": "Wa\u0308hrung"}


def test_the_first_of_a_columns_other_names_wins_wherever_it_stands() -> None:
    found = by_header(KINDS["orders"], ["date", "order_date"])
    assert found.columns["ordered_at"] == "order_date"


@pytest.mark.parametrize("choice", CHOICES.values(), ids=CHOICES)
def test_the_label_of_a_meaning_is_understood_in_every_language(choice) -> None:
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            assert all(choice.words[plain(str(label))] == value for value, label in choice.meanings)


def test_every_column_can_be_parsed() -> None:
    assert {column.type for kind in KINDS.values() for column in kind.columns} <= PARSERS.keys()


@pytest.mark.parametrize(("date_format", "cell"), [("", "2026-3"), ("", "2026-03-31"), ("%d.%m.%Y", "31.03.2026")])
def test_a_month_is_read_from_its_name_or_any_of_its_days(date_format: str, cell: str) -> None:
    reading = Reading(workspace_zone="UTC", zone="UTC", hash_key=b"", date_format=date_format)
    assert parse("month", [cell, "2026-03", ""], reading).texts == ["2026-03-01", "2026-03-01", ""]
