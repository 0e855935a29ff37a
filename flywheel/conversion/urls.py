"""Pages of the conversion engine, below /w/<workspace>/engines/conversion/."""

from django.urls import path, re_path

from flywheel.conversion import order_views, record_views, views
from flywheel.conversion.registers import REGISTERS
from flywheel.diagnosis import register_views

BASE = "engines/conversion/"

urlpatterns = [
    re_path(r"^engines/(?P<engine>conversion)/$", views.overview, name="engine"),
    path(f"{BASE}journey/", views.journey, name="conversion-journey"),
    path(f"{BASE}trust/", views.trust, name="conversion-trust"),
    path(f"{BASE}trust/fill/<path:market>/", record_views.checklist_fill, name="conversion-checklist"),
    path(f"{BASE}experience/", views.experience, name="conversion-experience"),
    path(f"{BASE}value/", views.value, name="conversion-value"),
    path(f"{BASE}profiles/", views.profiles, name="conversion-profiles"),
    path(f"{BASE}analyse/", views.analyse, name="conversion-analyse"),
    path(f"{BASE}tables/<slug:table>.<slug:kind>", views.table_file, name="conversion-table"),
    path(f"{BASE}value/pairs/", order_views.pairs, name="conversion-pairs"),
    path(f"{BASE}profiles/<slug:key>/", order_views.segment, name="conversion-segment"),
    path(f"{BASE}profiles/<slug:key>.<slug:kind>", order_views.segment_file, name="conversion-customers"),
    path(f"{BASE}journey/pain-points/<int:record_id>/solve/", record_views.pain_solve, name="conversion-pain-solve"),
    *register_views.urls(BASE, REGISTERS),
]
