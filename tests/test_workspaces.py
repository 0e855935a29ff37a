"""Making workspaces, by page and by command."""

import re
from datetime import UTC, datetime

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from flywheel.accounts import workspaces
from flywheel.accounts.models import Membership, Role, User, Workspace
from flywheel.accounts.workspaces import free_slug
from flywheel.facts import currency
from flywheel.jobs.models import Job
from tests.conftest import PASSWORD

FORM = {"name": "Acme Outdoor", "base_currency": "CNY", "time_zone": "Asia/Shanghai", "first_weekday": "0"}


def test_who_makes_a_workspace_owns_it(stranger, client):
    client.force_login(stranger)
    response = client.post(reverse("workspace-new"), FORM)
    workspace = Workspace.objects.get(name="Acme Outdoor")
    assert response["Location"] == reverse("flywheel", args=["acme-outdoor"])
    assert (workspace.base_currency, workspace.time_zone) == ("CNY", "Asia/Shanghai")
    assert Membership.objects.get(workspace=workspace).role == Role.OWNER


def test_a_workspace_speaks_the_language_it_was_made_in(stranger, client):
    client.force_login(stranger)
    client.cookies["django_language"] = "zh-hans"
    client.post(reverse("workspace-new"), FORM)
    assert Workspace.objects.get(name="Acme Outdoor").language == "zh-hans"


@pytest.mark.parametrize(("field", "value"), [("time_zone", "Mars/Olympus"), ("base_currency", "XXX"), ("name", "")])
def test_a_wrong_field_is_named_and_nothing_is_made(field, value, stranger, client):
    client.force_login(stranger)
    response = client.post(reverse("workspace-new"), FORM | {field: value})
    assert response.status_code == 200
    assert response.context["form"].errors[field]
    assert not Workspace.objects.exists()


def test_addresses_do_not_clash(db):
    Workspace.objects.create(name="Acme", slug="acme")
    Workspace.objects.create(name="Acme", slug="acme-2")
    assert free_slug("Acme") == "acme-3"
    assert free_slug("山野户外") == "shop"


def test_an_address_taken_at_the_same_moment_is_tried_again(stranger, monkeypatch):
    Workspace.objects.create(name="Acme", slug="acme")
    answers = iter(["acme", "acme", "acme-2"])
    monkeypatch.setattr(workspaces, "free_slug", lambda name: next(answers))
    assert workspaces.create_workspace(stranger, name="Acme", base_currency="EUR").slug == "acme-2"


def test_the_page_needs_a_log_in(db, client):
    assert client.get(reverse("workspace-new")).status_code == 302


def test_an_owner_changes_name_and_language_and_nothing_else(client, owner, workspace):
    client.force_login(owner)
    form = {"name": "Acme Outdoor", "language": "zh-hans", "agreed_reply_hours": "12"}
    form |= {"base_currency": "USD", "time_zone": "UTC", "slug": "mine"}
    answer = client.post(reverse("workspace-edit", args=["acme"]), form)
    assert answer.headers["Location"] == reverse("workspace-edit", args=["acme"])
    workspace.refresh_from_db()
    assert (workspace.name, workspace.language) == ("Acme Outdoor", "zh-hans")
    assert (workspace.base_currency, workspace.time_zone, workspace.slug) == ("EUR", "Europe/Berlin", "acme")


@pytest.mark.parametrize(("field", "value"), [("name", ""), ("language", "tlh")])
def test_a_wrong_setting_is_named_and_nothing_is_changed(field, value, client, owner, workspace):
    client.force_login(owner)
    form = {"name": "New", "language": "en"} | {field: value}
    page = client.post(reverse("workspace-edit", args=["acme"]), form)
    assert page.context["form"].errors[field]
    assert page.context["workspace"].name == "Acme"
    assert Workspace.objects.get().name == "Acme"


def test_a_reader_sees_the_settings_and_cannot_change_them(client, reader, workspace):
    client.force_login(reader)
    address = reverse("workspace-edit", args=["acme"])
    page = client.get(address).content.decode()
    assert "Europe/Berlin" in page
    assert 'name="name"' not in page
    assert client.post(address, {"name": "Mine", "language": "en"}).status_code == 403


def test_the_command_makes_an_owner_who_can_log_in(db, capsys, client):
    call_command("create_workspace", "Acme", owner="Boss@Example.com", currency="USD")
    printed = capsys.readouterr().out
    password = re.search(r"password (\S+)", printed).group(1)
    assert client.login(email="boss@example.com", password=password)
    assert User.objects.get(email="boss@example.com").memberships.get().workspace.slug == "acme"


def test_the_command_refuses_what_the_page_refuses(db):
    with pytest.raises(CommandError, match="time_zone"):
        call_command("create_workspace", "Acme", owner="boss@example.com", time_zone="Nowhere")
    assert not User.objects.exists()


def test_wrong_log_ins_lock_the_account_not_the_office(reader, owner, client):
    url = reverse("account_login")
    for _attempt in range(12):
        client.post(url, {"login": owner.email, "password": "wrong-password"})
    locked = client.post(url, {"login": owner.email, "password": PASSWORD})
    assert locked.status_code == 200
    colleague = client.post(url, {"login": reader.email, "password": PASSWORD})
    assert colleague.status_code == 302


def test_every_base_currency_offered_has_a_current_rate():
    offered = [c for c in workspaces.CURRENCIES if c != "EUR"]
    days = np.full(len(offered), currency.last_day())
    assert not currency.rates(offered, days, "EUR").missing.any()


def test_times_are_told_in_the_workspaces_zone_and_the_next_page_starts_anew(client, reader, workspace):
    moment = datetime(2026, 3, 30, 22, 30, tzinfo=UTC)  # half past midnight of the 31st in Berlin
    Job.objects.create(workspace=workspace, kind="roll")
    Job.objects.update(created_at=moment)
    client.force_login(reader)
    assert "31 Mar 2026, 00:30" in client.get(reverse("job-list", args=["acme"])).content.decode()
    assert timezone.get_current_timezone_name() == "UTC"
