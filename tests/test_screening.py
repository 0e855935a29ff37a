"""Market screening: the bundled table, own values beside it, scores, the editor of a model, its pages and files."""

import io
from importlib import import_module

import numpy as np
import pytest
from django.db import connection
from django.urls import reverse
from django.utils.translation import override
from python_calamine import CalamineWorkbook
from scipy.stats import spearmanr

from engines import scoring
from engines.results import Unavailable
from flywheel.accounts import records
from flywheel.accounts.models import Membership, Role, User, Workspace
from flywheel.facts.models import Market, MarketIndicator, Source
from flywheel.market import indicators
from flywheel.market.indicators import Cell
from flywheel.market.model_form import Editor, pairs_of
from flywheel.market.models import Change, OwnValue, ScoringModel
from flywheel.market.screening import first_markets, screen, weighed_by_entropy
from flywheel.market.spec import Dimension, Indicator, Method, Spec, first_spec

COMPONENTS = ("lpi_customs", "lpi_infrastructure", "lpi_shipments", "lpi_competence", "lpi_timeliness", "lpi_tracking")
YEAR = 2026


@pytest.fixture
def member(workspace) -> User:
    """May enter things."""
    user = User.objects.create_user("member@example.com", "correct-horse-battery", name="Member")
    Membership.objects.create(workspace=workspace, user=user, role=Role.MEMBER)
    return user


@pytest.fixture(autouse=True)
def _this_year(time_machine):
    time_machine.move_to("2026-11-18T09:00:00Z", tick=False)


@pytest.fixture
def model(workspace, member) -> ScoringModel:
    """The seven dimensions over four markets."""
    made = ScoringModel(workspace=workspace, name="Entry", document=first_spec(("DE", "FR", "CA", "MX")).document())
    records.add(made, member)
    made.refresh_from_db()
    return made


def own(workspace, market, indicator, value, period="2026", origin="our desk") -> MarketIndicator:
    """A value of the workspace's own."""
    source = Source.objects.get_or_create(workspace=workspace, slug="desk", defaults={"name": "Desk"})[0]
    return MarketIndicator.objects.create(
        workspace=workspace,
        source=source,
        external_id=f"{market}|{indicator}|{period}",
        market=market,
        indicator=indicator,
        period=period,
        value=value,
        origin=origin,
    )


def page(client, user, name, *args, **query) -> str:
    client.force_login(user)
    return client.get(reverse(name, args=["acme", *args]), query).content.decode()


# --- the bundled table ------------------------------------------------------------------------------------------------
def test_every_row_of_the_table_names_source_licence_and_both_codes():
    lines = indicators.TABLE.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "indicator,iso2,iso3,period,value,source,licence"
    assert all(line.endswith(",CC BY 4.0") and "World Bank" in line for line in lines[1:])
    assert len(indicators.economies()) > 200


def test_the_table_holds_nothing_that_no_indicator_describes():
    named = {line.split(",")[0] for line in indicators.TABLE.read_text(encoding="utf-8").splitlines()[1:]}
    assert named == {key for key, known in indicators.INDICATORS.items() if known.is_bundled}


def test_equal_weights_of_the_bundled_lpi_components_give_the_published_scores(workspace):
    dimensions = tuple(Dimension(key, (Indicator(key, 1, 5),), key) for key in COMPONENTS)
    spec = Spec(dimensions, dict.fromkeys(COMPONENTS, 1 / 6), markets=tuple(indicators.economies()))
    index, published = {}, indicators.cells(workspace, indicators.economies(), {"lpi": False}, YEAR)
    for row in screen(workspace, spec).ranked:
        cell = published[row.market, "lpi"]
        if cell.year == 2023:
            index[row.market] = (1 + 4 * row.score.value, cell.value)
    ours, theirs = np.array(list(index.values())).T
    assert len(index) == 139
    assert np.abs(ours - theirs).max() < 0.09
    assert spearmanr(ours, theirs).statistic > 0.99


def test_the_four_economies_with_a_published_4_1_tie_for_the_third_place(workspace):
    spec = Spec((Dimension("lpi", (Indicator("lpi", 1, 5),), "LPI"),), {"lpi": 1.0})
    found = screen(workspace, spec.with_markets(("NL", "SG", "DK", "FI", "DE", "CH", "AT")))
    assert [(row.rank, row.is_tied) for row in found.rows][:3] == [(1, False), (2, False), (3, True)]
    assert {row.market for row in found.rows if row.rank == 3} == {"DK", "DE", "NL", "CH"}
    assert found.row("AT").rank == 7


# --- own values -------------------------------------------------------------------------------------------------------
def test_an_own_value_goes_before_the_tables_when_it_is_chosen(workspace):
    own(workspace, "DE", "lpi", "2.5")
    chosen, other = (
        indicators.cells(workspace, ["DE"], {"lpi": own_first}, YEAR)["DE", "lpi"] for own_first in (True, False)
    )
    assert (chosen.value, chosen.source, chosen.is_own) == (2.5, "our desk", True)
    assert other == Cell(4.1, "2023", 2023, "World Bank, Logistics Performance Index (CC BY 4.0)", False, False)


def test_the_newest_own_value_counts_and_an_old_one_is_outdated(workspace):
    own(workspace, "DE", "policy_risk", 7, "2022")
    cell = indicators.cells(workspace, ["DE"], {"policy_risk": True}, YEAR)["DE", "policy_risk"]
    assert (cell.value, cell.is_outdated) == (7, True)
    own(workspace, "DE", "policy_risk", 4, "2026-Q1")
    cell = indicators.cells(workspace, ["DE"], {"policy_risk": True}, YEAR)["DE", "policy_risk"]
    assert (cell.value, cell.period, cell.is_outdated) == (4, "2026-Q1", False)


def test_as_of_a_year_only_what_was_known_then_is_looked_at(workspace):
    own(workspace, "DE", "policy_risk", 4, "2026")
    found = indicators.cells(workspace, ["DE"], {"policy_risk": True, "lpi": True}, YEAR, as_of=2020)
    assert ("DE", "policy_risk") not in found
    assert found["DE", "lpi"].year == 2018


def test_the_tables_old_edition_is_marked(workspace):
    assert not indicators.cells(workspace, ["DE"], {"lpi": True}, 2027)["DE", "lpi"].is_outdated
    assert indicators.cells(workspace, ["DE"], {"lpi": True}, 2028)["DE", "lpi"].is_outdated


def test_values_of_another_workspace_do_not_count(workspace):
    other = Workspace.objects.create(name="Other", slug="other")
    own(other, "DE", "policy_risk", 4)
    assert indicators.cells(workspace, ["DE"], {"policy_risk": True}, YEAR) == {}


# --- scores -----------------------------------------------------------------------------------------------------------
def test_a_removed_market_changes_no_other_score_whatever_the_weights(workspace):
    whole = first_spec(("DE", "FR", "CA", "MX", "SG"))
    for spec in (whole, weighed_by_entropy(workspace, whole)):
        less = screen(workspace, spec.with_markets(("DE", "MX", "SG")))
        known = {row.market: row.score for row in screen(workspace, spec).rows}
        assert {row.market: row.score for row in less.rows} == {m: known[m] for m in ("DE", "MX", "SG")}


def test_a_market_of_which_too_little_is_known_has_no_score(workspace):
    found = screen(workspace, first_spec(("DE", "GL")))  # of Greenland the table has no logistics
    assert found.row("GL").score == Unavailable("too_little_covered")
    assert (found.row("GL").rank, found.row("GL").top_share) == (0, None)
    assert found.rows[-1].market == "GL"
    assert found.row("DE").coverage == pytest.approx(3 / 7)


def test_a_new_model_is_about_the_workspaces_markets_and_the_largest_economies(workspace):
    Market.objects.create(workspace=workspace, code="IS")
    Market.objects.create(workspace=workspace, code="North")
    assert first_markets(workspace)[:3] == ("IS", "US", "CN")


def test_a_document_is_read_as_it_was_written():
    spec = first_spec(("DE",))
    assert Spec.of(spec.document()) == spec


# --- the page ---------------------------------------------------------------------------------------------------------
def test_screening_works_on_the_first_day_and_names_what_it_lacks(client, workspace, reader):
    html = page(client, reader, "market-screening")
    assert "United States leads with" in html
    assert "No value is known yet of: Competition density" in html
    assert "World Bank, Logistics Performance Index (CC BY 4.0)" in html
    assert "Make it your model" not in html
    assert not ScoringModel.objects.exists()


def test_the_page_shows_value_year_and_source_and_marks_what_is_old(client, workspace, model, reader):
    own(workspace, "DE", "policy_risk", "3.5", "2022", origin="<b>desk</b>")
    html = page(client, reader, "market-screening")
    assert "outdated" in html
    assert "&lt;b&gt;desk&lt;/b&gt;" in html
    assert "<b>desk</b>" not in html


def test_markets_have_names_in_chinese_too(client, workspace, model, reader):
    client.cookies["django_language"] = "zh-hans"
    assert "墨西哥" in page(client, reader, "market-screening")


@pytest.mark.parametrize("query", [{"model": "999999999999999999999"}, {"model": "x"}, {"page": "-3"}, {"page": "9e9"}])
def test_a_wrong_address_shows_the_first_model(client, workspace, model, reader, query):
    assert "Entry" in page(client, reader, "market-screening", **query)


def test_a_model_of_another_workspace_is_not_shown(client, workspace, reader):
    other = Workspace.objects.create(name="Other", slug="other")
    theirs = ScoringModel.objects.create(workspace=other, name="Theirs", document=first_spec(("DE",)).document())
    assert "Theirs" not in page(client, reader, "market-screening", model=theirs.pk)
    client.force_login(reader)
    assert client.get(reverse("market-model-edit", args=["acme", theirs.pk])).status_code == 403


def test_both_files_hold_every_market_with_value_period_and_source(client, workspace, model, reader):
    client.force_login(reader)
    text = client.get(reverse("market-screening-file", args=["acme", "csv"])).content
    assert text.startswith(b"\xef\xbb\xbf")
    assert text.decode().count("Logistics Performance Index") == 4
    book = client.get(reverse("market-screening-file", args=["acme", "xlsx"])).content
    rows = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert len(rows) == 5
    assert isinstance(rows[1][3], float)
    assert client.get(reverse("market-screening-file", args=["acme", "exe"])).status_code == 404


# --- rights -----------------------------------------------------------------------------------------------------------
def test_a_reader_sees_and_changes_nothing(client, workspace, model, reader):
    client.force_login(reader)
    assert client.post(reverse("market-model-new", args=["acme"])).status_code == 403
    assert client.get(reverse("market-model-edit", args=["acme", model.pk])).status_code == 403
    assert client.post(reverse("market-model-delete", args=["acme", model.pk])).status_code == 403
    assert ScoringModel.objects.count() == 1


def test_a_stranger_finds_nothing(client, workspace, model, stranger):
    client.force_login(stranger)
    for name, args in (("market-screening", []), ("market-model-edit", [model.pk]), ("market-values", [])):
        assert client.get(reverse(name, args=["acme", *args])).status_code == 404


# --- the editor -------------------------------------------------------------------------------------------------------
def entered(workspace, model, **changed) -> dict[str, object]:
    """The model's form as a browser sends it, with fields changed; None takes one away."""
    editor = Editor(workspace, model)
    data: dict[str, object] = {}
    for form in (editor.head, editor.pairs, editor.add, *editor.dimensions.forms, *editor.indicators.forms):
        for field in form:
            value = field.value()
            if value not in (None, False):
                data[field.html_name] = value
    for formset in (editor.dimensions, editor.indicators):
        data |= {f"{formset.prefix}-{n}_FORMS": len(formset.forms) for n in ("TOTAL", "INITIAL")}
    data |= changed
    return {name: value for name, value in data.items() if value is not None}


def saved(client, workspace, model, member, **changed) -> tuple[str, Spec]:
    client.force_login(member)
    address = reverse("market-model-edit", args=["acme", model.pk])
    answer = client.post(address, entered(workspace, model, **changed))
    model.refresh_from_db()
    return answer.content.decode(), Spec.of(model.document)


def test_what_is_posted_unchanged_leaves_the_model_as_it_was(client, workspace, model, member):
    before = Spec.of(model.document)
    _html, after = saved(client, workspace, model, member)
    assert after.dimensions == before.dimensions
    assert after.markets == before.markets
    assert model.version == 2


def test_weights_by_hand_are_brought_to_one(client, workspace, model, member):
    weights = {f"d-{at}-weight": 0 for at in range(7)} | {"d-0-weight": 30, "d-4-weight": 10}
    _html, spec = saved(client, workspace, model, member, method=Method.HAND, **weights)
    assert (spec.weights["size"], spec.weights["logistics"], spec.weights["policy"]) == (0.75, 0.25, 0)


def test_pairwise_judgements_give_the_weights_and_their_ratio(client, workspace, model, member):
    keys = Spec.of(model.document).keys
    pairs = {f"{a}|{b}": "3" if a == "size" else "1" for a, b in pairs_of(keys)}
    _html, spec = saved(client, workspace, model, member, method=Method.AHP, **pairs)
    assert spec.weights["size"] == pytest.approx(3 / 9)
    assert spec.ratio == pytest.approx(0, abs=1e-9)
    assert "λmax 7.000" in page(client, member, "market-model-edit", model.pk)


def test_judgements_that_contradict_each_other_are_refused_unless_confirmed(client, workspace, model, member):
    wild = {"size|growth": "9", "growth|competition": "9", "size|competition": "1/9"}
    html, spec = saved(client, workspace, model, member, method=Method.AHP, **wild)
    assert "The judgements contradict each other" in html
    assert 'value="9" selected' in html
    assert spec.method == Method.EQUAL
    _html, spec = saved(client, workspace, model, member, method=Method.AHP, confirmed="on", **wild)
    assert (spec.method, spec.confirmed) == (Method.AHP, True)
    assert spec.ratio > scoring.CONSISTENT


def test_entropy_weights_stay_when_markets_change_and_are_worked_out_again_on_request(client, workspace, model, member):
    _html, first = saved(client, workspace, model, member, method=Method.ENTROPY)
    assert (first.weighed_on, first.weighed_markets) == ("2026-11-18", 4)
    _html, after = saved(client, workspace, model, member, markets="Germany\nFrance\nIndia")
    assert after.weights == first.weights
    _html, again = saved(client, workspace, model, member, again="on")
    assert again.weights != first.weights
    assert "Entropy rewards spread, not importance" in page(client, member, "market-screening")


def test_an_indicator_of_ones_own_and_a_dimension_are_added(client, workspace, model, member):
    added = {"add_dimension": "Language", "add_indicator": "English speakers, %"}
    _html, spec = saved(client, workspace, model, member, **added)
    assert (spec.dimensions[-1].label, spec.dimensions[-1].indicators[0].key) == ("Language", "English speakers, %")
    added = {"add_dimension": "Logistics maturity", "add_indicator": "LPI: customs"}
    _html, spec = saved(client, workspace, model, member, **added)
    assert [i.key for i in spec.dimensions[4].indicators] == ["lpi", "lpi_customs"]


def test_two_dimensions_whose_names_begin_alike_are_two(client, workspace, model, member):
    for at, tail in enumerate(("a", "b")):
        name = "How much of the trade is across borders already: " + tail
        saved(client, workspace, model, member, add_dimension=name, add_indicator=f"share {tail}")
        model.refresh_from_db()
        assert Spec.of(model.document).dimensions[7 + at].name == name


def test_a_dimension_and_an_indicator_are_deleted(client, workspace, model, member):
    _html, spec = saved(client, workspace, model, member, **{"d-6-DELETE": "on", "i-1-DELETE": "on"})
    assert "policy" not in spec.keys
    assert [i.key for i in spec.dimensions[0].indicators] == ["gdp"]
    assert sum(spec.weights.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"i-2-low": "0.2"}, "The upper bound must be above the lower one."),
        ({"i-0-low": "0"}, "the lower bound must be above zero"),
        ({"i-0-low": "nan"}, "Enter a number"),
        ({"i-0-high": "1e400"}, "Enter a number"),
        ({"markets": "Germany\nAtlantis"}, "“Atlantis” is no market or country that is known here."),
        ({"name": ""}, "This field is required"),
        ({"name": "x" * 81}, "at most 80 characters"),
        ({"min_coverage": "0"}, "greater than or equal to 1"),
        ({"method": "dice"}, "dice is not one of the available choices"),
        ({"size|growth": "1/0"}, "1/0 is not one of the available choices"),
        ({"add_dimension": "Language"}, "Name both the dimension and the indicator."),
        ({"add_dimension": "Growth", "add_indicator": "Population"}, "“Population” is in the model twice."),
        ({"i-4-DELETE": "on"}, "has no indicator left"),
        ({f"d-{at}-DELETE": "on" for at in range(7)}, "A model needs at least one dimension."),
        ({"method": "hand", **{f"d-{at}-weight": "0" for at in range(7)}}, "At least one weight must be above zero."),
        ({"d-TOTAL_FORMS": "x"}, "Nothing has been saved"),
        ({"d-TOTAL_FORMS": "999999999", "i-TOTAL_FORMS": "999999999"}, "Please submit at most 12 forms"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_lost(client, workspace, model, member, changed, words):
    before = model.document
    html, _spec = saved(client, workspace, model, member, **changed)
    assert words.replace("'", "&#x27;") in html
    assert "Nothing has been saved" in html
    assert model.document == before
    assert model.version == 1


def test_of_two_people_the_second_is_told_and_loses_nothing(client, workspace, model, member, owner):
    stale = entered(workspace, model, name="Second")
    saved(client, workspace, model, owner, name="First")
    client.force_login(member)
    html = client.post(reverse("market-model-edit", args=["acme", model.pk]), stale).content.decode()
    assert "Somebody has saved this model since you opened it." in html
    assert 'value="Second"' in html
    model.refresh_from_db()
    assert model.name == "First"


def test_the_last_change_of_a_model_is_taken_back(client, workspace, model, member):
    saved(client, workspace, model, member, markets="Germany", name="Other")
    html = page(client, member, "market-screening")
    assert "name · markets" in html
    made = Change.objects.filter(action="changed").get()
    client.post(reverse("market-undo", args=["acme", made.pk]))
    model.refresh_from_db()
    assert model.name == "Entry"
    assert len(Spec.of(model.document).markets) == 4


def test_a_model_is_made_copied_and_deleted(client, workspace, member):
    client.force_login(member)
    client.post(reverse("market-model-new", args=["acme"]))
    made = ScoringModel.objects.get()
    client.post(reverse("market-model-new", args=["acme"]), {"model": made.pk})
    assert {m.name for m in ScoringModel.objects.all()} == {"Market entry", "Copy of Market entry"}
    client.post(reverse("market-model-delete", args=["acme", made.pk]))
    assert ScoringModel.objects.count() == 1
    client.post(reverse("market-undo", args=["acme", Change.objects.filter(action="deleted").get().pk]))
    assert ScoringModel.objects.filter(pk=made.pk).exists()


# --- values by hand ---------------------------------------------------------------------------------------------------
VALUE = {
    "market": "Germany",
    "indicator": "Policy risk, your assessment",
    "period": "2026",
    "value": "3.5",
    "origin": "desk",
}


def enter(client, **fields) -> str:
    return client.post(reverse("market-values-new", args=["acme"]), {**VALUE, **fields}, follow=True).content.decode()


def risk(workspace, model) -> float | None:
    """What policy risk counts for Germany."""
    return screen(workspace, Spec.of(model.document)).row("DE").parts[-1]


def test_a_value_entered_by_hand_counts_and_the_same_period_changes_it(client, workspace, model, member):
    client.force_login(member)
    enter(client)
    assert "“Germany · Policy risk, your assessment · 2026” has been saved." in enter(client, value="4")
    stored = OwnValue.objects.get()
    assert (stored.market, stored.indicator, float(stored.value), stored.version) == ("DE", "policy_risk", 4, 2)
    assert risk(workspace, model) == pytest.approx(0.6)


def test_one_of_our_indicators_is_known_by_its_name_in_either_language(client, workspace, member):
    client.force_login(member)
    with override("zh-hans"):
        chinese = indicators.label_of("policy_risk")
    assert chinese != VALUE["indicator"]
    enter(client)
    enter(client, indicator=chinese, value="4.25")
    assert (OwnValue.objects.get().indicator, OwnValue.objects.get().version) == ("policy_risk", 2)
    edit = page(client, member, "market-values-edit", OwnValue.objects.get().pk)
    assert 'value="4.25"' in edit


def test_a_value_that_is_taken_back_counts_as_before(client, workspace, model, member):
    client.force_login(member)
    enter(client)
    enter(client, value="4")
    for action, counts in (("changed", pytest.approx(0.65)), ("added", None)):
        made = Change.objects.get(record="ownvalue", action=action)
        client.post(reverse("market-undo", args=["acme", made.pk]))
        assert risk(workspace, model) == counts
    assert [c.user for c in Change.objects.filter(record="ownvalue")] == [member] * 4


def test_a_value_entered_by_hand_goes_before_a_loaded_one_of_the_same_period(client, workspace, model, member):
    own(workspace, "DE", "policy_risk", 9, "2026")
    client.force_login(member)
    enter(client, value="4")
    own(workspace, "DE", "policy_risk", 1, "2025")
    assert risk(workspace, model) == pytest.approx(0.6)
    own(workspace, "DE", "policy_risk", 2, "2027")
    assert risk(workspace, model) == pytest.approx(0.8)


def test_values_are_listed_in_words_with_the_decimals_they_were_entered_with(client, workspace, member):
    client.force_login(member)
    for value, period in (("3.5", "2026"), ("0.000125", "2025"), ("12000", "2024")):
        enter(client, value=value, period=period)
    html = page(client, member, "market-values", indicator="policy_risk")
    for text in ("Germany", "Policy risk, your assessment", ">3.5<", ">0.000125<", ">12,000<", "desk"):
        assert text in html
    text = client.get(reverse("market-values-file", args=["acme", "csv"])).content.decode()
    assert 'Germany,"Policy risk, your assessment",2025,0.000125,desk' in text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"market": "Atlantis"}, "is no market or country"),
        ({"period": "last year"}, "Enter a year, such as 2026"),
        ({"value": "much"}, "Enter a number"),
        ({"value": "1e99"}, "no more than 24 digits"),
        ({"value": "NaN"}, "Enter a number"),
        ({"origin": ""}, "This field is required"),
        ({"indicator": "a\0b"}, "Null characters are not allowed"),
    ],
)
def test_a_value_that_cannot_be_is_told(client, workspace, member, wrong, words):
    client.force_login(member)
    assert words in enter(client, **wrong)
    assert not OwnValue.objects.exists()


def test_values_entered_before_their_changes_were_kept_are_moved_and_can_go_back(workspace):
    moving = import_module("flywheel.market.migrations.0003_move_own_values").Migration.operations[0]
    source = Source.objects.create(workspace=workspace, slug="by-hand", name="Entered by hand")
    own(workspace, "DE", "policy_risk", 4)
    own(workspace, "FR", "policy_risk", 3)
    MarketIndicator.objects.filter(market="DE").update(source=source)
    for statements, entered, loaded in ((moving.sql, 1, 1), (moving.reverse_sql, 0, 2)):
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        assert (OwnValue.objects.count(), MarketIndicator.objects.count()) == (entered, loaded)
        assert Source.objects.filter(slug="by-hand").exists() is (entered == 0)
    assert MarketIndicator.objects.get(source__slug="by-hand").external_id == "DE|policy_risk|2026"
