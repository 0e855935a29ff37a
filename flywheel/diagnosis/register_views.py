"""The pages of the lists that people keep: see, filter, add, change, delete, take back, export.

Every view is given its `Register` by the room's addresses (`urls`), so that all rooms' lists behave the same.
"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from flywheel.accounts import records
from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Role, User, Workspace
from flywheel.accounts.panels import page_or_panel
from flywheel.accounts.records import Kept
from flywheel.accounts.sheets import download
from flywheel.accounts.templatetags.formats import day, number
from flywheel.diagnosis.market_names import Names
from flywheel.diagnosis.registers import KeptForm, Register
from flywheel.facts.calendar import today

PER_PAGE = 50
MOST_DECIMALS = 6


# --- the list ---------------------------------------------------------------------------------------------------------
@login_required
@require_GET
def record_list(
    request: HttpRequest, slug: str, register: Register, template: str = "diagnosis/register.html"
) -> HttpResponse:
    """A list with its filters; htmx gets the list alone."""
    workspace = get_workspace(request, slug)
    context = {
        **_frame(workspace, register),
        **listed(workspace, register, request.GET),
        "may_edit": request.role >= Role.MEMBER,  # type: ignore[attr-defined]
    }
    return page_or_panel(request, template, "panel", context)


def listed(workspace: Workspace, register: Register, query: QueryDict) -> dict[str, Any]:
    """A page of the list as it is filtered, and its newest changes."""
    names, now = Names(workspace), today(workspace)
    page = Paginator(register.rows(workspace, query), PER_PAGE).get_page(query.get("page"))
    address = query.copy()
    address.pop("page", None)
    return {
        "register": register,
        "page": page,
        "rows": [
            {
                "record": record,
                "cells": [_shown(cell) for cell in register.cells(record, names)],
                "late": register.is_late(record, now),
                "edit": register.link("edit", workspace, record.pk),
            }
            for record in page
        ],
        "new": register.link("new", workspace),
        "csv": register.link("file", workspace, "csv"),
        "xlsx": register.link("file", workspace, "xlsx"),
        "options": register.options(workspace, query, names),
        "query": query.get("q", ""),
        "is_filtered": any(query.get(name) for name in (*register.filters, "q")),
        "address": address.urlencode(),
        "changes": register.changes(workspace),
    }


def _shown(cell: Any) -> dict[str, Any]:
    is_date, is_number = isinstance(cell, date), isinstance(cell, int | float | Decimal)
    text = day(cell) if is_date else _digits(cell) if is_number else str(cell or "")
    is_link = text.startswith(("https://", "http://"))
    return {"text": text, "is_link": is_link, "is_date": is_date, "is_number": is_number}


def _digits(value: float | Decimal) -> str:
    """A number with the decimals that it was entered with."""
    decimals = -int(Decimal(str(value)).normalize().as_tuple().exponent)
    return number(value, min(max(decimals, 0), MOST_DECIMALS))


@login_required
@require_GET
def record_file(request: HttpRequest, slug: str, register: Register, kind: str) -> HttpResponse:
    """The list, as it is filtered, as CSV or as a workbook."""
    workspace = get_workspace(request, slug)
    names = Names(workspace)
    rows = [register.cells(record, names) for record in register.rows(workspace, request.GET)]
    return download(register.page, kind, [heading["text"] for heading in register.headings], rows)


# --- one record -------------------------------------------------------------------------------------------------------
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def record_new(request: HttpRequest, slug: str, register: Register) -> HttpResponse:
    """Add a record; the address may say some of its fields."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    form = register.form(workspace, _posted(request), initial=request.GET.dict())
    if form.is_valid() and _stored(request, register, form):
        return redirect(_next_page(register, form))
    return _form_page(request, register, form, str(register.adding))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def record_edit(request: HttpRequest, slug: str, register: Register, record_id: int) -> HttpResponse:
    """Change a record; of two people who do so at once the second is told, and loses nothing."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    stored = register.model._base_manager.filter(workspace=workspace, pk=record_id).first()
    if stored is None:
        return _deleted_meanwhile(request, workspace, register, record_id)
    title, version = stored.told(Names(workspace)), stored.version
    form = register.form(workspace, _posted(request), instance=stored)
    if form.is_valid() and _stored(request, register, form):
        return redirect(_next_page(register, form))
    context = {
        "delete": register.link("delete", workspace, record_id),
        "version": version,
        "changes": register.changes(workspace, record_id),
    }
    return _form_page(request, register, form, title, context)


def _posted(request: HttpRequest) -> QueryDict | None:
    return request.POST if request.method == "POST" else None


def _stored(request: HttpRequest, register: Register, form: KeptForm) -> bool:
    """Whether the record could be stored, which a message then says; if not, the form says why."""
    record = form.record()
    is_known = record.pk is not None
    try:
        with transaction.atomic():
            (records.change if is_known else records.add)(record, _user(request))
            if not is_known:
                register.added(record)
    except records.StaleError:
        stale = _(
            "Somebody has changed this since you opened it. What you entered is still here: look at the saved one "
            "in another window, then open this page again."
        )
        form.add_error(None, stale)
        return False
    except IntegrityError:
        form.add_error(None, str(register.taken))
        return False
    words = _("“%(name)s” has been saved.") if is_known else _("“%(name)s” has been added.")
    messages.success(request, words % {"name": record.told(Names(form.workspace))})
    return True


def _next_page(register: Register, form: KeptForm) -> str:
    return register.shown_at(form.workspace, getattr(form.instance, "market", ""))


def _deleted_meanwhile(request: HttpRequest, workspace: Workspace, register: Register, record_id: int) -> HttpResponse:
    """What was entered for a record that is gone since it was opened, to be added again; 404 for one that never was."""
    if request.method != "POST" or not register.changes(workspace, record_id):
        raise Http404
    form = register.form(workspace, request.POST)
    form.add_error(
        None,
        _("Somebody has deleted this since you opened it. What you entered is still here: save it to add it again."),
    )
    return _form_page(request, register, form, str(register.adding), {"action": register.link("new", workspace)})


def _form_page(
    request: HttpRequest, register: Register, form: KeptForm, heading: str, more: Mapping[str, Any] | None = None
) -> HttpResponse:
    context = {
        **_frame(form.workspace, register),
        "register": register,
        "form": form,
        "heading": heading,
        "back": _next_page(register, form),
        "may_edit": True,
        **(more or {}),
    }
    return render(request, "diagnosis/record.html", context)


@login_required
@require_POST
def record_delete(request: HttpRequest, slug: str, register: Register, record_id: int) -> HttpResponse:
    """Delete a record as it was opened; it can be taken back."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    stored: Kept = get_object_or_404(register.model._base_manager.all(), workspace=workspace, pk=record_id)
    seen = request.POST.get("seen", "")
    if seen.isdecimal():
        stored.version = int(seen[:9])
    try:
        records.delete(stored, _user(request))
    except records.StaleError:
        messages.error(request, _("Somebody has changed this meanwhile: nothing has been deleted."))
    else:
        name = stored.told(Names(workspace))
        messages.success(request, _("“%(name)s” has been deleted. It can be taken back below.") % {"name": name})
    return redirect(register.shown_at(workspace, getattr(stored, "market", "")))


@login_required
@require_POST
def change_undo(request: HttpRequest, slug: str, registers: Mapping[str, Register], change_id: int) -> HttpResponse:
    """Take a change back; what stands in the way is told."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    by_record = {register.record: register for register in registers.values()}
    changes = next(iter(registers.values())).change_model._base_manager.filter(record__in=by_record)
    made = get_object_or_404(changes, workspace=workspace, pk=change_id)
    register, content = by_record[made.record], made.after or made.before or {}
    name = register.model.restored(content).told(Names(workspace))
    try:
        records.undo(made, _user(request))
        messages.success(request, _("The change of “%(name)s” has been taken back.") % {"name": name})
    except records.UndoError as problem:
        messages.error(request, str(problem))
    return redirect(register.shown_at(workspace, content.get("market", "")))


def _frame(workspace: Workspace, register: Register) -> dict[str, Any]:
    return register.room.frame(workspace, register.tab or register.page)


def _user(request: HttpRequest) -> User:
    return request.user  # type: ignore[return-value]


# --- their addresses --------------------------------------------------------------------------------------------------
PAGES: tuple[tuple[str, str, Callable[..., HttpResponse]], ...] = (
    ("new", "new/", record_new),
    ("edit", "<int:record_id>/", record_edit),
    ("delete", "<int:record_id>/delete/", record_delete),
    ("file", "list.<str:kind>", record_file),
)


def urls(base: str, registers: Mapping[str, Register]) -> list[URLPattern]:
    """The addresses of a room's records, `market-content-edit` and the like, and the one that takes a change back."""
    engine = next(iter(registers.values())).room.engine
    found = [path(f"{base}changes/<int:change_id>/undo/", change_undo, {"registers": registers}, name=f"{engine}-undo")]
    for register in registers.values():
        for name, tail, view in PAGES if register.address else ():
            if name != "file" or register.columns:
                address, named = f"{base}{register.address}{tail}", f"{engine}-{register.key}-{name}"
                found.append(path(address, view, {"register": register}, name=named))
    return found
