"""Pages of the market engine, below /w/<workspace>/engines/market/."""

from django.urls import re_path

from flywheel.market import views

urlpatterns = [
    re_path(r"^engines/(?P<engine>market)/$", views.overview, name="engine"),
]
