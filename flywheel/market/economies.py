"""Economies by their two letters: names in the reader's language, and the code behind what a person types."""

from collections.abc import Iterator, Mapping

from django import forms
from django.utils.translation import gettext as _

from flywheel.accounts.models import Workspace
from flywheel.accounts.templatetags.formats import reader_locale
from flywheel.facts.models import Market
from flywheel.intake.cells import BadCellError, Reading
from flywheel.intake.countries import country
from flywheel.market import indicators

LONGEST = 60  # characters of a market's code
_TYPED = Reading("UTC", "UTC", b"")


class Names(Mapping[str, str]):
    """Market code -> the workspace's own name for it, else the economy's in the reader's language, else the code."""

    def __init__(self, workspace: Workspace) -> None:
        named = Market.objects.filter(workspace=workspace).exclude(name="")
        self._own = dict(named.values_list("code", "name"))
        self._territories = reader_locale().territories

    def __getitem__(self, code: str) -> str:
        return self._own.get(code) or str(self._territories.get(code, code))

    def __iter__(self) -> Iterator[str]:
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


class Typed:
    """Reads what a person types as a market: its code, or its name in any of several languages."""

    def __init__(self, workspace: Workspace) -> None:
        self._known = frozenset(known_codes(workspace))
        self._own = {name.casefold(): code for code, name in Names(workspace).items()}
        shown = reader_locale().territories
        self._shown = {str(name).casefold(): code for code, name in shown.items() if code in self._known}

    def code(self, text: str) -> str:
        """The market's code; raises forms.ValidationError when nothing here is called so."""
        typed = text.strip()
        if typed in self._known:
            return typed
        named = self._own.get(typed.casefold()) or self._shown.get(typed.casefold())
        code = named or self._country(typed)
        if code not in self._known:
            raise forms.ValidationError(
                _("“%(text)s” is no market or country that is known here."), params={"text": typed[:80]}
            )
        return code

    def _country(self, typed: str) -> str:
        try:
            return country(typed, _TYPED, LONGEST)
        except BadCellError:
            return ""
