"""Markets and channels: seen by all, named by an admin, one workspace's own."""

from typing import Any

import pytest
from django.urls import reverse

from flywheel.accounts.models import Membership, Role, Workspace
from flywheel.facts.models import Channel, Market
from flywheel.facts.places import PER_PAGE
from flywheel.measures.frames import channel_kinds
from tests.builders import market


@pytest.fixture
def admin(workspace, stranger):
    """May change a workspace's settings."""
    Membership.objects.create(workspace=workspace, user=stranger, role=Role.ADMIN)
    return stranger


@pytest.fixture
def address(workspace) -> str:
    return reverse("places", args=[workspace.slug])


def posted(name: str, *rows: dict[str, object]) -> dict[str, object]:
    """The form of a table as a browser sends it."""
    cells = {f"{name}-{i}-{field}": value for i, row in enumerate(rows) for field, value in row.items()}
    return cells | {f"{name}-TOTAL_FORMS": len(rows), f"{name}-INITIAL_FORMS": len(rows)}


def test_a_channels_new_kind_is_what_the_next_diagnosis_reads(client, admin, workspace, address):
    channel = Channel.objects.create(workspace=workspace, code="vip")
    client.force_login(admin)
    answer = client.post(address, posted("channels", {"id": channel.pk, "name": "VIP club", "kind": "referral"}))
    assert answer.headers["Location"] == address
    assert channel_kinds(workspace) == {"vip": "referral"}
    assert str(Channel.objects.get()) == "VIP club"


def test_a_market_takes_a_name_and_a_zone_or_none(client, admin, workspace, address):
    first, second = market(workspace, "DE", "Europe/Berlin"), market(workspace, "US", "")
    rows = [
        {"id": first.pk, "name": "Germany", "time_zone": ""},
        {"id": second.pk, "name": "", "time_zone": " America/New_York "},
    ]
    client.force_login(admin)
    client.post(address, posted("markets", *rows))
    stored = Market.objects.values_list("code", "name", "time_zone")
    assert list(stored) == [("DE", "Germany", ""), ("US", "", "America/New_York")]


@pytest.mark.parametrize(
    ("table", "field", "value", "words"),
    [
        ("markets", "time_zone", "Mars/Olympus", "Mars/Olympus is not a known time zone."),
        ("channels", "kind", "carrier pigeon", "carrier pigeon is not one of the available choices"),
        ("channels", "name", "x" * 121, "at most 120 characters"),
    ],
)
def test_one_wrong_field_is_named_and_no_row_is_saved(client, admin, workspace, address, table, field, value, words):
    model: Any = {"markets": Market, "channels": Channel}[table]
    right, wrong = (model.objects.create(workspace=workspace, code=code) for code in ("a", "b"))
    client.force_login(admin)
    page = client.post(
        address, posted(table, {"id": right.pk, "name": "New"}, {"id": wrong.pk, "name": "New", field: value})
    ).content.decode()
    assert words in page
    assert "Nothing has been saved" in page
    assert not model.objects.exclude(name="").exists()


def test_rows_of_another_workspace_cannot_be_changed(client, admin, workspace, address):
    other = Workspace.objects.create(name="Other", slug="other")
    theirs = Channel.objects.create(workspace=other, code="theirs", name="Theirs")
    client.force_login(admin)
    page = client.post(address, posted("channels", {"id": theirs.pk, "name": "Mine", "kind": ""}))
    assert "A row is no longer there." in page.content.decode()
    assert Channel.objects.get().name == "Theirs"


def test_no_row_can_be_added_by_hand(client, admin, workspace, address):
    client.force_login(admin)
    client.post(address, {"channels-TOTAL_FORMS": 1, "channels-INITIAL_FORMS": 0, "channels-0-name": "New"})
    assert not Channel.objects.exists()


@pytest.mark.parametrize("role", ["reader", "engine_lead"])
def test_members_see_what_only_an_admin_may_change(client, request, workspace, address, role):
    channel = Channel.objects.create(workspace=workspace, code="vip", name="VIP club", kind="referral")
    client.force_login(request.getfixturevalue(role))
    page = client.get(address).content.decode()
    assert "VIP club" in page
    assert "channels-0-name" not in page
    row = {"id": channel.pk, "name": "Mine", "kind": ""}
    assert client.post(address, posted("channels", row)).status_code == 403
    assert Channel.objects.get().name == "VIP club"


def test_strangers_find_nothing(client, stranger, address):
    client.force_login(stranger)
    assert client.get(address).status_code == 404


def test_a_long_list_is_paged_and_each_page_is_saved_alone(client, admin, workspace, address):
    made = [Channel(workspace=workspace, code=f"c{i:03}") for i in range(PER_PAGE + 1)]
    Channel.objects.bulk_create(made)
    client.force_login(admin)
    page = client.get(address, {"channels": 2}).content.decode()
    assert f'name="channels-0-id" value="{made[-1].pk}"' in page
    assert "channels-1-id" not in page
    row = {"id": made[-1].pk, "name": "Last", "kind": "email"}
    client.post(f"{address}?channels=2", posted("channels", row))
    assert Channel.objects.get(name="Last").code == f"c{PER_PAGE:03}"
