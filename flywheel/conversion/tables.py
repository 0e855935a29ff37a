"""What the files of this room are made of: columns and rows, a result with its interval and sample."""

from django.utils.translation import gettext as _

from engines.results import Estimate, Result
from flywheel.accounts.sheets import Cell

Table = tuple[list[str], list[list[Cell]]]


def limits(name: str) -> list[str]:
    """The headings of a result's four columns."""
    named = {"name": name}
    return [name, _("%(name)s, lower limit") % named, _("%(name)s, upper limit") % named, _("%(name)s, sample") % named]


def parts(result: Result | None) -> list[Cell]:
    """A result's value, interval and sample; what is not available is empty."""
    return [result.value, result.low, result.high, result.n] if isinstance(result, Estimate) else [None] * 4
