"""Screenshots of every page: `python -m tests.shots`, against the product that runs, or one started for the while.

Each page is taken in two sizes, two colour modes and two languages into var/shots/. A console error, a refused
resource or a request to another host fails the run; sideways scrolling and untranslated text are reported.
"""

import argparse
import contextlib
import itertools
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab

from engines.kpi import KPIS
from flywheel import environment as env
from flywheel.probe import address, is_healthy
from tests.browser import chromium

FOLDER = env.var_dir() / "shots"
START_SECONDS = 900  # the first start makes the demo business
STOP_SECONDS = 60
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
MODES = ("light", "dark")
LANGUAGES = {"en": "en", "zh": "zh-hans"}
EMAIL, PASSWORD = "demo@example.com", "flywheel-demo"

ENGLISH = re.compile(r"[A-Za-z]{2,}(?: [A-Za-z]{2,}){2,}")  # three words in a row are a sentence, not a name
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Page:
    """One page. `path` may hold {slug} and {draft}, a batch not loaded yet; `follow` is a link on it to click.

    `anonymous`: seen before the log-in.
    """

    name: str
    path: str
    follow: str = ""
    anonymous: bool = False


PAGES = [
    Page("login", "/accounts/login/", anonymous=True),
    Page("password-reset", "/accounts/password/reset/", anonymous=True),
    Page("not-found", "/nothing-here/", anonymous=True),
    Page("flywheel", "/w/{slug}/"),
    Page("engine-market", "/w/{slug}/engines/market/"),
    Page("market-screening", "/w/{slug}/engines/market/screening/"),
    Page("market-model", "/w/{slug}/engines/market/screening/", follow="a[href*='/screening/models/']"),
    Page("market-values", "/w/{slug}/engines/market/screening/values/"),
    Page("market-positioning", "/w/{slug}/engines/market/positioning/"),
    Page("market-channels", "/w/{slug}/engines/market/channels/"),
    Page("market-campaigns", "/w/{slug}/engines/market/campaigns/"),
    Page("market-roadmap", "/w/{slug}/engines/market/roadmap/"),
    Page("market-gate", "/w/{slug}/engines/market/roadmap/", follow="#roadmap a[href$='/gate/']"),
    Page("market-record", "/w/{slug}/engines/market/roadmap/new/"),
    Page("market-content", "/w/{slug}/engines/market/content/"),
    Page("market-partners", "/w/{slug}/engines/market/partners/"),
    Page("engine-conversion", "/w/{slug}/engines/conversion/"),
    Page("journey", "/w/{slug}/engines/conversion/journey/"),
    Page("pain-new", "/w/{slug}/engines/conversion/journey/pain-points/new/"),
    Page("trust", "/w/{slug}/engines/conversion/trust/"),
    Page("trust-market", "/w/{slug}/engines/conversion/trust/?market=DE"),
    Page("trust-fill", "/w/{slug}/engines/conversion/trust/fill/DE/"),
    Page("trust-item-new", "/w/{slug}/engines/conversion/trust/items/new/"),
    Page("experience", "/w/{slug}/engines/conversion/experience/"),
    Page("experience-market", "/w/{slug}/engines/conversion/experience/?market=DE"),
    Page("method-new", "/w/{slug}/engines/conversion/experience/methods/new/"),
    Page("order-value", "/w/{slug}/engines/conversion/value/"),
    Page("threshold-new", "/w/{slug}/engines/conversion/value/thresholds/new/"),
    Page("profiles", "/w/{slug}/engines/conversion/profiles/"),
    Page("conversion-pairs", "/w/{slug}/engines/conversion/value/pairs/"),
    Page("conversion-segment", "/w/{slug}/engines/conversion/profiles/champions/"),
    Page("engine-aftersales", "/w/{slug}/engines/aftersales/"),
    Page("aftersales-repurchase", "/w/{slug}/engines/aftersales/repurchase/"),
    Page("aftersales-campaigns", "/w/{slug}/engines/aftersales/campaigns/"),
    Page("aftersales-service", "/w/{slug}/engines/aftersales/service/"),
    Page("aftersales-community", "/w/{slug}/engines/aftersales/community/"),
    Page("lifetime", "/w/{slug}/engines/aftersales/lifetime/"),
    Page("lifetime-market", "/w/{slug}/engines/aftersales/lifetime/?market=DE&weeks=52"),
    Page("lifetime-channel-in-market", "/w/{slug}/engines/aftersales/lifetime/?market=DE&channel=affiliate"),
    Page("customers-due", "/w/{slug}/engines/aftersales/customers/"),
    Page("customers-slipping", "/w/{slug}/engines/aftersales/customers/?list=slipping"),
    Page("customers-advocates", "/w/{slug}/engines/aftersales/customers/?list=advocates&market=DE"),
    Page("customers-all", "/w/{slug}/engines/aftersales/customers/all/"),
    Page("list-campaign-new", "/w/{slug}/engines/aftersales/campaigns/lists/new/?list=slipping"),
    Page("kpis", "/w/{slug}/kpis/"),
    Page("kpi", "/w/{slug}/kpis/cac_full/"),
    Page("kpi-percentile", "/w/{slug}/kpis/delivery_days_p90/"),
    Page("imports", "/w/{slug}/imports/"),
    Page("import-new", "/w/{slug}/imports/new/"),
    Page("import-waiting", "/w/{slug}/imports/waiting/"),
    Page("import-map", "/w/{slug}/imports/{draft}/map/"),
    Page("import-detail", "/w/{slug}/imports/", follow="#batches tr:has(.fw-state-loaded) th a"),
    Page("sources", "/w/{slug}/sources/"),
    Page("source", "/w/{slug}/sources/", follow="#sources tbody th a"),
    Page("places", "/w/{slug}/settings/places/"),
    Page("rates", "/w/{slug}/settings/rates/"),
    Page("jobs", "/w/{slug}/jobs/"),
    Page("job", "/w/{slug}/jobs/", follow="#jobs tbody th a"),
    Page("workspace-edit", "/w/{slug}/settings/"),
    Page("keys", "/w/{slug}/settings/keys/"),
    Page("api-reference", "/api/v1/"),
    Page("workspace-new", "/workspaces/new/"),
    Page("password-change", "/accounts/password/change/"),
]
STYLEGUIDE = Page("styleguide", "/styleguide/", anonymous=True)  # only where DEBUG is on
EXPECTED_ERRORS = {"not-found": re.compile(r"status of 404")}


@dataclass(frozen=True)
class View:
    """How a page is looked at."""

    size: str
    mode: str
    language: str

    def __str__(self) -> str:
        return f"{self.size}-{self.mode}-{self.language}"


def main() -> int:
    """Take the screenshots; returns the number of failures."""
    options = _options()
    options.out.mkdir(parents=True, exist_ok=True)
    pages = [page for page in [*PAGES, STYLEGUIDE] if page.name in options.only] if options.only else PAGES
    if options.kpis:
        pages = [Page(f"kpi-{key}", f"/w/{{slug}}/kpis/{key}/") for key in KPIS]
    views = [View(*parts) for parts in itertools.product(options.size, options.mode, options.language)]
    failures = 0
    with _product(options.base_url) as options.base_url, chromium.browser() as browser:
        for view in views:
            failures += _take_all(browser, view, pages, options)
    _say(f"{len(pages) * len(views)} screenshots in {options.out}, {failures} failures")
    return failures


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base-url", help="where the product runs; without it, HOST:PORT or a product started now")
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--email", default=EMAIL)
    parser.add_argument("--password", default=PASSWORD)
    parser.add_argument("--only", nargs="*", help="names of pages")
    parser.add_argument("--kpis", action="store_true", help="the page of each KPI, instead of the other pages")
    parser.add_argument("--size", nargs="*", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--mode", nargs="*", choices=MODES, default=MODES)
    parser.add_argument("--language", nargs="*", choices=list(LANGUAGES), default=list(LANGUAGES))
    return parser.parse_args()


@contextlib.contextmanager
def _product(base_url: str | None) -> Iterator[str]:
    """The address of the product that runs; when none does, of the demo, which is stopped at the end."""
    here = (base_url or address(env.text("HOST"), env.number("PORT", 1, 65535))).rstrip("/")
    if is_healthy(f"{here}/"):
        yield here
        return
    if base_url:
        raise SystemExit(f"Nothing answers at {base_url}.")
    port, log = _free_port(), FOLDER / "product.log"
    surroundings = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port)}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        command = [sys.executable, "-m", "flywheel.run", "--demo"]
        product = subprocess.Popen(command, cwd=env.BASE_DIR, env=surroundings, stdout=output, stderr=output)
        try:
            _say(f"Starting the product for the screenshots; what it says is in {log}")
            _wait_until_ready(product, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            product.terminate()
            product.wait(STOP_SECONDS)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def _wait_until_ready(product: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait until the product has said so; raises SystemExit with its words when it ends or takes too long."""
    end = time.monotonic() + START_SECONDS
    while "Ready after" not in log.read_text():
        if product.poll() is not None or time.monotonic() > end:
            raise SystemExit(log.read_text())
        time.sleep(0.5)


def _take_all(browser: Browser, view: View, pages: list[Page], options: argparse.Namespace) -> int:
    """Every page in one view; returns the number of failures."""
    width, height = SIZES[view.size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if view.mode == "dark" else "light",
        reduced_motion="reduce",
        has_touch=view.size == "phone",
    )
    context.add_cookies([{"name": "django_language", "value": LANGUAGES[view.language], "url": options.base_url}])
    watch = chromium.Watch.over(context, options.base_url)
    tab, failures = context.new_page(), 0
    places: dict[str, str] = {}
    for page in sorted(pages, key=lambda page: not page.anonymous):
        if not page.anonymous and not places:
            slug = _log_in(tab, options)
            places = {"slug": slug, "draft": _draft(tab, f"{options.base_url}/w/{slug}/imports/")}
        _open(tab, options.base_url + page.path.format(**places), page.follow)
        tab.screenshot(path=options.out / f"{page.name}-{view}.png", full_page=True)
        failures += _judge(tab, page, view, watch)
    context.close()
    return failures


def _log_in(tab: Tab, options: argparse.Namespace) -> str:
    """Log in; returns the slug of the workspace that the start page leads to."""
    chromium.log_in(tab, options.base_url, options.email, options.password)
    found = re.search(r"/w/([^/]+)/", tab.url)
    if found is None:
        raise SystemExit(f"After the log-in {tab.url} shows no workspace: is this the demo?")
    return found[1]


def _draft(tab: Tab, imports: str) -> str:
    """The number of a batch that waits to be looked at; the orders template is uploaded when there is none."""
    tab.goto(imports)
    waiting = tab.locator("#batches tr:has(.fw-state-draft) th a")
    if waiting.count():
        waiting.first.click()
        link = tab.locator("#batch a[href$='/map/']")
        if link.count():
            return str(link.get_attribute("href")).rstrip("/").split("/")[-2]
    template = tab.request.get(f"{imports}template/orders.csv").body()
    tab.goto(f"{imports}new/")
    tab.set_input_files("input[name=file]", {"name": "orders.csv", "mimeType": "text/csv", "buffer": template})
    tab.fill("input[name=source]", "Demo shop")
    tab.click("main form[enctype] button[type=submit]")
    tab.wait_for_url("**/map/")
    return tab.url.rstrip("/").split("/")[-2]


def _open(tab: Tab, url: str, follow: str) -> None:
    tab.goto(url, wait_until="load")
    if follow and tab.locator(follow).count():
        tab.locator(follow).first.click()
        tab.wait_for_load_state("load")
    count = tab.locator("[data-fw-chart]").count()
    tab.wait_for_function("n => document.querySelectorAll('[data-fw-drawn]').length === n", arg=count)


def _judge(tab: Tab, page: Page, view: View, watch: chromium.Watch) -> int:
    """Print what is wrong with the page as shown; returns how much of it fails the run."""
    allowed = EXPECTED_ERRORS.get(page.name)
    failures = [text for text in watch.take() if not (allowed and allowed.search(text))]
    for text in failures:
        _say(f"FAIL {page.name} {view}: {text}")
    if wider := chromium.overflow(tab):
        _say(f"note {page.name} {view}: {wider} px wider than the window")
    for text in _foreign(tab, view.language):
        _say(f"note {page.name} {view}: not translated: {text[:80]!r}")
    return len(failures)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _foreign(tab: Tab, language: str) -> list[str]:
    """Texts in the other language."""
    pattern = ENGLISH if language == "zh" else CHINESE
    return [text for text in tab.evaluate(chromium.VISIBLE_TEXT) if pattern.search(text)]


if __name__ == "__main__":
    sys.exit(min(main(), 1))
