"""Pages whose live panel htmx asks for at the page's own address."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from flywheel.accounts import chart_files


def page_or_panel(request: HttpRequest, template: str, panel: str, context: dict[str, object]) -> HttpResponse:
    """The whole page, or its live panel when htmx asks for it (not when it restores history); or a chart's table."""
    name = template.removesuffix(".html").replace("/", "-")
    if file := chart_files.asked(request, name, context):
        return file
    chart_files.link(request, context)
    wants_panel = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    response = render(request, f"{template}#{panel}" if wants_panel else template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response
