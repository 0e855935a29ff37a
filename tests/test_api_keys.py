"""Keys of the API: made and shown once, bound to one workspace and its scopes, counted, closed."""

import hashlib
from datetime import timedelta

import pytest
import redis
import time_machine
from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from flywheel.accounts import keys
from flywheel.accounts.models import ApiKey, Membership, Role, User, Workspace
from flywheel.facts.models import Order
from tests.builders import order
from tests.callers import Caller

FORM = {"name": "shop export", "scopes": ["facts:write"], "days": ""}


@pytest.fixture
def page(workspace):
    return reverse("key-list", args=["acme"])


# --- the pages ------------------------------------------------------------------------------------------------------
def test_an_admin_makes_a_key_that_is_shown_once_and_works(client, owner, page, workspace):
    client.force_login(owner)
    text = client.post(page, FORM).context["made"]
    key = ApiKey.objects.get()
    assert (key.workspace, key.name, key.scopes, key.created_by) == (workspace, "shop export", ["facts:write"], owner)
    assert text.startswith(f"fw_{key.prefix}_")
    assert text not in client.get(page).content.decode()
    assert Caller(workspace, key=text).push("orders", [order()]).status_code == 200


def test_of_a_key_only_its_hash_is_kept(workspace):
    key, text = keys.make(workspace, "test", ["facts:write"])
    assert key.hash == hashlib.sha256(text.encode()).hexdigest()
    kept = " ".join(str(value) for value in ApiKey.objects.values_list().get())
    assert text.split("_", 2)[2] not in kept


@pytest.mark.parametrize(("field", "value"), [("name", ""), ("scopes", []), ("scopes", ["all"]), ("days", "9999")])
def test_a_wrong_field_is_named_and_no_key_is_made(client, owner, page, field, value):
    client.force_login(owner)
    assert client.post(page, FORM | {field: value}).context["form"].errors[field]
    assert not ApiKey.objects.exists()


def test_a_key_may_be_made_for_some_days(client, owner, page):
    client.force_login(owner)
    client.post(page, FORM | {"days": "30"})
    assert timedelta(days=29) < ApiKey.objects.get().expires_at - timezone.now() < timedelta(days=31)


def test_a_key_is_revoked_after_a_question(client, owner, workspace, page):
    caller = Caller(workspace)
    key = ApiKey.objects.get()
    client.force_login(owner)
    address = reverse("key-revoke", args=["acme", key.pk])
    assert key.name in client.get(address).content.decode()
    assert caller.get("kpis").status_code == 200  # asking closes nothing
    assert client.post(address).headers["Location"] == page
    refused = caller.get("kpis")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "key_revoked")


def test_only_an_admin_sees_makes_and_revokes_keys(client, engine_lead, stranger, workspace, page):
    key, _text = keys.make(workspace, "test", ["facts:write"])
    for user, status in ((engine_lead, 403), (stranger, 404)):
        client.force_login(user)
        assert client.get(page).status_code == status
        assert client.post(page, FORM).status_code == status
        assert client.post(reverse("key-revoke", args=["acme", key.pk])).status_code == status
    assert ApiKey.objects.get().revoked_at is None


def test_an_admin_revokes_no_key_of_another_workspace(client, owner, workspace):
    other = Workspace.objects.create(name="Other", slug="other")
    key, _text = keys.make(other, "test", ["facts:write"])
    client.force_login(owner)
    assert client.post(reverse("key-revoke", args=["acme", key.pk])).status_code == 404


def test_the_settings_page_links_to_the_keys_for_admins_only(client, owner, reader, page):
    for user, shown in ((owner, True), (reader, False)):
        client.force_login(user)
        assert (page in client.get(reverse("workspace-edit", args=["acme"])).content.decode()) is shown


# --- who is let in --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("text", ["", "fw_", "fw_00000000_x", "wrong", "fw_äöü_x", "fw_\x00_x", "Zm9v"])
def test_an_unknown_key_is_refused_as_json(db, text):
    answer = Caller(None, key=text or "-").get("kpis")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "key_unknown")


def test_a_request_without_key_is_refused(client, owner, workspace):
    client.force_login(owner)  # a person's session opens nothing here
    answer = client.get("/api/v1/kpis")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "key_missing")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_right_prefix_with_another_secret_opens_nothing(workspace):
    caller = Caller(workspace)
    caller.key = caller.key[:-1] + ("A" if caller.key[-1] != "A" else "B")
    assert caller.get("kpis").status_code == 401


def test_an_expired_key_is_refused(workspace):
    text = keys.make(workspace, "test", ["metrics:read"], expires_at=timezone.now() + timedelta(days=1))[1]
    caller = Caller(workspace, key=text)
    assert caller.get("kpis").status_code == 200
    ApiKey.objects.update(expires_at=timezone.now())
    assert caller.get("kpis").json()["error"]["code"] == "key_expired"


def test_a_key_does_only_what_its_scopes_say(workspace):
    writer, reader = Caller(workspace, ["facts:write"]), Caller(workspace, ["metrics:read"])
    for address in ("kpis", "kpis/cvr", "measures/conversion", "verdicts"):
        refused = writer.get(address)
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "scope")
        assert reader.get(address).status_code == 200
    assert reader.push("orders", [order()]).status_code == 403
    assert not Order.objects.exists()


def test_a_key_opens_its_own_workspace_only(workspace):
    other = Workspace.objects.create(name="Other", slug="other")
    mine, theirs = Caller(workspace), Caller(other)
    batch = mine.push("orders", [order()]).json()["batch"]
    assert theirs.get(f"batches/{batch}").status_code == 404
    assert theirs.push("orders", [order(gross=1)]).json()["added"] == 1
    assert Order.objects.get(workspace=workspace).gross == 100


def test_a_refusal_speaks_the_callers_language(workspace):
    answer = Caller(workspace, key="wrong").client.get("/api/v1/kpis", headers={"Accept-Language": "zh-CN"})
    assert answer.json()["error"]["code"] == "key_missing"
    assert answer.headers["Content-Language"] == "zh-hans"


def test_a_key_outlives_who_made_it(client, owner, page, workspace):
    client.force_login(owner)
    text = client.post(page, FORM).context["made"]
    Membership.objects.create(workspace=workspace, user=User.objects.create_user("b@example.com"), role=Role.OWNER)
    owner.delete()
    assert Caller(workspace, key=text).push("orders", [order()]).status_code == 200


# --- use ------------------------------------------------------------------------------------------------------------
def test_the_last_use_is_kept_to_the_minute(workspace):
    caller, start = Caller(workspace), timezone.now()
    used = []
    for seconds in (0, 30, 61):
        with time_machine.travel(start + timedelta(seconds=seconds), tick=False):
            caller.get("kpis")
        used.append(ApiKey.objects.get().last_used_at)
    assert used == [start, start, start + timedelta(seconds=61)]


def test_too_many_requests_in_a_minute_are_told_to_wait(workspace, settings):
    settings.API_REQUESTS_PER_MINUTE = 2
    caller, other = Caller(workspace), Caller(workspace)
    with time_machine.travel("2026-03-02 10:00:15+00:00", tick=False):
        assert [caller.get("kpis").status_code for _ in range(3)] == [200, 200, 429]
        refused = caller.get("kpis")
        assert other.get("kpis").status_code == 200
    assert (refused.headers["Retry-After"], refused.json()["error"]["code"]) == ("45", "too_many_requests")
    with time_machine.travel("2026-03-02 10:01:00+00:00", tick=False):
        assert caller.get("kpis").status_code == 200


def test_requests_are_let_through_while_redis_is_away(workspace, monkeypatch):
    def away(*args, **kwargs):
        raise redis.ConnectionError

    monkeypatch.setattr(cache, "add", away)
    assert Caller(workspace).get("kpis").status_code == 200
