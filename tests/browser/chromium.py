"""The one way the tests and the screenshots start a browser, and what they hold against a page."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Text that people see and that is not data: whatever is marked translate="no" or has a language of its own is left out.
VISIBLE_TEXT = """() => {
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!node.textContent.trim() || parent.closest('script, style, [translate="no"], [lang]:not(html), td')) continue;
    if (parent.checkVisibility && !parent.checkVisibility()) continue;
    found.push(node.textContent.trim());
  }
  return found;
}"""


def executable() -> str | None:
    """The installed browser: CHROMIUM names one, else the first found; None when there is none."""
    return os.environ.get("CHROMIUM") or next((path for name in BROWSERS if (path := shutil.which(name))), None)


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable(), args=ARGUMENTS)
        try:
            yield chromium
        finally:
            chromium.close()


@dataclass
class Watch:
    """Collects what a page must not do: console errors, exceptions, refused content, requests to other hosts."""

    host: str
    problems: list[str] = field(default_factory=list)

    @classmethod
    def over(cls, context: BrowserContext, base_url: str) -> "Watch":
        """Watch every page of a browser context."""
        watch = cls(urlsplit(base_url).netloc)
        context.on("console", watch._console)
        context.on("weberror", lambda error: watch.problems.append(f"exception: {error.error}"))
        context.on("request", watch._request)
        return watch

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self.problems.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.netloc != self.host:
            self.problems.append(f"request to another host: {request.url}")

    def take(self) -> list[str]:
        """The problems since the last call."""
        found, self.problems = self.problems, []
        return found


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    width: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return max(width, 0)


def violations(page: Page, mode: str = "light") -> str:
    """What axe finds against the page; '' for nothing. In the dark only what the colours change is looked at again."""
    rules = {"runOnly": ["color-contrast"]} if mode == "dark" else {}
    results = Axe().run(page, options={"resultTypes": ["violations"], **rules})
    return "" if results.violations_count == 0 else f"{page.url}: {results.generate_report()}"


def log_in(page: Page, base_url: str, email: str, password: str) -> None:
    """Through the log-in form."""
    page.goto(f"{base_url}/accounts/login/")
    page.fill("input[name=login]", email)
    page.fill("input[name=password]", password)
    page.click("main button[type=submit]")
    page.wait_for_url(lambda url: "/accounts/login" not in url)
