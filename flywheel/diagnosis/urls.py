"""The flywheel page and the KPIs', below /w/<workspace>/."""

from django.urls import path

from flywheel.diagnosis import kpi_views, views

urlpatterns = [
    path("", views.flywheel, name="flywheel"),
    path("kpis/", kpi_views.kpis, name="kpi-list"),
    path("kpis/<slug:key>/", kpi_views.kpi, name="kpi"),
    path("kpis/<slug:key>/<slug:table>.<slug:kind>", kpi_views.kpi_export, name="kpi-export"),
    path("diagnosis/run/", views.run_diagnosis, name="diagnosis-run"),
]
