"""The frame and the jobs page in a real browser: log-in, languages, colours, phone, live progress, accessibility."""

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from flywheel.facts.models import Channel, Market
from flywheel.jobs.models import Job
from tests.browser import chromium
from tests.browser.styleguide_urls import ODD_NAME
from tests.conftest import PASSWORD

STYLEGUIDE = "tests.browser.styleguide_urls"
pytestmark = pytest.mark.django_db(transaction=True)


def _jobs_url() -> str:
    return reverse("job-list", args=["acme"])


def test_a_person_logs_in_and_out(watched, engine_lead) -> None:
    tab, watch = watched()
    chromium.log_in(tab, "", engine_lead.email, PASSWORD)
    assert reverse("flywheel", args=["acme"]) in tab.url
    tab.click(f'button[title="{engine_lead}"]')
    tab.click("text=Log out")
    tab.wait_for_url("**/accounts/login/**")
    assert watch.take() == []


def test_a_wrong_password_is_told_in_chinese_too(watched, engine_lead) -> None:
    tab, watch = watched(language="zh-hans")
    tab.goto("/accounts/login/")
    tab.fill("input[name=login]", engine_lead.email)
    tab.fill("input[name=password]", "not-the-password")
    tab.click("main button[type=submit]")
    expect(tab.locator("[role=alert]")).to_contain_text("不正确")
    assert watch.take() == []


def test_the_language_switch_stays_on_the_page(watched, engine_lead) -> None:
    tab, _watch = watched(engine_lead)
    tab.goto(_jobs_url() + "?page=1")
    tab.click("text=中文")
    expect(tab.locator("h1")).to_have_text("后台任务")
    assert tab.url.endswith(_jobs_url() + "?page=1")


def test_the_colour_mode_is_chosen_kept_and_follows_the_device_again(watched, engine_lead) -> None:
    tab, _watch = watched(engine_lead, mode="light")
    tab.goto(_jobs_url())
    root = tab.locator("html")
    tab.click("button[aria-label=Colours]")
    tab.click("[data-fw-theme=dark]")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    tab.goto(_jobs_url())
    expect(root).to_have_attribute("data-bs-theme", "dark")
    tab.click("button[aria-label=Colours]")
    tab.click("[data-fw-theme=auto]")
    expect(root).to_have_attribute("data-bs-theme", "light")


def test_the_menu_opens_and_closes_on_a_phone_by_keyboard(watched, engine_lead) -> None:
    tab, _watch = watched(engine_lead, width=390)
    tab.goto(_jobs_url())
    side = tab.locator("#fw-side")
    expect(side).to_be_hidden()
    tab.focus("[data-fw-menu]")
    tab.keyboard.press("Enter")
    expect(side).to_be_visible()
    tab.keyboard.press("Escape")
    expect(side).to_be_hidden()
    expect(tab.locator("[data-fw-menu]")).to_be_focused()


def test_a_running_job_is_followed_until_it_is_over(watched, engine_lead, workspace) -> None:
    job = Job.objects.create(workspace=workspace, kind="roll", state=Job.State.RUNNING, started_at=timezone.now())
    tab, watch = watched(engine_lead)
    tab.goto(reverse("job-detail", args=["acme", job.pk]))
    Job.objects.filter(pk=job.pk).update(step="rolling", done=4, total=9)
    expect(tab.locator("progress")).to_have_attribute("value", "4")
    Job.objects.filter(pk=job.pk).update(state=Job.State.DONE, finished_at=timezone.now())
    expect(tab.locator(".fw-state-done")).to_be_visible()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.wait_for_timeout(2500)
    assert asked == []
    assert watch.take() == []


def test_a_failed_job_is_run_again_from_its_page(watched, engine_lead, workspace) -> None:
    job = Job.objects.create(workspace=workspace, kind="roll", state=Job.State.FAILED, error="Out of rope.")
    tab, _watch = watched(engine_lead)
    tab.goto(reverse("job-detail", args=["acme", job.pk]))
    expect(tab.locator("[role=alert]")).to_contain_text("Out of rope.")
    tab.click("text=Run again")
    tab.wait_for_url(lambda url: str(job.pk) not in url)
    assert Job.objects.exclude(pk=job.pk).get().state == Job.State.QUEUED


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_log_in_and_jobs_have_no_accessibility_faults(watched, engine_lead, workspace, mode) -> None:
    now = timezone.now()
    for state in Job.State:
        ended = now if state in {"done", "failed"} else None
        Job.objects.create(workspace=workspace, kind="roll", state=state, started_at=now, finished_at=ended, error="x")
    anonymous, _watch = watched(mode=mode)
    anonymous.goto("/accounts/login/")
    assert chromium.violations(anonymous, mode) == ""
    tab, _watch = watched(engine_lead, mode=mode)
    tab.goto(_jobs_url())
    assert chromium.violations(tab, mode) == ""
    for job in Job.objects.all():
        tab.goto(reverse("job-detail", args=["acme", job.pk]))
        assert chromium.violations(tab, mode) == ""


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_markets_and_channels_are_named_in_place(watched, owner, workspace, mode) -> None:
    Channel.objects.create(workspace=workspace, code="vip")
    market = Market.objects.create(workspace=workspace, code="DE")
    tab, watch = watched(owner, mode=mode)
    tab.goto(reverse("places", args=["acme"]))
    tab.get_by_label("Time zone: DE").fill("Mars/Olympus")
    tab.locator("#markets").get_by_role("button", name="Save").click()
    expect(tab.locator("#markets")).to_contain_text("Mars/Olympus is not a known time zone.")
    assert chromium.violations(tab, mode) == ""
    tab.get_by_label("Time zone: DE").fill("Europe/Berlin")
    tab.locator("#markets").get_by_role("button", name="Save").click()
    expect(tab.locator(".fw-messages")).to_contain_text("Saved.")
    market.refresh_from_db()
    assert market.time_zone == "Europe/Berlin"
    assert chromium.violations(tab, mode) == ""
    assert watch.take() == []


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_shared_fragment_is_accessible_and_keeps_the_content_policy(watched, settings, mode, language) -> None:
    settings.ROOT_URLCONF = STYLEGUIDE
    tab, watch = watched(mode=mode, language=language)
    tab.goto("/styleguide/")
    tab.wait_for_function("document.querySelectorAll('[data-fw-drawn]').length === 3")
    assert chromium.violations(tab, mode) == ""
    assert watch.take() == []
    assert chromium.overflow(tab) == 0


def test_charts_change_with_the_colour_mode_and_leave_no_style_element_behind(watched, settings) -> None:
    settings.ROOT_URLCONF = STYLEGUIDE
    tab, _watch = watched(mode="light")
    tab.goto("/styleguide/")
    tab.wait_for_function("document.querySelectorAll('[data-fw-drawn]').length === 3")
    line = "getComputedStyle(document.querySelector('#trend .js-line')).stroke"
    before = tab.evaluate(line)
    tab.evaluate("window.flywheelTheme.choose('dark')")
    tab.wait_for_function(f"({line}) !== '{before}'")
    assert tab.locator("style").count() == 0


@pytest.mark.parametrize(
    ("form", "low", "high"), [("percent", 0.0161, 0.0174), ("EUR", 0.83, 0.91), ("number", 0, 9e6)]
)
def test_the_steps_of_an_axis_are_told_apart(watched, settings, form, low, high) -> None:
    settings.ROOT_URLCONF = STYLEGUIDE
    tab, _watch = watched()
    tab.goto("/styleguide/")
    tab.wait_for_function("document.querySelectorAll('[data-fw-drawn]').length === 3")
    figure = {"data": [{"type": "scatter", "x": [1, 2], "y": [low, high]}], "layout": {"yaxis": {"fw_format": form}}}
    tab.evaluate(
        "figure => { document.getElementById('trend-figure').textContent = JSON.stringify(figure);"
        "document.dispatchEvent(new Event('flywheel:theme')) }",
        figure,
    )
    axis = "document.querySelector('#trend .fw-plot').layout.yaxis"
    tab.wait_for_function(f"{axis}.ticktext && {axis}.range[1] - {axis}.range[0] < {2 * (high - low)}")
    words = tab.evaluate(f"{axis}.ticktext")
    assert len(words) > 1
    assert len(set(words)) == len(words)


def test_a_name_from_a_file_is_drawn_as_it_is_written(watched, settings) -> None:
    settings.ROOT_URLCONF = STYLEGUIDE
    tab, watch = watched()
    tab.goto("/odd-names/")
    tab.wait_for_function("document.querySelectorAll('[data-fw-drawn]').length === 2")
    for place in ("#legend .legendtext", "#axis .ytick text", "#axis .bartext"):
        expect(tab.locator(place).filter(has_text=ODD_NAME)).to_have_count(1)
    assert tab.locator("#legend .legend, #axis .yaxislayer-above").locator("a, [style*=bold]").count() == 0
    colours = "[...document.querySelectorAll('#axis .point path')].map(bar => getComputedStyle(bar).fill)"
    market = tab.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--fw-market').trim()")
    red, green, blue = (int(market[i : i + 2], 16) for i in (1, 3, 5))
    assert tab.evaluate(colours) == [f"rgb({red}, {green}, {blue})"] * 2
    assert watch.take() == []


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_wheels_labels_do_not_touch_as_the_browser_draws_them(watched, settings, language, width) -> None:
    settings.ROOT_URLCONF = STYLEGUIDE
    tab, _watch = watched(language=language, width=width)
    tab.goto("/styleguide/")
    touching = tab.evaluate(
        """() => [...document.querySelectorAll('.fw-wheel svg')].filter(svg => svg.checkVisibility()).flatMap(svg => {
          const boxes = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBBox()]);
          const view = svg.viewBox.baseVal;
          const outside = boxes.filter(([, b]) => b.x < 0 || b.y < -2 || b.x + b.width > view.width + 1);
          const pairs = boxes.flatMap(([one, a], i) => boxes.slice(i + 1).filter(([, b]) =>
            Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x) > 1 &&
            Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y) > 4).map(([other]) => [one, other]));
          return [...outside.map(([text]) => text), ...pairs];
        })"""
    )
    assert touching == []
