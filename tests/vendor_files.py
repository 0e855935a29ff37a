"""Vendors' files as tests write them, read by their header."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from flywheel.accounts.models import Workspace
from flywheel.intake.formats import FORMATS
from flywheel.intake.models import Batch
from flywheel.intake.plans import Plan
from tests.builders import Row, csv_file, load_plan

Plans = Sequence[Plan]


def plans_of(slug: str, header: Sequence[str], preamble: Sequence[str] = ()) -> Plans:
    plans = FORMATS[slug].plans(header, preamble)
    assert plans, f"{slug} does not know this header"
    return plans


def read(
    workspace: Workspace,
    folder: Path,
    slug: str,
    rows: Sequence[Row],
    preamble: Sequence[str] = (),
    constants: Mapping[str, str] | None = None,
    options: Mapping[str, str] | None = None,
) -> Batch:
    """Load rows as the export that `slug` names, with what a person adds to its plans."""
    path = csv_file(folder, rows, f"{slug}-{Batch.objects.count()}.csv")
    plans = [
        replace(plan, constants={**plan.constants, **(constants or {})}, options={**plan.options, **(options or {})})
        for plan in plans_of(slug, list(rows[0]), preamble)
    ]
    batch = load_plan(workspace, path, plans, slug)
    assert batch.state == Batch.State.LOADED, list(batch.errors.values_list("line", "column", "value", "code"))
    return batch
