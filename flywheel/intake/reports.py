"""What became of a batch, in lines of text: for the terminal, and for the file beside a watched one."""

from django.utils.translation import gettext as _

from flywheel.intake.batches import bad_rows_path
from flywheel.intake.models import Batch, RowError
from flywheel.intake.words import expected, note


def report(batch: Batch) -> list[str]:
    """The outcome of a batch that is over and all that is wrong with its file, in the active language."""
    return outcome(batch) + problems(batch)


def outcome(batch: Batch) -> list[str]:
    """Counts and remarks; or that nothing was loaded."""
    if batch.loaded_at:
        return [_loaded(batch), *(f"  {note(code, count)}" for code, count in batch.notes.items())]
    if batch.state == Batch.State.REJECTED:
        words = {"file": batch.file_name, "rows": f"{batch.rejected:,}"}
        return [_("%(file)s: nothing loaded, %(rows)s bad rows") % words]
    reason = batch.job.error if batch.job else batch.shown_state_label
    return [_("%(file)s: could not be loaded: %(reason)s") % {"file": batch.file_name, "reason": reason}]


def problems(batch: Batch) -> list[str]:
    """Every error that is kept, by line, column, value and what was expected."""
    lines = [f"  {_sentence(error)}" for error in batch.errors.all()]
    if lines and batch.loaded_at:
        words = {"file": batch.file_name, "rows": f"{batch.rejected:,}"}
        lines.insert(0, _("%(file)s: %(rows)s bad rows left out") % words)
    if lines and (path := bad_rows_path(batch)).exists():
        lines.append("  " + _("The bad rows: %(path)s") % {"path": path})
    return lines


def _loaded(batch: Batch) -> str:
    counts = {name: f"{getattr(batch, name):,}" for name in ("rows", "added", "changed", "unchanged")}
    return _("%(file)s: %(rows)s rows as %(kind)s: %(added)s new, %(changed)s changed, %(unchanged)s unchanged") % {
        "file": batch.file_name,
        "kind": batch.kind,
        **counts,
    }


def _sentence(error: RowError) -> str:
    words = {
        "line": error.line,
        "column": error.column,
        "value": repr(error.value),
        "expected": expected(error.code, error.detail),
    }
    if error.column and error.value:
        return _("line %(line)s, %(column)s: %(value)s: expected %(expected)s") % words
    if error.column:
        return _("line %(line)s, %(column)s: expected %(expected)s") % words
    return _("line %(line)s: expected %(expected)s") % words
