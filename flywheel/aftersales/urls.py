"""Pages of the aftersales engine, below /w/<workspace>/engines/aftersales/."""

from django.urls import path, re_path

from flywheel.aftersales import page_views, views

BASE = "engines/aftersales/"

urlpatterns = [
    re_path(r"^engines/(?P<engine>aftersales)/$", views.overview, name="engine"),
    path(f"{BASE}<slug:key>/<slug:table>.<slug:kind>", page_views.page_file, name="aftersales-file"),
]
urlpatterns += [
    path(f"{BASE}{key}/", page_views.page, {"key": key}, name=f"aftersales-{key}") for key in page_views.PAGES
]
