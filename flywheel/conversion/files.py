"""The room's tables as files: by which address each goes, and what makes its rows, which are those of its page."""

from collections.abc import Callable, Mapping

from flywheel.accounts.models import Workspace
from flywheel.conversion import (
    experience_page,
    journey_page,
    pairs_page,
    paths_page,
    payments_page,
    profiles_page,
    trust_page,
    value_page,
)
from flywheel.conversion.journey_page import View
from flywheel.conversion.tables import Table
from flywheel.diagnosis.engine_pages import Choice
from flywheel.diagnosis.flywheel_page import place_names

Query = Mapping[str, str]
Maker = Callable[[Workspace, Choice, Query], Table]


def _of_choice(make: Callable[[Workspace, Choice], Table]) -> Maker:
    return lambda workspace, choice, _query: make(workspace, choice)


def _of_journey(make: Callable[[Workspace, View], Table]) -> Maker:
    return lambda workspace, choice, query: make(workspace, View.parse(query, place_names(workspace), choice))


def _of_view(make: Callable[..., Table]) -> Maker:
    """A table of single sessions: of the view's segment and of both its periods."""
    return _of_journey(lambda workspace, view: make(workspace, view.choice, view.where, view.other))


def _of_places(key: str) -> Maker:
    return lambda workspace, choice, query: profiles_page.places_table(workspace, choice, query, key)


MAKERS: dict[str, Maker] = {
    "journey": _of_journey(journey_page.table),
    "journey-steps": _of_journey(journey_page.steps_table),
    "touch-points": _of_view(paths_page.points_table),
    "flows": _of_view(paths_page.flows_table),
    "step-times": _of_view(paths_page.times_table),
    "pain-points": _of_choice(journey_page.pain_table),
    "checklist": _of_choice(trust_page.table),
    "before-after": _of_choice(trust_page.effects_table),
    "page-experience": _of_choice(experience_page.pages_table),
    "payment-methods": _of_choice(payments_page.table),
    "orders-paid": _of_choice(payments_page.success_table),
    "order-values": _of_choice(value_page.values_table),
    "thresholds": value_page.thresholds_table,
    "threshold-candidates": value_page.candidates_table,
    "bought-together": pairs_page.table,
    "segments": profiles_page.table,
    "segments-by-market": _of_places("market"),
    "segments-by-channel": _of_places("channel"),
}
