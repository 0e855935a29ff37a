"""A real browser against a live server; the tests are skipped where no browser is installed."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser import chromium
from tests.conftest import PASSWORD


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
            chromium.log_in(tab, live_server.url, user.email, PASSWORD)
        return tab, watch

    yield open_tab
    for context in contexts:
        context.close()
