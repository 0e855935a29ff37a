"""The frame of every page: the way around, languages, the start page, errors."""

import re

import pytest
from django.test import Client, override_settings
from django.urls import reverse

from flywheel.accounts.models import Membership, Role, User, Workspace

PAGES_IN_THE_SIDE_BAR = [
    ("flywheel", []),
    ("engine", ["market"]),
    ("engine", ["conversion"]),
    ("engine", ["aftersales"]),
    ("import-list", []),
    ("places", []),
    ("job-list", []),
]


def _jobs_page(client: Client, user: User, **headers: str) -> str:
    client.force_login(user)
    return client.get(reverse("job-list", args=["acme"]), headers=headers).content.decode()


@pytest.mark.parametrize(("name", "arguments"), PAGES_IN_THE_SIDE_BAR)
def test_the_side_bar_leads_to_every_page_of_the_workspace(client, reader, name, arguments) -> None:
    assert f'href="{reverse(name, args=["acme", *arguments])}"' in _jobs_page(client, reader)


def test_the_side_bar_marks_where_the_reader_is(client, reader) -> None:
    current = re.findall(r'<a href="([^"]+)" class="active" aria-current="page"', _jobs_page(client, reader))
    assert current == [reverse("job-list", args=["acme"])]


def test_the_start_page_leads_to_the_first_workspace(client, reader) -> None:
    client.force_login(reader)
    assert client.get("/").headers["Location"] == reverse("flywheel", args=["acme"])


def test_the_start_page_asks_strangers_to_log_in(client, db) -> None:
    assert client.get("/").headers["Location"].startswith(reverse("account_login"))


def test_who_is_in_no_workspace_is_told_what_to_do(client, stranger) -> None:
    client.force_login(stranger)
    page = client.get("/")
    assert page.status_code == 200
    assert stranger.email in page.content.decode()


def test_the_workspace_switcher_lists_only_the_readers_own(client, reader) -> None:
    for name in ("Bravo", "Cargo"):
        Workspace.objects.create(name=name, slug=name.lower())
    Membership.objects.create(workspace=Workspace.objects.get(slug="bravo"), user=reader, role=Role.READER)
    page = _jobs_page(client, reader)
    assert reverse("flywheel", args=["bravo"]) in page
    assert "Cargo" not in page


def test_the_language_is_switched_by_form_and_kept(client, reader) -> None:
    client.force_login(reader)
    page = reverse("job-list", args=["acme"])
    assert client.post(reverse("set_language"), {"language": "zh-hans", "next": page}).headers["Location"] == page
    html = client.get(page).content.decode()
    assert 'lang="zh-Hans"' in html
    assert "后台任务" in html


def test_a_page_that_does_not_exist_says_so_in_the_readers_language(client, db) -> None:
    page = client.get("/nothing-here/", headers={"Accept-Language": "zh-hans"})
    assert page.status_code == 404
    assert "这里没有内容" in page.content.decode()


@override_settings(DEBUG_PROPAGATE_EXCEPTIONS=False)
def test_a_broken_page_needs_no_database_to_say_so(client) -> None:
    from django.views.defaults import server_error

    page = server_error(client.request().wsgi_request)
    assert page.status_code == 500
    assert "Something broke on our side" in page.content.decode()


def test_log_in_keeps_its_reason_when_it_fails(client, reader) -> None:
    page = client.post(reverse("account_login"), {"login": reader.email, "password": "wrong-password"})
    assert page.status_code == 200
    assert 'class="fw-note fw-note-error fw-field" role="alert"' in page.content.decode()


@pytest.mark.parametrize("name", ["account_login", "account_reset_password"])
def test_pages_before_the_log_in_are_in_the_products_look(client, db, settings, name) -> None:
    settings.SENDS_MAIL = True
    html = client.get(reverse(name)).content.decode()
    assert "fw-pitch" in html
    assert "form-control" in html


def test_the_style_guide_is_not_served_in_production(client, db) -> None:
    assert client.get("/styleguide/").status_code == 404


def test_pages_refuse_inline_scripts_and_styles_and_other_hosts(client, db) -> None:
    policy = client.get(reverse("account_login")).headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    for directive in ("script-src 'self'", "style-src 'self'", "default-src 'none'"):
        assert directive in policy
