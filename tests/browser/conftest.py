"""A real browser against a live server; the tests are skipped where no browser is installed."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser import chromium

if TYPE_CHECKING:
    from flywheel.accounts.models import User


@pytest.fixture(scope="module", autouse=True)
def _allow_queries() -> Iterator[None]:
    """Playwright keeps an event loop in this thread; Django would refuse queries beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(scope="module")
def chromium_browser() -> Iterator[Browser]:
    """One browser per module."""
    if chromium.executable() is None:
        pytest.skip("no Chromium is installed (CHROMIUM names one)")
    with chromium.browser() as browser:
        yield browser


def _session_of(user: "User", url: str) -> dict[str, str]:
    """The cookie of somebody who has logged in."""
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": url}


@pytest.fixture
def watched(chromium_browser: Browser, live_server) -> Iterator[Callable[..., tuple[Page, chromium.Watch]]]:
    """Opens a tab and its watch: `tab, watch = watched(user, mode="dark", language="zh-hans", width=390)`."""
    contexts: list[BrowserContext] = []

    def open_tab(user=None, mode="light", language="en", width=1280):
        context = chromium_browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 900},
            color_scheme=mode,
            reduced_motion="reduce",
        )
        context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
        contexts.append(context)
        watch = chromium.Watch.over(context, live_server.url)
        tab = context.new_page()
        if user is not None:
            context.add_cookies([_session_of(user, live_server.url)])  # type: ignore[list-item]
        return tab, watch

    yield open_tab
    for context in contexts:
        context.close()
