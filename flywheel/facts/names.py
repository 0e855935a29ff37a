"""What markets and channels are called: by their own names, or by plain words in the reader's language."""

from functools import cache

from babel import Locale
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from flywheel.accounts.templatetags.formats import reader_locale

_PLAIN_CHANNELS: dict[str, Promise] = {
    "direct": _("Direct"),
    "email": _("E-mail"),
    "e-mail": _("E-mail"),
    "referral": _("Referral"),
    "affiliate": _("Affiliate"),
    "affiliates": _("Affiliates"),
}  # words, not brands: these have a translation


def market_name(code: str, name: str) -> str:
    """A market's own name, or its code; a country's plain name is told in the reader's language.

    A code alone says nothing: AL is a state of Brazil to one shop, and Albania to another.
    """
    return country_name(code) if name in _country_names(code) else name or code


def country_name(code: str) -> str:
    """What the country is called in the reader's language; the code where it is no country's."""
    return str(reader_locale().territories.get(code, code))


@cache
def _country_names(code: str) -> frozenset[str]:
    """What the country is called in the languages of the pages; empty for a code of no country."""
    locales = (Locale.parse(language) for language in ("en", "zh_CN"))
    return frozenset(str(locale.territories[code]) for locale in locales if code in locale.territories)


def channel_name(code: str, name: str) -> str:
    """A channel's own name, or its code; a plain word is told in the reader's language."""
    shown = name or code
    return str(_PLAIN_CHANNELS.get(shown.casefold(), shown))
