"""Keeping a record: added, changed, deleted, and each of these taken back. Nothing is changed without a trace."""

import json
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from flywheel.accounts.models import User, Workspace
from flywheel.market import models
from flywheel.market.economies import Names
from flywheel.market.models import Change, Kept

RECORDS: dict[str, type[Kept]] = {
    model.__name__.lower(): model
    for model in (models.ScoringModel, models.OwnOffer, models.RoadmapEntry, models.ContentAsset, models.Partner)
}
NEWEST = 10  # changes that a page lists
DOCUMENT_PARTS = {
    "dimensions": _("dimensions and bounds"),
    "weights": _("weights"),
    "markets": _("markets"),
    "pairs": _("judgements"),
    "min_coverage": _("least known weight"),
    "min_score": _("score of the first gate"),
    "top": _("how many lead"),
}  # of a scoring model


class StaleError(Exception):
    """Somebody else has changed or deleted the record since it was opened."""


class UndoError(Exception):
    """A change that cannot be taken back; the message says why, in words for people."""


def add(record: Kept, user: User | None) -> Change:
    """Store a new record."""
    with transaction.atomic():
        record.changed_by = user
        record.save()
        record.refresh_from_db()  # as the database holds it: 100 is 100.00
        return _note(record, Change.Action.ADDED, None, record.content(), user)


def change(record: Kept, user: User | None) -> Change:
    """Store a changed record, whose `version` is the one that was opened; raises StaleError."""
    with transaction.atomic():
        before = _held(record)
        record.version += 1
        record.changed_by = user
        record.save()
        record.refresh_from_db()
        return _note(record, Change.Action.CHANGED, before.content(), record.content(), user)


def delete(record: Kept, user: User | None) -> Change:
    """Delete a record as it was opened; raises StaleError."""
    with transaction.atomic():
        before = _held(record)
        key = record.pk
        record.delete()
        record.pk = key
        return _note(record, Change.Action.DELETED, before.content(), None, user)


def undo(made: Change, user: User | None) -> Change:
    """Take a change back, and note that; raises UndoError when something was built on it or has taken its place."""
    try:
        with transaction.atomic():
            if not Change.objects.select_for_update().filter(pk=made.pk, undone=False).exists():
                raise UndoError(_("It has been taken back already."))
            record = _undone(made, user)
            Change.objects.filter(pk=made.pk).update(undone=True)
            return _note(record, Change.Action.UNDONE, made.after, made.before, user)
    except IntegrityError as problem:
        raise UndoError(_("Another record has taken its place.")) from problem


def newest(workspace: Workspace, record: str, record_id: int | None = None) -> list[Change]:
    """The newest changes of one kind of record, or of one record."""
    found = Change.objects.filter(workspace=workspace, record=record).select_related("user")
    listed, names = list((found.filter(record_id=record_id) if record_id else found)[:NEWEST]), Names(workspace)
    for made in listed:
        made.shown = names[made.title] if record == "roadmapentry" else made.title  # type: ignore[attr-defined]
        made.parts = _parts(made)  # type: ignore[attr-defined]
    return listed


def _parts(made: Change) -> list[str]:
    """What of a record was changed, in words; nothing where it was added or deleted whole."""
    if made.before is None or made.after is None:
        return []
    fields = {f.attname: f.verbose_name for f in RECORDS[made.record]._meta.concrete_fields}
    changed = [name for name, value in made.after.items() if value != made.before.get(name)]
    inner = made.after.get("document") or {}
    of_document = [
        str(DOCUMENT_PARTS[name])
        for name, value in inner.items()
        if name in DOCUMENT_PARTS and value != made.before["document"].get(name)
    ]
    return [*(str(fields[name]) for name in changed if name != "document"), *of_document]


def _held(record: Kept) -> Kept:
    """The stored record, locked, if it is still the one that was opened."""
    stored = type(record)._base_manager.select_for_update().filter(pk=record.pk, version=record.version).first()
    if stored is None:
        raise StaleError
    return stored


def _undone(made: Change, user: User | None) -> Kept:
    model = RECORDS[made.record]
    stored = model._base_manager.select_for_update().filter(workspace=made.workspace, pk=made.record_id).first()
    if (None if stored is None else _plain(stored.content())) != made.after:
        raise UndoError(_("It has been changed since. Take back the later change first."))
    if made.before is None and stored is not None:
        stored.delete()
        stored.pk = made.record_id
        return stored
    record = stored or model(id=made.record_id, workspace=made.workspace, version=0)  # type: ignore[misc]
    for name, value in (made.before or {}).items():
        field = next(f for f in model._meta.concrete_fields if f.attname == name)
        setattr(record, name, field.to_python(value) if not field.is_relation else _known(field, value))
    record.version += 1
    record.changed_by = user
    record.save()
    return record


def _known(field: Any, value: Any) -> Any:
    """A reference to a record that is still there; None otherwise."""
    return value if field.related_model._base_manager.filter(pk=value).exists() else None


def _plain(content: dict[str, Any]) -> Any:
    return json.loads(DjangoJSONEncoder().encode(content))


def _note(record: Kept, action: str, before: Any, after: Any, user: User | None) -> Change:
    return Change.objects.create(
        workspace=record.workspace,
        record=type(record).__name__.lower(),
        record_id=record.pk,
        title=str(record)[:200],
        action=action,
        before=before,
        after=after,
        user=user,
    )
