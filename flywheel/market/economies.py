"""Economies by their two letters: names in the reader's language, and the code behind what a person types."""

from collections.abc import Mapping

from django import forms
from django.utils.translation import gettext as _

from flywheel.accounts.models import Workspace
from flywheel.accounts.templatetags.formats import reader_locale
from flywheel.diagnosis.flywheel_page import place_names
from flywheel.facts.models import Market
from flywheel.intake.cells import BadCellError, Reading
from flywheel.intake.countries import country
from flywheel.market import indicators

LONGEST = 60  # characters of a market's code
_TYPED = Reading("UTC", "UTC", b"")


class Names(Mapping[str, str]):
    """Market code -> the workspace's own name for it, else the economy's in the reader's language, else the code."""

    def __init__(self, workspace: Workspace) -> None:
        self._own = {code: name for code, name in place_names(workspace)["market"].items() if name and name != code}
        self._territories = reader_locale().territories

    def __getitem__(self, code: str) -> str:
        return self._own.get(code) or str(self._territories.get(code, code))

    def __iter__(self):
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)


def known_codes(workspace: Workspace) -> list[str]:
    """The markets that may be screened: those of the workspace and every economy of the table, sorted."""
    own = Market.objects.filter(workspace=workspace).values_list("code", flat=True)
    return sorted({*own, *indicators.economies()} - {""})


def choices(workspace: Workspace, codes: list[str] | None = None) -> list[tuple[str, str]]:
    """(code, name) of `codes`, of all known ones without; by name."""
    names = Names(workspace)
    shown = [(code, names[code]) for code in (known_codes(workspace) if codes is None else codes)]
    return sorted(shown, key=lambda pair: pair[1])


def typed_code(workspace: Workspace, text: str) -> str:
    """The market's code behind a code or a name in any of several languages; raises forms.ValidationError."""
    try:
        code = country(text.strip(), _TYPED, LONGEST)
    except BadCellError:
        code = ""
    known = set(known_codes(workspace))
    if code in known:
        return code
    if text.strip() in known:
        return text.strip()
    by_name = {name.casefold(): code for code, name in Names(workspace).items()}
    if found := by_name.get(text.strip().casefold()):
        return found
    raise forms.ValidationError(_("“%(text)s” is no market or country that is known here."), params={"text": text[:80]})
