"""What has been changed in the room of late, in words: which record, which parts of it."""

from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from flywheel.accounts import records
from flywheel.accounts.models import Workspace
from flywheel.market import models
from flywheel.market.economies import Names
from flywheel.market.models import Change

RECORDS: dict[str, type[Model]] = {
    model.__name__.lower(): model
    for model in (models.ScoringModel, models.OwnOffer, models.RoadmapEntry, models.ContentAsset, models.Partner)
}
DOCUMENT_PARTS = {
    "dimensions": _("dimensions and bounds"),
    "weights": _("weights"),
    "markets": _("markets"),
    "pairs": _("judgements"),
    "min_coverage": _("least known weight"),
    "min_score": _("score of the first gate"),
    "top": _("how many lead"),
}  # of a scoring model


def newest(workspace: Workspace, record: str, record_id: int | None = None) -> list[Change]:
    """The newest changes of one kind of record, or of one record."""
    found = Change.objects.filter(workspace=workspace, record=record).select_related("user")
    found = found.filter(record_id=record_id) if record_id else found
    listed, names = list(found[: records.NEWEST]), Names(workspace)
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
