"""Markets by their codes: names in the reader's language, and the code behind what a person types."""

from collections.abc import Iterable, Iterator, Mapping

from django import forms
from django.utils.translation import gettext as _

from flywheel.accounts.models import Workspace
from flywheel.accounts.templatetags.formats import reader_locale
from flywheel.facts.models import Market
from flywheel.facts.names import country_name
from flywheel.intake.cells import BadCellError, Reading
from flywheel.intake.countries import country

LONGEST = 60  # characters of a market's code
_TYPED = Reading("UTC", "UTC", b"")


class Names(Mapping[str, str]):
    """Market code -> the workspace's own name for it, else the economy's in the reader's language, else the code."""

    def __init__(self, workspace: Workspace) -> None:
        named = Market.objects.filter(workspace=workspace).exclude(name="")
        self._own = {market.code: str(market) for market in named}

    def __getitem__(self, code: str) -> str:
        return self._own.get(code) or country_name(code)

    def __iter__(self) -> Iterator[str]:
        return iter(self._own)

    def __len__(self) -> int:
        return len(self._own)


def own_codes(workspace: Workspace) -> list[str]:
    """The workspace's markets, sorted."""
    return sorted(Market.objects.filter(workspace=workspace).exclude(code="").values_list("code", flat=True))


class Typed:
    """Reads what a person types as one of the markets `codes`: its code, or its name in any of several languages."""

    def __init__(self, workspace: Workspace, codes: Iterable[str]) -> None:
        self.names = Names(workspace)
        self._known = frozenset(codes)
        shown = reader_locale().territories
        self._shown = {str(name).casefold(): code for code, name in shown.items() if code in self._known}
        self._own = {name.casefold(): code for code, name in self.names.items() if code in self._known}

    def code(self, text: str) -> str:
        """The market's code; raises forms.ValidationError when nothing here is called so."""
        typed = text.strip()
        if typed in self._known:
            return typed
        code = self._named(typed) or self._country(typed)
        if code not in self._known:
            raise forms.ValidationError(
                _("“%(text)s” is no market or country that is known here."), params={"text": typed[:80]}
            )
        return code

    def name(self, code: str) -> str:
        """What to show and offer for a code: its name, or the code itself where another market has that name too."""
        name = self.names[code]
        return name if self._named(name) == code else code

    def offered(self) -> list[str]:
        """What can be typed, by name."""
        return sorted(map(self.name, self._known))

    def _named(self, typed: str) -> str | None:
        return self._own.get(typed.casefold()) or self._shown.get(typed.casefold())

    def _country(self, typed: str) -> str:
        try:
            return country(typed, _TYPED, LONGEST)
        except BadCellError:
            return ""
