"""The flywheel page, below /w/<workspace>/."""

from django.urls import path

from flywheel.diagnosis import views

urlpatterns = [
    path("", views.flywheel, name="flywheel"),
    path("diagnosis/run/", views.run_diagnosis, name="diagnosis-run"),
]
