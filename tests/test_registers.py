"""Lists that people keep by hand, in every room: added, changed, deleted and taken back; what two people do at once."""

import re
from typing import Any

import pytest
from django.urls import reverse

from flywheel.accounts.models import Membership, Role, User, Workspace
from flywheel.conversion import registers as conversion
from flywheel.conversion.models import FreeShipping
from flywheel.diagnosis.registers import Register
from flywheel.facts.models import Market
from flywheel.market import registers as market
from flywheel.market.models import Partner, RoadmapEntry

LISTS: dict[str, Register] = {
    f"{register.room.engine}-{register.key}": register
    for register in (*market.REGISTERS.values(), *conversion.REGISTERS.values())
    if register.address
}
FORMS: dict[str, dict[str, Any]] = {
    "market-values": {"market": "DE", "indicator": "Hikers, %", "period": "2026", "value": "3.5", "origin": "desk"},
    "market-content": {"name": "Guide", "kind": "help", "language": "de", "market": "DE", "status": "live"},
    "market-partners": {"name": "Parcel Co", "kind": "logistics", "stage": "found", "market": "DE", "note": "Hm."},
    "market-roadmap": {"market": "DE", "owner": "Mei"},
    "market-offers": {"name": "Ours", "market": "DE", "price_index": "100"},
    "conversion-pain": {"step": "payments", "market": "DE", "text": "Form closes", "status": "open", "owner": "Mei"},
    "conversion-item": {"market": "DE", "group": "content", "name": "Gift wrapping", "state": "no"},
    "conversion-method": {"market": "DE", "method": "klarna", "note": "Asked for"},
    "conversion-threshold": {"market": "DE", "amount": "85", "currency": "EUR"},
}
OTHER = {
    "market-values": ("origin", "a study"),
    "market-content": ("name", "Second guide"),
    "market-partners": ("next_step", "Call them"),
    "market-roadmap": ("owner", "Jonas"),
    "market-offers": ("name", "Ours, light"),
    "conversion-pain": ("evidence", "14 of 20\nrecordings"),
    "conversion-item": ("evidence", "https://example.com/gift"),
    "conversion-method": ("note", "Ends in spring"),
    "conversion-threshold": ("amount", "99"),
}  # what a second person enters
ONE_ONLY = ("market-roadmap", "conversion-method", "conversion-threshold")  # per market and method

every_list = pytest.mark.parametrize("name", LISTS)


@pytest.fixture(autouse=True)
def _today(time_machine):
    time_machine.move_to("2026-11-18T09:00:00Z", tick=False)


@pytest.fixture
def member(workspace, client) -> User:
    """May enter things, and is logged in."""
    Market.objects.create(workspace=workspace, code="DE")
    user = User.objects.create_user("member@example.com", "correct-horse-battery", name="Member")
    Membership.objects.create(workspace=workspace, user=user, role=Role.MEMBER)
    client.force_login(user)
    return user


def post(client, name: str, /, *args: object, **data: object) -> str:
    return client.post(reverse(name, args=["acme", *args]), data, follow=True).content.decode()


def only(name: str) -> Any:
    return LISTS[name].model._base_manager.get()


def count(name: str) -> int:
    return LISTS[name].model._base_manager.count()


def change_of(name: str, action: str) -> int:
    return LISTS[name].change_model._base_manager.get(action=action).pk


def undone(client, name: str, action: str) -> str:
    return post(client, f"{LISTS[name].room.engine}-undo", change_of(name, action))


def second(name: str, /, **more: object) -> dict[str, object]:
    field, value = OTHER[name]
    return {**FORMS[name], field: value, **more}


def shown_value(html: str, field: str) -> str:
    """What the form holds in a field."""
    found = re.search(rf'name="{field}"[^>]*? value="([^"]*)"', html) or re.search(
        rf'<textarea name="{field}"[^>]*>\n?([^<]*)<', html
    )
    assert found
    return found[1]


# --- the way of a record ----------------------------------------------------------------------------------------------
@every_list
def test_a_record_is_added_changed_deleted_and_each_is_taken_back(client, workspace, member, name):
    assert "has been added." in post(client, f"{name}-new", **FORMS[name])
    first = only(name)
    assert (first.changed_by, first.market) == (member, "DE")
    assert "has been saved." in post(client, f"{name}-edit", first.pk, **second(name, seen=1))
    changed = only(name)
    assert (changed.pk, changed.version) == (first.pk, 2)
    assert changed.content() != first.content()
    assert "has been deleted." in post(client, f"{name}-delete", first.pk, seen=2)
    assert count(name) == 0
    assert "has been taken back." in undone(client, name, "deleted")
    assert (only(name).pk, only(name).content()) == (first.pk, changed.content())
    undone(client, name, "changed")
    assert only(name).content() == first.content()
    undone(client, name, "added")
    assert count(name) == 0
    assert {c.user for c in LISTS[name].change_model._base_manager.all()} == {member}


@every_list
def test_looking_writes_nothing(client, workspace, member, name):
    post(client, f"{name}-new", **FORMS[name])
    before, pk = only(name), only(name).pk
    for page, *args in (("new",), ("edit", pk)):
        assert client.get(reverse(f"{name}-{page}", args=["acme", *args])).status_code == 200
    assert client.get(reverse(f"{name}-delete", args=["acme", pk])).status_code == 405
    undo = reverse(f"{LISTS[name].room.engine}-undo", args=["acme", change_of(name, "added")])
    assert client.get(undo).status_code == 405
    assert (only(name).version, only(name).content()) == (1, before.content())


@every_list
def test_a_reader_changes_nothing(client, workspace, member, reader, name):
    post(client, f"{name}-new", **FORMS[name])
    pk, change = only(name).pk, change_of(name, "added")
    client.force_login(reader)
    for page, *args in ((f"{name}-new",), (f"{name}-edit", pk), (f"{name}-delete", pk),
                        (f"{LISTS[name].room.engine}-undo", change)):  # fmt: skip
        assert client.post(reverse(page, args=["acme", *args]), FORMS[name]).status_code == 403
    assert count(name) == 1
    assert f'href="{reverse(f"{name}-edit", args=["acme", pk])}"' not in shown(client, name)


def shown(client, name: str) -> str:
    """The page that shows a list."""
    return client.get(reverse(LISTS[name].page, args=["acme"])).content.decode()


@every_list
def test_one_workspace_reaches_nothing_of_another(client, workspace, member, name):
    post(client, f"{name}-new", **FORMS[name])
    other, register = Workspace.objects.create(name="Other", slug="other"), LISTS[name]
    register.model._base_manager.update(workspace=other)
    register.change_model._base_manager.update(workspace=other)
    pk, change = only(name).pk, change_of(name, "added")
    for page, *args in ((f"{name}-edit", pk), (f"{name}-delete", pk), (f"{register.room.engine}-undo", change)):
        assert client.post(reverse(page, args=["acme", *args]), FORMS[name]).status_code == 404
    assert only(name).version == 1


# --- two people at once -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "seen"),
    [
        *((name, "1") for name in LISTS),
        *(("market-content", seen) for seen in ("", "-1", "x\0", "99999999999999999999")),
    ],
)
def test_of_two_people_the_second_is_told_and_loses_nothing(client, workspace, member, name, seen):
    post(client, f"{name}-new", **FORMS[name])
    post(client, f"{name}-edit", only(name).pk, **second(name, seen=1))
    field, _value = OTHER[name]
    entered = "77" if field == "amount" else "What the second one wrote"
    html = post(client, f"{name}-edit", only(name).pk, **{**FORMS[name], field: entered, "seen": seen})
    assert "Somebody has changed this since you opened it." in html
    assert shown_value(html, field) == entered
    assert str(getattr(only(name), field)).startswith(OTHER[name][1])


@every_list
def test_what_somebody_changed_meanwhile_is_not_deleted(client, workspace, member, name):
    post(client, f"{name}-new", **FORMS[name])
    post(client, f"{name}-edit", only(name).pk, **second(name, seen=1))
    assert "nothing has been deleted" in post(client, f"{name}-delete", only(name).pk, seen=1)
    assert count(name) == 1


@every_list
def test_what_was_entered_for_a_record_that_somebody_deleted_can_be_added_again(client, workspace, member, name):
    post(client, f"{name}-new", **FORMS[name])
    pk, (field, value) = only(name).pk, OTHER[name]
    post(client, f"{name}-delete", pk)
    html = post(client, f"{name}-edit", pk, **second(name, seen=1))
    assert "Somebody has deleted this since you opened it." in html
    assert shown_value(html, field) == value
    assert f'action="{reverse(f"{name}-new", args=["acme"])}"' in html
    assert count(name) == 0


def test_a_record_that_never_was_is_not_found(client, workspace, member):
    address = reverse("market-content-edit", args=["acme", 77])
    assert client.get(address).status_code == client.post(address, FORMS["market-content"]).status_code == 404


def test_a_record_that_came_back_is_not_taken_for_the_one_that_was_opened_before(client, workspace, member):
    name = "market-content"
    post(client, f"{name}-new", **FORMS[name])
    post(client, f"{name}-edit", only(name).pk, **second(name, seen=1))
    post(client, f"{name}-delete", only(name).pk, seen=2)
    undone(client, name, "deleted")
    for seen in (1, 2):
        html = post(client, f"{name}-edit", only(name).pk, **FORMS[name], seen=seen)
        assert "Somebody has changed this since you opened it." in html
    assert only(name).name == "Second guide"


# --- taking back ------------------------------------------------------------------------------------------------------
@every_list
def test_a_change_that_others_build_on_is_not_taken_back(client, workspace, member, name):
    post(client, f"{name}-new", **FORMS[name])
    post(client, f"{name}-edit", only(name).pk, **second(name, seen=1))
    assert "It has been changed since." in undone(client, name, "added")
    assert only(name).version == 2


def test_a_change_is_taken_back_once(client, workspace, member):
    post(client, "market-content-new", **FORMS["market-content"])
    undone(client, "market-content", "added")
    assert "taken back already" in undone(client, "market-content", "added")


@pytest.mark.parametrize("name", [*ONE_ONLY, "market-values"])
def test_a_record_whose_place_is_taken_does_not_come_back(client, workspace, member, name):
    post(client, f"{name}-new", **FORMS[name])
    post(client, f"{name}-delete", only(name).pk)
    deleted = change_of(name, "deleted")
    post(client, f"{name}-new", **second(name))
    html = post(client, f"{LISTS[name].room.engine}-undo", deleted)
    assert "Another record has taken its place." in html
    assert str(getattr(only(name), OTHER[name][0])).startswith(OTHER[name][1])


@pytest.mark.parametrize("name", ONE_ONLY)
def test_where_there_may_be_one_only_a_second_is_refused_in_words(client, workspace, member, name):
    post(client, f"{name}-new", **FORMS[name])
    html = post(client, f"{name}-new", **second(name))
    assert str(LISTS[name].taken) in html
    assert shown_value(html, OTHER[name][0]) == OTHER[name][1]
    assert count(name) == 1


# --- what is shown and asked for --------------------------------------------------------------------------------------
@every_list
def test_the_changes_of_a_record_are_told_in_words(client, workspace, member, name):
    post(client, f"{name}-new", **FORMS[name])
    post(client, f"{name}-edit", only(name).pk, **second(name, seen=1))
    html = client.get(reverse(f"{name}-edit", args=["acme", only(name).pk])).content.decode()
    panel = html[html.index('id="changes"') :].partition("</table>")[0]
    part = str(LISTS[name].model._meta.get_field(OTHER[name][0]).verbose_name)
    assert part in panel
    assert ("Germany" in panel) == (name.split("-")[1] in ("values", "roadmap", "item", "method", "threshold"))


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        *((name, "germany") for name in LISTS),
        *(("conversion-threshold", typed) for typed in ("DE", " Germany ", "德国", "Deutschland", "de")),
    ],
)
def test_a_market_is_typed_as_its_code_or_its_name(client, workspace, member, name, typed):
    post(client, f"{name}-new", **{**FORMS[name], "market": typed})
    assert only(name).market == "DE"
    html = client.get(reverse(f"{name}-edit", args=["acme", only(name).pk])).content.decode()
    assert shown_value(html, "market") == "Germany"


def test_of_two_markets_with_one_name_each_keeps_its_own(client, workspace, member):
    for code in ("DE-1", "DE-2"):
        Market.objects.create(workspace=workspace, code=code, name="Germany North")
        post(client, "conversion-threshold-new", market=code, amount="85", currency="EUR")
    for entry in FreeShipping.objects.all():
        address = reverse("conversion-threshold-edit", args=["acme", entry.pk])
        typed = shown_value(client.get(address).content.decode(), "market")
        client.post(address, {"market": typed, "amount": "90", "currency": "EUR", "seen": 1})
    assert set(FreeShipping.objects.values_list("market", "version")) == {("DE-1", 2), ("DE-2", 2)}


def test_a_market_that_is_not_sold_in_has_no_threshold_but_may_be_entered_on_the_roadmap(client, workspace, member):
    html = post(client, "conversion-threshold-new", market="Canada", amount="85", currency="CAD")
    assert "is no market or country that is known here" in html
    post(client, "market-roadmap-new", market="Canada")
    assert RoadmapEntry.objects.get().market == "CA"


@pytest.mark.parametrize("name", ["conversion-item", "conversion-method", "conversion-threshold"])
def test_after_saving_the_page_is_about_the_market_of_the_record(client, workspace, member, name):
    answers = [client.post(reverse(f"{name}-new", args=["acme"]), FORMS[name])]
    pk, change = only(name).pk, change_of(name, "added")
    answers.append(client.post(reverse(f"{name}-edit", args=["acme", pk]), second(name, seen=1)))
    answers.append(client.post(reverse(f"{name}-delete", args=["acme", pk])))
    answers.append(client.post(reverse("conversion-undo", args=["acme", change])))
    assert {answer.url for answer in answers} == {reverse(LISTS[name].page, args=["acme"]) + "?market=DE"}


@pytest.mark.parametrize(("day", "is_right"), [("2031-01-01", True), ("2099-01-01", False), ("0001-01-01", False)])
def test_a_step_is_planned_for_a_day_that_can_be(client, workspace, member, day, is_right):
    html = post(client, "market-partners-new", **FORMS["market-partners"], due_on=day)
    assert ("This day cannot be right." in html) is not is_right
    assert Partner.objects.exists() is is_right
