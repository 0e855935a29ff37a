"""Pages of the market engine, below /w/<workspace>/engines/market/."""

from django.urls import path, re_path

from flywheel.market import register_views, screening_views, views

BASE = "engines/market/"
SCREENING = f"{BASE}screening/"
LISTS = {"content": "content", "partners": "partners"}  # address -> register that has a page of its own
KEPT = {**LISTS, "roadmap": "roadmap", "offers": "offers"}

urlpatterns = [
    re_path(r"^engines/(?P<engine>market)/$", views.overview, name="engine"),
    path(SCREENING, screening_views.screening, name="market-screening"),
    path(f"{SCREENING}table.<str:kind>", screening_views.screening_file, name="market-screening-file"),
    path(f"{SCREENING}models/new/", screening_views.model_new, name="market-model-new"),
    path(f"{SCREENING}models/<int:model_id>/", screening_views.model_edit, name="market-model-edit"),
    path(f"{SCREENING}models/<int:model_id>/delete/", screening_views.model_delete, name="market-model-delete"),
    path(f"{SCREENING}values/", screening_views.values, name="market-values"),
    path(f"{BASE}positioning/", views.positioning_map, name="market-positioning"),
    path(f"{BASE}positioning/table.<str:kind>", views.positioning_file, name="market-positioning-file"),
    path(f"{BASE}channels/", views.channels, name="market-channels"),
    path(f"{BASE}channels/table.<str:kind>", views.channels_file, name="market-channels-file"),
    path(f"{BASE}roadmap/", views.roadmap_list, name="market-roadmap"),
    path(f"{BASE}roadmap/<int:record_id>/gate/", views.roadmap_gate, name="market-gate"),
    path(f"{BASE}changes/<int:change_id>/undo/", register_views.change_undo, name="market-undo"),
]
for address, key in LISTS.items():
    urlpatterns.append(path(f"{BASE}{address}/", register_views.register, {"key": key}, name=f"market-{key}"))
for address, key in KEPT.items():
    urlpatterns += [
        path(f"{BASE}{address}/list.<str:kind>", register_views.register_file, {"key": key}, name=f"market-{key}-file"),
        path(f"{BASE}{address}/new/", register_views.record_new, {"key": key}, name=f"market-{key}-new"),
        path(f"{BASE}{address}/<int:record_id>/", register_views.record_edit, {"key": key}, name=f"market-{key}-edit"),
        path(
            f"{BASE}{address}/<int:record_id>/delete/",
            register_views.record_delete,
            {"key": key},
            name=f"market-{key}-delete",
        ),
    ]
