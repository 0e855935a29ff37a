"""Records that people keep by hand: added, changed, deleted, and each of these taken back. Nothing leaves no trace.

A room makes its models of `Kept`, and one model `Change` of `KeptChange` for all of them. Every record carries a
version, so that of two people who change it at once the second is told and loses nothing.
"""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from django.apps import apps
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from flywheel.accounts.models import User, Workspace

NEWEST = 10  # changes that a page lists


class Kept(models.Model):
    """A record that people keep by hand."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    version = models.PositiveIntegerField(default=1, editable=False)
    changed_at = models.DateTimeField(auto_now=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    OWN: ClassVar[frozenset[str]] = frozenset({"id", "workspace", "version", "changed_at", "changed_by"})

    class Meta:
        abstract = True

    def content(self) -> dict[str, Any]:
        """What people entered: field -> plain value."""
        fields = [f for f in self._meta.concrete_fields if f.name not in self.OWN]
        return {f.attname: f.value_from_object(self) for f in fields}

    @classmethod
    def restored(cls, content: Mapping[str, Any]) -> Self:
        """A record as a change holds it, not stored."""
        known = {f.attname for f in cls._meta.concrete_fields}
        return cls(**{name: value for name, value in content.items() if name in known})

    @classmethod
    def differing(cls, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[str]:
        """What of a record was changed, in words; nothing where it was added or deleted whole."""
        if before is None or after is None:
            return []
        labels = {f.attname: str(f.verbose_name) for f in cls._meta.concrete_fields}
        return [labels[name] for name, value in after.items() if name in labels and value != before.get(name)]

    def told(self, names: Mapping[str, str]) -> str:
        """What people call it, in the reader's language (`names`: market code -> name)."""
        return str(self)


class KeptChange(models.Model):
    """Who changed which record when, what was there before and what after (None: nothing)."""

    class Action(models.TextChoices):
        ADDED = "added", _("added")
        CHANGED = "changed", _("changed")
        DELETED = "deleted", _("deleted")
        UNDONE = "undone", _("taken back")

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    record = models.CharField(max_length=32)  # the model's name
    record_id = models.BigIntegerField()
    title = models.CharField(max_length=200)
    action = models.CharField(max_length=8, choices=Action)
    before = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    after = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    undone = models.BooleanField(default=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.record} {self.title} {self.action}"


class StaleError(Exception):
    """Somebody else has changed or deleted the record since it was opened."""


class UndoError(Exception):
    """A change that cannot be taken back; the message says why, in words for people."""


def add(record: Kept, user: User | None) -> KeptChange:
    """Store a new record."""
    with transaction.atomic():
        record.changed_by = user
        record.save()
        record.refresh_from_db()  # as the database holds it: 100 is 100.00
        return _note(record, KeptChange.Action.ADDED, None, record.content(), user)


def change(record: Kept, user: User | None) -> KeptChange:
    """Store a changed record, whose `version` is the one that was opened; raises StaleError."""
    with transaction.atomic():
        before = _held(record)
        record.version += 1
        record.changed_by = user
        record.save()
        record.refresh_from_db()
        return _note(record, KeptChange.Action.CHANGED, before.content(), record.content(), user)


def delete(record: Kept, user: User | None) -> KeptChange:
    """Delete a record as it was opened; raises StaleError."""
    with transaction.atomic():
        before = _held(record)
        key = record.pk
        record.delete()
        record.pk = key
        return _note(record, KeptChange.Action.DELETED, before.content(), None, user)


def undo(made: KeptChange, user: User | None) -> KeptChange:
    """Take a change back, and note that; raises UndoError when something was built on it or has taken its place."""
    try:
        with transaction.atomic():
            if not type(made)._base_manager.select_for_update().filter(pk=made.pk, undone=False).exists():
                raise UndoError(_("It has been taken back already."))
            record = _undone(made, user)
            type(made)._base_manager.filter(pk=made.pk).update(undone=True)
            return _note(record, KeptChange.Action.UNDONE, made.after, made.before, user)
    except IntegrityError as problem:
        raise UndoError(_("Another record has taken its place.")) from problem


def _held(record: Kept) -> Kept:
    """The stored record, locked, if it is still the one that was opened."""
    stored = type(record)._base_manager.select_for_update().filter(pk=record.pk, version=record.version).first()
    if stored is None:
        raise StaleError
    return stored


def _undone(made: KeptChange, user: User | None) -> Kept:
    model: type[Kept] = apps.get_model(made._meta.app_label, made.record)
    stored = model._base_manager.select_for_update().filter(workspace=made.workspace, pk=made.record_id).first()
    if (None if stored is None else _plain(stored.content())) != made.after:
        raise UndoError(_("It has been changed since. Take back the later change first."))
    if made.before is None and stored is not None:
        stored.delete()
        stored.pk = made.record_id
        return stored
    record = stored or model(workspace=made.workspace, version=_changes_of(made))
    record.pk = made.record_id
    for name, value in (made.before or {}).items():
        field = next(f for f in model._meta.concrete_fields if f.attname == name)
        setattr(record, name, _known(field, value) if field.is_relation else field.to_python(value))
    record.version += 1
    record.changed_by = user
    record.save()
    return record


def _changes_of(made: KeptChange) -> int:
    """How often its record was changed: no version of a record that comes back was seen by anybody before."""
    same = {"workspace": made.workspace, "record": made.record, "record_id": made.record_id}
    return type(made)._base_manager.filter(**same).count()


def _known(field: Any, value: Any) -> Any:
    """A reference to a record that is still there; None otherwise."""
    return value if field.related_model._base_manager.filter(pk=value).exists() else None


def _plain(content: dict[str, Any]) -> Any:
    return json.loads(DjangoJSONEncoder().encode(content))


def _note(record: Kept, action: str, before: Any, after: Any, user: User | None) -> KeptChange:
    changes: type[KeptChange] = apps.get_model(record._meta.app_label, "Change")
    return changes._base_manager.create(
        workspace=record.workspace,
        record=str(record._meta.model_name),
        record_id=record.pk,
        title=str(record)[:200],
        action=action,
        before=before,
        after=after,
        user=user,
    )
