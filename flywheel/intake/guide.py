"""The page of the guide that lists every kind of data and its columns, docs/data.md: `manage.py describe_data`."""

from django.utils import translation

from flywheel.intake.kinds import KINDS, Kind
from flywheel.intake.kinds.headers import COMMON
from flywheel.intake.templates import Heading, template_of

HEAD = """# Data: what can be loaded
`manage.py describe_data` prints this page, and a test holds it complete.

Each kind of data has a template with two example rows, as CSV and as a workbook, on **Imports**. In English its header
holds the names below, in Chinese the Chinese labels. A header is recognised in any order, without regard to case,
hyphens and underscores, by the column's name, its label in either language, or one of the other names; files of other
layouts are mapped by hand once.

- A column that a file does not have is left alone, and a blank cell erases nothing that is known. Missing is not zero.
- The same record in a later file updates it. What makes it the same is said under each table, within one source.
- A column with a list of words takes their Chinese labels too, and what shops commonly call them; a mapping gives
  any other word a meaning.
- A market or channel that was not known before is added (Settings → Markets and channels gives it a name).
- Money is turned into the base currency by the rate of its day; a currency without a rate is an error.
- An e-mail address is never stored: only its keyed hash is, so that it still tells people apart.
"""


def page() -> str:
    """The whole page, in Markdown."""
    with translation.override("en"):
        return HEAD + "".join(map(_section, KINDS.values()))


def _section(kind: Kind) -> str:
    lines = [f"\n## {kind.label}", f"`{kind.slug}`: {kind.help}", ""]
    lines += ["| column | required | what it is | how it is written | other names |", "|---|---|---|---|---|"]
    lines += [_row(heading, kind) for heading in template_of(kind).headings]
    return "\n".join([*lines, "", _identity(kind), ""])


def _row(heading: Heading, kind: Kind) -> str:
    column = kind.by_name.get(heading.name)
    other = (*column.aliases, *COMMON.get(column.name, ())) if column else ()
    label = "" if heading.label == heading.header else f"{heading.label}."
    cells = (
        f"`{heading.header}`",
        "yes" if heading.required else "",
        " ".join(filter(None, (label, heading.help))),
        ": ".join(filter(None, (heading.form, ", ".join(f"`{word}`" for word in heading.words)))),
        ", ".join(dict.fromkeys(other)),
    )
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _identity(kind: Kind) -> str:
    """What makes two rows the same record."""
    parts = [_named(kind.key), *([_named(kind.key_otherwise)] if kind.key_otherwise else [])]
    repeats = " Equal rows are records of their own." if kind.repeats else ""
    return f"One record per {', else per '.join(parts)}.{repeats}"


def _named(names: tuple[str, ...]) -> str:
    return " × ".join(f"`{name}`" for name in names)
