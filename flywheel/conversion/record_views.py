"""Adding, changing, solving, deleting what people keep here, and taking each of these back."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from flywheel.accounts import records
from flywheel.accounts.access import get_workspace
from flywheel.accounts.models import Role, User, Workspace
from flywheel.accounts.records import Kept
from flywheel.conversion.methods import NAMES
from flywheel.conversion.models import Change, PainPoint
from flywheel.conversion.registers import REGISTERS, KeptForm, Register
from flywheel.conversion.room import ROOM
from flywheel.conversion.trust_form import Checklist
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.facts.calendar import today

PAGES = {register.record: register.page for register in REGISTERS.values()}


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def record_new(request: HttpRequest, slug: str, key: str) -> HttpResponse:
    """Add a record; the address may say its market, step or device."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    register = REGISTERS[key]
    form = register.form(workspace, request.POST or None, initial=request.GET.dict())
    if request.method == "POST" and form.is_valid() and _stored(request, form):
        messages.success(request, _("“%(name)s” has been added.") % {"name": form.instance})
        return _back(register, slug, form.instance)
    return render(request, "conversion/record.html", _form_context(workspace, register, form, str(register.adding)))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def record_edit(request: HttpRequest, slug: str, key: str, record_id: int) -> HttpResponse:
    """Change a record; of two people who do so at once the second is told, and loses nothing."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    register = REGISTERS[key]
    stored = _one(workspace, register, record_id)
    title = str(stored)
    form = register.form(workspace, request.POST or None, instance=stored)
    if request.method == "POST" and form.is_valid() and _stored(request, form):
        messages.success(request, _("“%(name)s” has been saved.") % {"name": stored})
        return _back(register, slug, stored)
    context = _form_context(workspace, register, form, title)
    context["delete"] = reverse(f"conversion-{key}-delete", args=[slug, record_id])
    return render(request, "conversion/record.html", context)


def _stored(request: HttpRequest, form: KeptForm) -> bool:
    """Whether the record could be stored; if not, the form says why."""
    record = form.record()
    try:
        with transaction.atomic():
            (records.change if record.pk else records.add)(record, _user(request))
    except records.StaleError:
        form.add_error(
            None,
            _(
                "Somebody has changed this since you opened it. What you entered is still here: look at the saved one "
                "in another window, then open this page again."
            ),
        )
        return False
    except IntegrityError:
        form.add_error(None, _("There is an entry for this already: change that one."))
        return False
    return True


def _form_context(workspace: Workspace, register: Register, form: KeptForm, title: str) -> dict[str, Any]:
    return {
        **ROOM.frame(workspace, register.page),
        "register": register,
        "form": form,
        "heading": title,
        "methods": sorted(str(name) for name in NAMES.values()),
    }


@login_required
@require_POST
def record_delete(request: HttpRequest, slug: str, key: str, record_id: int) -> HttpResponse:
    """Delete a record; it can be taken back."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    register = REGISTERS[key]
    stored = _one(workspace, register, record_id)
    try:
        records.delete(stored, _user(request))
    except records.StaleError:
        messages.error(request, _("Somebody has changed this meanwhile: nothing has been deleted."))
        return _back(register, slug, stored)
    messages.success(request, _("“%(name)s” has been deleted. It can be taken back below.") % {"name": stored})
    return _back(register, slug, stored)


@login_required
@require_POST
def pain_solve(request: HttpRequest, slug: str, record_id: int) -> HttpResponse:
    """Call a pain point solved today, or open again."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    point = get_object_or_404(PainPoint, workspace=workspace, pk=record_id)
    is_open = point.status == PainPoint.Status.OPEN
    point.status = PainPoint.Status.SOLVED if is_open else PainPoint.Status.OPEN
    point.solved_on = today(workspace) if is_open else None
    try:
        records.change(point, _user(request))
    except records.StaleError:
        messages.error(request, _("Somebody has changed this meanwhile: nothing has been saved."))
    else:
        messages.success(request, _("“%(name)s” has been saved.") % {"name": point})
    return redirect("conversion-journey", slug)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def checklist_fill(request: HttpRequest, slug: str, market: str) -> HttpResponse:
    """Answer the bundled items of one market on one page."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    names = place_names(workspace)["market"]
    if market not in names:
        raise Http404
    checklist = Checklist(workspace, market, request.POST if request.method == "POST" else None)
    if request.method == "POST" and checklist.is_valid():
        try:
            count = checklist.save(_user(request))
        except (records.StaleError, IntegrityError):
            messages.error(request, _("Somebody has changed this meanwhile: nothing has been saved."))
        else:
            messages.success(request, _("Saved: %(n)s items changed.") % {"n": count})
            return redirect(f"{reverse('conversion-trust', args=[slug])}?{urlencode({'market': market})}")
    context = {
        **ROOM.frame(workspace, "conversion-trust"),
        "checklist": checklist,
        "name": names[market],
        "code": market,
    }
    return render(request, "conversion/checklist.html", context)


@login_required
@require_POST
def change_undo(request: HttpRequest, slug: str, change_id: int) -> HttpResponse:
    """Take a change back."""
    workspace = get_workspace(request, slug, needs=Role.MEMBER)
    made = get_object_or_404(Change, workspace=workspace, pk=change_id)
    try:
        records.undo(made, _user(request))
        messages.success(request, _("The change of “%(name)s” has been taken back.") % {"name": made.title})
    except records.UndoError as problem:
        messages.error(request, str(problem))
    return redirect(PAGES[made.record], slug)


def _one(workspace: Workspace, register: Register, record_id: int) -> Kept:
    return get_object_or_404(register.model._base_manager.all(), workspace=workspace, pk=record_id)


def _back(register: Register, slug: str, record: Kept) -> HttpResponse:
    """To the record's page, with its market chosen where the page is about one."""
    market = getattr(record, "market", "")
    chosen = f"?{urlencode({'market': market})}" if market and not isinstance(record, PainPoint) else ""
    return redirect(f"{reverse(register.page, args=[slug])}{chosen}")


def _user(request: HttpRequest) -> User:
    return request.user  # type: ignore[return-value]
