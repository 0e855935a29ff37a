"""Pages of the aftersales engine, below /w/<workspace>/engines/aftersales/."""

from django.urls import path, re_path

from flywheel.aftersales import lifetime_views, page_views, views
from flywheel.aftersales.registers import REGISTERS
from flywheel.diagnosis import register_views

BASE = "engines/aftersales/"

urlpatterns = [
    re_path(r"^engines/(?P<engine>aftersales)/$", views.overview, name="engine"),
    path(f"{BASE}lifetime/", lifetime_views.lifetime, name="aftersales-lifetime"),
    path(f"{BASE}lifetime.<slug:kind>", lifetime_views.lifetime_file, name="aftersales-lifetime-file"),
    path(f"{BASE}lifetime/run/", lifetime_views.lifetime_run, name="aftersales-lifetime-run"),
    path(f"{BASE}counts/run/", page_views.count_run, name="aftersales-count-run"),
    path(f"{BASE}customers/", lifetime_views.customers, name="aftersales-customers"),
    path(f"{BASE}customers/all/", lifetime_views.scored_customers, name="aftersales-scored"),
    path(f"{BASE}customers/all.<slug:kind>", lifetime_views.scored_file, name="aftersales-scored-file"),
    path(f"{BASE}customers/<slug:key>.<slug:kind>", lifetime_views.customers_file, name="aftersales-customers-file"),
    path(
        f"{BASE}campaigns/lists/<int:campaign_id>.<slug:kind>",
        lifetime_views.campaign_file,
        name="aftersales-lists-members",
    ),
    *register_views.urls(BASE, REGISTERS),
    path(f"{BASE}<slug:key>/<slug:table>.<slug:kind>", page_views.page_file, name="aftersales-file"),
]
urlpatterns += [
    path(f"{BASE}{key}/", page_views.page, {"key": key}, name=f"aftersales-{key}") for key in page_views.PAGES
]
