"""The pages of the aftersales engine."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from flywheel.aftersales import overview as overview_page
from flywheel.diagnosis.engine_views import Room, show

ROOM = Room(
    "aftersales",
    (
        ("engine", _("Overview")),
        ("aftersales-repurchase", _("Repurchase")),
        ("aftersales-lifetime", _("Lifetime value")),
        ("aftersales-customers", _("Customers")),
        ("aftersales-campaigns", _("Campaigns")),
        ("aftersales-service", _("Customer service")),
        ("aftersales-community", _("Community")),
    ),
)


@login_required
@require_GET
@vary_on_headers("HX-Request")
def overview(request: HttpRequest, slug: str, engine: str) -> HttpResponse:
    """The KPIs of the aftersales engine, their charts and tables."""
    return show(request, slug, ROOM, "engine", "aftersales/overview.html", overview_page.overview)
