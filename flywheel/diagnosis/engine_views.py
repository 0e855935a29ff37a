"""What the pages of all engines share: access, tabs, the choice in the address, the page or its panel alone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Workspace
from flywheel.accounts.panels import page_or_panel
from flywheel.accounts.sheets import Cell, download
from flywheel.diagnosis.engine_pages import Choice, choices
from flywheel.diagnosis.running import newest_week
from flywheel.facts.calendar import FIRST_YEAR

FileTable = tuple[list[str], list[list[Cell]]]  # columns and rows


@dataclass(frozen=True)
class Room:
    """An engine and its tabs: address name and label (translated when shown), the overview ("engine") first."""

    engine: str
    tabs: tuple[tuple[str, object], ...]

    def frame(self, workspace: Workspace, page: str) -> dict[str, Any]:
        """What every page of the engine needs: its key, and the tabs with `page` marked."""
        tabs = [
            {
                "url": reverse(name, args=[workspace.slug, *([self.engine] if name == "engine" else [])]),
                "label": label,
                "active": name == page,
            }
            for name, label in self.tabs
        ]
        return {"engine": self.engine, "tabs": tabs}


def show(
    request: HttpRequest,
    slug: str,
    room: Room,
    page: str,
    template: str,
    context: Callable[[Workspace, Choice], dict[str, Any]],
) -> HttpResponse:
    """A page about a market and a number of weeks: `context` of the choice in the address.

    htmx gets the partial `panel` of the template. Without measures the page names the first step instead.
    """
    workspace = get_workspace(request, slug)
    choice = asked_choice(request, workspace)
    if choice is None:
        return render(request, "diagnosis/engine_empty.html", room.frame(workspace, page))
    shown = {**room.frame(workspace, page), "choice": choice, **choices(workspace), **context(workspace, choice)}
    return page_or_panel(request, template, "panel", shown)


def choice_file(
    request: HttpRequest, slug: str, room: Room, name: str, kind: str, table: Callable[[Workspace, Choice], FileTable]
) -> HttpResponse:
    """The columns and rows of a room's table, of the choice in the address, as a file.

    Without measures there is none: the room's overview names the first step.
    """
    workspace = get_workspace(request, slug)
    choice = asked_choice(request, workspace)
    if choice is None:
        return redirect("engine", slug, room.engine)
    return download(name, kind, *table(workspace, choice))


def asked_choice(request: HttpRequest, workspace: Workspace) -> Choice | None:
    """What the address asks for, of a page as of its files; None while there are no measures to choose from."""
    week = newest_week(workspace)
    if week is None:
        return None
    return Choice.parse(request.GET, workspace, asked_week(request.GET.get("week", ""), week))


def asked_week(text: str, newest: date) -> date:
    """The week in the address, moved to a start of a week; the newest when there is none that can be shown."""
    try:
        asked = date.fromisoformat(text)
    except ValueError:
        return newest
    if asked.year < FIRST_YEAR:
        return newest
    return min(asked - timedelta(days=(asked - newest).days % 7), newest)
