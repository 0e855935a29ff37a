"""Pages of the market engine, below /w/<workspace>/engines/market/."""

from django.urls import path, re_path

from flywheel.diagnosis import register_views
from flywheel.market import screening_views, views
from flywheel.market.registers import REGISTERS

BASE = "engines/market/"
SCREENING = f"{BASE}screening/"
MODEL, VALUES = {"register": REGISTERS["models"]}, {"register": REGISTERS["values"], "template": "market/values.html"}

urlpatterns = [
    re_path(r"^engines/(?P<engine>market)/$", views.overview, name="engine"),
    path(SCREENING, screening_views.screening, name="market-screening"),
    path(f"{SCREENING}table.<str:kind>", screening_views.screening_file, name="market-screening-file"),
    path(f"{SCREENING}models/new/", screening_views.model_new, name="market-model-new"),
    path(f"{SCREENING}models/<int:model_id>/", screening_views.model_edit, name="market-model-edit"),
    path(f"{SCREENING}models/<int:record_id>/delete/", register_views.record_delete, MODEL, name="market-model-delete"),
    path(f"{SCREENING}values/", register_views.record_list, VALUES, name="market-values"),
    path(f"{BASE}positioning/", views.positioning_map, name="market-positioning"),
    path(f"{BASE}positioning/table.<str:kind>", views.positioning_file, name="market-positioning-file"),
    path(f"{BASE}channels/", views.channels, name="market-channels"),
    path(f"{BASE}channels/table.<str:kind>", views.channels_file, name="market-channels-file"),
    path(f"{BASE}campaigns/", views.campaigns, name="market-campaigns"),
    path(f"{BASE}campaigns/table.<str:kind>", views.campaigns_file, name="market-campaigns-file"),
    path(f"{BASE}roadmap/", views.roadmap_list, name="market-roadmap"),
    path(f"{BASE}roadmap/<int:record_id>/gate/", views.roadmap_gate, name="market-gate"),
]
for key in ("content", "partners"):
    kept = {"register": REGISTERS[key]}
    urlpatterns.append(path(f"{BASE}{key}/", register_views.record_list, kept, name=f"market-{key}"))
urlpatterns += register_views.urls(BASE, REGISTERS)
