"""Pages of the conversion engine, below /w/<workspace>/engines/conversion/."""

from django.urls import re_path

from flywheel.conversion import views

urlpatterns = [
    re_path(r"^engines/(?P<engine>conversion)/$", views.overview, name="engine"),
]
