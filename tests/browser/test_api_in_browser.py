"""The API's pages in a real browser: a key is made, shown once and revoked; the reference is readable by everybody."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from flywheel.accounts import keys
from flywheel.accounts.models import ApiKey
from tests.browser import chromium

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_key_is_made_shown_once_and_revoked(watched, owner) -> None:
    tab, watch = watched(owner)
    tab.goto(reverse("key-list", args=["acme"]))
    tab.get_by_label("Name").fill("shop export")
    tab.get_by_label("Send data").check()
    tab.get_by_role("button", name="Make the key").click()
    text = tab.locator(".fw-key").inner_text()
    assert keys.find(text) == ApiKey.objects.get()
    tab.get_by_role("link", name="Revoke shop export").click()
    tab.get_by_role("button", name="Revoke").click()
    expect(tab.locator("tbody")).to_contain_text("revoked")
    expect(tab.locator(".fw-key")).to_have_count(0)
    assert watch.take() == []


def _pages(workspace, owner) -> list[str]:
    """Every page of the API: its keys, the question before one is revoked, and the reference."""
    key, _text = keys.make(workspace, "shop export", ["facts:write"], owner)
    return [reverse("key-list", args=["acme"]), reverse("key-revoke", args=["acme", key.pk]), reverse("api-reference")]


def _unfold(tab) -> None:
    for summary in tab.locator("main details summary").all()[:4]:
        summary.click()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_pages_of_the_api_have_no_accessibility_violations(watched, owner, workspace, mode) -> None:
    tab, watch = watched(owner, mode=mode)
    for address in _pages(workspace, owner):
        tab.goto(address)
        _unfold(tab)
        assert chromium.violations(tab, mode) == ""
    assert watch.take() == []


@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_of_the_api_scrolls_sideways(watched, owner, workspace, width) -> None:
    tab, _watch = watched(owner, width=width)
    for address in _pages(workspace, owner):
        tab.goto(address)
        _unfold(tab)
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), address


def test_the_reference_needs_no_log_in(watched) -> None:
    tab, watch = watched()
    tab.goto(reverse("api-reference"))
    expect(tab.get_by_role("heading", level=1)).to_have_text("API reference")
    assert watch.take() == []
