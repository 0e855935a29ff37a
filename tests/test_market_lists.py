"""What the market team keeps by hand: content, partners, own offers, the roadmap and its gates."""

import io
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from django.db.models import F
from django.urls import reverse
from python_calamine import CalamineWorkbook

from flywheel.accounts import records
from flywheel.accounts.models import Membership, Role, User, Workspace
from flywheel.diagnosis.register_views import PER_PAGE
from flywheel.facts.models import CompetitorOffer, Source
from flywheel.market import positioning, roadmap
from flywheel.market.models import ContentAsset, GatePass, OwnOffer, Partner, RoadmapEntry, Stage
from flywheel.measures.models import ConversionWeek
from tests.businesses import LAST, business
from tests.measured import store

TODAY = date(2026, 11, 18)
CONTENT = {"name": "Size guide", "kind": "help", "language": "de", "market": "Germany", "status": "live"}
PARTNER = {"name": "Parcel Co", "kind": "logistics", "stage": "found", "market": "", "due_on": "2026-11-01"}
FORMS: dict[str, dict[str, Any]] = {
    "content": CONTENT,
    "partners": PARTNER,
    "roadmap": {"market": "CA"},
    "offers": {"name": "Ours", "price_index": 100},
}
MODELS: dict[str, Any] = {
    "content": ContentAsset,
    "partners": Partner,
    "roadmap": RoadmapEntry,
    "offers": OwnOffer,
}


@pytest.fixture(autouse=True)
def _today(time_machine):
    time_machine.move_to("2026-11-18T09:00:00Z", tick=False)


@pytest.fixture
def member(workspace, client) -> User:
    """May enter things, and is logged in."""
    user = User.objects.create_user("member@example.com", "correct-horse-battery", name="Member")
    Membership.objects.create(workspace=workspace, user=user, role=Role.MEMBER)
    client.force_login(user)
    return user


def address(name: str, *args: object) -> str:
    return reverse(f"market-{name}", args=["acme", *args])


def html(answer) -> str:
    return answer.content.decode()


def kept(workspace, key="content", **fields) -> Any:
    known = FORMS[key]
    named = {**known, "market": "DE" if key != "roadmap" else "CA"} | fields
    record = MODELS[key](workspace=workspace, **named)
    records.add(record, None)
    record.refresh_from_db()
    return record


# --- every list -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("key", MODELS)
def test_a_reader_sees_a_list_without_buttons(client, workspace, reader, key):
    record = kept(workspace, key)
    client.force_login(reader)
    page = "positioning" if key == "offers" else key
    shown = html(client.get(address(page)))
    assert ("Canada" if key == "roadmap" else str(record)) in shown
    assert f'href="{address(f"{key}-edit", record.pk)}"' not in shown


@pytest.mark.parametrize("key", MODELS)
def test_records_of_another_workspace_are_not_listed(client, workspace, member, key):
    other = Workspace.objects.create(name="Other", slug="other")
    kept(other, key)
    page = "positioning" if key == "offers" else key
    assert "Nothing here yet" in html(client.get(address(page)))


def test_a_stranger_finds_nothing(client, workspace, stranger):
    client.force_login(stranger)
    for name in ("content", "partners", "roadmap", "positioning", "channels"):
        assert client.get(address(name)).status_code == 404


@pytest.mark.parametrize(
    ("key", "wrong", "words"),
    [
        ("content", {"name": ""}, "This field is required"),
        ("content", {"name": "x" * 161}, "at most 160 characters"),
        ("content", {"name": "a\0b"}, "Null characters are not allowed"),
        ("content", {"market": "Atlantis"}, "is no market or country"),
        ("content", {"language": "klingon"}, "klingon is not one of the available choices"),
        ("content", {"link": "javascript:alert(1)"}, "Enter a valid URL"),
        ("partners", {"due_on": "tomorrow"}, "Enter a valid date"),
        ("partners", {"stage": "married"}, "married is not one of the available choices"),
        ("roadmap", {"market": ""}, "This field is required"),
        ("roadmap", {"scoring_model": "77"}, "not one of the available choices"),
        ("offers", {"price_index": "dear"}, "Enter a number"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_stored(client, workspace, member, key, wrong, words):
    answer = html(client.post(address(f"{key}-new"), {**FORMS[key], **wrong}))
    assert words in answer
    assert not MODELS[key].objects.exists()


def test_names_are_shown_as_they_were_written(client, workspace, member):
    kept(workspace, name="<script>alert(1)</script>")
    page = html(client.get(address("content")))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


# --- filters, pages, files --------------------------------------------------------------------------------------------
def test_a_list_is_filtered_and_searched(client, workspace, member):
    kept(workspace, name="German guide")
    kept(workspace, name="French guide", market="FR", status="planned")
    assert "German guide" not in shown_rows(client, market="FR")
    assert "French guide" not in shown_rows(client, status="live")
    assert "French guide" not in shown_rows(client, q="german")
    assert "Nothing fits these filters" in html(client.get(address("content"), {"q": "%"}))
    assert "Nothing fits these filters" in html(client.get(address("content"), {"market": "'; DROP--"}))


def shown_rows(client, **query) -> str:
    page = html(client.get(address("content"), query, headers={"HX-Request": "true"}))
    assert "<html" not in page
    return page[page.index("<tbody") : page.index("</table>")]


def test_a_long_list_is_paged(client, workspace, member):
    ContentAsset.objects.bulk_create(
        ContentAsset(workspace=workspace, name=f"Asset {n:03}", language="en") for n in range(PER_PAGE + 1)
    )
    first, second = (html(client.get(address("content"), {"page": n})) for n in (1, 2))
    assert f"Asset {PER_PAGE:03}" not in first
    assert f"Asset {PER_PAGE:03}" in second


def test_files_hold_the_list_as_filtered_without_formulas(client, workspace, member):
    kept(workspace, "partners", name="=cmd()", market="DE")
    kept(workspace, "partners", name="Other", market="FR", kind="payment")
    text = client.get(address("partners-file", "csv"), {"market": "DE"}).content.decode()
    assert text.startswith("\ufeffPartner,Kind,Market")
    assert "'=cmd()" in text
    assert "Other" not in text
    book = client.get(address("partners-file", "xlsx")).content
    rows = CalamineWorkbook.from_filelike(io.BytesIO(book)).get_sheet_by_index(0).to_python()
    assert [row[0] for row in rows] == ["Partner", "'=cmd()", "Other"]
    assert rows[1][6] == date(2026, 11, 1)


def test_a_partner_whose_step_is_past_its_day_is_overdue(client, workspace, member):
    kept(workspace, "partners")
    assert "overdue" in html(client.get(address("partners")))
    Partner.objects.update(stage="active")
    assert "overdue" not in html(client.get(address("partners")))


# --- the roadmap ------------------------------------------------------------------------------------------------------
def gate(client, entry, **data):
    return client.post(address("gate", entry.pk), {"seen": entry.version, "reason": "", **data})


def test_a_closed_gate_is_passed_by_hand_with_a_reason_only(client, workspace, member):
    entry = kept(workspace, "roadmap")
    answer = html(gate(client, entry, stage="screened"))
    assert "Say why, since what the gate asks for is not all met." in answer
    entry.refresh_from_db()
    assert entry.stage == "candidate"
    gate(client, entry, stage="screened", reason="The board decided.")
    entry.refresh_from_db()
    passed = GatePass.objects.get()
    assert (entry.stage, passed.is_by_hand, passed.reason, passed.user) == (
        "screened",
        True,
        "The board decided.",
        member,
    )
    assert {c["key"] for c in passed.criteria} == {"score", "coverage", "stability"}
    assert "The board decided." in html(client.get(address("gate", entry.pk)))


def test_an_open_gate_is_passed_on_the_data(client, workspace, member):
    entry = kept(workspace, "roadmap", stage="validated", owner="Ida")
    kept(workspace, "content", market="CA")
    kept(workspace, "partners", market="CA", stage="signed")
    gate(client, entry, stage="mvp_test")
    entry.refresh_from_db()
    assert (entry.stage, GatePass.objects.get().is_by_hand) == ("mvp_test", False)


def test_a_market_goes_forward_one_stage_at_a_time_and_back_with_a_reason(client, workspace, member):
    entry = kept(workspace, "roadmap")
    assert "one stage at a time" in html(gate(client, entry, stage="scaled", reason="Hurry."))
    gate(client, entry, stage="screened", reason="Yes.")
    entry.refresh_from_db()
    assert "Say why" in html(gate(client, entry, stage="candidate"))
    gate(client, entry, stage="candidate", reason="New duties.")
    entry.refresh_from_db()
    assert entry.stage == "candidate"
    assert GatePass.objects.count() == 2


def test_a_gate_is_not_passed_on_a_page_that_is_out_of_date(client, workspace, member):
    entry = kept(workspace, "roadmap")
    answer = html(client.post(address("gate", entry.pk), {"seen": 9, "stage": "screened", "reason": "Yes."}))
    assert "Somebody has changed this since you opened it." in answer
    assert not GatePass.objects.exists()


def test_a_reader_sees_the_gate_and_does_not_pass_it(client, workspace, reader):
    entry = kept(workspace, "roadmap")
    client.force_login(reader)
    assert "What the gate asks for" in html(client.get(address("gate", entry.pk)))
    assert gate(client, entry, stage="screened", reason="Me.").status_code == 403


def criteria(workspace, entry) -> dict[str, bool | None]:
    found = roadmap.next_gate(entry, roadmap.gather(workspace, [entry]))
    return {c.key: c.met for c in found.criteria}


def test_the_gate_to_validation_asks_for_recent_offers(workspace):
    entry = kept(workspace, "roadmap", stage="screened")
    source = Source.objects.create(workspace=workspace, slug="desk", name="Desk")
    for n, days in enumerate((1, 20, 181)):
        offer(workspace, source, f"O{n}", market="CA", seen_on=TODAY - timedelta(days=days))
    assert criteria(workspace, entry) == {"offers": False, "talked": False}
    offer(workspace, source, "O3", market="CA", seen_on=TODAY)
    kept(workspace, "partners", market="CA", stage="contacted")
    assert criteria(workspace, entry) == {"offers": True, "talked": True}


def test_the_gate_to_scaling_asks_for_what_the_test_brought(workspace):
    entry = kept(workspace, "roadmap", market="DE", stage="mvp_test")
    assert criteria(workspace, entry) == {"customers": None, "return": None}
    store(workspace, business(1))
    assert criteria(workspace, entry)["customers"] is True
    assert roadmap.next_gate(kept(workspace, "roadmap", stage=Stage.SCALED), roadmap.gather(workspace, [])) is None


def test_what_a_test_returns_is_of_the_weeks_whose_spend_is_known(workspace):
    whole = business(1)
    store(workspace, whole)
    returned = roadmap.gather(workspace, []).tests["DE"].returned
    lately = whole.market["week"].to_numpy() > (LAST - 4 * np.timedelta64(7, "D")).astype("datetime64[s]")
    store(workspace, replace(whole, market=whole.market.loc[lately]))
    of_four_weeks = roadmap.gather(workspace, []).tests["DE"].returned
    assert of_four_weeks == pytest.approx(returned, rel=0.2)  # not three times as much


def test_what_a_test_returns_is_of_all_orders_at_the_margin_of_those_that_tell_their_costs(workspace):
    store(workspace, business(1))
    whole = roadmap.gather(workspace, []).tests["DE"]
    entry = kept(workspace, "roadmap", market="DE", stage="mvp_test")
    assert whole.known == pytest.approx(1)
    ConversionWeek.objects.update(
        costed_net_base=F("costed_net_base") / 4, contribution_base=F("contribution_base") / 4
    )
    quarter = roadmap.gather(workspace, []).tests["DE"]
    assert quarter.returned == pytest.approx(whole.returned, rel=1e-4)
    assert quarter.known == pytest.approx(0.25, rel=1e-4)
    returned = roadmap.next_gate(entry, roadmap.gather(workspace, [entry])).criteria[-1]
    assert returned.found.endswith("(costs known for 25% of revenue)")
    ConversionWeek.objects.update(costed_net_base=None, contribution_base=None)
    assert criteria(workspace, entry)["return"] is None


def test_a_market_that_no_model_names_is_scored_too(workspace):
    entry = kept(workspace, "roadmap")
    met = criteria(workspace, entry)
    assert met["score"] is True  # Canada, on what the table knows
    assert met["coverage"] is False


# --- positioning ------------------------------------------------------------------------------------------------------
def offer(workspace, source, name, **fields) -> CompetitorOffer:
    known = {"market": "DE", "seen_on": TODAY, "price_index": 110, "reviews": 50, "attributes": {"design": 7.0}}
    return CompetitorOffer.objects.create(
        workspace=workspace, source=source, external_id=f"{name}{fields}", name=name, **(known | fields)
    )


@pytest.fixture
def offers(workspace) -> None:
    """Cheap plain offers, and dear ones of good design with many reviews."""
    source = Source.objects.create(workspace=workspace, slug="desk", name="Desk")
    for n in range(4):
        offer(workspace, source, f"Plain {n}", price_index=70 + n, attributes={"design": 3 + n / 10}, reviews=5)
        offer(workspace, source, f"Fine {n}", price_index=140 + n, attributes={"design": 8 + n / 10}, reviews=900)


def test_the_map_shows_competitors_our_offer_and_the_emptiest_demanded_places(client, workspace, member, offers):
    client.post(address("offers-new"), {"name": "Ours", "price_index": 100, "score0": "6.5"})
    assert OwnOffer.objects.get().attributes == {"design": 6.5}
    page = html(client.get(address("positioning")))
    assert "The emptiest places that are asked for" in page
    assert "Ours" in page
    assert "Fine 3" in page


def test_only_the_newest_look_at_an_offer_counts(workspace, offers):
    source = Source.objects.get(slug="desk")
    offer(workspace, source, "Fine 0", seen_on=TODAY - timedelta(days=40), price_index=999)
    assert 999 not in {o.price_index for o in positioning.newest_offers(workspace)}


def test_too_few_offers_make_no_map_and_say_so(client, workspace, member):
    source = Source.objects.create(workspace=workspace, slug="desk", name="Desk")
    offer(workspace, source, "Alone")
    assert "too few offers (1 of 5 needed)" in html(client.get(address("positioning")))


@pytest.mark.parametrize("query", [{"x": "nothing"}, {"x": "design", "y": "design"}, {"market": "<b>"}, {"y": "price"}])
def test_a_wrong_choice_in_the_address_falls_back(client, workspace, member, offers, query):
    assert "positioning-map" in html(client.get(address("positioning"), query))


def test_the_file_of_the_map_holds_competitors_and_ourselves(client, workspace, member, offers):
    kept(workspace, "offers", market="", attributes={"design": 6.5})
    text = client.get(address("positioning-file", "csv")).content.decode()
    assert text.count("competitor") == 8
    assert "Ours,own,all,,100.0" in text


def test_no_page_asks_the_database_once_per_row(client, workspace, member, django_assert_max_num_queries):
    for code in ("CA", "MX", "NL", "SE", "IT", "ES", "CH", "AT", "NO", "KR", "SG", "IN"):
        kept(workspace, "roadmap", market=code)
        kept(workspace, "content", market=code)
    client.get(address("roadmap"))
    for name in ("roadmap", "content"):
        with django_assert_max_num_queries(24):
            client.get(address(name))
