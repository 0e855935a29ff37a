"""Loading a file with a real browser: upload, mapping, progress, report."""

from pathlib import Path

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from flywheel.facts.models import Order
from flywheel.intake import batches
from flywheel.intake.kinds import ORDERS
from flywheel.intake.plans import by_header
from tests.browser import chromium
from tests.builders import csv_file, load_rows, loaded, order

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _uploads(settings, tmp_path: Path) -> None:
    """Uploaded files go to the test's own folder."""
    settings.UPLOAD_DIR = tmp_path / "uploads"


def _pages(workspace, folder: Path) -> list[str]:
    """Every import page: the list, the upload, a mapping to check, and a report of what is wrong."""
    bad = load_rows(workspace, folder, "orders", [order(gross="1,5o")])
    good = loaded(workspace, folder, "orders", [order("A-7")])
    draft = batches.create(bad.source, by_header(ORDERS, list(order())), csv_file(folder, [order()]), "orders.csv")
    return [
        reverse("import-list", args=["acme"]),
        reverse("import-new", args=["acme"]),
        reverse("import-map", args=["acme", draft.pk]),
        reverse("import-detail", args=["acme", bad.pk]),
        reverse("import-detail", args=["acme", draft.pk]),
        reverse("import-waiting", args=["acme"]),
        reverse("import-undo", args=["acme", good.pk]),
    ]


def test_a_file_goes_from_upload_to_report(watched, engine_lead, run_jobs, tmp_path: Path) -> None:
    tab, watch = watched(engine_lead)
    tab.goto(reverse("import-list", args=["acme"]))
    tab.get_by_role("link", name="Load files").first.click()
    rows = [order("A-1"), order("A-2", status="weg")]
    tab.get_by_label("Files", exact=True).set_input_files(csv_file(tmp_path, rows))
    tab.get_by_label("Source").fill("My shop")
    tab.get_by_role("button", name="Upload and look at it").click()
    tab.get_by_label("weg").select_option("shipped")
    tab.get_by_role("button", name="Load", exact=True).click()
    expect(tab.get_by_role("progressbar")).to_be_visible()
    run_jobs()
    expect(tab.locator("#batch .fw-note-success")).to_be_visible()  # the page has followed by itself
    assert dict(Order.objects.values_list("external_id", "state")) == {"A-1": "delivered", "A-2": "shipped"}
    assert watch.take() == []


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_import_pages_have_no_accessibility_violations(watched, engine_lead, workspace, tmp_path, mode) -> None:
    tab, watch = watched(engine_lead, mode=mode)
    for address in _pages(workspace, tmp_path):
        tab.goto(address)
        assert chromium.violations(tab, mode) == ""
    assert watch.take() == []


@pytest.mark.parametrize("width", [390, 1280])
def test_no_import_page_scrolls_sideways(watched, engine_lead, workspace, tmp_path, width) -> None:
    tab, _watch = watched(engine_lead, width=width)
    for address in _pages(workspace, tmp_path):
        tab.goto(address)
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), address
