"""Every address of the product, grouped by room."""

from django.urls import URLPattern, URLResolver, include, path

from flywheel.api import api, not_found
from flywheel.api_reference import reference
from flywheel.health import healthz

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("flywheel.accounts.urls")),
    path("healthz", healthz, name="health"),
    path("api/v1/", reference, name="api-reference"),
    path("api/v1/", api.urls),
    path("api/<path:path>", not_found),
    path("accounts/", include("allauth.account.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
    path("w/<slug:slug>/", include("flywheel.diagnosis.urls")),
    path("w/<slug:slug>/", include("flywheel.market.urls")),
    path("w/<slug:slug>/", include("flywheel.conversion.urls")),
    path("w/<slug:slug>/", include("flywheel.aftersales.urls")),
    path("w/<slug:slug>/", include("flywheel.intake.urls")),
    path("w/<slug:slug>/", include("flywheel.facts.urls")),
    path("w/<slug:slug>/jobs/", include("flywheel.jobs.urls")),
]
