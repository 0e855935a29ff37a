"""Pages of the aftersales engine, below /w/<workspace>/engines/aftersales/."""

from django.urls import re_path

from flywheel.aftersales import views

urlpatterns = [
    re_path(r"^engines/(?P<engine>aftersales)/$", views.overview, name="engine"),
]
