"""Which kind of fact a file holds, and how it is to be read: by saved mappings, those of the product, or its header."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flywheel.accounts.models import Workspace
from flywheel.intake.kinds import KINDS
from flywheel.intake.library import LIBRARY
from flywheel.intake.models import Mapping
from flywheel.intake.plans import Plan, by_header, plan_of
from flywheel.intake.samples import preview


@dataclass(frozen=True)
class Guess:
    """The likeliest plan for a file, and the saved mapping it came from ('' for none)."""

    plan: Plan
    mapping: str = ""


def saved_plans(workspace: Workspace) -> dict[str, Plan]:
    """Every mapping by name: the workspace's own, which win, and those that come with the product."""
    own = {
        mapping.slug: plan_of(
            mapping.kind,
            {
                "columns": mapping.columns,
                "constants": mapping.constants,
                "values": mapping.values,
                "options": mapping.options,
            },
        )
        for mapping in Mapping.objects.filter(workspace=workspace)
    }
    return own | {name: plan for name, plan in LIBRARY.items() if name not in own}


def first_plan(workspace: Workspace, path: Path, kind: str = "", mapping: str = "") -> Plan | None:
    """How a file is to be read: by the saved mapping, or as `guess` says; None when its header fits no kind.

    The encoding and delimiter that were found become part of the plan, so that they are looked for once. Raises
    FileProblemError when the file cannot be read, KeyError for an unknown mapping.
    """
    chosen = saved_plans(workspace)[mapping] if mapping else None
    seen = preview(path, chosen)
    if chosen is None:
        guessed = guess(workspace, seen.header, kind)
        chosen = guessed.plan if guessed else None
    return chosen and chosen.read_as(seen.format)


def guess(workspace: Workspace, header: Sequence[str], kind: str = "") -> Guess | None:
    """The plan that fits the header best: a saved mapping all of whose columns are there, else the kind it names.

    `kind` narrows the choice to that kind, which then always gives a plan, however little of it fits.
    """
    fitting = [
        Guess(plan, name)
        for name, plan in saved_plans(workspace).items()
        if kind in ("", plan.kind.slug) and set(plan.columns.values()) <= set(header)
    ]
    candidates = [by_header(known, header) for known in KINDS.values() if kind in ("", known.slug)]
    complete = [Guess(plan) for plan in candidates if kind or _is_complete(plan)]
    # most columns of the file explained; a saved mapping wins a tie, and of kinds the one with the fewest blanks
    return max([*fitting, *complete], key=_fit, default=None)


def _fit(guessed: Guess) -> tuple[int, bool, float]:
    plan = guessed.plan
    return len(plan.columns), bool(guessed.mapping), len(plan.columns) / len(plan.kind.columns)


def _is_complete(plan: Plan) -> bool:
    return all(column.name in plan.columns for column in plan.kind.required)
