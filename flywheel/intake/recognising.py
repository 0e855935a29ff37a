"""Which facts a file holds and how it is read: by saved mappings, the formats of well-known programs, or its header."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from flywheel.accounts.models import Workspace
from flywheel.facts.models import Source
from flywheel.intake.formats import FORMATS
from flywheel.intake.kinds import KINDS
from flywheel.intake.models import Mapping
from flywheel.intake.plans import Plan, by_header
from flywheel.intake.reading import opened
from flywheel.intake.samples import READ_ROWS

TELLING = 3  # columns by which a kind of data is recognised
SIMILAR = 0.8  # of two headers: "Order date" and "Order Date (UTC)" are, "Order date" and "Order state" are not


@dataclass(frozen=True)
class Guess:
    """The likeliest plans for a file, one per kind of fact.

    `name`: the saved mapping or the format they came from ('' for none). `source`: where the mapping's files come from.
    `renamed`: headers of the mapping that are gone -> those taken in their place, for a person to look at.
    """

    plans: tuple[Plan, ...]
    name: str = ""
    source: Source | None = None
    is_saved: bool = False
    renamed: tuple[tuple[str, str], ...] = ()
    is_unclear: bool = False

    @property
    def explained(self) -> int:
        """How many of the file's columns are read."""
        return len({column for plan in self.plans for column in plan.columns.values()})


def known_names(workspace: Workspace) -> list[str]:
    """The names that `guess` can be asked for: the workspace's own mappings and the formats."""
    own = Mapping.objects.filter(workspace=workspace).values_list("slug", flat=True)
    return sorted({*own, *FORMATS})


def first_guess(workspace: Workspace, path: Path, kind: str = "", name: str = "", source: str = "") -> Guess | None:
    """How a file is to be read: by the mapping or format `name`, or as `guess` says; None when its header fits nothing.

    `source`: the slug of the source it comes from, where that is known. Raises FileProblemError when the file cannot be
    read, KeyError for an unknown name.
    """
    with opened(path, chunk_rows=READ_ROWS) as table:
        next(table.chunks, None)  # what is wrong with the first rows is told now
        return guess(workspace, table.header, table.preamble, kind, name, source)


def guess(
    workspace: Workspace,
    header: Sequence[str],
    preamble: Sequence[str] = (),
    kind: str = "",
    name: str = "",
    source: str = "",
) -> Guess | None:
    """The plans that fit the header best: most of its columns explained.

    A saved mapping all of whose columns are there wins a tie, then a format, then the kind with the fewest blanks.
    `kind` narrows the choice to that kind, which then always gives a plan, however little of it fits. `name` asks for a
    saved mapping or a format; raises KeyError for an unknown one. `source` (a slug) leaves out mappings that were saved
    for another one; without it, mappings of several sources that fit alike are no guess but a question (`is_unclear`).
    """
    if name:
        return _named(workspace, header, preamble, name)
    known = Mapping.objects.filter(workspace=workspace).select_related("source")
    saved = [_by_mapping(mapping) for mapping in known if not source or mapping.is_for(source)]
    whole = [one for one in saved if _is_whole(one, header)]
    formats = [Guess(known.plans(header, preamble), slug) for slug, known in FORMATS.items()]
    fitting = [one for one in (*whole, *formats) if one.plans and kind in ("", one.plans[0].kind.slug)]
    generic = [Guess((by_header(known, header),)) for known in KINDS.values() if kind in ("", known.slug)]
    complete = [one for one in generic if kind or (not one.plans[0].missing and _is_telling(one, header))]
    best = max([*fitting, *complete], key=_fit, default=None)
    if best and len({one.source for one in whole if _fit(one)[0] == best.explained and best.is_saved}) > 1:
        return replace(best, is_unclear=True)
    nearly = _nearly(saved, header, kind)
    return nearly if nearly and (best is None or (not best.name and nearly.explained >= best.explained)) else best


def _named(workspace: Workspace, header: Sequence[str], preamble: Sequence[str], name: str) -> Guess:
    own = Mapping.objects.filter(workspace=workspace, slug=name).select_related("source").first()
    if own:
        wanted = _by_mapping(own)
        return wanted if _is_whole(wanted, header) else _mended(wanted, header)
    known = FORMATS[name]
    return Guess(known.plans(header, preamble) or known.plans([column.name for column in known.columns]), name)


def _by_mapping(mapping: Mapping) -> Guess:
    return Guess(mapping.as_plans, mapping.slug, mapping.source, is_saved=True)


def _fit(guessed: Guess) -> tuple[int, bool, bool, float]:
    plan = guessed.plans[0]
    return guessed.explained, guessed.is_saved, bool(guessed.name), len(plan.columns) / len(plan.kind.columns)


def _is_telling(guessed: Guess, header: Sequence[str]) -> bool:
    """Whether more of the header is read than any table might have: three columns, or all of a narrower one."""
    return guessed.explained >= min(TELLING, len(header))


def _is_whole(guessed: Guess, header: Sequence[str]) -> bool:
    there = _readable(guessed, header)
    return all(column in there for plan in guessed.plans for column in plan.columns.values())


def _readable(guessed: Guess, header: Sequence[str]) -> set[str]:
    """The file's headers and those that the plans' formats make of them."""
    from flywheel.intake.shaping import made_headers

    return {*header, *(made for plan in guessed.plans for made in made_headers(plan, header))}


# --- headers that were renamed --------------------------------------------------------------------------------------
def _nearly(saved: list[Guess], header: Sequence[str], kind: str) -> Guess | None:
    """The saved mapping that fits but for a few headers with new names, those filled in by the likeliest."""
    mended = [_mended(one, header) for one in saved if kind in ("", one.plans[0].kind.slug)]
    fitting = [one for one in mended if 0 < 2 * len(one.renamed) <= one.explained and _is_whole(one, header)]
    return max(fitting, key=_fit, default=None)


def _mended(guessed: Guess, header: Sequence[str]) -> Guess:
    """The guess with each header that is gone replaced by the likeliest new one, where there is one."""
    there = _readable(guessed, header)
    renamed: dict[str, str] = {}
    plans = []
    for plan in guessed.plans:
        free = [name for name in header if name not in plan.columns.values()]
        for field, column in plan.columns.items():
            if column not in there and column not in renamed and (new := _likeliest(plan, field, column, free)):
                renamed[column] = new
                free.remove(new)
        columns = {field: renamed.get(column, column) for field, column in plan.columns.items()}
        plans.append(replace(plan, columns=columns))
    return replace(guessed, plans=tuple(plans), renamed=tuple(renamed.items()))


def _likeliest(plan: Plan, field: str, column: str, free: Sequence[str]) -> str:
    """The free header that the field knows by name, or the one spelled most like the one that is gone; '' for none."""
    known = by_header(plan.kind, free).columns.get(field, "")
    return known or next(iter(get_close_matches(column, free, n=1, cutoff=SIMILAR)), "")
