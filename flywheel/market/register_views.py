"""The pages of the lists that people keep: see, filter, add, change, delete, take back, export."""

from datetime import date
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from flywheel.accounts import records
from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Role, User, Workspace
from flywheel.accounts.panels import page_or_panel
from flywheel.accounts.records import Kept
from flywheel.accounts.sheets import download
from flywheel.accounts.templatetags.formats import day
from flywheel.facts.calendar import today
from flywheel.market import changes, economies
from flywheel.market.models import Change
from flywheel.market.registers import PER_PAGE, REGISTERS, KeptForm, Register
from flywheel.market.room import ROOM

PAGES = {register.record: register.page for register in REGISTERS.values()} | {"scoringmodel": "market-screening"}


@login_required
@require_GET
def register(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """A list with its filters; htmx gets the list alone."""
    workspace = get_workspace(request, slug)
    kept = REGISTERS[key]
    context = {
        **ROOM.frame(workspace, kept.tab),
        **listed(workspace, kept, request.GET),
        "may_edit": request.role >= Role.MEMBER,  # type: ignore[attr-defined]
    }
    return page_or_panel(request, "market/register.html", "panel", context)


def listed(workspace: Workspace, kept: Register, query: QueryDict) -> dict[str, Any]:
    """A page of the list as it is filtered, and its newest changes."""
    names = economies.Names(workspace)
    page = Paginator(kept.rows(workspace, query), PER_PAGE).get_page(query.get("page"))
    now, slug = today(workspace), workspace.slug
    address = query.copy()
    address.pop("page", None)
    return {
        "register": kept,
        "page": page,
        "rows": [
            {
                "record": record,
                "cells": [_shown(cell) for cell in kept.cells(record, names)],
                "late": _is_late(record, now),
                "edit": reverse(f"market-{kept.key}-edit", args=[slug, record.pk]),
            }
            for record in page
        ],
        "new": reverse(f"market-{kept.key}-new", args=[slug]),
        "csv": reverse(f"market-{kept.key}-file", args=[slug, "csv"]),
        "xlsx": reverse(f"market-{kept.key}-file", args=[slug, "xlsx"]),
        "options": kept.options(workspace, query),
        "query": query.get("q", ""),
        "is_filtered": any(query.get(name) for name in (*kept.filters, "q")),
        "address": address.urlencode(),
        "changes": changes.newest(workspace, kept.record),
    }


def _shown(cell: Any) -> dict[str, Any]:
    text = day(cell) if isinstance(cell, date) else "" if cell is None else str(cell)
    return {"text": text, "is_link": text.startswith(("https://", "http://")), "is_date": isinstance(cell, date)}


def _is_late(record: Kept, now: date) -> bool:
    """Whether its next step was due before today."""
    due = getattr(record, "due_on", None) or getattr(record, "target_on", None)
    return due is not None and due < now and getattr(record, "stage", "") not in ("active", "ended", "scaled")


@login_required
@require_GET
def register_file(request: HttpRequest, slug: str, key: str, kind: str) -> HttpResponse:
    """The list, as it is filtered, as CSV or as a workbook."""
    workspace = get_workspace(request, slug)
    kept, names = REGISTERS[key], economies.Names(workspace)
    rows = [kept.cells(record, names) for record in kept.rows(workspace, request.GET)]
    return download(kept.page, kind, [str(column.heading) for column in kept.columns], rows)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def record_new(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Add a record."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    kept = REGISTERS[key]
    form = kept.form(workspace, request.POST or None, initial=request.GET.dict())
    if request.method == "POST" and form.is_valid():
        made = form.record()
        records.add(made, _user(request))
        messages.success(request, _("“%(name)s” has been added.") % {"name": made})
        return redirect(kept.page, slug)
    return render(request, "market/record.html", _form_context(workspace, kept, form, str(kept.adding)))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def record_edit(request: HttpRequest, slug: str, key: str, record_id: int) -> HttpResponse:
    """Change a record; of two people who do so at once the second is told, and loses nothing."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    kept = REGISTERS[key]
    stored = get_object_or_404(kept.model._base_manager.all(), workspace=workspace, pk=record_id)
    title = str(stored)
    form = kept.form(workspace, request.POST or None, instance=stored)
    if request.method == "POST" and form.is_valid() and _changed(request, form):
        messages.success(request, _("“%(name)s” has been saved.") % {"name": stored})
        return redirect(kept.page, slug)
    context = _form_context(workspace, kept, form, title)
    context |= {
        "record": stored,
        "delete": reverse(f"market-{key}-delete", args=[slug, record_id]),
        "changes": changes.newest(workspace, kept.record, record_id),
    }
    return render(request, "market/record.html", context)


def _changed(request: HttpRequest, form: KeptForm) -> bool:
    try:
        records.change(form.record(), _user(request))
    except records.StaleError:
        form.add_error(
            None,
            _(
                "Somebody has changed this since you opened it. What you entered is still here: look at the saved one "
                "in another window, then open this page again."
            ),
        )
        return False
    return True


def _form_context(workspace: Workspace, kept: Register, form: KeptForm, title: str) -> dict[str, Any]:
    return {
        **ROOM.frame(workspace, kept.tab),
        "register": kept,
        "form": form,
        "heading": title,
        "markets": [name for _code, name in economies.choices(workspace)],
        "may_edit": True,
    }


@login_required
@require_POST
def record_delete(request: HttpRequest, slug: str, key: str, record_id: int) -> HttpResponse:
    """Delete a record; it can be taken back."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    kept = REGISTERS[key]
    stored = get_object_or_404(kept.model._base_manager.all(), workspace=workspace, pk=record_id)
    try:
        records.delete(stored, _user(request))
    except records.StaleError:
        messages.error(request, _("Somebody has changed this meanwhile: nothing has been deleted."))
        return redirect(kept.page, slug)
    messages.success(request, _("“%(name)s” has been deleted. It can be taken back below.") % {"name": stored})
    return redirect(kept.page, slug)


@login_required
@require_POST
def change_undo(request: HttpRequest, slug: str, change_id: int) -> HttpResponse:
    """Take a change back."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    made = get_object_or_404(Change, workspace=workspace, pk=change_id)
    if made.record not in PAGES:
        raise Http404
    try:
        records.undo(made, _user(request))
        messages.success(request, _("The change of “%(name)s” has been taken back.") % {"name": made.title})
    except records.UndoError as problem:
        messages.error(request, str(problem))
    return redirect(PAGES[made.record], slug)


def _user(request: HttpRequest) -> User:
    return request.user  # type: ignore[return-value]
