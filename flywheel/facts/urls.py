"""Addresses of what is known of facts, under /w/<slug>/."""

from django.urls import path

from flywheel.facts import views

urlpatterns = [
    path("settings/places/", views.places, name="places"),
    path("settings/rates/", views.rates, name="rates"),
]
