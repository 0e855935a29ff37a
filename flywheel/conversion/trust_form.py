"""The bundled checklist of one market as one form; only what was changed is stored."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.http import QueryDict

from flywheel.accounts import records
from flywheel.accounts.models import User, Workspace
from flywheel.conversion.checklist import ITEMS
from flywheel.conversion.models import TrustItem
from flywheel.diagnosis.registers import KeptForm
from flywheel.facts.calendar import today


class ItemForm(KeptForm):
    """A row: how one bundled item stands in the market."""

    class Meta:
        model = TrustItem
        fields = ("state", "since", "evidence")

    @property
    def is_changed(self) -> bool:
        """Whether a person changed anything."""
        return any(name != "seen" for name in self.changed_data)


class Checklist:
    """The rows of one market, with what a person posted."""

    def __init__(self, workspace: Workspace, market: str, posted: QueryDict | None = None) -> None:
        self.workspace, self.market = workspace, market
        stored = {i.item: i for i in TrustItem.objects.filter(workspace=workspace, market=market).exclude(item="")}
        self.forms = [self._form(key, stored.get(key), posted) for key in ITEMS]

    def _form(self, key: str, stored: TrustItem | None, posted: Mapping[str, Any] | None) -> ItemForm:
        item = ITEMS[key]
        instance = stored or TrustItem(workspace=self.workspace, market=self.market, item=key, group=item.group)
        return ItemForm(self.workspace, posted, instance=instance, prefix=key)

    @property
    def groups(self) -> list[dict[str, Any]]:
        """The rows by group."""
        return [
            {"label": label, "rows": [{"form": f, "words": ITEMS[f.instance.item].words} for f in self.forms
                                      if f.instance.group == key]}
            for key, label in TrustItem.Group.choices
        ]  # fmt: skip

    def is_valid(self) -> bool:
        """Whether every row is right."""
        return not [form for form in self.forms if not form.is_valid()]  # every row is looked at

    def save(self, user: User) -> int:
        """Store the rows that differ; how many. Raises records.StaleError, and then stores none."""
        changed = [form for form in self.forms if form.is_changed]
        with transaction.atomic():
            for form in changed:
                record = form.record()
                form.instance.checked_on = today(self.workspace)
                (records.change if record.pk else records.add)(record, user)
        return len(changed)
