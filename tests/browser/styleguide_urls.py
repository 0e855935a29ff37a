"""The product's addresses with the style guide, as when DEBUG is on, and a page of charts with names from a file."""

from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import URLPattern, URLResolver, path

from flywheel.accounts.styleguide import styleguide
from flywheel.diagnosis.charts import funnel_figure, stacked_figure
from flywheel.urls import urlpatterns as product

ODD_NAME = "@shop <b>x</b> & co."
PAGE = """{% extends "_plain.html" %}{% block content %}
{% for chart in charts %}{% include "_chart.html" with chart=chart only %}{% endfor %}
{% include "_chart_scripts.html" %}{% endblock %}"""


def odd_names(request: HttpRequest) -> HttpResponse:
    """A channel whose name looks like a colour and holds tags, in a legend and on an axis."""
    figures = {
        "legend": stacked_figure(["2026-03-02", "2026-03-09"], [(ODD_NAME, [3, 4]), ("direct", [2, 2])]),
        "axis": funnel_figure([ODD_NAME, "direct"], [3, 2], [ODD_NAME, "2"], "market"),
    }
    charts = [{"id": name, "title": name, "summary": name, "figure": figure} for name, figure in figures.items()]
    return HttpResponse(engines["django"].from_string(PAGE).render({"charts": charts}, request))


urlpatterns: list[URLPattern | URLResolver] = [
    path("styleguide/", styleguide),
    path("odd-names/", odd_names),
    *product,
]
