"""What the files of this room are made of: columns and rows, a result with its interval and sample."""

from django.utils.translation import gettext as _

from engines.results import Estimate, Result
from flywheel.accounts.sheets import Cell

Table = tuple[list[str], list[list[Cell]]]


def limits(name: str) -> list[str]:
    """The headings of a result's four columns."""
    return [name, *(f"{name}, {part}" for part in (_("lower limit"), _("upper limit"), _("sample")))]


def parts(result: Result | None) -> list[Cell]:
    """A result's value, interval and sample; what is not available is empty."""
    return [result.value, result.low, result.high, result.n] if isinstance(result, Estimate) else [None] * 4
