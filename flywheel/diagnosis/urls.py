"""Flywheel and engine pages, below /w/<workspace>/."""

from django.urls import path

from flywheel.diagnosis import views

urlpatterns = [
    path("", views.flywheel, name="flywheel"),
    path("engines/<str:engine>/", views.engine, name="engine"),
    path("diagnosis/run/", views.run_diagnosis, name="diagnosis-run"),
]
