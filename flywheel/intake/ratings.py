"""Ratings as shops, help desks and surveys write them: stars, the 0 to 10 of a recommendation, satisfaction."""

import re

from flywheel.intake.cells import BadCellError, Reading
from flywheel.intake.numbers import MAX_LENGTH, as_ascii, number
from flywheel.intake.spellings import NOT_RATED, SATISFACTION
from flywheel.intake.vocabulary import plain

_STARS = re.compile("(?P<given>[★⭐\ufe0f]+)[☆✩\ufe0f]*")
_OUT_OF = re.compile(
    r"(?P<given>[0-9.,]+)\s*(?:/|out of|of|von|sur|de|di|su|van|av|z|из)\s*(?P<most>[0-9]+)(?:[.,]0)?(?:\s*\w+)?",
    re.IGNORECASE | re.ASCII,
)
_UNIT = re.compile(
    r"(?P<given>[0-9.,]+)\s*(?:stars?|sterne?|étoiles?|estrellas?|estrelas?|stell[ae]|ster(?:ren)?|颗?星|分|星级)",
    re.IGNORECASE,
)


def stars(cell: str, reading: Reading) -> str:
    """A rating from 1 to 5, also as `4/5`, "4 out of 5 stars" or the stars themselves."""
    drawn = _STARS.fullmatch(cell)
    if drawn:
        cell = str(len(drawn["given"].replace("\ufe0f", "")))
    text = number(_given(cell, 5, "stars"), reading, "stars")
    if not 1 <= float(text) <= 5:
        raise BadCellError("stars")
    return text


def score(cell: str, reading: Reading) -> str:
    """How likely somebody is to recommend: a whole number from 0 to 10."""
    text = number(_given(cell, 10, "score"), reading, "score")
    if "." in text or int(text) > 10:
        raise BadCellError("score")
    return text


def satisfaction(cell: str, reading: Reading) -> str:
    """A help desk's satisfaction rating from 1 to 5, or its words: good is 5, bad is 1, one only offered is none."""
    word = plain(cell)
    if word in NOT_RATED:
        return ""
    return SATISFACTION.get(word) or _satisfaction_number(cell, reading)


def _satisfaction_number(cell: str, reading: Reading) -> str:
    try:
        return stars(cell, reading)
    except BadCellError:
        raise BadCellError("csat") from None


def _given(cell: str, most: int, code: str) -> str:
    """The rating itself, without "out of 5" or its unit; raises BadCellError where it is out of another number."""
    if len(cell) > MAX_LENGTH:
        raise BadCellError(code)
    cell = as_ascii(cell)
    compared = _OUT_OF.fullmatch(cell)
    if compared and int(compared["most"]) != most:
        raise BadCellError(code)
    found = compared or _UNIT.fullmatch(cell)
    return found["given"] if found else cell
