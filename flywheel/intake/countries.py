"""Countries by their codes and names in several languages, to the two letters of ISO 3166."""

import unicodedata
from functools import lru_cache

from babel import Locale
from babel.core import get_global

from flywheel.intake.cells import Reading, limited
from flywheel.intake.spellings import COUNTRIES

LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "zh", "zh_Hant", "ja")


def country(cell: str, reading: Reading, longest: int) -> str:
    """A country's two capitals; a text that is no known country stays as it is, at most `longest` characters."""
    known = _codes().get(_folded(cell))
    if known is None and len(cell) == 2 and cell.isascii() and cell.isalpha():
        known = cell.upper()
    return known or limited(cell, longest)


@lru_cache(maxsize=1)
def _codes() -> dict[str, str]:
    """Two capitals by folded name, code of three letters, or other code that means one country."""
    codes: dict[str, str] = {}
    for language in LANGUAGES:
        codes |= {_folded(name): code for code, name in Locale.parse(language).territories.items() if _is_code(code)}
    for alias, replacements in get_global("territory_aliases").items():
        if alias.isalpha() and len(replacements) == 1 and _is_code(replacements[0]):
            codes.setdefault(_folded(alias), replacements[0])
    return codes | {_folded(name): code for name, code in COUNTRIES.items()}


def _is_code(code: str) -> bool:
    return len(code) == 2 and code.isalpha()


def _folded(name: str) -> str:
    """A name in small letters, without accents, points, dashes and an article."""
    letters = unicodedata.normalize("NFKD", name.casefold().removeprefix("the ").replace("&", "and"))
    return "".join(letter for letter in letters if letter.isalnum())
