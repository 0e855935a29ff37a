"""The pages on real files: the exact figures, and no call where data is missing."""

import os
import re

import pytest
from django.urls import reverse
from django.utils.html import strip_tags

from flywheel.accounts.models import Workspace
from flywheel.diagnosis.models import Diagnosis
from tests.test_olist import CUSTOMERS, ORDERS, PAYMENTS, brazil, has_known_figures, load

REAL = os.environ.get("FLYWHEEL_REAL_DATA", "")
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not REAL, reason="FLYWHEEL_REAL_DATA is not set: no folder with public data sets"),
]
__all__ = ["brazil"]


def rows(html, table):
    """The cells of a table's rows, header and footer included."""
    body = re.search(rf'<table[^>]*id="{table}".*?</table>', html, re.S).group(0)
    found = re.findall(r"<tr.*?</tr>", body, re.S)
    return [[strip_tags(c).strip() for c in re.findall(r"<t[hd].*?</t[hd]>", row, re.S)] for row in found]


@pytest.mark.long
def test_olist_pages_show_the_known_figures_and_make_no_call(brazil: Workspace, run_jobs, reader, client):
    for file in (CUSTOMERS, PAYMENTS, ORDERS):  # the sample of test_olist.py comes with the orders before these
        load(brazil, *file)
    has_known_figures(brazil)
    run_jobs()
    client.force_login(reader)

    def page(name, *args):
        return client.get(reverse(name, args=["acme", *args]), {"weeks": "0"}).content.decode()

    flywheel = page("flywheel")
    assert "No call this week: no traffic data." in flywheel
    assert flywheel.count("not available: no traffic data") >= 5
    assert "not available: no spend data" in flywheel
    assert Diagnosis.objects.get(workspace=brazil).result["verdict"]["reason"] == "no_traffic_data"

    conversion = page("engine", "conversion")
    statuses = {r[0]: r[-1] for r in rows(conversion, "statuses")}
    assert statuses == {
        "Status in the shop": "Orders",
        "delivered": "96,478",
        "shipped": "1,107",
        "canceled": "625",
        "unavailable": "609",
        "invoiced": "314",
        "processing": "301",
        "created": "5",
        "approved": "2",
        "All orders": "99,441",
        "Counted orders": "98,202",
    }
    payments = {r[0]: r[1:] for r in rows(conversion, "payments")}
    assert payments["All payments"] == ["103,886", "16,008,872.12"]
    assert payments["credit_card"][0] == "76,795"

    aftersales = page("engine", "aftersales")
    deliveries = {r[0]: r[1:] for r in rows(aftersales, "deliveries")}
    assert deliveries["All markets"] == ["96,470", "12.56", "96,470", "6,534", "6.77%", "7,826", "8.11%"]
    assert [deliveries[s][-1] for s in ("SP", "RJ", "AL")] == ["5.89%", "13.47%", "23.93%"]

    def kpi(key):
        return client.get(reverse("kpi", args=["acme", key]), {"weeks": "0"}).context["line"].result

    median = kpi("delivery_days_p50")
    assert (round(median.value, 2), median.n) == (10.22, 96_470)
    assert median.low < 10.22 < median.high
    assert round(1 - kpi("on_time").value, 4) == 0.0677
    assert round(1 - kpi("on_time_by_stamp").value, 4) == 0.0811

    states = {r[0]: r[1] for r in rows(page("engine", "market"), "markets")}
    assert (states["SP"], states["RJ"], states["MG"]) == ("41,746", "12,852", "11,635")


def test_clickstream_pages_show_the_known_funnel(workspace: Workspace, run_jobs, reader, client):
    load(workspace, "clickstream", "events", "clickstream/ecom.csv.gz")
    run_jobs()
    client.force_login(reader)
    html = client.get(reverse("engine", args=["acme", "conversion"]), {"weeks": "0"}).content.decode()
    figure = re.search(r'id="funnel".*?</figure>', html, re.S).group(0)
    counts = re.findall(r'<th scope="row">(.*?)</th><td class="fw-num">([\d,]+)</td>', figure)
    assert dict(counts) | {"Engaged": ""} == {
        "Sessions": "3,605",
        "Engaged": "",
        "Product view": "2,868",
        "Added to cart": "1,213",
        "Cart viewed": "1,022",
        "Checkout": "798",
        "Payment attempt": "632",
        "Paid": "470",
    }
    devices = {r[0]: r[2] for r in rows(html, "devices")}
    assert (devices["desktop"], devices["mobile"]) == ("14.7%", "9.73%")


def test_clickstream_pages_show_the_known_rates_and_paths(workspace: Workspace, run_jobs, engine_lead, client):
    load(workspace, "clickstream", "events", "clickstream/ecom.csv.gz")
    run_jobs()
    client.force_login(engine_lead)
    client.post(reverse("conversion-analyse", args=["acme"]), {"weeks": "0"})
    run_jobs()
    html = client.get(reverse("conversion-journey", args=["acme"]), {"weeks": "0"}).content.decode()
    steps = {r[0]: r for r in rows(html, "journey-steps")}
    counts = {name: cells[1] for name, cells in steps.items()}
    assert counts | {"Engaged": ""} == {
        "Step": "Sessions",
        "Sessions": "3,605",
        "Engaged": "",
        "Product view": "2,868",
        "Added to cart": "1,213",
        "Cart viewed": "1,022",
        "Checkout": "798",
        "Payment attempt": "632",
        "Paid": "470",
    }
    assert steps["Paid"][3].split("\n")[0].startswith("13.04%")
    devices = {r[0]: r[-2] for r in rows(html, "by-device")}
    assert devices["desktop"].startswith("14.66%")
    assert devices["mobile"].startswith("9.73%")
    channels = {r[0]: r[-2] for r in rows(html, "by-channel")}
    assert channels["paid_search"].startswith("15.74%")
    assert channels["social"].startswith("9.93%")
    points = {r[0]: r[1:] for r in rows(html, "points")}
    assert sum(int(r[2].replace(",", "")) for name, r in points.items() if name != "Touch point") == 3_605  # all end
    assert "Payment attempt" in {r[0] for r in rows(html, "times")}
